package pkgxtest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"html"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Server is an http.Handler that serves projects. It is safe for concurrent use.
type Server struct {
	mu       sync.RWMutex
	projects map[string]Project
	made     map[string]func() []byte // of the projects, by path without the slash before it
	put      map[string][]byte        // stands before those
	gone     map[string]bool          // paths that Remove took out
	missing  int
}

// New returns a server of projects.
func New(projects ...Project) *Server {
	s := &Server{
		projects: make(map[string]Project), put: make(map[string][]byte), gone: make(map[string]bool),
		missing: http.StatusForbidden,
	}
	s.Add(projects...)
	return s
}

// Add puts projects in. One that is there already is replaced, with all its bottles.
func (s *Server) Add(projects ...Project) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range projects {
		s.projects[p.Name] = p
	}
	s.lay()
}

// Delete takes a project out, with its recipe and its bottles.
func (s *Server) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.projects, name)
	s.lay()
}

// Put serves data at a path, in the place of what is there otherwise.
func (s *Server) Put(path string, data []byte) {
	data = bytes.Clone(data)
	s.mu.Lock()
	defer s.mu.Unlock()
	path = strings.TrimPrefix(path, "/")
	s.put[path] = data
	delete(s.gone, path)
}

// Remove makes a path one that is not there. Put brings it back.
func (s *Server) Remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone[strings.TrimPrefix(path, "/")] = true
}

// SetMissing sets the status for what is not there: 403, as New does, or 404.
func (s *Server) SetMissing(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missing = status
}

// Paths lists what is served, in byte order.
func (s *Server) Paths() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	set := make(map[string]bool)
	for path := range s.made {
		set[path] = true
	}
	for path := range s.put {
		set[path] = true
	}
	maps.DeleteFunc(set, func(path string, _ bool) bool { return s.gone[path] })
	return slices.Sorted(maps.Keys(set))
}

// Get returns the content at a path. ok is false when nothing is there.
func (s *Server) Get(path string) (data []byte, ok bool) {
	path = strings.TrimPrefix(path, "/")
	s.mu.RLock()
	data, there := s.put[path]
	content, gone := s.made[path], s.gone[path]
	s.mu.RUnlock()
	switch {
	case gone, !there && content == nil:
		return nil, false
	case there:
		return data, true
	}
	return content(), true
}

// lay makes the files of all projects anew; those of Put stay. s.mu is held.
func (s *Server) lay() {
	s.made = make(map[string]func() []byte)
	projects := slices.Collect(maps.Values(s.projects))
	s.lazy("pantry.tar.xz", func() []byte { return XZ(recipes(projects)) })
	s.lazy("pantry.tgz", func() []byte { return gzipped(recipes(projects)) })
	for _, p := range projects {
		lists := make(map[string]*strings.Builder)
		for _, b := range p.Bottles {
			archive := sync.OnceValue(func() []byte { return b.archive(p.Name) })
			for _, platform := range b.platforms() {
				folder := folder(p.Name, platform)
				if lists[folder] == nil {
					lists[folder] = new(strings.Builder)
				}
				lists[folder].WriteString(b.Version + "\n")
				s.lazy(folder+b.file(), archive)
				if file, content := b.sum(); file != "" {
					s.lazy(folder+file, func() []byte { return content(archive()) })
				}
			}
		}
		for folder, list := range lists {
			s.lazy(folder+"versions.txt", func() []byte { return []byte(list.String()) })
		}
	}
}

func (s *Server) lazy(path string, content func() []byte) {
	s.made[path] = sync.OnceValue(content)
}

// folder is where the bottles for a platform are, with a slash at its end.
func folder(project, platform string) string {
	prefix := ""
	if strings.HasPrefix(platform, "windows/") {
		prefix = "v2/"
	}
	return prefix + project + "/" + platform + "/"
}

// ServeHTTP answers GET and HEAD, with validators and ranges.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.refuse(w, r, http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
		return
	}
	data, ok := s.Get(r.URL.Path)
	if !ok {
		s.mu.RLock()
		status := s.missing
		s.mu.RUnlock()
		code, message := "AccessDenied", "Access Denied"
		if status == http.StatusNotFound {
			code, message = "NoSuchKey", "The specified key does not exist."
		}
		s.refuse(w, r, status, code, message)
		return
	}
	h := w.Header()
	sum := sha256.Sum256(data)
	h.Set("ETag", fmt.Sprintf(`"%x"`, sum[:16]))
	h.Set("Content-Type", contentType(r.URL.Path))
	h.Set("Server", "AmazonS3")
	http.ServeContent(w, r, "", packed, bytes.NewReader(data))
}

func contentType(path string) string {
	switch {
	case strings.HasSuffix(path, ".txt"):
		return "text/plain"
	case strings.HasSuffix(path, ".xz"):
		return "application/x-xz"
	case strings.HasSuffix(path, ".gz"), strings.HasSuffix(path, ".tgz"):
		return "application/gzip"
	}
	return "binary/octet-stream"
}

// refuse answers with the document of the storage.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>",
			code, html.EscapeString(message))
	}
}
