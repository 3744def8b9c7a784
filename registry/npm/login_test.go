package npm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/transport"
)

// door is a server that answers by path, and what it was asked.
type door struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string // "METHOD PATH body"
}

type reply struct {
	status int
	body   string // ORIGIN stands for the server's
	retry  string // Retry-After
}

// newDoor answers each question to a path with the next reply, and then with the last one again.
func newDoor(t *testing.T, replies map[string][]reply) *door {
	t.Helper()
	d := &door{}
	turn := map[string]int{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.seen = append(d.seen, strings.TrimSpace(r.Method+" "+r.URL.EscapedPath()+" "+string(body)))
		all := replies[r.URL.Path]
		if len(all) == 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		answer := all[min(turn[r.URL.Path], len(all)-1)]
		turn[r.URL.Path]++
		if answer.retry != "" {
			w.Header().Set("Retry-After", answer.retry)
		}
		w.WriteHeader(answer.status)
		_, _ = io.WriteString(w, strings.ReplaceAll(answer.body, "ORIGIN", "http://"+r.Host))
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *door) client(t *testing.T, sleep func(context.Context, time.Duration) error) *npm.Registry {
	t.Helper()
	retries := 0
	c, err := transport.New(transport.Options{Registry: "acme", URL: d.URL, Retries: &retries})
	if err != nil {
		t.Fatal(err)
	}
	r, err := npm.New(npm.Options{Name: "acme", Client: c, Sleep: sleep})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhoami(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply reply
		want  string
		err   error
	}{
		"somebody":             {reply{200, `{"username":"jo"}`, ""}, "jo", nil},
		"nobody":               {reply{401, `{"error":"log in"}`, ""}, "", pantry.ErrDenied},
		"nobody, with success": {reply{200, `{}`, ""}, "", pantry.ErrDenied},
		"not there":            {reply{404, ``, ""}, "", pantry.ErrNotFound},
		"a page":               {reply{200, `<html>`, ""}, "", pantry.ErrInvalid},
		"a strange name":       {reply{200, `{"username":"\u001b[31mjo"}`, ""}, "", pantry.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t, map[string][]reply{"/-/whoami": {tt.reply}})
			got, err := d.client(t, nil).Whoami(t.Context())
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v", got, err)
			}
			var e *pantry.Error
			if err != nil && (!errors.As(err, &e) || e.Ref.Registry != "acme") {
				t.Errorf("the error does not name the registry: %v", err)
			}
		})
	}
}

func TestLoginWeb(t *testing.T) {
	t.Parallel()
	const begin, done = "/-/v1/login", "/done"
	pages := reply{200, `{"loginUrl":"ORIGIN/login?once=1","doneUrl":"ORIGIN/done"}`, ""}
	token := reply{200, `{"token":"s3cret"}`, ""}
	for name, tt := range map[string]struct {
		begin reply
		done  []reply
		err   error
		says  string
		pause string // the waits
		quiet bool   // no page is shown
	}{
		"at once":                   {begin: pages, done: []reply{token}, pause: "[]"},
		"after some time":           {begin: pages, done: []reply{{202, `{}`, "3"}, {202, ``, "2"}, token}, pause: "[3s 2s]"},
		"without saying how long":   {begin: pages, done: []reply{{202, `{}`, ""}, {202, `{}`, "soon"}, token}, pause: "[5s 5s]"},
		"a busy loop":               {begin: pages, done: []reply{{202, `{}`, "0"}, {202, `{}`, "-7"}, token}, pause: "[1s 1s]"},
		"too long":                  {begin: pages, done: []reply{{202, `{}`, "86400"}, token}, pause: "[30s]"},
		"not there":                 {begin: reply{404, ``, ""}, err: pantry.ErrUnsupported, says: "no login with a browser", quiet: true},
		"not such a method":         {begin: reply{405, ``, ""}, err: pantry.ErrUnsupported, quiet: true},
		"a failure that says so":    {begin: reply{500, ``, ""}, err: pantry.ErrUnsupported, quiet: true},
		"unauthorized":              {begin: reply{401, ``, ""}, err: pantry.ErrUnsupported, quiet: true},
		"down":                      {begin: reply{503, ``, ""}, err: pantry.ErrUnavailable, quiet: true},
		"too many":                  {begin: reply{429, ``, ""}, err: pantry.ErrUnavailable, quiet: true},
		"a page":                    {begin: reply{200, `<html>`, ""}, err: pantry.ErrInvalid, quiet: true},
		"no address":                {begin: reply{200, `{"loginUrl":"ORIGIN/login"}`, ""}, err: pantry.ErrInvalid, says: "doneUrl", quiet: true},
		"a program":                 {begin: reply{200, `{"loginUrl":"file:///bin/sh","doneUrl":"ORIGIN/done"}`, ""}, err: pantry.ErrInvalid, says: "loginUrl", quiet: true},
		"a flag":                    {begin: reply{200, `{"loginUrl":"--help","doneUrl":"ORIGIN/done"}`, ""}, err: pantry.ErrInvalid, says: "loginUrl", quiet: true},
		"a password in it":          {begin: reply{200, `{"loginUrl":"http://a:b@127.0.0.1/","doneUrl":"ORIGIN/done"}`, ""}, err: pantry.ErrInvalid, quiet: true},
		"a control character":       {begin: reply{200, `{"loginUrl":"ORIGIN/\u202e","doneUrl":"ORIGIN/done"}`, ""}, err: pantry.ErrInvalid, quiet: true},
		"plain http":                {begin: reply{200, `{"loginUrl":"ORIGIN/login","doneUrl":"http://192.0.2.1/done"}`, ""}, err: pantry.ErrConfig, says: "plain http"},
		"refused in the end":        {begin: pages, done: []reply{{202, ``, "1"}, {401, `{"error":"too late"}`, ""}}, err: pantry.ErrDenied, says: "too late", pause: "[1s]"},
		"no token":                  {begin: pages, done: []reply{{200, `{}`, ""}}, err: pantry.ErrInvalid, pause: "[]"},
		"a token with a line":       {begin: pages, done: []reply{{200, `{"token":"s3cret\n"}`, ""}}, err: pantry.ErrInvalid, pause: "[]"},
		"a token that has no end":   {begin: pages, done: []reply{{200, `{"token":"` + strings.Repeat("s3cret", 1000) + `"}`, ""}}, err: pantry.ErrInvalid, pause: "[]"},
		"the person is interrupted": {begin: pages, done: []reply{{202, ``, "9"}}, err: context.Canceled, pause: "[9s]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t, map[string][]reply{begin: {tt.begin}, done: tt.done})
			pauses := []time.Duration{}
			r := d.client(t, func(_ context.Context, p time.Duration) error {
				pauses = append(pauses, p)
				if p == 9*time.Second {
					return context.Canceled
				}
				return nil
			})
			shown := ""
			got, err := r.LoginWeb(t.Context(), func(page string) error { shown = page; return nil })
			if !errors.Is(err, tt.err) || err != nil && (!strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "s3cret")) {
				t.Errorf("got %v, want %v that says %q", err, tt.err, tt.says)
			}
			if (err == nil) != (got.Reveal() == "s3cret") {
				t.Errorf("got %q", got.Reveal())
			}
			if (shown == "") != tt.quiet || !tt.quiet && !strings.HasPrefix(shown, d.URL+"/login") {
				t.Errorf("shown %q", shown)
			}
			if tt.pause != "" && fmt.Sprint(pauses) != tt.pause {
				t.Errorf("waited %v, want %s", pauses, tt.pause)
			}
		})
	}
	d := newDoor(t, map[string][]reply{begin: {pages}})
	stop := errors.New("nobody to show it to")
	if _, err := d.client(t, nil).LoginWeb(t.Context(), func(string) error { return stop }); !errors.Is(err, stop) || len(d.seen) != 1 {
		t.Errorf("got %v after %v", err, d.seen)
	}
}

