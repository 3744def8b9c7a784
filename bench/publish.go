package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pantry-go/pantry/bench/report"
)

// writeReport writes a file of results into the documentation below dir: the tables between the marks in
// docs/benchmarks.md and in README.md, and the plot beside them.
func writeReport(results, dir string) error {
	f, err := os.Open(results)
	if err != nil {
		return err
	}
	r, err := report.Read(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", results, err)
	}
	s := report.Summarise(r)
	plot := s.Plot(report.Mode{}, []string{"vite", "next", "large"})
	return errors.Join(
		replaceIn(filepath.Join(dir, "docs", "benchmarks.md"), "benchmarks", s.Markdown()),
		replaceIn(filepath.Join(dir, "README.md"), "benchmarks", s.Short()),
		os.WriteFile(filepath.Join(dir, "docs", "benchmarks.svg"), []byte(plot), 0o644),
	)
}

func replaceIn(file, mark, text string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	out, err := report.Replace(string(data), mark, "\n"+text+"\n")
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(out), 0o644)
}
