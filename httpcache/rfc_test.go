package httpcache_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/httpcache"
)

const day = 24 * time.Hour

// TestLife walks RFC 9111 §4.2: for how long an answer is used without asking.
func TestLife(t *testing.T) {
	t.Parallel()
	date := "Date: " + start.Format(http.TimeFormat)
	in := func(name string, d time.Duration) string { return name + ": " + start.Add(d).Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		header []string
		status int
		ttl    func(*httpcache.Options)
		delay  time.Duration
		life   time.Duration // from when it came; -1: it is not kept
	}{
		"nothing said":                      {life: 5 * time.Minute},
		"max-age":                           {header: []string{"Cache-Control: max-age=100"}, life: 100 * time.Second},
		"max-age before Expires":            {header: []string{"Cache-Control: max-age=100", date, in("Expires", time.Hour)}, life: 100 * time.Second},
		"max-age of nothing":                {header: []string{"Cache-Control: max-age=0"}},
		"max-age, quoted":                   {header: []string{`Cache-Control: max-age="100"`}, life: 100 * time.Second},
		"max-age, spelled oddly":            {header: []string{"Cache-Control: PUBLIC,, Max-Age = 100 ,"}, life: 100 * time.Second},
		"max-age, on another line":          {header: []string{"Cache-Control: private", "Cache-Control: max-age=100"}, life: 100 * time.Second},
		"max-age, within a quoted argument": {header: []string{`Cache-Control: x="a, max-age=100"`}, life: 5 * time.Minute},
		"max-age twice":                     {header: []string{"Cache-Control: max-age=100, max-age=10"}, life: 10 * time.Second},
		"max-age is no number":              {header: []string{"Cache-Control: max-age=soon"}},
		"max-age is negative":               {header: []string{"Cache-Control: max-age=-100"}},
		"max-age without a number":          {header: []string{"Cache-Control: max-age"}},
		"a year":                            {header: []string{"Cache-Control: max-age=31536000, immutable"}, life: day},
		"longer than time":                  {header: []string{"Cache-Control: max-age=99999999999999999999999"}, life: day},
		"s-maxage is for others":            {header: []string{"Cache-Control: s-maxage=100, max-age=200"}, life: 200 * time.Second},
		"s-maxage alone":                    {header: []string{"Cache-Control: s-maxage=1"}, life: 5 * time.Minute},
		"private":                           {header: []string{"Cache-Control: private, max-age=100"}, life: 100 * time.Second},
		"proxy-revalidate is for others":    {header: []string{"Cache-Control: proxy-revalidate, max-age=100"}, life: 100 * time.Second},
		"must-revalidate":                   {header: []string{"Cache-Control: must-revalidate, max-age=100"}, life: 100 * time.Second},
		"Expires":                           {header: []string{date, in("Expires", time.Hour)}, life: time.Hour},
		"Expires by the server's clock":     {header: []string{in("Date", -day), in("Expires", -day+time.Hour)}, life: time.Hour},
		"Expires without Date":              {header: []string{in("Expires", time.Hour)}, life: time.Hour},
		"Expires in the past":               {header: []string{date, in("Expires", -time.Hour)}},
		"Expires is 0":                      {header: []string{date, "Expires: 0"}},
		"no-cache":                          {header: []string{"Cache-Control: no-cache, max-age=100"}},
		"no-cache for a header":             {header: []string{`Cache-Control: no-cache="X-A", max-age=100`}},
		"no-store":                          {header: []string{"Cache-Control: no-store, max-age=100"}, life: -1},
		"Pragma is for requests":            {header: []string{"Pragma: no-cache", "Cache-Control: max-age=100"}, life: 100 * time.Second},
		"Age":                               {header: []string{"Cache-Control: max-age=100", "Age: 40"}, life: 60 * time.Second},
		"Age beyond max-age":                {header: []string{"Cache-Control: max-age=100", "Age: 400"}},
		"Age is no number":                  {header: []string{"Cache-Control: max-age=100", "Age: x"}, life: 100 * time.Second},
		"Age is negative":                   {header: []string{"Cache-Control: max-age=100", "Age: -7"}, life: 100 * time.Second},
		"the time that the answer took":     {header: []string{"Cache-Control: max-age=100"}, delay: 30 * time.Second, life: 70 * time.Second},
		"a wrong Date does no harm":         {header: []string{"Cache-Control: max-age=100", in("Date", -1000*day)}, life: 100 * time.Second},
		"unchanged for long":                {header: []string{date, in("Last-Modified", -1000*day)}, life: 5 * time.Minute},
		"changed just now":                  {header: []string{date, in("Last-Modified", -100*time.Second)}, life: 10 * time.Second},
		"changed in the future":             {header: []string{date, in("Last-Modified", time.Hour)}},
		"configured":                        {header: []string{"Cache-Control: max-age=100"}, ttl: ttl(time.Hour), life: time.Hour},
		"configured, though no-cache":       {header: []string{"Cache-Control: no-cache"}, ttl: ttl(time.Hour), life: time.Hour},
		"configured, though no-store":       {header: []string{"Cache-Control: no-store"}, ttl: ttl(time.Hour), life: -1},
		"configured: never":                 {header: []string{"Cache-Control: max-age=100"}, ttl: ttl(0)},
		"not found":                         {status: 404, life: time.Minute},
		"gone":                              {status: 410, life: time.Minute},
		"not found, for a day":              {status: 404, header: []string{"Cache-Control: max-age=86400"}, life: time.Minute},
		"not found, for a moment":           {status: 404, header: []string{"Cache-Control: max-age=10"}, life: 10 * time.Second},
		"not found, configured":             {status: 404, ttl: ttl(time.Hour), life: time.Minute},
		"not found, no-store":               {status: 404, header: []string{"Cache-Control: no-store"}, life: -1},
		"moved for good":                    {status: 301, life: 5 * time.Minute},
		"moved for good, as it is":          {status: 308, header: []string{"Cache-Control: max-age=100"}, life: 100 * time.Second},
		"moved for now":                     {status: 302, life: -1},
		"moved for now, for a while":        {status: 307, header: []string{"Cache-Control: max-age=100"}, life: 100 * time.Second},
		"a part":                            {status: 206, header: []string{"Content-Range: bytes 0-2/9", "Cache-Control: max-age=100"}, life: -1},
		"nothing":                           {status: 204, header: []string{"Cache-Control: max-age=100"}, life: -1},
		"denied":                            {status: 401, header: []string{"Cache-Control: max-age=100"}, life: -1},
		"forbidden":                         {status: 403, header: []string{"Cache-Control: max-age=100"}, life: -1},
		"in trouble":                        {status: 500, header: []string{"Cache-Control: max-age=100"}, life: -1},
		"an unknown status":                 {status: 299, header: []string{"Cache-Control: max-age=100"}, life: -1},
		"a page of a proxy":                 {header: []string{"Content-Type: Text/HTML; charset=utf-8"}, life: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, dir := newOrigin(c.header...), t.TempDir()
			o.status, o.delay = c.status, c.delay
			options := []func(*httpcache.Options){}
			if c.ttl != nil {
				options = append(options, c.ttl)
			}
			asks := func(at time.Time) bool {
				t.Helper()
				before := len(o.asked)
				o.now = at
				if g := o.visitor(t, dir, options...).get(pantry.AskIfStale); g.err != nil || g.body != "one" {
					t.Fatalf("%+v", g)
				}
				return len(o.asked) > before
			}
			asks(start)
			came := o.now
			if c.life < 0 {
				if g := o.visitor(t, dir, options...).get(pantry.AskIfMissing); g.state != pantry.CacheNetwork && g.state != "" {
					t.Error("it was kept")
				}
				return
			}
			if c.life > 0 && asks(came.Add(c.life-time.Millisecond)) {
				t.Error("it was asked while the answer held")
			}
			if g := o.visitor(t, dir, options...).get(pantry.AskIfMissing); g.state == pantry.CacheNetwork {
				t.Error("it was not kept")
			}
			if !asks(came.Add(c.life)) {
				t.Error("it was not asked when the answer did not hold any more")
			}
		})
	}
}

