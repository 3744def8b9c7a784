package adapter_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/registrytest"
)

func program(t *testing.T, args []string, change ...func(*adapter.ProgramOptions)) *adapter.Program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := adapter.ProgramOptions{Name: "test", Command: append([]string{self}, args...)}
	for _, c := range change {
		c(&o)
	}
	p, err := adapter.NewProgram(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// TestProgramConformance: client, program, server of another protocol, registry.
func TestProgramConformance(t *testing.T) {
	registrytest.Run(t, func(t *testing.T, m *registrytest.Memory) pantry.Registry {
		srv := httptest.NewServer(custom.Handler(m, custom.HandlerOptions{}))
		t.Cleanup(srv.Close)
		return program(t, []string{"a-good-program"}, func(o *adapter.ProgramOptions) { o.URL = srv.URL })
	})
}

// TestBadPrograms: what each is an error of, and what the error says.
func TestBadPrograms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want error
		says string
	}{
		"a-program-that-dies":      {pantry.ErrUnavailable, "exit status 3); it said: first line no [31mtoner[0m left"},
		"a-noisy-program":          {pantry.ErrInvalid, `"listening on port 80"`},
		"a-program-of-no-scheme":   {pantry.ErrInvalid, `"roman"; known are cargo, go, pep440, rubygems, semver`},
		"a-program-of-the-future":  {pantry.ErrInvalid, "version 2 of the protocol, and this Pantry version 1"},
		"a-program-that-guesses":   {pantry.ErrInvalid, "was not asked (id 77)"},
		"a-program-of-few-words":   {pantry.ErrInvalid, "no answer"},
		"a-program-without-id":     {pantry.ErrInvalid, "no answer"},
		"a-program-of-wrong-shape": {pantry.ErrInvalid, `"hello" is of the wrong shape`},
		"a-program-without-end":    {pantry.ErrInvalid, "a line of more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := program(t, []string{name})
			_, err := p.Metadata(t.Context(), "left-pad", "")
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), `left-pad at registry "test"`) {
				t.Errorf("%v; want it to match %q and say %s", err, c.want, c.says)
			}
		})
	}
	p := program(t, nil, func(o *adapter.ProgramOptions) { o.Command = []string{"/no/such/program"} })
	if err := p.Ping(t.Context()); !errors.Is(err, pantry.ErrUnavailable) || pantry.Hint(err) == "" {
		t.Errorf("a program that is not there: %v", err)
	}
	if _, err := adapter.NewProgram(adapter.ProgramOptions{Name: "none"}); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("no program: %v", err)
	}
}

// TestStuckPrograms: no program is waited for without a bound, nor beyond its caller.
func TestStuckPrograms(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a-silent-program", "a-deaf-program"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := program(t, []string{name}, func(o *adapter.ProgramOptions) { o.Timeout = 50 * time.Millisecond })
			if _, err := p.Package(t.Context(), "left-pad"); !errors.Is(err, pantry.ErrUnavailable) || !strings.Contains(err.Error(), "within 50ms") {
				t.Errorf("%v", err)
			}
			patient := program(t, []string{name})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { _, err := patient.Package(ctx, "left-pad"); done <- err }()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
}

