package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// public stands for npm's public registry in the examples. To run one against the live registry,
// leave the line away that sets its URL.
func public() *httptest.Server {
	return httptest.NewServer(npm.Handler(registrytest.NewMemory("public",
		registrytest.Pkg{Name: "lodash", Version: "4.17.20", Description: "Lodash modular utilities."},
		registrytest.Pkg{Name: "lodash", Version: "4.17.21", Description: "Lodash modular utilities."},
		registrytest.Pkg{Name: "react", Version: "19.2.0", Description: "React is a JavaScript library for building user interfaces."},
	), npm.HandlerOptions{}))
}

// private stands for a team's own registry.
func private() *httptest.Server {
	return httptest.NewServer(custom.Handler(registrytest.NewMemory("private",
		registrytest.Pkg{Name: "@acme/ui", Version: "1.2.0", Description: "Our react components."},
	), custom.HandlerOptions{}))
}

// Make a manager, add npm's registry, and ask it for a package.
func ExampleManager() {
	server := public()
	defer server.Close()

	manager := registry.NewManager(registry.Options{})
	config := registry.NPM()
	config.URL = server.URL // without this line it is npm's public registry
	if err := manager.Add(config); err != nil {
		fmt.Println(err)
		return
	}
	npm, ok := manager.Default()
	if !ok {
		fmt.Println("no registry is enabled")
		return
	}
	m, err := npm.Metadata(context.Background(), "lodash", "4.17.21")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("Package: %s@%s\n", m.Name, m.Version)
	fmt.Println(m.Description)
	// Output:
	// Package: lodash@4.17.21
	// Lodash modular utilities.
}

