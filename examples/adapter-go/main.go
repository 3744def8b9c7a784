// The program adapter-go makes a registry of a folder: FOLDER/NAME/VERSION.tgz. It is an example of a
// program that speaks Pantry's adapter protocol (docs/adapters.md), and uses nothing but the standard
// library.
//
//	go build -o adapter-go ./examples/adapter-go
//	pantry adapter test --package NAME -- ./adapter-go FOLDER
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: adapter-go FOLDER")
		os.Exit(2)
	}
	root, err := os.OpenRoot(os.Args[1]) // nothing outside of it can be reached, whatever a name is
	if err != nil {
		fmt.Fprintln(os.Stderr, "adapter-go:", err)
		os.Exit(1)
	}
	s := &server{files: root.FS(), open: map[string]io.ReadCloser{}}
	if err := s.serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "adapter-go:", err)
		os.Exit(1)
	}
}

// request is a line from Pantry. One without an ID is not answered.
type request struct {
	ID     *int   `json:"id"`
	Method string `json:"method"`
	Params struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Text    string `json:"text"`
		Limit   int    `json:"limit"`
		Handle  string `json:"handle"`
	} `json:"params"`
}

// failure is an error with one of the protocol's codes.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

type object = map[string]any

type server struct {
	files fs.FS
	open  map[string]io.ReadCloser // by handle
	next  int
}

// serve answers one question after the other until the input ends. So a question that is cancelled
// has been answered by then, and "cancel" needs nothing done.
func (s *server) serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var q request
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return err
		}
		result, err := s.answer(&q)
		if q.ID == nil {
			continue
		}
		reply := object{"id": *q.ID, "result": result}
		if err != nil {
			f := &failure{Code: "unavailable", Message: err.Error()}
			_ = errors.As(err, &f)
			reply = object{"id": *q.ID, "error": f}
		}
		b, err := json.Marshal(reply)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(b, '\n')); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (s *server) answer(q *request) (any, error) {
	p := q.Params
	switch q.Method {
	case "hello":
		return object{"protocol": 1, "name": "a folder", "versions": "semver", "search": true, "sample": s.sample()}, nil
	case "package":
		versions, err := s.versions(p.Name)
		return object{"name": p.Name, "versions": versions}, err
	case "metadata":
		return s.metadata(p.Name, p.Version)
	case "search":
		return s.search(p.Text, p.Limit)
	case "open":
		f, err := s.file(p.Name, p.Version)
		if err != nil {
			return nil, err
		}
		s.next++
		handle := strconv.Itoa(s.next)
		s.open[handle] = f
		return object{"handle": handle}, nil
	case "read":
		return s.read(p.Handle)
	case "close":
		s.forget(p.Handle)
		return object{}, nil
	case "ping":
		return object{}, nil
	}
	return nil, &failure{"unsupported", "there is no method " + strconv.Quote(q.Method)}
}

func (s *server) names() []string {
	entries, _ := fs.ReadDir(s.files, ".")
	var names []string
	for _, e := range entries {
		if versions, err := s.versions(e.Name()); err == nil && len(versions) > 0 {
			names = append(names, e.Name())
		}
	}
	return names
}

func (s *server) sample() string {
	if names := s.names(); len(names) > 0 {
		return names[0]
	}
	return ""
}

// versions may be in any order: Pantry sorts them.
func (s *server) versions(name string) ([]string, error) {
	var versions []string
	if fs.ValidPath(name) && !strings.Contains(name, "/") && name != "." {
		entries, _ := fs.ReadDir(s.files, name)
		for _, e := range entries {
			if v, ok := strings.CutSuffix(e.Name(), ".tgz"); ok {
				versions = append(versions, v)
			}
		}
	}
	if len(versions) == 0 {
		return nil, &failure{"not_found", "there is no such folder"}
	}
	return versions, nil
}

func (s *server) file(name, version string) (fs.File, error) {
	versions, err := s.versions(name)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(versions, version) {
		return nil, &failure{"version_not_found", "there is no such file"}
	}
	return s.files.Open(path.Join(name, version+".tgz"))
}

func (s *server) metadata(name, version string) (any, error) {
	f, err := s.file(name, version)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return nil, err
	}
	return object{
		"name": name, "version": version,
		"artifact": object{"digest": "sha256:" + hex.EncodeToString(h.Sum(nil)), "size": n, "file": name + "-" + version + ".tgz"},
	}, nil
}

func (s *server) search(text string, limit int) (any, error) {
	results := []object{}
	for _, name := range s.names() {
		if strings.Contains(name, text) && len(results) < limit {
			results = append(results, object{"name": name})
		}
	}
	return object{"results": results}, nil
}

// read gives the next piece of an artifact. The handle is of no use behind the end.
func (s *server) read(handle string) (any, error) {
	const piece = 256 << 10
	f, ok := s.open[handle]
	if !ok {
		return nil, &failure{"invalid", "there is no such handle"}
	}
	b := make([]byte, piece)
	n, err := io.ReadFull(f, b)
	end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil {
		s.forget(handle)
	}
	if err != nil && !end {
		return nil, err
	}
	return object{"data": base64.StdEncoding.EncodeToString(b[:n]), "end": end}, nil
}

func (s *server) forget(handle string) {
	if f, ok := s.open[handle]; ok {
		_ = f.Close()
		delete(s.open, handle)
	}
}