// TestAnswersOfPrograms: answers are checked like those of registries.
func TestAnswersOfPrograms(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]error{
		`{"id":ID,"error":{"code":"not_found"}}`:                                                                                                       pantry.ErrNotFound,
		`{"id":ID,"error":{"code":"version_not_found"}}`:                                                                                               pantry.ErrVersionNotFound,
		`{"id":ID,"error":{"code":"denied","message":"no"}}`:                                                                                           pantry.ErrDenied,
		`{"id":ID,"error":{"code":"unsupported"}}`:                                                                                                     pantry.ErrUnsupported,
		`{"id":ID,"error":{"code":"something else"}}`:                                                                                                  pantry.ErrUnavailable,
		`{"id":ID,"result":{"name":"other","versions":["1.0.0"]}}`:                                                                                     pantry.ErrInvalid,
		`{"id":ID,"result":{"name":"left-pad","versions":[]}}`:                                                                                         pantry.ErrNotFound,
		`{"id":ID,"result":{"name":"left-pad","versions":["../x"]}}`:                                                                                   pantry.ErrNotFound,
		`{"id":ID,"result":{"name":"left-pad","versions":["1.0.0"]}}`:                                                                                  pantry.ErrInvalid, // and as metadata, of no version
		`{"id":ID,"result":{"name":"left-pad","version":"1.0.0","versions":1}}`:                                                                        pantry.ErrInvalid,
		`{"id":ID,"result":{"name":"left-pad","version":"1.0.0","versions":["1.0.0"]}}`:                                                                pantry.ErrPolicy,
		`{"id":ID,"result":{"name":"left-pad","version":"1.0.0","versions":["1.0.0"],"artifact":{"digest":"md5:00"}}}`:                                 pantry.ErrPolicy,
		`{"id":ID,"result":{"name":"left-pad","version":"1.0.0","versions":["1.0.0"],"artifact":{"url":"file:///etc/passwd"}}}`:                        pantry.ErrInvalid,
		`{"id":ID,"result":{"name":"left-pad","version":"1.0.0","versions":["1.0.0"],"dependencies":{"a":5}}}`:                                         pantry.ErrInvalid,
		`{"id":ID,"result":{"name":"left-pad","version":"1.0.0","versions":["1.0.0"],"artifact":{"digest":"sha256:` + strings.Repeat("0", 64) + `"}}}`: nil,
	} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			p := program(t, []string{"a-program-with-answers", answer})
			m, err := p.Metadata(t.Context(), "left-pad", "")
			if want == nil && (err != nil || m.Version != "1.0.0" || m.Registry != "test") || !errors.Is(err, want) {
				t.Errorf("%s: %v, %v; want it to match %v", answer, m, err, want)
			}
		})
	}
	for _, answer := range []string{
		`{"id":ID,"result":{}}`, `{"id":ID,"result":{"handle":"1","data":"!"}}`, `{"id":ID,"result":{"handle":"1"}}`, `{"id":ID,"result":5}`,
	} {
		p := program(t, []string{"a-program-with-answers", answer})
		body, err := p.Open(t.Context(), pantry.Artifact{Name: "left-pad", Version: "1.0.0"})
		if err == nil {
			_, err = io.ReadAll(body)
			_ = body.Close()
		}
		if !errors.Is(err, pantry.ErrInvalid) {
			t.Errorf("the artifact of %s: %v", answer, err)
		}
	}
}

// TestProgramRestarts: a program that ended is started again.
func TestProgramRestarts(t *testing.T) {
	t.Parallel()
	m := registrytest.NewMemory("memory", registrytest.Pkg{Name: "left-pad", Version: "1.0.0"})
	srv := httptest.NewServer(custom.Handler(m, custom.HandlerOptions{}))
	t.Cleanup(srv.Close)
	p := program(t, []string{"a-good-program"}, func(o *adapter.ProgramOptions) { o.URL, o.Idle = srv.URL, time.Nanosecond })
	for range 5 {
		if _, err := p.Metadata(t.Context(), "left-pad", ""); err != nil {
			t.Fatal(err)
		}
	}
	_ = p.Close()
	if _, err := p.Metadata(t.Context(), "left-pad", ""); !errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
}

