package pkgx_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pantry-go/pantry/registry/pkgx"
	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
)

// BenchmarkIndex reads as many recipes as the public registry has, of the usual size. (A tar of the
// real ones, packed by xz to 450 kB, takes another 40 ms to unpack.)
func BenchmarkIndex(b *testing.B) {
	const recipe = `distributable:
  url: https://example.com/v{{ version }}/x-v{{ version }}.tar.xz
  strip-components: 1
versions:
  github: example/project/tags
dependencies:
  project1.example: ^73 # a comment
  project2.example: 1.1
  linux:
    project3.example: 14
runtime:
  env:
    X_HOME: ${{prefix}}
provides:
  - bin/x
  - bin/y
build:
  dependencies:
    project4.example: "*"
  script:
    - ./configure $ARGS
    - run: |
        sed -i 's/x/y/' Makefile
      working-directory: src
    - make --jobs {{ hw.concurrency }} install
  env:
    ARGS:
      - --prefix={{ prefix }}
      - --disable-dependency-tracking
test:
  script:
    - out=$(x $FIXTURE)
    - test "$out" = "Hello, world!"
  fixture: console.log("Hello, world!");
`
	s := pkgxtest.New()
	var projects []pkgxtest.Project
	for i := range 1900 {
		projects = append(projects, pkgxtest.Project{Name: fmt.Sprintf("project%d.example", i), Recipe: recipe})
	}
	s.Add(projects...)
	packed, _ := s.Get("pantry.tar.xz")
	r, _ := connect(b, s)
	b.ReportAllocs()
	b.SetBytes(int64(len(packed)))
	for b.Loop() {
		if n, err := pkgx.Count(r, b.Context(), bytes.NewReader(packed)); n != 1900 || err != nil {
			b.Fatal(n, err)
		}
	}
}