// TestClock: a clock that was set back makes no answer immortal, and a little is no matter.
func TestClock(t *testing.T) {
	t.Parallel()
	for back, want := range map[time.Duration]pantry.CacheState{
		time.Second:     pantry.CacheFresh,
		365 * day:       pantry.CacheRevalidated,
		2 * time.Minute: pantry.CacheRevalidated,
	} {
		o, dir := newOrigin("Cache-Control: max-age=100", `ETag: "1"`), t.TempDir()
		o.visitor(t, dir).get(pantry.AskIfStale)
		o.now = start.Add(-back)
		g := o.visitor(t, dir).get(pantry.AskIfStale)
		if g.state != want || g.header.Get("Age") != "0" && want == pantry.CacheFresh {
			t.Errorf("back by %v: %s, Age %q, want %s", back, g.state, g.header.Get("Age"), want)
		}
	}
}

// TestAsking: what each question gets from each answer that is kept.
func TestAsking(t *testing.T) {
	t.Parallel()
	const fresh, stale = 0, 10 * time.Minute
	for name, c := range map[string]struct {
		how     pantry.Asking
		after   time.Duration
		request string
		changed bool
		want    pantry.CacheState
	}{
		"if stale, fresh":           {pantry.AskIfStale, fresh, "", true, pantry.CacheFresh},
		"if stale, stale":           {pantry.AskIfStale, stale, "", false, pantry.CacheRevalidated},
		"if stale, changed":         {pantry.AskIfStale, stale, "", true, pantry.CacheNetwork},
		"if stale, but no-cache":    {pantry.AskIfStale, fresh, "Cache-Control: no-cache", true, pantry.CacheNetwork},
		"if stale, but no-store":    {pantry.AskIfStale, fresh, "Cache-Control: no-store", true, ""},
		"again":                     {pantry.AskAgain, fresh, "", false, pantry.CacheRevalidated},
		"again, changed":            {pantry.AskAgain, fresh, "", true, pantry.CacheNetwork},
		"always":                    {pantry.AskAlways, fresh, "", false, pantry.CacheRevalidated},
		"always, changed":           {pantry.AskAlways, fresh, "", true, pantry.CacheNetwork},
		"if missing, stale":         {pantry.AskIfMissing, stale, "", true, pantry.CacheStale},
		"if missing, fresh":         {pantry.AskIfMissing, fresh, "", true, pantry.CacheFresh},
		"nobody, stale":             {pantry.AskNobody, stale, "", true, pantry.CacheStale},
		"nobody, no-cache":          {pantry.AskNobody, fresh, "Cache-Control: no-cache", true, pantry.CacheFresh},
		"a part":                    {pantry.AskIfMissing, fresh, "Range: bytes=0-1", true, ""},
		"with a condition":          {pantry.AskIfMissing, fresh, `If-None-Match: "0"`, true, ""},
		"with an own authorization": {pantry.AskIfMissing, fresh, "Authorization: Bearer x", true, ""},
		"with a cookie":             {pantry.AskIfMissing, fresh, "Cookie: a=b", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, dir := newOrigin(`ETag: "1"`), t.TempDir()
			o.visitor(t, dir).get(pantry.AskIfStale)
			o.now = o.now.Add(c.after)
			want := "one"
			if c.changed {
				o.body = "two"
				o.header.Set("ETag", `"2"`)
				if c.want == pantry.CacheNetwork || c.want == "" {
					want = "two"
				}
			}
			var header []string
			if c.request != "" {
				header = []string{c.request}
			}
			g := o.visitor(t, dir).get(c.how, header...)
			if g.err != nil || g.body != want || g.state != c.want || g.status != http.StatusOK {
				t.Errorf("got %+v, want %q, %s", g, want, c.want)
			}
		})
	}
}

