package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"unicode/utf8"
)

// maxFile bounds a configuration file; one of a person is a few KB.
const maxFile = 4 << 20

var utf8BOM = []byte("\xef\xbb\xbf")

// source is one file that was read, and the mistakes found in it.
type source struct {
	path     string // to open it
	name     string // for messages
	level    level
	data     []byte // without a byte order mark
	lines    []int  // offset of each line's first byte
	runes    []int  // characters before each multiple of stride
	problems Problems
}

// stride is the distance, in bytes, at which characters are counted in advance, so that the column
// of a place in a file of one long line does not cost the length of the file.
const stride = 4 << 10

// newSource makes a source of data; text without a line end at its end gets none added.
func newSource(path, name string, lv level, data []byte) *source {
	s := &source{path: path, name: name, level: lv, data: bytes.TrimPrefix(data, utf8BOM), lines: []int{0}}
	count := 0
	for i, b := range s.data {
		if i%stride == 0 {
			s.runes = append(s.runes, count)
		}
		if utf8.RuneStart(b) {
			count++
		}
		if b == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// runesTo counts the characters in front of an offset.
func (s *source) runesTo(offset int) int {
	block := offset / stride
	if block >= len(s.runes) { // the end of the file, or of an empty one
		block = len(s.runes) - 1
	}
	if block < 0 {
		return 0
	}
	n := s.runes[block]
	for _, b := range s.data[block*stride : offset] {
		if utf8.RuneStart(b) {
			n++
		}
	}
	return n
}

// at is the origin of the byte at offset.
func (s *source) at(offset int) origin {
	offset = max(0, min(offset, len(s.data)))
	line := sort.SearchInts(s.lines, offset+1)
	column := 1 + s.runesTo(offset) - s.runesTo(s.lines[line-1])
	return origin{level: s.level, file: s.name, line: line, column: column}
}

// full says that no more problems are collected.
func (s *source) full() bool { return len(s.problems) >= maxProblems }

func (s *source) problem(offset int, format string, args ...any) {
	if !s.full() {
		s.problems = append(s.problems, s.at(offset).problem(format, args...))
	}
}

// readFile reads a whole file of at most maxFile bytes. ok is false when there is none.
func readFile(path, name string) (data []byte, ok bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // a folder on the way may be a file
		return nil, false, nil
	}
	if err != nil {
		return nil, false, unreadable(name, err)
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, false, Problem{File: name, Message: "is a folder, expected a file"}
	}
	data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, false, unreadable(name, err)
	}
	if len(data) > maxFile {
		return nil, false, Problem{File: name, Message: fmt.Sprintf("is larger than %d MiB, the limit for a configuration file", maxFile>>20)}
	}
	return data, true, nil
}

// unreadable says why, without the path that an fs.PathError repeats.
func unreadable(name string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return Problem{File: name, Message: "can't be read: " + err.Error()}
}

// resolvePath makes p, written in a file of folder dir, absolute: "~/" is the home folder. A path
// that starts with a variable stays as it is.
func resolvePath(p, dir, home string) string {
	switch {
	case p == "" || strings.HasPrefix(p, "${") || filepath.IsAbs(p):
		return p
	case home != "" && (p == "~" || strings.HasPrefix(p, "~/") || strings.HasPrefix(p, `~\`)):
		return filepath.Join(home, p[1:])
	case dir == "":
		return p
	}
	return filepath.Join(dir, p)
}
