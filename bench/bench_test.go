package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/bench/replay"
	"github.com/pantry-go/pantry/bench/report"
	"github.com/pantry-go/pantry/bench/tree"
)

// tarball has a manifest and a file.
func tarball(t *testing.T, name, version string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for path, content := range map[string]string{"package.json": fmt.Sprintf(`{"name":%q,"version":%q}`, name, version), "lib.js": "1"} {
		err := w.WriteHeader(&tar.Header{Name: "package/" + path, Typeflag: tar.TypeReg, Size: int64(len(content)), Mode: 0o644})
		if _, e := io.WriteString(w, content); errors.Join(err, e) != nil {
			t.Fatal(err, e)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// newBench has a replay registry with the packages p@1.0.0 and is-odd@3.0.1, and a fixture that needs p.
func newBench(t *testing.T) (*bench, *fixture) {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for name, version := range map[string]string{"p": "1.0.0", "is-odd": "3.0.1"} {
			path := fmt.Sprintf("/%s/-/%s-%s.tgz", name, name, version)
			switch req.URL.Path {
			case "/" + name:
				fmt.Fprintf(w, `{"name":%q,"versions":{%q:{"name":%q,"version":%q,"dist":{"tarball":"http://upstream.example%s"}}}}`, name, version, name, version, path)
				return
			case path:
				_, _ = w.Write(tarball(t, name, version))
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(upstream.Close)
	r := &replay.Registry{Upstream: upstream.URL, Dir: t.TempDir()}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.Base = server.URL
	b := &bench{
		options: options{scenarios: report.Scenarios(), timeout: time.Minute, cache: t.TempDir()},
		replay:  r, catalog: &catalog{replay: r, dir: t.TempDir()}, work: t.TempDir(), run: report.Run{ID: "r"},
	}
	return b, &fixture{
		name: "tiny", manifest: []byte(`{"dependencies":{"p":"1.0.0"}}`),
		first: map[string]*tree.Tree{}, unlike: map[string]int{}, failed: map[string]error{},
	}
}

func fakeClient(t *testing.T, b *bench, fault string) client {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return client{
		name: "fake", layout: tree.Hoisted, locks: []string{"fake.lock"}, env: []string{"FAULT=" + fault, "BASE=" + b.replay.Base, "GORACE=atexit_sleep_ms=0"}, // or each takes a second with -race
		install: []string{self, fakeArg, "install"}, frozen: []string{self, fakeArg, "frozen"}, add: []string{self, fakeArg, "add"},
	}
}

func TestChain(t *testing.T) {
	t.Parallel()
	b, f := newBench(t)
	c := fakeClient(t, b, "")
	for rep, want := range [][]string{
		nil, // repetition 0 is not counted
		{
			"cold: 1 packuments, 1 tarballs, 1 packages, 2 files",
			"noop: 0 packuments, 0 tarballs, 1 packages, 2 files",
			"warm: 0 packuments, 0 tarballs, 1 packages, 2 files",
			"warmnolock: 1 packuments, 0 tarballs, 1 packages, 2 files",
			"add: 0 packuments, 1 tarballs, 2 packages, 4 files",
			"coldlock: 0 packuments, 1 tarballs, 1 packages, 2 files",
		},
	} {
		rows, err := b.chain(context.Background(), f, c, rep)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%s: %d packuments, %d tarballs, %d packages, %d files", r.Scenario, r.Packuments, r.Tarballs, r.Packages, r.Files))
			if r.Wall <= 0 || r.User+r.System <= 0 || r.Peak < 1 || r.Peak > 1000 || r.Rep != rep || r.Run != "r" {
				t.Errorf("%+v", r)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	if left, err := os.ReadDir(b.work); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

// No time of a client that does something else than it should is kept.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"forgets a file":       "warm: the tree is wrong:\n  p@1.0.0 (node_modules/p) lacks 1 of its 2 files",
		"never complete":       "cold: the tree is wrong:",
		"changes the lockfile": "warm: fake.lock was changed",
		"writes no lockfile":   "cold: there is no lockfile",
		"has no cache":         "noop: 0 packuments and 1 tarballs were asked for, and nothing was to do",
		"asks for nothing":     "noop: 1 packuments and 0 tarballs were asked for, and nothing was to do",
		"adds nothing":         "add: no tarball was asked for: something was not cold",
		"fails":                "no such luck",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			b, f := newBench(t)
			rows, err := b.chain(context.Background(), f, fakeClient(t, b, fault), 1)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: want %q", err, want)
			}
			scenario, _, _ := strings.Cut(want, ":")
			for _, r := range rows {
				if r.Scenario == scenario {
					t.Errorf("there is a time: %+v", r)
				}
			}
		})
	}
}

// A tree that is whole, but not the one this client made before, is refused too.
func TestAnotherTree(t *testing.T) {
	t.Parallel()
	b, f := newBench(t)
	f.first["fake"] = &tree.Tree{Packages: []string{"node_modules/p p@1.0.0", "node_modules/q q@1.0.0"}, Files: 4}
	_, err := b.chain(context.Background(), f, fakeClient(t, b, ""), 1)
	if err == nil || !strings.Contains(err.Error(), "- node_modules/q q@1.0.0") {
		t.Errorf("%v", err)
	}
}

// Pantry's difference from npm's tree is counted and written down, or refused.
func TestLikeNPM(t *testing.T) {
	t.Parallel()
	b, f := newBench(t)
	f.npm = &tree.Tree{Packages: []string{"node_modules/p p@1.0.0", "node_modules/q q@1.0.0"}, Versions: []string{"p@1.0.0"}}
	c := fakeClient(t, b, "")
	c.family = "pantry"
	rows, err := b.chain(context.Background(), f, c, 1)
	if err != nil || rows[0].UnlikeNPM != 1 {
		t.Errorf("%+v, %v", rows, err)
	}
	data, err := os.ReadFile(filepath.Join(b.cache, "unlike-npm", "tiny-fake"))
	if err != nil || string(data) != "- node_modules/q q@1.0.0\n" {
		t.Errorf("%q, %v", data, err)
	}
	b.strict, f.first = true, map[string]*tree.Tree{}
	if _, err := b.chain(context.Background(), f, c, 1); err == nil || !strings.Contains(err.Error(), "differs from npm's") {
		t.Errorf("%v", err)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	b, _ := newBench(t)
	sleep := process{args: []string{"sleep", "60"}, dir: b.work, log: filepath.Join(b.work, "log"), timeout: time.Millisecond}
	begin := time.Now()
	if _, err := sleep.run(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	known := []string{"tiny", "vite", "large"}
	for list, want := range map[string][]string{"all": known, "large,tiny": {"tiny", "large"}, "vite": {"vite"}} {
		got, err := choose("fixture", list, known)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", list, err, d)
		}
	}
	if _, err := choose("fixture", "tiny,vitte", known); err == nil {
		t.Error("no error for a word that is not known")
	}
}

// The documentation has the marks that -report needs.
func TestWriteReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"README.md", "docs/benchmarks.md"} {
		data, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	results := filepath.Join(dir, "results.jsonl")
	w, err := report.Append(results)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(w.Write(report.Run{ID: "r", Reps: 1}),
		w.Write(report.Row{Run: "r", Fixture: "vite", Scenario: "warm", Client: "pantry-hoisted", Rep: 1, Wall: 1}),
		w.Write(report.Row{Run: "r", Fixture: "vite", Scenario: "warm", Client: "bun-hoisted", Rep: 1, Wall: 8}), w.Close())
	if err != nil {
		t.Fatal(err)
	}
	if err := writeReport(results, dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"README.md": "| vite | warm | 0.12 |", "docs/benchmarks.md": "| vite | warm | 0.12 (1.00) |", "docs/benchmarks.svg": "vite, warm"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s does not have %q, %v", name, want, err)
		}
	}
}

// Every client of the tables can be run, and every fixture is there.
func TestTables(t *testing.T) {
	t.Parallel()
	for _, c := range clients(report.Clients(), map[string]string{"pantry": "pantry", "bun": "bun", "pnpm": "pnpm", "npm": "npm"}, "http://127.0.0.1:1") {
		if len(c.install) == 0 || len(c.frozen) == 0 || len(c.add) == 0 || c.layout == "" || len(c.locks) == 0 {
			t.Errorf("%+v", c)
		}
	}
	for _, name := range report.Fixtures() {
		if _, err := os.Stat(filepath.Join("fixtures", name, "package.json")); err != nil {
			t.Error(err)
		}
	}
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	if d := cmp.Diff(report.Scenarios(), names); d != "" {
		t.Error(d)
	}
}