// TestValidators walks RFC 9111 §4.3: what is asked about, and what word that nothing has changed does.
func TestValidators(t *testing.T) {
	t.Parallel()
	modified := "Last-Modified: " + start.Add(-day).Format(http.TimeFormat)
	for name, c := range map[string]struct {
		header    []string
		tag, date bool // are sent
		want      pantry.CacheState
	}{
		"a tag":        {[]string{`ETag: "1"`}, true, false, pantry.CacheRevalidated},
		"a weak tag":   {[]string{`ETag: W/"1"`}, true, false, pantry.CacheRevalidated},
		"a date":       {[]string{modified}, false, true, pantry.CacheRevalidated},
		"both":         {[]string{`ETag: "1"`, modified}, true, true, pantry.CacheRevalidated},
		"none of them": {nil, false, false, pantry.CacheNetwork},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, dir := newOrigin(c.header...), t.TempDir()
			o.visitor(t, dir).get(pantry.AskIfStale)
			o.now = o.now.Add(time.Hour)
			g := o.visitor(t, dir).get(pantry.AskIfStale)
			sent := o.asked[1]
			if g.state != c.want || (sent.Get("If-None-Match") != "") != c.tag || (sent.Get("If-Modified-Since") != "") != c.date {
				t.Errorf("%+v after %v", g, sent)
			}
		})
	}
}

