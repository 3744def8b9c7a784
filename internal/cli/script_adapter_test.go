package cli_test

import (
	"net/http"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter/adaptertest"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

// adapterProgram is the program of stories: it speaks for the REST registry at the URL it is told.
func adapterProgram() {
	err := adaptertest.Serve(os.Stdin, os.Stdout, func(url string, _ map[string]string) (pantry.Registry, error) {
		c, err := transport.New(transport.Options{URL: url, Retries: new(int)})
		if err != nil {
			return nil, err
		}
		return custom.New(custom.Options{Name: "behind", Client: c})
	})
	if err != nil {
		os.Exit(1)
	}
}

// startEcosystem starts a server that answers as another ecosystem's registry. A package is
// NAME@VERSION, with a "!" behind it where it was withdrawn.
func startEcosystem(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "ecosystem NAME pypi|crates|rubygems|go PACKAGE@VERSION[!]...")
	var pkgs []adaptertest.Package
	for _, arg := range args[2:] {
		spec, withdrawn := strings.CutSuffix(arg, "!")
		name, version, ok := strings.Cut(spec, "@")
		if !ok {
			ts.Fatalf("%s is not NAME@VERSION", arg)
		}
		pkgs = append(pkgs, adaptertest.Package{Name: name, Version: version, Withdrawn: withdrawn, Description: "this is " + name, License: "MIT"})
	}
	var h http.Handler
	switch args[1] {
	case "pypi":
		h = adaptertest.PyPI(pkgs...)
	case "crates":
		h = adaptertest.Crates("", pkgs...)
	case "rubygems":
		h = adaptertest.RubyGems(pkgs...)
	case "go":
		h = adaptertest.GoProxy(pkgs...)
	default:
		ts.Fatalf("there is no ecosystem %s", args[1])
	}
	s := &site{scripted: registrytest.NewScripted(h)}
	s.start(ts)
	ts.Value(worldKey{}).(*world).sites[args[0]] = s
	ts.Setenv(strings.ToUpper(args[0])+"_URL", s.server.URL)
}
