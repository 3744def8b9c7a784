package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeArg makes the test binary a package manager: it is followed by what to do.
const fakeArg = "-fake"

func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) > 3 && os.Args[1] == measureArg:
		err = measure(os.Args[2], os.Args[3:])
	case len(os.Args) > 2 && os.Args[1] == fakeArg:
		err = fakeInstall(os.Args[2], os.Getenv("FAULT"), os.Getenv("BASE"))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		log.Fatal(err)
	}
}

// fakeInstall lays out the project's dependencies, which have none of their own, from the registry at base or from
// the home folder. A fault makes one scenario go wrong.
func fakeInstall(what, fault, base string) error {
	if fault == "fails" && what == "frozen" {
		return errors.New("no such luck")
	}
	var manifest struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	data, err := os.ReadFile("package.json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return err
	}
	if name, version, _ := strings.Cut(added, "@"); what == "add" && fault != "adds nothing" {
		manifest.Dependencies[name] = version
		if data, err = json.Marshal(manifest); err != nil {
			return err
		}
		if err := os.WriteFile("package.json", data, 0o644); err != nil {
			return err
		}
	}
	_, noLock := os.Stat("fake.lock")
	_, noModules := os.Stat("node_modules")
	for name, version := range manifest.Dependencies {
		if err := fakePackage(name, version, fault, base, noLock != nil || fault == "asks for nothing" && noModules == nil); err != nil {
			return err
		}
	}
	if fault == "never complete" || fault == "forgets a file" && what == "frozen" {
		err = os.Remove("node_modules/p/lib.js")
	}
	if fault == "writes no lockfile" {
		return err
	}
	lock := fmt.Sprint(manifest.Dependencies)
	if fault == "changes the lockfile" && what == "frozen" {
		lock += "."
	}
	return errors.Join(err, os.WriteFile("fake.lock", []byte(lock), 0o644))
}

// fakePackage lays out one package, asking for its packument if told so and for its tarball if it is not in the
// home folder.
func fakePackage(name, version, fault, base string, ask bool) error {
	if ask {
		if _, err := fetch(base + "/" + name); err != nil {
			return err
		}
	}
	cached := filepath.Join(os.Getenv("HOME"), name+".tgz")
	data, err := os.ReadFile(cached)
	if err != nil || fault == "has no cache" {
		if data, err = fetch(base + "/" + name + "/-/" + name + "-" + version + ".tgz"); err != nil {
			return err
		}
		if err := os.WriteFile(cached, data, 0o644); err != nil {
			return err
		}
	}
	z, err := gzip.NewReader(strings.NewReader(string(data)))
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		content, err := io.ReadAll(t)
		if err != nil {
			return err
		}
		path := filepath.Join("node_modules", name, strings.TrimPrefix(h.Name, "package/"))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
			return err
		}
	}
}

func fetch(url string) ([]byte, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(url + ": " + resp.Status)
	}
	return io.ReadAll(resp.Body)
}