// TestConfirmed: word that nothing has changed brings news of everything but the body.
func TestConfirmed(t *testing.T) {
	t.Parallel()
	o, dir := newOrigin(`ETag: "1"`, "Cache-Control: max-age=10", "Content-Type: application/json", "X-A: old", "X-B: stays"), t.TempDir()
	o.visitor(t, dir).get(pantry.AskIfStale)
	o.now = o.now.Add(time.Hour)
	o.header = lines(`ETag: "1"`, "Cache-Control: max-age=1000", "Content-Type: text/plain", "Content-Length: 0", "X-A: new")
	for range 2 {
		g := o.visitor(t, dir).get(pantry.AskIfStale)
		h := g.header
		if g.body != "one" || h.Get("X-A") != "new" || h.Get("X-B") != "stays" || h.Get("Content-Type") != "application/json" {
			t.Errorf("%+v", g)
		}
		o.now = o.now.Add(999 * time.Second)
	}
	if len(o.asked) != 2 {
		t.Errorf("the new life does not count: asked %d times", len(o.asked))
	}
	// It may forbid to keep what it confirms.
	o.now = o.now.Add(time.Hour)
	o.header.Set("Cache-Control", "no-store")
	if g := o.visitor(t, dir).get(pantry.AskIfStale); g.body != "one" || g.state != pantry.CacheRevalidated {
		t.Errorf("%+v", g)
	}
	if g := o.visitor(t, dir).get(pantry.AskIfMissing); g.state != pantry.CacheNetwork {
		t.Errorf("kept although it must not be: %+v", g)
	}
}

