package pkgxtest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/mikelolasagasti/xz"
	"go.uber.org/goleak"

	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ask(s http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://registry.example.com"+path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestServer(t *testing.T) {
	t.Parallel()
	s := pkgxtest.New(pkgxtest.Samples()...)
	if w := ask(s, "GET", "/tools.example/count/linux/x86-64/versions.txt"); w.Body.String() != "2023.12.31\n1.0.1\n1.1.1q\n1.2\n" {
		t.Errorf("versions = %d %q", w.Code, w.Body)
	}
	if w := ask(s, "GET", "/tools.example/count/darwin/aarch64/versions.txt"); w.Body.String() != "2023.12.31\n1.0.1\n1.2\n" {
		t.Errorf("versions = %d %q", w.Code, w.Body)
	}
	whole := ask(s, "GET", "/hello.example/linux/x86-64/v1.0.0.tar.xz")
	sum := ask(s, "GET", "/hello.example/linux/x86-64/v1.0.0.tar.xz.sha256sum").Body.String()
	if want := fmt.Sprintf("%x  v1.0.0.tar.xz\n", sha256.Sum256(whole.Body.Bytes())); sum != want {
		t.Errorf("checksum = %q, want %q", sum, want)
	}
	etag := whole.Header().Get("ETag")
	if w := ask(s, "GET", "/hello.example/linux/x86-64/v1.0.0.tar.xz", "If-None-Match", etag); w.Code != http.StatusNotModified || etag == "" {
		t.Errorf("with the ETag %q: %d", etag, w.Code)
	}
	if w := ask(s, "GET", "/hello.example/linux/x86-64/v1.0.0.tar.xz", "Range", "bytes=2-5"); w.Code != 206 || !bytes.Equal(w.Body.Bytes(), whole.Body.Bytes()[2:6]) {
		t.Errorf("a range: %d %q", w.Code, w.Body)
	}
	if w := ask(s, "HEAD", "/pantry.tar.xz"); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: %d, %d bytes", w.Code, w.Body.Len())
	}
	if w := ask(s, "GET", "/v2/hello.example/windows/x86-64/v1.0.0.tar.xz"); w.Code != 200 {
		t.Errorf("the bottle for Windows: %d", w.Code)
	}
	if w := ask(s, "GET", "/missing"); w.Code != 403 || !strings.Contains(w.Body.String(), "<Code>AccessDenied</Code>") {
		t.Errorf("what is not there: %d %s", w.Code, w.Body)
	}
	if w := ask(s, "PUT", "/hello.example"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", w.Code)
	}
	s.SetMissing(404)
	if w := ask(s, "GET", "/missing"); w.Code != 404 || !strings.Contains(w.Body.String(), "<Code>NoSuchKey</Code>") {
		t.Errorf("what is not there: %d %s", w.Code, w.Body)
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	s := pkgxtest.New(pkgxtest.Samples()...)
	const list = "/hello.example/linux/x86-64/versions.txt"
	s.Put(list, []byte("9.9.9\n"))
	if got := ask(s, "GET", list).Body.String(); got != "9.9.9\n" {
		t.Errorf("after Put: %q", got)
	}
	s.Add(pkgxtest.Project{Name: "new.example", Bottles: []pkgxtest.Bottle{{Version: "1"}}})
	if got := ask(s, "GET", list).Body.String(); got != "9.9.9\n" {
		t.Errorf("after Add: %q", got)
	}
	if got, _ := s.Get("new.example/linux/aarch64/versions.txt"); string(got) != "1\n" {
		t.Errorf("what was added: %q", got)
	}
	s.Remove(list)
	if w := ask(s, "GET", list); w.Code != 403 || slices.Contains(s.Paths(), list[1:]) {
		t.Errorf("after Remove: %d", w.Code)
	}
	s.Delete("new.example")
	if _, ok := s.Get("new.example/linux/aarch64/versions.txt"); ok {
		t.Error("after Delete it is there")
	}
	for _, path := range s.Paths() {
		if _, ok := s.Get(path); !ok {
			t.Errorf("%s is listed and not there", path)
		}
	}
}

// contents lists a tar with what is in it.
func contents(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		found[h.Name] = fmt.Sprintf("%c %o %s%s", h.Typeflag, h.Mode, h.Linkname, data)
	}
}

func TestArchives(t *testing.T) {
	t.Parallel()
	s := pkgxtest.New(pkgxtest.Samples()...)
	packed, _ := s.Get("hello.example/linux/x86-64/v2.0.0.tar.xz")
	r, err := xz.NewReader(bytes.NewReader(packed), 0)
	if err != nil {
		t.Fatal(err)
	}
	got := contents(t, r)
	for name, want := range map[string]string{
		"hello.example/v2.0.0/":                   "5 755 ",
		"hello.example/v2.0.0/bin/hi":             "2 777 hello",
		"hello.example/v2.0.0/share/doc/hello.md": "0 644 # hello 2.0.0\n",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if !strings.HasPrefix(got["hello.example/v2.0.0/bin/hello"], "0 755 #!/bin/sh\n") {
		t.Errorf("the program is %q", got["hello.example/v2.0.0/bin/hello"])
	}
	packed, _ = s.Get("pantry.tgz")
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if got := contents(t, z); !strings.Contains(got["./projects/tools.example/count/package.yml"], "display-name: Count") {
		t.Errorf("recipes = %q", got)
	}
}

// TestXZ: what is packed is read by others, the program xz among them where there is one.
func TestXZ(t *testing.T) {
	t.Parallel()
	program, _ := exec.LookPath("xz")
	for _, size := range []int{0, 1, 2, 3, 4, 65535, 65536, 65537, 200_000} {
		data := bytes.Repeat([]byte("0123456789abcdef!"), size/17+1)[:size]
		packed := pkgxtest.XZ(data)
		r, err := xz.NewReader(bytes.NewReader(packed), 0)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %d came back, %v", size, len(got), err)
		}
		if program == "" {
			continue
		}
		cmd := exec.Command(program, "-dc")
		cmd.Stdin, cmd.Stderr = bytes.NewReader(packed), os.Stderr
		if got, err := cmd.Output(); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: the program xz gave %d, %v", size, len(got), err)
		}
	}
}
