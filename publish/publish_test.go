package publish_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/publish"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/registrytest"
)

func priority(n int) *int { return &n }

// TestTargets: which registries a package goes to, and which it is kept from.
func TestTargets(t *testing.T) {
	t.Parallel()
	w := newWorld(t,
		registry.Config{Name: "acme", Type: "custom", Packages: []string{"@acme/*"}, Priority: priority(1)},
		registry.Config{Name: "eu", Type: "npm", Packages: []string{"@acme/*"}, Priority: priority(2)},
		registry.Config{Name: "public", Type: "npm", Priority: priority(3)},
		registry.Config{Name: "off", Type: "npm", Priority: priority(4), Disabled: true},
	)
	for _, c := range []registry.Config{
		{Name: "pkgx", Type: "pkgx", URL: "http://127.0.0.1:1", Priority: priority(5)},
		{Name: "github", Type: "github", URL: "http://127.0.0.1:1", Priority: priority(6)},
		{Name: "unset", Type: "npm", URL: "http://127.0.0.1:1/${NO_SUCH_VARIABLE}", Priority: priority(7)},
	} {
		if err := w.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.SetDefault("public"); err != nil {
		t.Fatal(err)
	}
	public, _ := w.Get("public")
	for name, c := range map[string]struct {
		manifest string
		to       string
		want     string
		err      error
	}{
		"the default":           {`{"name":"pad","version":"1.0.0"}`, "", "public", nil},
		"who claims it":         {`{"name":"@acme/a","version":"1.0.0"}`, "", "acme", nil},
		"as told":               {`{"name":"@acme/a","version":"1.0.0"}`, "eu acme eu", "eu acme", nil},
		"claimed by others":     {`{"name":"@acme/a","version":"1.0.0"}`, "public", "", pantry.ErrPolicy},
		"claimed, one of two":   {`{"name":"@acme/a","version":"1.0.0"}`, "acme public", "", pantry.ErrPolicy},
		"not there":             {`{"name":"pad","version":"1.0.0"}`, "nobody", "", pantry.ErrConfig},
		"disabled":              {`{"name":"pad","version":"1.0.0"}`, "off", "", pantry.ErrConfig},
		"takes none":            {`{"name":"pad","version":"1.0.0"}`, "pkgx", "", pantry.ErrUnsupported},
		"unset variable":        {`{"name":"pad","version":"1.0.0"}`, "unset", "", pantry.ErrConfig},
		"github, no repository": {`{"name":"@o/pad","version":"1.0.0"}`, "github", "", pantry.ErrConfig},
		"publishConfig":         {`{"name":"pad","version":"1.0.0","publishConfig":{"registry":"` + public.URL() + `/"}}`, "", "public", nil},
		"publishConfig claimed": {`{"name":"@acme/a","version":"1.0.0","publishConfig":{"registry":"` + public.URL() + `"}}`, "", "", pantry.ErrPolicy},
		"publishConfig unknown": {`{"name":"pad","version":"1.0.0","publishConfig":{"registry":"https://user:pass@other.example/x"}}`, "", "", pantry.ErrConfig},
		"told, whatever it is":  {`{"name":"pad","version":"1.0.0","publishConfig":{"registry":"https://other.example"}}`, "public", "public", nil},
	} {
		entries, err := publish.Targets(w.Manager, packed(t, c.manifest), strings.Fields(c.to))
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		if strings.Join(got, " ") != c.want || !errors.Is(err, c.err) || err != nil && c.err == nil {
			t.Errorf("%s: %v, %v; want %s, %v", name, got, err, c.want, c.err)
		}
		if err != nil && strings.Contains(err.Error(), "pass") {
			t.Errorf("%s tells a secret: %v", name, err)
		}
	}
	for name, s := range w.sites {
		if r := s.Requests(); len(r) > 0 {
			t.Errorf("%s was asked: %v", name, r)
		}
	}
}

// statuses runs and tells what became of it: "a=published b=there".
func (w *world) statuses(t *testing.T, o publish.Options, manifest string, files ...string) (string, error) {
	t.Helper()
	o.Registries = w.Manager
	var reported []string
	o.Report = func(r publish.Result) { reported = append(reported, r.Registry) }
	results, err := publish.Run(t.Context(), packed(t, manifest, files...), o)
	var out []string
	for _, r := range results {
		out = append(out, r.Registry+"="+string(r.Status))
		if (r.Err != nil) != (r.Status == publish.Failed) || (r.Err != nil) != (r.Error != "") {
			t.Errorf("%+v", r)
		}
	}
	return strings.Join(out, " "), err
}

const (
	first  = `{"name":"pad","version":"1.0.0","description":"pads"}`
	second = `{"name":"pad","version":"1.1.0"}`
)

// TestSeveral: the same bytes go everywhere; a run that was broken off is finished by the same one; other
// bytes anywhere keep all from being published.
func TestSeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(t, registry.Config{Name: "a", Type: "npm"}, registry.Config{Name: "b", Type: "custom"}, registry.Config{Name: "c", Type: "npm"})
	all := publish.Options{To: []string{"a", "b", "c"}}

	got, err := w.statuses(t, publish.Options{To: all.To, DryRun: true}, first, "x.js")
	if err != nil || got != "a=planned b=planned c=planned" || w.sites["a"].puts()+w.sites["b"].puts()+w.sites["c"].puts() > 0 {
		t.Errorf("dry run: %s, %v", got, err)
	}

	w.sites["b"].Add(registrytest.Rule{Method: http.MethodPost, Times: 1, Fault: registrytest.Status(http.StatusInternalServerError)})
	got, err = w.statuses(t, all, first, "x.js")
	if got != "a=published b=failed c=published" || !errors.Is(err, pantry.ErrUnavailable) {
		t.Fatalf("one of them is down: %s, %v", got, err)
	}
	if text := err.Error() + "\n" + pantry.Hint(err); !strings.Contains(text, "1 of 3") || !strings.Contains(text, `"b"`) || !strings.Contains(text, "same command") {
		t.Errorf("it says %s", text)
	}
	got, err = w.statuses(t, all, first, "x.js")
	if got != "a=there b=published c=there" || err != nil {
		t.Errorf("again: %s, %v", got, err)
	}
	want := ""
	for _, name := range all.To {
		m, _, err := w.Metadata(t.Context(), "pad", "1.0.0")
		if err != nil {
			t.Fatal(err)
		}
		md, err := w.sites[name].memory.Metadata(t.Context(), "pad", "1.0.0")
		if err != nil {
			t.Fatal(err)
		}
		if digest := md.Artifact.Integrity.String(); want != "" && digest != want || m.Description != "pads" {
			t.Errorf("%s has %s, not %s", name, digest, want)
		} else {
			want = digest
		}
	}

	if _, err := w.statuses(t, publish.Options{To: []string{"b"}}, second, "x.js"); err != nil {
		t.Fatal(err)
	}
	before := w.sites["a"].puts()
	got, err = w.statuses(t, all, second, "y.js")
	if !errors.Is(err, pantry.ErrExists) || got != "a=planned b=failed c=planned" || w.sites["a"].puts() != before {
		t.Errorf("other bytes at b: %s, %v", got, err)
	}
}

