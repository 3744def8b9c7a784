// Package report keeps the results of benchmarks in a file of JSON lines, and makes tables and a plot of them.
package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Run is one start of the benchmark: what all its rows have in common.
type Run struct {
	ID      string            `json:"run"`               // when it began, RFC 3339: later runs are greater
	Machine Machine           `json:"machine"`           //
	Clients map[string]string `json:"clients"`           // versions
	Reps    int               `json:"reps"`              // measured repetitions
	Latency float64           `json:"latency,omitempty"` // milliseconds added to each answer of the registry
	Live    bool              `json:"live,omitempty"`    // from the live registry rather than the replay
	Several bool              `json:"several,omitempty"` // Pantry with further registries, and alone
}

// Machine is where a run took place.
type Machine struct {
	CPU    string  `json:"cpu"`
	Cores  int     `json:"cores"`
	Memory float64 `json:"memory"` // GiB
	System string  `json:"system"` // kernel and its version
	Files  string  `json:"files"`  // file system of the projects
	Go     string  `json:"go"`     // what Pantry was built with
	Node   string  `json:"node"`   // what npm ran on
}

// Row is one measured run of a client. A row with Refused counts for nothing.
type Row struct {
	Run      string  `json:"in"` // the ID of its Run
	Fixture  string  `json:"fixture"`
	Scenario string  `json:"scenario"`
	Client   string  `json:"client"`
	Rep      int     `json:"rep"`
	Wall     float64 `json:"wall"`   // seconds
	User     float64 `json:"user"`   // seconds of CPU, of the client and the processes it waited for
	System   float64 `json:"system"` // seconds of CPU in the kernel
	Peak     float64 `json:"peak"`   // MiB, of the largest process
	Requests
	Packages  int    `json:"packages"`            // places in the tree
	Files     int    `json:"files"`               // in all packages
	UnlikeNPM int    `json:"unlikeNpm,omitempty"` // of Pantry: places, or versions, that npm's tree has not or has besides
	Refused   string `json:"refused,omitempty"`   // why there is no time
}

// Requests is what the replay registry was asked during a row.
type Requests struct {
	Packuments  int64 `json:"packuments"` // those not modified included
	NotModified int64 `json:"notModified"`
	Tarballs    int64 `json:"tarballs"`
	Other       int64 `json:"other"`
	Bytes       int64 `json:"bytes"`
}

// Results is what a file holds.
type Results struct {
	Runs map[string]Run
	Rows []Row
}

// Writer appends to a file of results. It is not safe for concurrent use.
type Writer struct {
	file *os.File
}

// Append opens a file of results, making it if need be. The caller closes the Writer.
func Append(path string) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &Writer{f}, nil
}

// Write adds a [Run] or a [Row] as one line.
func (w *Writer) Write(v any) error { return json.NewEncoder(w.file).Encode(v) }

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }

// maxLine bounds a line of a file of results.
const maxLine = 1 << 20

// Read reads results. A last line that was cut off is left out, as an interrupted run leaves it.
func Read(r io.Reader) (*Results, error) {
	out := &Results{Runs: map[string]Run{}}
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	var cut error
	for n := 1; s.Scan(); n++ {
		if cut != nil {
			return nil, cut
		}
		var kind struct {
			ID string `json:"run"`
		}
		if err := json.Unmarshal(s.Bytes(), &kind); err != nil {
			cut = fmt.Errorf("results, line %d: %w", n, err)
			continue
		}
		if err := out.add(kind.ID != "", s.Bytes()); err != nil {
			return nil, fmt.Errorf("results, line %d: %w", n, err)
		}
	}
	return out, s.Err()
}

func (r *Results) add(isRun bool, line []byte) error {
	if isRun {
		var run Run
		err := json.Unmarshal(line, &run)
		r.Runs[run.ID] = run
		return err
	}
	var row Row
	if err := json.Unmarshal(line, &row); err != nil {
		return err
	}
	if _, ok := r.Runs[row.Run]; !ok {
		return errors.New("a row of a run that is not there")
	}
	r.Rows = append(r.Rows, row)
	return nil
}
