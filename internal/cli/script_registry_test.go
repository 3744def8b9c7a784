package cli_test

import (
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
)

type worldKey struct{}

// world is the registries of one script.
type world struct{ sites map[string]*site }

// site is a registry on this machine. It keeps its address when it is stopped and started.
type site struct {
	memory   *registrytest.Memory
	handler  http.Handler // behind scripted
	scripted *registrytest.Scripted
	server   *httptest.Server // nil when it is stopped
	address  string
}

func (w *world) close() {
	for _, s := range w.sites {
		s.scripted.Close()
		s.stop()
	}
}

func (s *site) stop() {
	if s.server != nil {
		s.server.CloseClientConnections()
		s.server.Close()
		s.server = nil
	}
}

func (s *site) start(ts *testscript.TestScript) {
	at := s.address
	if at == "" {
		at = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", at)
	ts.Check(err)
	s.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: s.scripted}}
	s.server.Start()
	s.address = l.Addr().String()
}

func siteOf(ts *testscript.TestScript, name string) *site {
	s := ts.Value(worldKey{}).(*world).sites[name]
	if s == nil {
		ts.Fatalf("there is no registry %s", name)
	}
	return s
}

func need(ts *testscript.TestScript, neg bool, args []string, least int, usage string) {
	if neg || len(args) < least {
		ts.Fatalf("usage: %s", usage)
	}
}

func startRegistry(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "registry NAME npm|custom [DIR|FILE...]")
	name := args[0]
	s := &site{memory: registrytest.NewMemory(name, packages(ts, args[2:])...)}
	switch args[1] {
	case "npm":
		s.handler = npm.Handler(s.memory, npm.HandlerOptions{})
	case "custom":
		s.handler = custom.Handler(s.memory, custom.HandlerOptions{})
	default:
		ts.Fatalf("registry type %q: expected npm or custom", args[1])
	}
	s.scripted = registrytest.NewScripted(s.handler)
	s.start(ts)
	ts.Value(worldKey{}).(*world).sites[name] = s
	ts.Setenv(strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"_URL", "http://"+s.address)
	ts.Setenv(strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"_HOST", s.address)
}

// packages reads folders and txtar files.
func packages(ts *testscript.TestScript, paths []string) []registrytest.Pkg {
	var text strings.Builder
	for _, p := range paths {
		path := ts.MkAbs(p)
		if st, err := os.Stat(path); err == nil && !st.IsDir() {
			text.WriteString(ts.ReadFile(p))
			continue
		}
		ts.Check(filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(path, file)
			if err != nil {
				return err
			}
			data, err := os.ReadFile(file)
			fmt.Fprintf(&text, "-- %s --\n%s", filepath.ToSlash(rel), data)
			return err
		}))
	}
	pkgs, err := registrytest.FromTxtar(text.String())
	ts.Check(err)
	return pkgs
}

func faultRegistry(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "registry-fault NAME [-path=P] [-times=N] FAULT [ARG]")
	s, args := siteOf(ts, args[0]), args[1:]
	var r registrytest.Rule
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		key, value, _ := strings.Cut(args[0], "=")
		switch key {
		case "-path":
			r.Path = value
		case "-times":
			r.Times = number(ts, value)
		default:
			ts.Fatalf("unknown flag %s", key)
		}
		args = args[1:]
	}
	if len(args) == 1 && args[0] == "none" {
		s.scripted.Set()
		return
	}
	if args[0] == "otp" {
		r.Match = func(r *http.Request) bool {
			return r.Method != http.MethodGet && r.Header.Get("Npm-Otp") != args[1]
		}
	}
	r.Fault = faultOf(ts, args)
	s.scripted.Add(r)
}

func faultOf(ts *testscript.TestScript, args []string) registrytest.Fault {
	kind, arg := args[0], strings.Join(args[1:], " ")
	switch kind {
	case "html":
		return registrytest.HTML()
	case "garbage":
		return registrytest.Garbage()
	case "hang":
		return registrytest.Hang()
	case "reset":
		return registrytest.Abort()
	case "tampered":
		return registrytest.Tampered()
	case "truncated":
		return registrytest.Truncated(number(ts, arg))
	case "cutshort":
		return registrytest.CutShort(number(ts, arg))
	case "json":
		return registrytest.JSON(arg)
	case "otp":
		return registrytest.Answer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", "OTP")
			w.Header().Set("Npm-Notice", "codes change every\tminute")
			http.Error(w, "{}", http.StatusUnauthorized)
		})
	case "redirect":
		return registrytest.Redirect(http.StatusFound, "http://"+siteOf(ts, arg).address)
	case "slow":
		d, err := time.ParseDuration(arg)
		ts.Check(err)
		return registrytest.Slow(d)
	}
	return registrytest.Status(number(ts, kind))
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

func requests(ts *testscript.TestScript, neg bool, args []string) {
	want := -1
	if len(args) > 0 && strings.HasPrefix(args[0], "-count=") {
		want = number(ts, strings.TrimPrefix(args[0], "-count="))
		args = args[1:]
	}
	if len(args) == 0 {
		ts.Fatalf("usage: [!] registry-requests [-count=N] NAME [PATTERN]")
	}
	pattern, err := regexp.Compile(strings.Join(args[1:], " "))
	ts.Check(err)
	all := requestLines(siteOf(ts, args[0]))
	n := 0
	for _, line := range all {
		if pattern.MatchString(line) {
			n++
		}
	}
	if want < 0 && (n > 0) == neg || want >= 0 && (n == want) == neg {
		ts.Fatalf("%d of these requests match %q:\n%s", n, pattern, strings.Join(all, "\n"))
	}
}

// awaitRequest waits until a request was made.
func awaitRequest(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "registry-await NAME PATTERN")
	s := siteOf(ts, args[0])
	pattern, err := regexp.Compile(strings.Join(args[1:], " "))
	ts.Check(err)
	const patience, pause = 10 * time.Second, time.Millisecond
	late := time.After(patience)
	look := time.NewTicker(pause)
	defer look.Stop()
	for !slices.ContainsFunc(requestLines(s), pattern.MatchString) {
		select {
		case <-look.C:
		case <-late:
			ts.Fatalf("no request matches %q", pattern)
		}
	}
}

func requestLines(s *site) []string {
	var lines []string
	for _, r := range s.scripted.Requests() {
		line := r.Method + " " + r.Path
		if r.Query != "" {
			line += "?" + r.Query
		}
		var headers []string
		for name, values := range r.Header {
			headers = append(headers, " "+name+": "+strings.Join(values, ", "))
		}
		slices.Sort(headers)
		lines = append(lines, line+strings.Join(headers, ""))
	}
	return lines
}
