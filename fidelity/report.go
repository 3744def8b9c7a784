package main

import "fmt"

func (r result) print() {
	fmt.Printf("%s: %d places (%d bundled), %d packages; %d paths differ, %d packages only npm, %d only pantry, %d dependents differ %s\n",
		r.name, r.places, r.bundled, r.packages, len(r.paths), len(r.missing), len(r.extra), len(r.dependents), r.npm)
	for _, d := range r.paths {
		fmt.Println("   ", d)
	}
	for _, d := range r.dependents {
		fmt.Println("   dep", d)
	}
	for _, b := range r.builds {
		fmt.Println("   build", b.linker, b.script, b.err == nil, b.err, "NPM:", b.npm)
	}
}

func report(results []result, versions string) []byte { return nil }
