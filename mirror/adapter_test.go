package mirror_test

import (
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/pantry-go/pantry/mirror"
	"github.com/pantry-go/pantry/registry/adapter"
	"github.com/pantry-go/pantry/registry/adapter/adaptertest"
	"github.com/pantry-go/pantry/transport"
)

// TestOtherEcosystem: packages whose versions follow other rules are chosen by those, and kept.
func TestOtherEcosystem(t *testing.T) {
	t.Parallel()
	var pkgs []adaptertest.Package
	for _, v := range []string{"1.9", "1.10", "2.0rc1", "2.0"} {
		pkgs = append(pkgs, adaptertest.Package{Name: "requests", Version: v})
	}
	srv := httptest.NewServer(adaptertest.PyPI(pkgs...))
	t.Cleanup(srv.Close)
	c, err := transport.New(transport.Options{URL: srv.URL, Registry: "pypi", Env: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	def, err := adapter.Load("pypi")
	if err != nil {
		t.Fatal(err)
	}
	source, err := adapter.New(adapter.Options{Name: "pypi", Client: c, Definition: def})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := folder(t)
	o := mirror.Options{From: end("pypi", source), To: end("d", d), Items: items(t, "requests@>=1.9,<2")}
	if rep := run(t, o); rep.Copied != 2 || len(rep.Failed) != 0 {
		t.Fatalf("%+v", rep)
	}
	p, err := d.Package(t.Context(), "requests")
	if err != nil || !slices.Equal(p.Versions(), []string{"1.9", "1.10"}) || p.Tags()["latest"] != "1.10" {
		t.Errorf("got %v %v, %v", p.Versions(), p.Tags(), err)
	}
	o.Items = items(t, "requests")
	if rep := run(t, o); rep.Copied != 2 || rep.Skipped != 2 || len(rep.Failed) != 0 {
		t.Errorf("%+v", rep)
	}
	if p, err = d.Package(t.Context(), "requests"); err != nil || len(p.Versions()) != 4 || p.Tags()["latest"] != "2.0" {
		t.Errorf("got %v %v, %v", p.Versions(), p.Tags(), err)
	}
	for _, v := range p.Versions() {
		if bytesOf(t, d, "requests", v) != bytesOf(t, source, "requests", v) {
			t.Errorf("%s has other bytes", v)
		}
	}
}