// Several registries of different types, asked in the order of their priority, and found again by
// their type.
func ExampleManager_ByType() {
	own := private()
	defer own.Close()

	manager := registry.NewManager(registry.Options{})
	fifteen := 15
	for _, c := range []registry.Config{
		registry.NPM(),
		registry.GitHub(),
		{Name: "acme", Type: "custom", URL: own.URL, Priority: &fifteen},
	} {
		if err := manager.Add(c); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, e := range manager.All() {
		fmt.Println(e.Name(), e.Type(), e.Priority())
	}
	if e, ok := manager.ByType("github"); ok {
		fmt.Println("first of type github:", e.Name(), e.URL())
	}
	// Output:
	// acme custom 15
	// npm npm 20
	// github github 30
	// first of type github: github https://api.github.com
}

// Search all registries at once. One that fails is told and spoils nothing.
func ExampleManager_Search() {
	own, npm := private(), public()
	defer own.Close()
	defer npm.Close()
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()

	manager := registry.NewManager(registry.Options{})
	retries := 0
	for _, c := range []registry.Config{
		{Name: "acme", Type: "custom", URL: own.URL, Packages: []string{"@acme/*"}},
		{Name: "npm", Type: "npm", URL: npm.URL},
		{Name: "old", Type: "npm", URL: down.URL, Retries: &retries},
	} {
		if err := manager.Add(c); err != nil {
			fmt.Println(err)
			return
		}
	}
	found, err := manager.Search(context.Background(), pantry.Query{Text: "react"}, registry.SearchOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range found.Results {
		fmt.Printf("%s@%s from %s\n", r.Name, r.Version, r.Registry)
	}
	for _, f := range found.Failed {
		fmt.Println(f.Registry, "failed:", f.Outcome)
	}
	// Output:
	// react@19.2.0 from npm
	// @acme/ui@1.2.0 from acme
	// old failed: unavailable
}

// A private registry that is asked first, with basic authentication. The password is a variable,
// which is looked up when the registry is first needed.
func ExampleManager_Add() {
	handler := custom.Handler(registrytest.NewMemory("private", registrytest.Pkg{Name: "@acme/ui", Version: "1.2.0"}), custom.HandlerOptions{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "user" || password != "pass" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()

	manager := registry.NewManager(registry.Options{
		Getenv: func(name string) (string, bool) { return "pass", name == "ACME_PASSWORD" }, // os.LookupEnv by default
	})
	first := 1
	err := manager.Add(registry.Config{
		Name: "acme", Type: "custom", URL: server.URL, Priority: &first, Packages: []string{"@acme/*"},
		Auth: &registry.Auth{
			Type:     registry.AuthBasic,
			Username: registry.Value{Raw: pantry.NewSecret("user")},
			Password: registry.Value{Raw: pantry.NewSecret("${ACME_PASSWORD}"), Source: "pantry.json:8:21 registries[0].auth.password"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, decision, err := manager.Metadata(context.Background(), "@acme/ui", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s@%s from %s\n", m.Name, m.Version, m.Registry)
	fmt.Println(decision.Attempts[0].Credential)
	// Output:
	// @acme/ui@1.2.0 from acme
	// pantry.json:8:21 registries[0].auth.password (${ACME_PASSWORD})
}

// A minimal registry server: five answers make a registry that a manager reads.
func Example_minimalServer() {
	pkg := registrytest.Pkg{Name: "my-package", Version: "1.0.0", Description: "A package"}
	tarball := registrytest.Tarball(pkg)
	answer := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v)
		}
	}
	version := map[string]any{
		"name": pkg.Name, "version": pkg.Version, "description": pkg.Description,
		"tarballUrl": "/packages/my-package/1.0.0/tarball",
		"checksum":   "sha256:" + integrity.Sum(integrity.SHA256, tarball).Hex(),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /packages/my-package", answer(version))
	mux.HandleFunc("GET /packages/my-package/1.0.0", answer(version))
	mux.HandleFunc("GET /packages/my-package/versions", answer(map[string]any{"versions": []string{"1.0.0"}}))
	mux.HandleFunc("GET /search", answer(map[string]any{"results": []any{version}}))
	mux.HandleFunc("GET /packages/my-package/1.0.0/tarball", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(tarball) })
	server := httptest.NewServer(mux)
	defer server.Close()

	manager := registry.NewManager(registry.Options{})
	if err := manager.Add(registry.Config{Name: "mine", Type: "custom", URL: server.URL}); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	versions, _, err := manager.Versions(ctx, "my-package")
	fmt.Println(versions, err)
	var file bytes.Buffer
	m, _, err := manager.Download(ctx, registry.Request{Name: "my-package"}, &file)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Description, "verified:", bytes.Equal(file.Bytes(), tarball))
	// Output:
	// [1.0.0] <nil>
	// A package verified: true
}

// With the mode always, every failure leads on to the next registry, and the decision says which
// one failed and why. The default mode goes on only where that is safe.
func ExampleManager_Lookup_fallback() {
	npm := public()
	defer npm.Close()
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer down.Close()

	manager := registry.NewManager(registry.Options{Fallback: registry.Always})
	retries, first := 0, 1
	for _, c := range []registry.Config{
		{Name: "acme", Type: "custom", URL: down.URL, Priority: &first, Retries: &retries},
		{Name: "npm", Type: "npm", URL: npm.URL},
	} {
		if err := manager.Add(c); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, name := range []string{"lodash", "no-such-package"} {
		m, decision, err := manager.Lookup(context.Background(), registry.Request{Name: name})
		for _, a := range decision.Asked() {
			if a.Outcome != registry.Found {
				fmt.Printf("%s: %s (status %d)\n", a.Registry, a.Outcome, a.Status)
			}
		}
		var failed *registry.LookupError
		switch {
		case errors.As(err, &failed):
			fmt.Println(strings.SplitN(err.Error(), ";", 2)[0])
		case err == nil:
			fmt.Printf("%s@%s from %s\n", m.Name, m.Version, m.Registry)
		}
	}
	// Output:
	// acme: unavailable (status 503)
	// lodash@4.17.21 from npm
	// acme: unavailable (status 503)
	// npm: name-not-found (status 404)
	// no-such-package could not be looked up
}

// When everybody says that there is no such package, the error says so.
func ExampleLookupError() {
	npm, own := public(), private()
	defer npm.Close()
	defer own.Close()
	manager := registry.NewManager(registry.Options{})
	err := manager.Load([]registry.Config{
		{Name: "acme", Type: "custom", URL: own.URL},
		{Name: "npm", Type: "npm", URL: npm.URL},
	}, "acme")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = manager.Metadata(context.Background(), "no-such-package", "")
	fmt.Println(strings.SplitN(err.Error(), ";", 2)[0])
	fmt.Println(errors.Is(err, pantry.ErrNotFound))
	fmt.Println(pantry.Hint(err))
	// Output:
	// package no-such-package not found in any registry
	// true
	// check the spelling, or try: pantry search no-such-package
}