// TestProgramCredential: the program is told the credential; the error of its refusal says where it
// came from, and not what it is.
func TestProgramCredential(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-of-the-test"
	m := registrytest.NewMemory("memory", registrytest.Pkg{Name: "left-pad", Version: "1.0.0"})
	s := registrytest.NewScripted(custom.Handler(m, custom.HandlerOptions{}))
	s.Add(registrytest.Rule{Fault: registrytest.RequireHeader("Authorization", "Bearer "+secret)})
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	ask := func(token string) error {
		p := program(t, []string{"a-good-program"}, func(o *adapter.ProgramOptions) {
			o.URL = srv.URL
			o.Auth = map[string]pantry.Secret{"type": pantry.NewSecret("bearer"), "token": pantry.NewSecret(token)}
		})
		_, err := p.Metadata(t.Context(), "left-pad", "")
		return err
	}
	if err := ask(secret); err != nil {
		t.Error(err)
	}
	err := ask("wrong-" + secret)
	if source, ok := pantry.CredentialSent(err); !errors.Is(err, pantry.ErrDenied) || !ok || !strings.Contains(source, "auth") || strings.Contains(err.Error(), secret) {
		t.Errorf("%v, credential from %q", err, source)
	}
}

// TestEnvironment: a program gets what it needs to run, and no secret.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	vars := map[string]string{
		"PATH": "/bin", "HOME": "/home/ada", "NPM_TOKEN": "s3cr3t", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "SSH_AUTH_SOCK": "s3cr3t",
		"HTTPS_PROXY": "http://ada:s3cr3t@proxy.example.com", "HTTP_PROXY": "http://proxy.example.com",
	}
	p := program(t, []string{"a-curious-program"}, func(o *adapter.ProgramOptions) {
		o.Getenv = func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	})
	h, err := p.Hello(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"PATH=/bin", "HOME=/home/ada", "HTTP_PROXY=http://proxy.example.com"} {
		if !strings.Contains(h.Name, want) {
			t.Errorf("it has no %s: %s", want, h.Name)
		}
	}
	if strings.Contains(h.Name, "s3cr3t") {
		t.Errorf("it got a secret: %s", h.Name)
	}
}

// TestExamples puts the examples, and programs with mistakes, to the same test as anybody's.
func TestExamples(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, f := range []string{"left-pad/1.0.0.tgz", "left-pad/1.10.0.tgz", "left-pad/2.0.0-rc.1.tgz", "other/0.1.0.tgz"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(folder, filepath.Dir(f)), 0o755), os.WriteFile(filepath.Join(folder, f), []byte(strings.Repeat(f, 50_000)), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("go", func(t *testing.T) {
		t.Parallel()
		bin := filepath.Join(t.TempDir(), "adapter-go")
		if runtime.GOOS == "windows" {
			bin += ".exe"
		}
		if out, err := exec.Command("go", "build", "-o", bin, "../../examples/adapter-go").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		passes(t, []string{bin, folder}, "left-pad")
	})
	t.Run("node", func(t *testing.T) {
		t.Parallel()
		node, err := exec.LookPath("node")
		if err != nil {
			t.Skip("there is no Node.js to run the example with: install it to have it checked")
		}
		passes(t, []string{node, "../../examples/adapter-node/adapter.mjs"}, "")
	})
}

func passes(t *testing.T, command []string, sample string) {
	t.Helper()
	good := adapter.CheckProgram(t.Context(), adapter.ProgramOptions{Name: "test", Command: command}, sample, func(r adapter.CheckResult) {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Name, r.Err)
		}
	})
	if !good {
		t.Error("it did not pass")
	}
}

// TestCheckFinds: a program with a mistake does not pass.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"a-program-that-dies"}, {"a-noisy-program"},
		{"a-program-with-answers", `{"id":ID,"result":{"name":"left-pad","versions":["1.0.0"]}}`},
		{"a-program-with-answers", `{"id":ID,"error":{"code":"not_found"}}`},
	} {
		failed := 0
		good := adapter.CheckProgram(t.Context(), adapter.ProgramOptions{Name: "test", Command: append([]string{self}, args...)}, "left-pad", func(r adapter.CheckResult) {
			if r.Err != nil {
				failed++
			}
		})
		if good || failed == 0 {
			t.Errorf("%q passes (%t) with %d failures", args, good, failed)
		}
	}
}