// TestRefused: what npm refuses is refused, before anything is sent.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"npm", "custom"} {
		w := newWorld(t, registry.Config{Name: "a", Type: typ})
		if _, err := w.statuses(t, publish.Options{}, second); err != nil {
			t.Fatal(err)
		}
		before := w.sites["a"].puts()
		for name, c := range map[string]struct {
			manifest string
			o        publish.Options
		}{
			"private":        {`{"name":"pad","version":"2.0.0","private":true}`, publish.Options{}},
			"build metadata": {`{"name":"pad","version":"2.0.0+b5"}`, publish.Options{}},
			"prerelease":     {`{"name":"pad","version":"2.0.0-beta"}`, publish.Options{}},
			"lower":          {first, publish.Options{}},
			"range as a tag": {`{"name":"pad","version":"2.0.0"}`, publish.Options{Tag: "1.x"}},
			"odd tag":        {`{"name":"pad","version":"2.0.0"}`, publish.Options{Tag: "a/b"}},
		} {
			if _, err := w.statuses(t, c.o, c.manifest); !errors.Is(err, pantry.ErrConfig) {
				t.Errorf("%s, %s: %v", typ, name, err)
			}
		}
		if n := w.sites["a"].puts(); n != before {
			t.Errorf("%s: %d requests to change something", typ, n-before)
		}
		for name, c := range map[string]struct {
			manifest string
			o        publish.Options
		}{
			"prerelease with a tag": {`{"name":"pad","version":"2.0.0-beta"}`, publish.Options{Tag: "next"}},
			"tag of publishConfig":  {`{"name":"pad","version":"2.0.0-rc","publishConfig":{"tag":"rc"}}`, publish.Options{}},
			"lower with a tag":      {first, publish.Options{Tag: "latest"}},
		} {
			if _, err := w.statuses(t, c.o, c.manifest); err != nil {
				t.Errorf("%s, %s: %v", typ, name, err)
			}
		}
		p, err := w.sites["a"].memory.Package(t.Context(), "pad")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(p.Tags()); got != "map[latest:1.0.0 next:2.0.0-beta rc:2.0.0-rc]" {
			t.Errorf("%s: tags %s", typ, got)
		}
	}
}

