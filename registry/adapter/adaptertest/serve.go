package adaptertest

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/pantry-go/pantry"
)

// Serve is the other side of the protocol of programs, over any registry: what a test runs as the
// program. open makes the registry of the URL that the program is told. It answers questions at once,
// each when its answer is there, until in ends.
func Serve(in io.Reader, out io.Writer, open func(url string, auth map[string]string) (pantry.Registry, error)) error {
	s := &programServer{out: json.NewEncoder(out), connect: open, open: map[string]io.ReadCloser{}, cancels: map[int]context.CancelFunc{}}
	s.out.SetEscapeHTML(false)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	var running sync.WaitGroup
	defer running.Wait()
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return err
		}
		if q.Method == "cancel" {
			s.cancel(q.Params.ID)
			continue
		}
		ctx := s.begin(q.ID)
		if q.Method == "hello" { // nothing else can be answered before
			s.reply(ctx, &q)
			continue
		}
		running.Go(func() { s.reply(ctx, &q) })
	}
	return lines.Err()
}

type question struct {
	ID     *int   `json:"id"`
	Method string `json:"method"`
	Params struct {
		ID                         int
		Name, Version, URL, Handle string
		Text                       string
		Limit                      int
		Auth                       map[string]string
	} `json:"params"`
}

type programServer struct {
	connect  func(url string, auth map[string]string) (pantry.Registry, error)
	registry pantry.Registry

	mu      sync.Mutex
	out     *json.Encoder
	open    map[string]io.ReadCloser
	handles int
	cancels map[int]context.CancelFunc
}

// begin makes the context of a question, which cancel ends.
func (s *programServer) begin(id *int) context.Context {
	if id == nil {
		return context.Background()
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancels[*id] = cancel
	return ctx
}

func (s *programServer) cancel(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.cancels[id]; ok {
		c()
	}
}

func (s *programServer) reply(ctx context.Context, q *question) {
	result, err := s.answer(ctx, q)
	if q.ID == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancels[*q.ID]()
	delete(s.cancels, *q.ID)
	if err != nil {
		_ = s.out.Encode(object{"id": *q.ID, "error": object{"code": codeOf(err), "message": err.Error(), "hint": pantry.Hint(err)}})
		return
	}
	_ = s.out.Encode(object{"id": *q.ID, "result": result})
}

func codeOf(err error) string {
	for _, c := range []struct {
		code string
		err  error
	}{
		{"version_not_found", pantry.ErrVersionNotFound}, {"not_found", pantry.ErrNotFound}, {"denied", pantry.ErrDenied},
		{"invalid", pantry.ErrInvalid}, {"unsupported", pantry.ErrUnsupported}, {"config", pantry.ErrConfig},
	} {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return "unavailable"
}

func (s *programServer) answer(ctx context.Context, q *question) (any, error) {
	p := q.Params
	switch q.Method {
	case "hello":
		var err error
		s.registry, err = s.connect(p.URL, p.Auth)
		return object{"protocol": 1, "name": "a test", "versions": "semver", "search": true, "sample": "left-pad"}, err
	case "package":
		pkg, err := s.registry.Package(ctx, p.Name)
		if err != nil {
			return nil, err
		}
		return object{"name": pkg.Name(), "versions": pkg.Versions(), "tags": pkg.Tags()}, nil
	case "metadata":
		m, err := s.registry.Metadata(ctx, p.Name, p.Version)
		if err == nil && m.Version != p.Version {
			err = pantry.ErrVersionNotFound
		}
		if err != nil {
			return nil, err
		}
		return fields(m)
	case "search":
		searcher, ok := pantry.As[pantry.Searcher](s.registry)
		if !ok {
			return nil, pantry.ErrUnsupported
		}
		found, err := searcher.Search(ctx, pantry.Query{Text: p.Text, Limit: p.Limit})
		results := []any{}
		for i := range found {
			r, _ := fields(&found[i])
			results = append(results, r)
		}
		return object{"results": results}, err
	case "open":
		body, err := s.registry.Open(context.WithoutCancel(ctx), pantry.Artifact{Name: p.Name, Version: p.Version, URL: p.URL})
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.handles++
		handle := strconv.Itoa(s.handles)
		s.open[handle] = body
		return object{"handle": handle}, nil
	case "read", "close":
		return s.piece(q.Method, p.Handle)
	case "ping":
		return object{}, nil
	}
	return nil, fmt.Errorf("%w: no method %q", pantry.ErrUnsupported, q.Method)
}

// piece reads a little, so that artifacts have several pieces.
func (s *programServer) piece(method, handle string) (any, error) {
	s.mu.Lock()
	body, ok := s.open[handle]
	s.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("%w: no such handle", pantry.ErrInvalid)
	}
	b := make([]byte, 100)
	n, err := 0, io.EOF
	if method == "read" {
		n, err = io.ReadFull(body, b)
	}
	end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil {
		_ = body.Close()
		s.mu.Lock()
		delete(s.open, handle)
		s.mu.Unlock()
	}
	if err != nil && !end {
		return nil, err
	}
	return object{"data": base64.StdEncoding.EncodeToString(b[:n]), "end": end}, nil
}

// fields are metadata in the words of the protocol, which are those of its JSON.
func fields(m *pantry.Metadata) (object, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, err
	}
	o["artifact"] = object{"url": m.Artifact.URL, "digest": m.Artifact.Integrity.String(), "size": m.Artifact.Size}
	return o, nil
}