// TestAnotherTag: a registry that says that nothing has changed, of something else, is asked again.
func TestAnotherTag(t *testing.T) {
	t.Parallel()
	o, dir := newOrigin(`ETag: "1"`), t.TempDir()
	o.visitor(t, dir).get(pantry.AskIfStale)
	v := o.visitor(t, dir)
	calls := 0
	v.RoundTripper = v.folder.Layer(roundTripper(func(req *http.Request) (*http.Response, error) {
		calls++
		o.header.Set("ETag", `"2"`)
		o.status = 0
		if req.Header.Get("If-None-Match") != "" {
			o.status = http.StatusNotModified
		}
		o.body = "two"
		return o.RoundTrip(req)
	}), httpcache.Options{Registry: "https://registry.example"})
	if g := v.get(pantry.AskAgain); g.body != "two" || g.state != pantry.CacheNetwork || calls != 2 {
		t.Errorf("%+v in %d calls", g, calls)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestVary walks RFC 9111 §4.1: an answer is for requests like the one that it was given to.
func TestVary(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vary          []string
		first, second []string
		want          bool
	}{
		"nothing named":           {nil, []string{"X-A: 1"}, []string{"X-A: 2"}, true},
		"the same":                {[]string{"Vary: X-A"}, []string{"X-A: 1"}, []string{"X-A: 1"}, true},
		"another":                 {[]string{"Vary: X-A"}, []string{"X-A: 1"}, []string{"X-A: 2"}, false},
		"missing":                 {[]string{"Vary: X-A"}, []string{"X-A: 1"}, nil, false},
		"missing in both":         {[]string{"Vary: X-A"}, nil, nil, true},
		"on several lines":        {[]string{"Vary: X-A, X-B"}, []string{"X-A: 1", "X-B: 1,2"}, []string{"X-A: 1", "X-B: 1", "X-B: 2"}, true},
		"in other capitals":       {[]string{"Vary: x-a"}, []string{"X-A: 1"}, []string{"X-A: 2"}, false},
		"on two lines, the other": {[]string{"Vary: X-B", "Vary: X-A"}, []string{"X-A: 1"}, []string{"X-A: 2"}, false},
		"on everything":           {[]string{"Vary: *"}, nil, nil, false},
		"on everything, too":      {[]string{"Vary: Accept, *"}, nil, nil, false},
		"Accept, not named":       {nil, []string{"Accept: a"}, []string{"Accept: b"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, dir := newOrigin(c.vary...), t.TempDir()
			o.visitor(t, dir).get(pantry.AskIfStale, c.first...)
			if g := o.visitor(t, dir).get(pantry.AskIfStale, c.second...); (g.state == pantry.CacheFresh) != c.want {
				t.Errorf("%+v", g)
			}
		})
	}
}

// TestTrouble walks RFC 9111 §4.2.4 and RFC 5861: what stands in for a registry that fails.
func TestTrouble(t *testing.T) {
	t.Parallel()
	down := fmt.Errorf("%w: refused", pantry.ErrUnavailable)
	kept := []string{"Cache-Control: max-age=60"}
	for name, c := range map[string]struct {
		header []string
		option func(*httpcache.Options)
		how    pantry.Asking
		after  time.Duration
		status int
		answer string // a header of the failure
		fail   error
		stale  bool
	}{
		"down":                         {kept, nil, pantry.AskIfStale, time.Hour, 0, "", down, true},
		"down for a week":              {kept, nil, pantry.AskIfStale, 7*day - time.Second, 0, "", down, true},
		"down for longer":              {kept, nil, pantry.AskIfStale, 7*day + time.Minute, 0, "", down, false},
		"500":                          {kept, nil, pantry.AskIfStale, time.Hour, 500, "", nil, true},
		"502":                          {kept, nil, pantry.AskIfStale, time.Hour, 502, "", nil, true},
		"503":                          {kept, nil, pantry.AskIfStale, time.Hour, 503, "Retry-After: 1", nil, true},
		"504":                          {kept, nil, pantry.AskIfStale, time.Hour, 504, "", nil, true},
		"429":                          {kept, nil, pantry.AskIfStale, time.Hour, 429, "", nil, true},
		"a limit to the rate":          {kept, nil, pantry.AskIfStale, time.Hour, 403, "X-RateLimit-Remaining: 0", nil, true},
		"forbidden":                    {kept, nil, pantry.AskIfStale, time.Hour, 403, "", nil, false},
		"denied":                       {kept, nil, pantry.AskIfStale, time.Hour, 401, "", nil, false},
		"not found":                    {kept, nil, pantry.AskIfStale, time.Hour, 404, "", nil, false},
		"not implemented":              {kept, nil, pantry.AskIfStale, time.Hour, 501, "", nil, false},
		"the caller went away":         {kept, nil, pantry.AskIfStale, time.Hour, 0, "", context.Canceled, false},
		"the caller's time is over":    {kept, nil, pantry.AskIfStale, time.Hour, 0, "", errors.Join(down, context.DeadlineExceeded), false},
		"refused by configuration":     {kept, nil, pantry.AskIfStale, time.Hour, 0, "", pantry.ErrConfig, false},
		"the answer says how long":     {[]string{"Cache-Control: max-age=60, stale-if-error=600"}, nil, pantry.AskIfStale, 659 * time.Second, 0, "", down, true},
		"the answer says no longer":    {[]string{"Cache-Control: max-age=60, stale-if-error=600"}, nil, pantry.AskIfStale, 660 * time.Second, 0, "", down, false},
		"must-revalidate":              {[]string{"Cache-Control: max-age=60, must-revalidate"}, nil, pantry.AskIfStale, time.Hour, 0, "", down, false},
		"no-cache":                     {[]string{"Cache-Control: no-cache"}, nil, pantry.AskIfStale, time.Hour, 0, "", down, false},
		"configured":                   {kept, staleIfError(time.Hour), pantry.AskIfStale, time.Hour, 0, "", down, true},
		"configured, over":             {kept, staleIfError(time.Hour), pantry.AskIfStale, time.Hour + time.Minute, 0, "", down, false},
		"configured: never":            {kept, staleIfError(0), pantry.AskIfStale, time.Hour, 0, "", down, false},
		"configured, must-revalidate":  {[]string{"Cache-Control: must-revalidate"}, staleIfError(2 * time.Hour), pantry.AskIfStale, time.Hour, 0, "", down, true},
		"who asks now wants no old":    {kept, nil, pantry.AskAlways, time.Hour, 0, "", down, false},
		"who asks again wants no old":  {kept, nil, pantry.AskAgain, time.Hour, 0, "", down, false},
		"offline is no failure":        {kept, nil, pantry.AskNobody, 1000 * day, 0, "", down, true},
		"prefer offline is no failure": {kept, nil, pantry.AskIfMissing, 1000 * day, 0, "", down, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, dir := newOrigin(c.header...), t.TempDir()
			var options []func(*httpcache.Options)
			if c.option != nil {
				options = append(options, c.option)
			}
			o.visitor(t, dir, options...).get(pantry.AskIfStale)
			o.now = o.now.Add(c.after)
			o.fail, o.status, o.body = c.fail, c.status, "trouble"
			if c.answer != "" {
				o.header = lines(c.answer)
			}
			g := o.visitor(t, dir, options...).get(c.how)
			switch asked := c.how == pantry.AskIfStale; {
			case c.stale && (g.err != nil || g.body != "one" || g.status != 200 || g.state != pantry.CacheStale || g.failed != asked):
				t.Errorf("got %+v, want what was kept", g)
			case !c.stale && g.body == "one", !c.stale && !errors.Is(g.err, c.fail):
				t.Errorf("got %+v, want the failure", g)
			}
		})
	}
}

