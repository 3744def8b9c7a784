package store

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	generationName = "generation"
	stampsName     = "stamps"
	// generationLength is that of a generation: 128 bits, so that none comes twice.
	generationLength = 32
)

// Generation returns a text that changes before anything is taken out of the store: as long as it is the
// same, what was there is there. A store that has none yet gets one, unless it cannot be written, in
// which case the text is "".
func (s *Store) Generation() (string, error) {
	for range attempts {
		now, err := s.generation()
		if now != "" || err != nil {
			return now, err
		}
		w, err := s.workspace()
		if errors.Is(err, fs.ErrPermission) || isReadOnly(err) {
			return "", nil
		}
		if err == nil {
			err = s.firstGeneration(w)
		}
		if err != nil {
			return "", err
		}
	}
	return "", s.fail("read", errors.New("its generation cannot be read"))
}

// generation reads the present one; "" if there is none, or it was cut short.
func (s *Store) generation() (string, error) {
	data, _, err := readWhole(s.generationPath(), generationLength+1)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", s.fail("read", err)
	}
	text, ok := bytes.CutSuffix(data, []byte("\n"))
	if !ok || len(text) != generationLength || !isHex(string(text)) {
		return "", nil
	}
	return string(text), nil
}

func (s *Store) generationPath() string { return filepath.Join(s.dir, generationName) }

// firstGeneration begins the first one, unless another process does; only one may, or the other would
// think that something was taken out.
func (s *Store) firstGeneration(w *workspace) error {
	unlock := s.lockReplacing()
	defer unlock()
	if now, err := s.generation(); now != "" || err != nil {
		return err
	}
	return s.nextGeneration(w)
}

// nextGeneration begins a new one: all stamps are void.
func (s *Store) nextGeneration(w *workspace) error {
	var random [generationLength / 2]byte
	_, _ = rand.Read(random[:]) // never fails
	if err := s.put1(w, generationName, append(hex.AppendEncode(nil, random[:]), '\n')); err != nil {
		return s.fail("write", err)
	}
	return nil
}

// put1 puts a small file into the store, whole.
func (s *Store) put1(w *workspace, name string, data []byte) error {
	tmp, dst := w.name("file"), filepath.Join(s.dir, name)
	err := writeNew(tmp, data)
	if err == nil {
		err = rename(tmp, dst)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(dst), 0o755); err == nil {
			err = rename(tmp, dst)
		}
	}
	if err != nil {
		return errors.Join(err, removeIfThere(tmp))
	}
	return nil
}

// A stamp is a line, the data, and a line:
//
//	pantry store stamp 1 GENERATION
//	…
//	crc32c 89abcdef
const stampHeader = "pantry store stamp 1 "

// maxStamp bounds a stamp: the links of a project with 10 000 direct dependencies and as many programs
// are some 5 MiB.
const maxStamp = 32 << 20

// Stamp returns the record that PutStamp kept under a name (hexadecimal digits in lower case), if the
// generation it was put with is the present one, and the machine was not started since: a loss of
// power may have cut short what the record vouches for.
func (s *Store) Stamp(name string) ([]byte, bool) {
	if !validStamp(name) {
		return nil, false
	}
	data, written, err := readWhole(s.stampPath(name), maxStamp)
	if err != nil || !s.recent(written) {
		return nil, false
	}
	generation, record, ok := parseStamp(data)
	if !ok {
		return nil, false
	}
	now, err := s.generation()
	return record, err == nil && now == generation
}

// PutStamp keeps a record for as long as nothing is taken out of the store. generation is what
// Generation returned before the caller began to look at what the record is about, so that a stamp for
// something that was taken out meanwhile is void from the beginning; with "" nothing is kept.
func (s *Store) PutStamp(name, generation string, data []byte) error {
	switch {
	case generation == "":
		return nil
	case !validStamp(name):
		return s.fail("write", fmt.Errorf("%.50q is no name for a stamp", name))
	case len(generation) != generationLength || !isHex(generation):
		return s.fail("write", fmt.Errorf("%.50q is no generation of a store", generation))
	case len(data) > maxStamp-256:
		return s.fail("write", fmt.Errorf("a stamp of %d bytes is too large", len(data)))
	}
	w, err := s.workspace()
	if err != nil {
		return err
	}
	if err := s.put1(w, filepath.Join(stampsName, name), formatStamp(generation, data)); err != nil {
		return s.fail("write", err)
	}
	return nil
}

func (s *Store) stampPath(name string) string { return filepath.Join(s.dir, stampsName, name) }

func validStamp(name string) bool { return name != "" && len(name) <= 128 && isHex(name) }

func formatStamp(generation string, data []byte) []byte {
	b := make([]byte, 0, len(stampHeader)+len(generation)+len(data)+20)
	b = append(append(append(b, stampHeader...), generation...), '\n')
	b = append(append(b, data...), '\n')
	return append(b, endLine(b)...)
}

func parseStamp(b []byte) (generation string, data []byte, ok bool) {
	end := len(b) - len(indexEnd) - 9
	if end < 0 || string(b[end:]) != endLine(b[:end]) {
		return "", nil, false
	}
	rest, ok := bytes.CutPrefix(b[:end], []byte(stampHeader))
	if !ok {
		return "", nil, false
	}
	first, data, _ := bytes.Cut(rest, []byte("\n"))
	data, ok = bytes.CutSuffix(data, []byte("\n"))
	return string(first), data, ok && len(first) == generationLength && isHex(string(first))
}
