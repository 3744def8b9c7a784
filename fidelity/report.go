package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// print says in one line what was found, and what is wrong in more.
func (r result) print() {
	fmt.Printf("%s: %d packages at %d places: %d paths differ, %d packages are npm's only, %d Pantry's only, %d peers differ\n",
		r.name, r.packages, r.places, len(r.paths), len(r.missing), len(r.extra), len(r.bindings))
	for _, d := range r.paths {
		fmt.Println("   ", d)
	}
	for _, b := range r.bindings {
		if b.why == unexplained {
			fmt.Println("   ", b)
		}
	}
	for _, b := range r.builds {
		fmt.Printf("    %s, %s: %s\n", b.linker, b.command, b.outcome(r.name))
		if b.err != nil && b.npm == nil && b.known(r.name) == "" {
			fmt.Println(b.err)
		}
	}
}

// verdict is an error where something is wrong that has no reason.
func verdict(results []result) error {
	var errs []error
	for _, r := range results {
		if r.npm != "" {
			errs = append(errs, fmt.Errorf("%s: npm resolved nothing: %s", r.name, r.npm))
		}
		if n := len(r.paths) + len(r.missing) + len(r.extra); n > 0 {
			errs = append(errs, fmt.Errorf("%s: %d differences from npm's tree", r.name, n))
		}
		for _, b := range r.bindings {
			if b.why == unexplained {
				errs = append(errs, fmt.Errorf("%s: %s", r.name, b))
			}
		}
		for _, b := range r.builds {
			if b.err != nil && b.npm == nil && b.known(r.name) == "" {
				errs = append(errs, fmt.Errorf("%s: %q fails with the %s layout", r.name, b.command, b.linker))
			}
		}
	}
	return errors.Join(errs...)
}

// report writes the documentation page.
func report(results []result, versions string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, intro, versions)
	b.WriteString("\n## Trees and graphs\n\n")
	b.WriteString("| manifest | packages | places | paths that differ | packages that differ | peers bound per context | peers only named |\n")
	b.WriteString("|---|---:|---:|---:|---:|---:|---:|\n")
	var sum [6]int
	for _, r := range results {
		row := [6]int{r.packages, r.places, len(r.paths), len(r.missing) + len(r.extra), r.count(perContext), r.count(onlyNamed)}
		fmt.Fprintf(&b, "| `%s` |", r.name)
		for i, n := range row {
			sum[i] += n
			fmt.Fprintf(&b, " %d |", n)
		}
		b.WriteString("\n")
	}
	b.WriteString("| all |")
	for _, n := range sum {
		fmt.Fprintf(&b, " %d |", n)
	}
	b.WriteString("\n" + reasons)
	for _, r := range results {
		r.details(&b)
	}
	b.WriteString("\n## Builds and tests\n\n")
	writeBuilds(&b, results)
	return b.Bytes()
}

func (r result) count(why reason) int {
	n := 0
	for _, b := range r.bindings {
		if b.why == why {
			n++
		}
	}
	return n
}

// details lists every difference of one manifest.
func (r result) details(b *bytes.Buffer) {
	if len(r.paths)+len(r.missing)+len(r.extra)+len(r.bindings) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details><summary><code>%s</code></summary>\n\n", r.name)
	for _, d := range r.paths {
		fmt.Fprintf(b, "- **%s**\n", d)
	}
	for _, x := range r.missing {
		fmt.Fprintf(b, "- **only with npm: %s**\n", x)
	}
	for _, x := range r.extra {
		fmt.Fprintf(b, "- **only with Pantry: %s**\n", x)
	}
	for _, x := range r.bindings {
		fmt.Fprintf(b, "- %s (%s)\n", x, map[reason]string{perContext: "context", onlyNamed: "only named", unexplained: "**no reason**"}[x.why])
	}
	b.WriteString("\n</details>\n")
}

// writeBuilds writes a row for each command and a column for each layout.
func writeBuilds(b *bytes.Buffer, results []result) {
	var linkers []string
	outcomes := map[string]string{}
	type row struct{ name, command string }
	var rows []row
	for _, r := range results {
		for _, x := range r.builds {
			if !slices.Contains(linkers, x.linker) {
				linkers = append(linkers, x.linker)
			}
			at := row{r.name, x.command}
			if !slices.Contains(rows, at) {
				rows = append(rows, at)
			}
			outcomes[r.name+"\x00"+x.command+"\x00"+x.linker] = x.outcome(r.name)
		}
	}
	fmt.Fprintf(b, "| manifest | command | %s |\n|---|---|%s\n", strings.Join(linkers, " | "), strings.Repeat("---|", len(linkers)))
	for _, x := range rows {
		fmt.Fprintf(b, "| `%s` | `%s` |", x.name, x.command)
		for _, linker := range linkers {
			fmt.Fprintf(b, " %s |", outcomes[x.name+"\x00"+x.command+"\x00"+linker])
		}
		b.WriteString("\n")
	}
}

const intro = `# Fidelity

<!-- Written by make fidelity. -->

A project gets from Pantry what npm gives it. ` + "`make fidelity`" + ` checks that, and wrote this page: it resolves
real manifests (the fixtures of the benchmark, and those in ` + "`fidelity/manifests`" + `) with npm and with Pantry at
one time, from one recorded copy of the registry's answers, compares the results, and runs the projects'
own build and test commands on what Pantry installs. It fails where it finds a difference that has no
reason, or a command that fails with Pantry only.

Compared were %s.

- **Places**: the paths and versions of ` + "`package-lock.json`" + ` with those of ` + "`pantry.lock`" + ` hoisted, for all platforms.
  Files that come inside the artifact of another package (bundled ones) are not counted.
- **Graph**: the set of packages, and for each package what every one of its dependencies and peers is: as
  Node.js finds it in npm's tree, and as ` + "`pantry.lock`" + ` has it for the isolated layout.
`

const reasons = `
All that differs are peers in the graph, for one of two reasons:

- **Context.** npm has one folder for a package, which sees one version of a peer, whoever uses it. In
  Pantry's graph a peer is what the one that depends on the package brings, if its version satisfies: as with
  pnpm, a package that is used in several surroundings is there for each of them. The hoisted layout has
  npm's folders all the same.
- **Only named.** A package marks a peer as optional (` + "`peerDependenciesMeta`" + `) without asking for it in
  ` + "`peerDependencies`" + `. npm's tree does not look at such names. Pantry links what the surroundings bring under
  them, which the package would not find otherwise in an isolated layout.
`
