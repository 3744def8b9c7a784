package registry_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

var writeFaults = flag.Bool("write-faults", false, "write docs/faults.md instead of comparing with it")

// fault is one row of the table: what is wrong with the registry that is asked first.
type fault struct {
	name string
	rule registrytest.Fault // of its server
	path string             // of the requests that meet it; "" is metadata
	// host stands for the server; nil is the server, with rule.
	host registrytest.Host
	tls  *certificate // the server's; nil is plain HTTP
	auth bool         // a credential is sent
}

// second is the registry behind it, which is well.
const secondHost, firstHost = "second.example", "first.example"

const tarballs = "/left-pad/-/*"

func faults() []fault {
	const day = "86400"
	status := registrytest.Status
	return []fault{
		{name: "no such host", host: func(context.Context, net.Conn) error {
			return &net.DNSError{Err: "no such host", Name: firstHost, IsNotFound: true}
		}},
		{name: "connection refused", host: registrytest.Refused},
		{name: "no answer to a connection (black hole)", host: registrytest.BlackHole},
		{name: "connection broken at the first byte", host: registrytest.Resets},
		{name: "silence after the connection", host: registrytest.Silent},
		{name: "certificate of an unknown authority", tls: &certificate{unknown: true}},
		{name: "expired certificate", tls: &certificate{expired: true}},
		{name: "certificate of another host", tls: &certificate{host: "other.example"}},
		{name: "silence in the TLS handshake", tls: &certificate{}, host: registrytest.Silent},
		{name: "plain HTTP where TLS is expected", tls: &certificate{}, host: registrytest.Says("HTTP/1.1 400 Bad Request\r\n\r\n")},
		{name: "not HTTP at all", host: registrytest.Says("220 mail.example ESMTP\r\n")},
		{name: "silence after the request", rule: registrytest.Hang()},
		{name: "silence within the body", rule: registrytest.HangAfter(20)},
		{name: "a byte every second", rule: registrytest.Trickle(1, time.Second)},
		{name: "connection broken before an answer", rule: registrytest.Abort()},
		{name: "connection broken within the body", rule: registrytest.CutShort(20)},
		{name: "body shorter than JSON needs", rule: registrytest.Truncated(20)},
		{name: "longer than announced", host: registrytest.Says("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}{}{}")},
		{name: "two lengths", host: registrytest.Says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}")},
		{name: "broken chunks", host: registrytest.Says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")},
		{name: "endless header", host: endlessHeader},
		{name: "401, nothing was sent", rule: status(401)},
		{name: "401, a credential was sent", rule: status(401), auth: true},
		{name: "403, nothing was sent", rule: status(403)},
		{name: "403, a credential was sent", rule: status(403), auth: true},
		{name: "404", rule: status(404)},
		{name: "410", rule: status(410)},
		{name: "429", rule: status(429)},
		{name: "429, Retry-After of 2 seconds", rule: status(429, "Retry-After", "2")},
		{name: "429, Retry-After of a day", rule: status(429, "Retry-After", day)},
		{name: "500", rule: status(500)},
		{name: "502", rule: status(502)},
		{name: "503", rule: status(503)},
		{name: "503, Retry-After at a time", rule: status(503, "Retry-After", "Sat, 01 Jan 2000 00:00:10 GMT")},
		{name: "503, Retry-After that is none", rule: status(503, "Retry-After", "-5")},
		{name: "504", rule: status(504)},
		{name: "204", rule: status(204)},
		{name: "206, unasked", rule: status(206)},
		{name: "304, unasked", rule: status(304)},
		{name: "a page of HTML with 200", rule: registrytest.HTML()},
		{name: "garbage", rule: registrytest.Garbage()},
		{name: "JSON of another kind", rule: registrytest.JSON(`["left-pad"]`)},
		{name: "null", rule: registrytest.JSON(`null`)},
		{name: "another package", rule: registrytest.JSON(`{"name":"right-pad","versions":{}}`)},
		{name: "JSON nested five million deep", rule: registrytest.Nested(5_000_000)},
		{name: "endless JSON", rule: registrytest.Endless(1<<40, false, nil)},
		{name: "endless JSON, compressed", rule: registrytest.Endless(1<<40, true, nil)},
		{name: "redirects in a circle", rule: registrytest.Redirect(302, "http://"+firstHost)},
		{name: "redirect without a place", rule: status(302)},
		{name: "redirect to a file", rule: status(302, "Location", "file:///etc/passwd")},
		{name: "artifact: wrong bytes", path: tarballs, rule: registrytest.Tampered()},
		{name: "artifact: those of another version", path: tarballs, rule: registrytest.Rewrite("2.0.0", "1.9.0")},
		{name: "artifact: cut short, as if that were all", path: tarballs, rule: registrytest.Truncated(20)},
		{name: "artifact: connection broken", path: tarballs, rule: registrytest.CutShort(20)},
		{name: "artifact: silence within", path: tarballs, rule: registrytest.HangAfter(20)},
		{name: "artifact: a page of HTML", path: tarballs, rule: registrytest.HTML()},
		{name: "artifact: 404", path: tarballs, rule: status(404)},
		{name: "artifact: 403, a credential was sent", path: tarballs, rule: status(403), auth: true},
		{name: "artifact: 503", path: tarballs, rule: status(503)},
		{name: "artifact: slow, a piece every five seconds", path: tarballs, rule: registrytest.Trickle(16, 5*time.Second)},
	}
}

// endlessHeader answers with a header that does not end.
func endlessHeader(_ context.Context, server net.Conn) error {
	go func() {
		defer server.Close()
		if _, err := server.Read(make([]byte, 64<<10)); err != nil {
			return
		}
		_, err := io.WriteString(server, "HTTP/1.1 200 OK\r\n")
		line := []byte("X-More: " + strings.Repeat("a", 8<<10) + "\r\n")
		for err == nil {
			_, err = server.Write(line)
		}
	}()
	return nil
}

// certificate is what a server shows. Its zero value is good.
type certificate struct {
	unknown, expired bool
	host             string
}

// make returns the server's configuration, and the authority in PEM that the client trusts.
func (c *certificate) make(t *testing.T) (*tls.Config, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{firstHost},
		NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	if c.expired {
		template.NotAfter = now.Add(-24 * time.Hour)
	}
	if c.host != "" {
		template.DNSNames = []string{c.host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	if c.unknown {
		return config, nil
	}
	return config, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// effect is what became of a question.
type effect struct {
	answered      string // the registry that did; "" for none
	outcome       registry.Outcome
	took          time.Duration
	first, second int // requests
	warnings      []string
	err, hint     string
}

const secretToken = "s3cr3t-t0ken"

// ask asks two registries for a package, the first of which has the fault.
func (f fault) ask(t *testing.T, mode registry.Fallback) (e effect) {
	network := registrytest.NewNetwork()
	defer network.Close()
	pkg := registrytest.Pkg{Name: "left-pad", Version: "2.0.0", Files: map[string]string{"index.js": strings.Repeat("pad ", 100)}}
	old := registrytest.Pkg{Name: "left-pad", Version: "1.9.0", Files: map[string]string{"index.js": "pad"}}
	serve := func(name, base string) *registrytest.Scripted {
		return registrytest.NewScripted(npm.Handler(registrytest.NewMemory(name, pkg, old), npm.HandlerOptions{BaseURL: base}))
	}
	first, second := serve("first", ""), serve("second", "")
	defer first.Close()
	defer second.Close()
	scheme, wrap := "http://", func(c net.Conn) net.Conn { return c }
	var authority []byte
	if f.tls != nil {
		config, pem := f.tls.make(t)
		scheme, authority = "https://", pem
		wrap = func(c net.Conn) net.Conn { return tls.Server(c, config) }
	}
	rule := registrytest.Rule{Path: f.path, Fault: f.rule}
	if f.path == "" {
		rule.Match = func(r *http.Request) bool { return !strings.Contains(r.URL.Path, "/-/") }
	}
	if f.rule != nil {
		first.Set(rule)
	}
	network.Serve(firstHost, first, wrap)
	network.Serve(secondHost, second, nil)
	connections := 0
	if f.host != nil {
		network.Set(firstHost, func(ctx context.Context, server net.Conn) error {
			connections++
			return f.host(ctx, server)
		})
	}

	high, low := 10, 20
	one := registry.Config{Name: "first", Type: "npm", URL: scheme + firstHost, Priority: &high, Insecure: true, CA: authority}
	if f.auth {
		one.Auth = &registry.Auth{Type: registry.AuthBearer, Token: registry.Value{Raw: pantry.NewSecret(secretToken), Source: "pantry.json:4:20"}}
	}
	m := registry.NewManager(registry.Options{
		Fallback: mode,
		Getenv:   func(string) (string, bool) { return "", false },
		Transport: func(_ registry.Config, o *transport.Options) {
			o.Dial, o.Rand = network.Dial, func() float64 { return 1 }
			http1 := false
			o.HTTP2 = &http1
		},
	})
	two := registry.Config{Name: "second", Type: "npm", URL: "http://" + secondHost, Priority: &low, Insecure: true}
	if err := m.Load([]registry.Config{one, two}, ""); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, d, err := m.Download(t.Context(), registry.Request{Name: "left-pad", Version: "2.0.0"}, io.Discard)
	e = effect{answered: d.Registry, took: time.Since(start), first: first.Count() + connections, second: second.Count(), warnings: d.Warnings}
	e.outcome = d.Attempts[0].Outcome
	if err != nil {
		e.err, e.hint = err.Error(), pantry.Hint(err)
	}
	if strings.Contains(e.err+e.hint+strings.Join(d.Warnings, ""), secretToken) {
		t.Errorf("%s: the token is told", f.name)
	}
	for _, c := range m.All() {
		if r, ok := pantry.As[interface{ CloseIdleConnections() }](c); ok {
			r.CloseIdleConnections()
		}
	}
	return e
}

// mostTime bounds every wait of one registry: the time for all attempts, and a body that does not end well.
const mostTime = 75 * time.Second

var faultModes = []registry.Fallback{registry.Failover, registry.Always, registry.NotFoundOnly, registry.Never}

// TestFaults injects faults into the registry that is asked first, in every mode, on a network in memory and
// by its clock, and compares what happens with docs/faults.md.
func TestFaults(t *testing.T) {
	var table, texts bytes.Buffer
	for _, f := range faults() {
		var effects []effect
		for _, mode := range faultModes {
			synctest.Test(t, func(t *testing.T) { effects = append(effects, f.ask(t, mode)) })
		}
		for i, e := range effects {
			if e.took > mostTime {
				t.Errorf("%s, %s: took %v", f.name, faultModes[i], e.took)
			}
			if e.answered == "" && e.err == "" {
				t.Errorf("%s, %s: neither an answer nor an error", f.name, faultModes[i])
			}
		}
		f.describe(&table, &texts, effects)
	}
	page := faultsHead + table.String() + faultsMiddle + texts.String()
	path := filepath.Join("..", "docs", "faults.md")
	if *writeFaults {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) == page {
		return
	}
	was, is := strings.Split(string(have), "\n"), strings.Split(page, "\n")
	for i := range is {
		if i >= len(was) || was[i] != is[i] {
			t.Fatalf("docs/faults.md does not say what happens (if this is right: go test ./registry -run TestFaults -write-faults)\nline %d: %s", i+1, is[i])
		}
	}
	t.Fatal("docs/faults.md has more than there is")
}

func (f fault) describe(table, texts io.Writer, effects []effect) {
	never := effects[len(effects)-1]
	_, _ = fmt.Fprintf(table, "| %s | %s | %s | %d |", f.name, never.outcome, seconds(never.took), never.first)
	for _, e := range effects {
		_, _ = fmt.Fprintf(table, " %s |", e.cell())
	}
	_, _ = fmt.Fprintln(table)
	if never.err == "" {
		return
	}
	_, _ = fmt.Fprintf(texts, "**%s**\n\n", f.name)
	say := func(what, text string) {
		if text != "" {
			_, _ = fmt.Fprintf(texts, "- %s: `%s`\n", what, strings.ReplaceAll(text, "`", "'"))
		}
	}
	say("error", never.err)
	say("hint", never.hint)
	for _, w := range effects[0].warnings {
		say("warning, where the next one is asked", w)
	}
	_, _ = fmt.Fprintln(texts)
}

func (e effect) cell() string {
	switch {
	case e.answered == "":
		return "stop"
	case len(e.warnings) > 0:
		return e.answered + ", warning"
	}
	return e.answered
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

const faultsHead = `# Faults

<!-- Written by go test ./registry -run TestFaults -write-faults, which injects every fault; a test compares. -->

Two registries of type npm are configured, ` + "`first`" + ` and ` + "`second`" + `; ` + "`second`" + ` is well. A version that both have is
downloaded, as by ` + "`pantry download`" + `; an install asks twice more for an artifact that breaks off. The table tells for every fault of ` + "`first`" + ` how that is classed, how long it takes until that is known, how many
requests (or connections) ` + "`first`" + ` sees, and who answers in each mode of ` + "`fallback`" + `. Timeouts and retries are the defaults; pauses
between attempts are random in reality, and the longest possible here.

| fault | class | time | requests | failover | always | not-found | never |
|---|---|---:|---:|---|---|---|---|
`

const faultsMiddle = `
## What the user reads

`