// TestMisbehaving: nothing but an answer that says so is a success.
func TestMisbehaving(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"npm", "custom"} {
		for name, c := range map[string]struct {
			fault registrytest.Fault
			want  error
		}{
			"page":           {registrytest.HTML(), pantry.ErrInvalid},
			"empty":          {registrytest.Body(http.StatusOK, "application/json", ""), pantry.ErrInvalid},
			"no words":       {registrytest.JSON(`{}`), pantry.ErrInvalid},
			"no":             {registrytest.JSON(`{"success":false,"error":"quota"}`), pantry.ErrInvalid},
			"garbage":        {registrytest.Garbage(), pantry.ErrInvalid},
			"denied":         {registrytest.Status(http.StatusForbidden), pantry.ErrDenied},
			"too large":      {registrytest.Status(http.StatusRequestEntityTooLarge), pantry.ErrInvalid},
			"down":           {registrytest.Status(http.StatusBadGateway), pantry.ErrUnavailable},
			"breaks off":     {registrytest.Abort(), pantry.ErrUnavailable},
			"takes none":     {registrytest.Status(http.StatusMethodNotAllowed), pantry.ErrUnsupported},
			"there, it says": {registrytest.Status(http.StatusConflict), pantry.ErrExists},
		} {
			w := newWorld(t, registry.Config{Name: "a", Type: typ})
			for _, method := range []string{http.MethodPut, http.MethodPost} {
				w.sites["a"].Add(registrytest.Rule{Method: method, Fault: c.fault})
			}
			got, err := w.statuses(t, publish.Options{}, first)
			if got != "a=failed" || !errors.Is(err, c.want) || !strings.Contains(err.Error(), "pad@1.0.0") || !strings.Contains(err.Error(), `"a"`) {
				t.Errorf("%s, %s: %s, %v; want %v", typ, name, got, err, c.want)
			}
			w.sites["a"].Set()
			if got, err := w.statuses(t, publish.Options{}, first); got != "a=published" || err != nil {
				t.Errorf("%s, %s, again: %s, %v", typ, name, got, err)
			}
		}
	}
	// A registry that cannot be read is not published to, unless it is only reading that it refuses.
	for status, want := range map[int]string{http.StatusBadGateway: "a=failed", http.StatusUnauthorized: "a=published", http.StatusNotFound: "a=published"} {
		w := newWorld(t, registry.Config{Name: "a", Type: "npm"})
		w.sites["a"].Add(registrytest.Rule{Method: http.MethodGet, Fault: registrytest.Status(status)})
		if got, err := w.statuses(t, publish.Options{}, first); got != want {
			t.Errorf("reading answers %d: %s, %v", status, got, err)
		}
	}
}

// TestOTP: a registry that wants a one-time password gets the one that somebody gives, a few times over.
func TestOTP(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"npm", "custom"} {
		w := newWorld(t, registry.Config{Name: "a", Type: typ})
		otp := registrytest.Answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", "OTP")
			http.Error(w, "{}", http.StatusUnauthorized)
		})
		wants := func(r *http.Request) bool {
			return r.Method != http.MethodGet && r.Header.Get("Npm-Otp") != "123456"
		}
		w.sites["a"].Add(registrytest.Rule{Match: wants, Fault: otp})
		codes := []string{"000000", "123456"}
		asked := 0
		o := publish.Options{OTP: func(_ context.Context, name string, _ *pantry.OTPError) (pantry.Secret, error) {
			asked++
			return pantry.NewSecret(codes[min(asked, len(codes))-1]), nil
		}}
		_, err := w.statuses(t, publish.Options{}, first)
		var wanted *pantry.OTPError
		if !errors.Is(err, pantry.ErrDenied) || !errors.As(err, &wanted) || !strings.Contains(pantry.Hint(err), "--otp") {
			t.Errorf("%s: nobody to ask: %v", typ, err)
		}
		if _, err := w.statuses(t, o, first); err != nil || asked != 2 {
			t.Errorf("%s: asked %d times, %v", typ, asked, err)
		}
		codes, asked = []string{"000000"}, 0
		if _, err := w.statuses(t, o, second); !errors.Is(err, pantry.ErrDenied) || asked != 3 {
			t.Errorf("%s: the wrong one: asked %d times, %v", typ, asked, err)
		}
	}
}
