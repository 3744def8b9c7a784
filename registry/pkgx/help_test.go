package pkgx_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/pkgx"
	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var linux = pantry.Platform{OS: "linux", Arch: "amd64", Libc: "glibc"}

// connect serves h and returns a client called "tools" of it, for Linux, which does not retry.
func connect(t testing.TB, h http.Handler, change ...func(*pkgx.Options, *transport.Options)) (*pkgx.Registry, string) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	if s, ok := h.(*registrytest.Scripted); ok {
		t.Cleanup(s.Close)
	}
	o := pkgx.Options{Name: "tools", Platform: linux}
	wire := transport.Options{Registry: "tools", URL: srv.URL, Retries: new(int), Env: func(string) string { return "" }}
	for _, f := range change {
		f(&o, &wire)
	}
	c, err := transport.New(wire)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	o.Client = c
	r, err := pkgx.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r, srv.URL
}

func platform(os, arch string) func(*pkgx.Options, *transport.Options) {
	return func(o *pkgx.Options, _ *transport.Options) { o.Platform = pantry.Platform{OS: os, Arch: arch} }
}

func unverified(o *pkgx.Options, _ *transport.Options) { o.AllowMissingChecksum = true }

// alone looks for no bottles of other platforms.
func alone(o *pkgx.Options, _ *transport.Options) { o.Platforms = []pantry.Platform{} }

func samples() *pkgxtest.Server { return pkgxtest.New(pkgxtest.Samples()...) }

// versions makes bottles of nothing.
func versions(list ...string) []pkgxtest.Bottle {
	bottles := make([]pkgxtest.Bottle, len(list))
	for i, v := range list {
		bottles[i] = pkgxtest.Bottle{Version: v, Files: map[string]string{"bin/x": v}}
	}
	return bottles
}

func hexSum(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }
