package npm_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/npm"
)

const changing = `{"_id":"pad","_rev":"3-a","name":"pad","dist-tags":{"latest":"2.0.0","next":"2.0.0","old":"1.0.0"},
"versions":{"1.0.0":{"name":"pad","version":"1.0.0","odd":{"b":1,"a":2}},"1.5.0":{"name":"pad","version":"1.5.0"},"3.0.0-rc":{"name":"pad","version":"3.0.0-rc"},
"2.0.0":{"name":"pad","version":"2.0.0","dist":{"tarball":"https://registry.example.com/npm/pad/-/pad-2.0.0.tgz"}}},
"time":{"2.0.0":"x","1.0.0":"y"},"_attachments":{"x":{}},"extra":"kept <as> it is"}`

// TestChange: what is sent to warn of versions and to remove them, and what is made of the answers.
func TestChange(t *testing.T) {
	t.Parallel()
	ok := map[string]string{"GET": changing, "PUT": `{"ok":"package changed"}`, "DELETE": `{"ok":"removed"}`}
	with := func(method, answer string) map[string]string {
		m := map[string]string{method: answer}
		for k, v := range ok {
			if k != method {
				m[k] = v
			}
		}
		return m
	}
	warn := func(versions ...string) func(*npm.Registry) error {
		return func(r *npm.Registry) error { return r.Deprecate(t.Context(), "pad", versions, "use <2>") }
	}
	remove := func(version string) func(*npm.Registry) error {
		return func(r *npm.Registry) error { return r.Unpublish(t.Context(), "pad", version) }
	}
	read := "GET /pad?write=true"
	for name, c := range map[string]struct {
		do      func(*npm.Registry) error
		answers map[string]string // by method; a number is a status
		sent    []string
		body    []string // in what is put
		not     []string
		err     error
	}{
		"deprecate":            {warn("1.0.0"), ok, []string{read, "PUT /pad"}, []string{`"deprecated":"use <2>"`, `"odd":{"b":1,"a":2}`, `"_rev":"3-a"`, `kept`}, []string{"_attachments"}, nil},
		"deprecate nothing":    {warn("1.0.0", "9.0.0"), ok, []string{read}, nil, nil, pantry.ErrVersionNotFound},
		"deprecate, changed":   {warn("1.0.0"), with("PUT", "409"), []string{read, "PUT /pad"}, nil, nil, pantry.ErrUnavailable},
		"deprecate, a page":    {warn("1.0.0"), with("PUT", "<html>"), []string{read, "PUT /pad"}, nil, nil, pantry.ErrInvalid},
		"deprecate, no answer": {warn("1.0.0"), with("GET", "<html>"), []string{read}, nil, nil, pantry.ErrInvalid},
		"deprecate, denied":    {warn("1.0.0"), with("PUT", "403"), []string{read, "PUT /pad"}, nil, nil, pantry.ErrDenied},
		"unpublish":            {remove("2.0.0"), ok, []string{read, "PUT /pad/-rev/3-a", read, "DELETE /pad/-/pad-2.0.0.tgz/-rev/3-a"}, []string{`"dist-tags":{"latest":"1.5.0","old":"1.0.0"}`, `"time":{"1.0.0":"y"}`}, []string{`"2.0.0"`, "_attachments"}, nil},
		"unpublish, tag stays": {remove("1.0.0"), ok, []string{read, "PUT /pad/-rev/3-a", read, "DELETE /pad/-/pad-1.0.0.tgz/-rev/3-a"}, []string{`"dist-tags":{"latest":"2.0.0","next":"2.0.0"}`}, nil, nil},
		"unpublish, file gone": {remove("1.0.0"), with("DELETE", "404"), []string{read, "PUT /pad/-rev/3-a", read, "DELETE /pad/-/pad-1.0.0.tgz/-rev/3-a"}, nil, nil, nil},
		"unpublish nothing":    {remove("9.0.0"), ok, []string{read}, nil, nil, pantry.ErrVersionNotFound},
		"unpublish all":        {remove(""), ok, []string{read, "DELETE /pad/-rev/3-a"}, nil, nil, nil},
		"unpublish the last":   {remove("1.0.0"), with("GET", `{"_rev":"1-x","versions":{"1.0.0":{}}}`), []string{read, "DELETE /pad/-rev/1-x"}, nil, nil, nil},
		"unpublish, no name":   {remove(""), with("GET", "404"), []string{read}, nil, nil, pantry.ErrNotFound},
		"unpublish, refused":   {remove(""), with("DELETE", "405"), []string{read, "DELETE /pad/-rev/3-a"}, nil, nil, pantry.ErrUnsupported},
	} {
		var sent []string
		body := ""
		r, _ := client(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			sent = append(sent, req.Method+" "+strings.TrimPrefix(req.URL.RequestURI(), "/npm"))
			if req.Method == http.MethodPut {
				data, _ := io.ReadAll(req.Body)
				body = string(data)
			}
			answer := c.answers[req.Method]
			switch answer {
			case "403", "404", "405", "409":
				http.Error(w, `{"error":"no"}`, map[string]int{"403": 403, "404": 404, "405": 405, "409": 409}[answer])
			default:
				_, _ = io.WriteString(w, answer)
			}
		}))
		err := c.do(r)
		if !errors.Is(err, c.err) || c.err == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
		if !slices.Equal(sent, c.sent) {
			t.Errorf("%s: sent %q, want %q", name, sent, c.sent)
		}
		if body != "" && !json.Valid([]byte(body)) {
			t.Errorf("%s: sent %s", name, body)
		}
		for _, text := range c.body {
			if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(body, `\u003c`, "<"), `\u003e`, ">"), text) {
				t.Errorf("%s: %s is not in %s", name, text, body)
			}
		}
		for _, text := range c.not {
			if strings.Contains(body, text) {
				t.Errorf("%s: %s is in %s", name, text, body)
			}
		}
	}
}