// TestNothingStandsIn: that there is nothing is nothing to go by while a registry fails.
func TestNothingStandsIn(t *testing.T) {
	t.Parallel()
	o, dir := newOrigin(), t.TempDir()
	o.status = http.StatusNotFound
	o.visitor(t, dir).get(pantry.AskIfStale)
	o.now, o.fail = o.now.Add(2*time.Minute), pantry.ErrUnavailable
	if g := o.visitor(t, dir, staleIfError(day)).get(pantry.AskIfStale); !errors.Is(g.err, pantry.ErrUnavailable) {
		t.Errorf("%+v", g)
	}
}

// TestMissing: what nobody kept is asked for, also once and for all by who is offline: it is for the
// next layer to refuse.
func TestMissing(t *testing.T) {
	t.Parallel()
	for _, how := range []pantry.Asking{pantry.AskAlways, pantry.AskIfStale, pantry.AskAgain, pantry.AskIfMissing, pantry.AskNobody} {
		o := newOrigin()
		o.fail = pantry.ErrUnavailable
		if g := o.visitor(t, t.TempDir()).get(how); !errors.Is(g.err, pantry.ErrUnavailable) || len(o.asked) != 1 {
			t.Errorf("%d: %+v", how, g)
		}
	}
}

// TestChange walks RFC 9111 §4.4: after a change nothing that was kept of the registry holds.
func TestChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method string
		status int
		fail   error
		want   pantry.CacheState
	}{
		"PUT":              {http.MethodPut, 201, nil, pantry.CacheRevalidated},
		"POST":             {http.MethodPost, 200, nil, pantry.CacheRevalidated},
		"DELETE":           {http.MethodDelete, 204, nil, pantry.CacheRevalidated},
		"PATCH":            {http.MethodPatch, 200, nil, pantry.CacheRevalidated},
		"an unknown one":   {"PURGE", 200, nil, pantry.CacheRevalidated},
		"refused":          {http.MethodPut, 403, nil, pantry.CacheFresh},
		"nobody knows":     {http.MethodPut, 502, nil, pantry.CacheRevalidated},
		"nobody knows why": {http.MethodPut, 0, pantry.ErrUnavailable, pantry.CacheRevalidated},
		"HEAD":             {http.MethodHead, 200, nil, pantry.CacheFresh},
		"OPTIONS":          {http.MethodOptions, 200, nil, pantry.CacheFresh},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, dir := newOrigin("Cache-Control: max-age=600", `ETag: "1"`), t.TempDir()
			other := func(x *httpcache.Options) { x.Registry = "https://other.example" }
			o.visitor(t, dir).get(pantry.AskIfStale)
			o.visitor(t, dir, other).get(pantry.AskIfStale)
			o.now = o.now.Add(time.Second)
			o.status, o.fail = c.status, c.fail
			o.visitor(t, dir).ask(pantry.AskIfStale, c.method, "/another/pad")
			o.status, o.fail = 0, nil
			o.now = o.now.Add(time.Second)
			if g := o.visitor(t, dir).get(pantry.AskIfStale); g.state != c.want {
				t.Errorf("%+v, want %s", g, c.want)
			}
			if g := o.visitor(t, dir).get(pantry.AskIfStale); g.state != pantry.CacheFresh {
				t.Errorf("what came since: %+v", g)
			}
			if g := o.visitor(t, dir, other).get(pantry.AskIfStale); g.state != pantry.CacheFresh {
				t.Errorf("of another registry: %+v", g)
			}
		})
	}
}