func TestLoginPassword(t *testing.T) {
	t.Parallel()
	const at = "/-/user/org.couchdb.user:jo smith"
	for name, tt := range map[string]struct {
		reply reply
		err   error
	}{
		"right":                {reply{201, `{"ok":true,"token":"s3cret"}`, ""}, nil},
		"wrong":                {reply{401, `{"error":"not with hunter22"}`, ""}, pantry.ErrDenied},
		"nobody of this name":  {reply{400, `{}`, ""}, pantry.ErrDenied},
		"another of this name": {reply{409, `{}`, ""}, pantry.ErrDenied},
		"not there":            {reply{404, `{}`, ""}, pantry.ErrNotFound},
		"down":                 {reply{503, `{}`, ""}, pantry.ErrUnavailable},
		"no token":             {reply{201, `{"ok":true}`, ""}, pantry.ErrInvalid},
		"a page":               {reply{200, `<html>`, ""}, pantry.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t, map[string][]reply{at: {tt.reply}})
			got, err := d.client(t, nil).LoginPassword(t.Context(), "jo smith", pantry.NewSecret("hunter22"), pantry.NewSecret("123456"))
			if !errors.Is(err, tt.err) || err != nil && strings.Contains(err.Error(), "hunter22") || (err == nil) != (got.Reveal() == "s3cret") {
				t.Errorf("got %q, %v, want %v", got.Reveal(), err, tt.err)
			}
			method, body, _ := strings.Cut(d.seen[0], " {")
			var sent map[string]any
			if json.Unmarshal([]byte("{"+body), &sent) != nil || method != "PUT /-/user/org.couchdb.user:jo%20smith" ||
				sent["_id"] != "org.couchdb.user:jo smith" || sent["name"] != "jo smith" || sent["password"] != "hunter22" || sent["type"] != "user" {
				t.Errorf("sent %s", d.seen[0])
			}
		})
	}
	d := newDoor(t, nil)
	if _, err := d.client(t, nil).LoginPassword(t.Context(), "jo", pantry.Secret{}, pantry.Secret{}); !errors.Is(err, pantry.ErrConfig) || len(d.seen) != 0 {
		t.Errorf("no password: got %v after %v", err, d.seen)
	}
}

func TestRevokeToken(t *testing.T) {
	t.Parallel()
	const at = "/-/user/token/s3cret/x"
	for name, tt := range map[string]struct {
		reply reply
		err   error
	}{
		"done":             {reply{200, `{"ok":true}`, ""}, nil},
		"without a word":   {reply{204, ``, ""}, nil},
		"not known":        {reply{404, ``, ""}, nil},
		"not valid":        {reply{401, ``, ""}, nil},
		"refused":          {reply{403, `{"error":"not s3cret/x"}`, ""}, pantry.ErrDenied},
		"not such a thing": {reply{405, ``, ""}, pantry.ErrUnsupported},
		"down":             {reply{503, ``, ""}, pantry.ErrUnavailable},
		"a page":           {reply{200, `<html>s3cret/x`, ""}, pantry.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t, map[string][]reply{at: {tt.reply}})
			err := d.client(t, nil).RevokeToken(t.Context(), pantry.NewSecret("s3cret/x"))
			if !errors.Is(err, tt.err) || err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			if d.seen[0] != "DELETE /-/user/token/s3cret%2Fx" {
				t.Errorf("sent %s", d.seen[0])
			}
		})
	}
}