// TestWhileRevalidate walks RFC 5861 §3: something stale is used while it is asked about again, once
// however many use it.
func TestWhileRevalidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		control string
		how     pantry.Asking
		after   time.Duration
		want    pantry.CacheState
	}{
		"within":          {"max-age=60, stale-while-revalidate=600", pantry.AskIfStale, 659 * time.Second, pantry.CacheStale},
		"beyond":          {"max-age=60, stale-while-revalidate=600", pantry.AskIfStale, 660 * time.Second, pantry.CacheNetwork},
		"fresh":           {"max-age=60, stale-while-revalidate=600", pantry.AskIfStale, 0, pantry.CacheFresh},
		"must-revalidate": {"max-age=60, must-revalidate, stale-while-revalidate=600", pantry.AskIfStale, time.Minute, pantry.CacheNetwork},
		"asked now":       {"max-age=60, stale-while-revalidate=600", pantry.AskAlways, time.Minute, pantry.CacheNetwork},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, dir := newOrigin("Cache-Control: "+c.control), t.TempDir()
			var v visitor
			var refreshed []string
			v = o.visitor(t, dir, func(x *httpcache.Options) {
				x.Refresh = func(ctx context.Context, u string, h http.Header) {
					refreshed = append(refreshed, u+" "+h.Get("Accept"))
					if how := pantry.AskingOf(ctx); how != pantry.AskAgain || ctx.Err() != nil {
						t.Errorf("refreshed with asking %d, %v", how, ctx.Err())
					}
					o.now = o.now.Add(time.Second)
					v.get(pantry.AskAgain, "Accept: a")
				}
			})
			v.get(pantry.AskIfStale, "Accept: a")
			o.now, o.body = o.now.Add(c.after), "two"
			g := v.get(c.how, "Accept: a")
			v.folder.Wait()
			if g.state != c.want {
				t.Fatalf("%+v, want %s", g, c.want)
			}
			if c.want != pantry.CacheStale {
				if len(refreshed) > 0 {
					t.Errorf("refreshed %q", refreshed)
				}
				return
			}
			if !slices.Equal(refreshed, []string{"https://registry.example/pad a"}) || g.body != "one" {
				t.Errorf("refreshed %q, got %+v", refreshed, g)
			}
			if g := v.get(pantry.AskIfStale, "Accept: a"); g.body != "two" || g.state != pantry.CacheFresh {
				t.Errorf("then %+v", g)
			}
		})
	}
}

// TestHeaders: what is kept of an answer's header, and what is said of its age.
func TestHeaders(t *testing.T) {
	t.Parallel()
	o, dir := newOrigin("Link: <a>; rel=next", "Set-Cookie: a=b", "Connection: X-Hop, keep-alive", "X-Hop: 1",
		"Npm-Notice: hello", "X-Two: a", "X-Two: b", "Transfer-Encoding: chunked"), t.TempDir()
	o.visitor(t, dir).get(pantry.AskIfStale)
	o.now = o.now.Add(90 * time.Second)
	g := o.visitor(t, dir).get(pantry.AskIfStale)
	want := http.Header{"Link": {"<a>; rel=next"}, "X-Two": {"a", "b"}, "Age": {"90"}}
	if fmt.Sprint(g.header) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", g.header, want)
	}
}
