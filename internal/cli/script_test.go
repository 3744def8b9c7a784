package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pantry-go/pantry/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"pantry": func() {
			e := cli.Process()
			e.Keychain = testKeychain(os.Getenv("KEYCHAIN"))
			os.Exit(cli.Main(context.Background(), e))
		},
		"adapter-program": adapterProgram,
	})
}

// TestScripts runs the stories of testdata/script. Besides testscript's own commands they have:
//
//	registry NAME npm|custom [DIR|FILE...]   start a registry that holds the packages of folders
//	                                         (NAME@VERSION/FILE, as in registrytest.FromTxtar) and
//	                                         txtar files; its URL is $NAME_URL, with the host $NAME_HOST
//	ecosystem NAME pypi|crates|rubygems|go PACKAGE@VERSION[!]...
//	                                         start a server as another ecosystem has it; "!" is a
//	                                         version that was withdrawn
//	registry-add NAME DIR|FILE...            put more packages into it
//	registry-stop NAME, registry-start NAME  the same URL answers nothing, or answers again
//	registry-fault NAME [-path=P] [-times=N] FAULT [ARG]
//	                                         misbehave: a status, html, garbage, hang, reset,
//	                                         tampered, truncated N, cutshort N, slow DURATION,
//	                                         json TEXT, redirect NAME, otp CODE (asked of what changes
//	                                         something); "none" ends all faults
//	registry-auth NAME HEADER VALUE          answer 401 to requests without this header
//	registry-users NAME USER=PASSWORD|TOKEN@USER|web=USER...
//	                                         let nobody else in, with npm's logins
//	expand FROM TO                           copy a file with $NAME_URL and $NAME_HOST in place
//	no-secret TEXT...                        no file of the home folder or the project holds a text
//	[!] registry-requests [-count=N] NAME [PATTERN]
//	                                         requests that were made, one a line: "GET /path?query
//	                                         Header: value …"
//	registry-await NAME PATTERN              wait until such a request was made
//	registry-reset NAME                      forget the requests
//	exits CODE COMMAND...                    run a command that has to end with the exit code
//	[!] json FILE PATH [VALUE]               a JSON document (stdout, stderr, a file) has this value
//	                                         at the path (".a.0.b", ".a.name=x.b"), or has the path
//
// $KEYCHAIN names a folder that stands for the keychain; without it there is none.
//
// A script has a home folder of its own, and no way to any other machine.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), Setup: setup, Cmds: scriptCommands(),
		RequireUniqueNames: true,
	})
}

func setup(e *testscript.Env) error {
	home := e.WorkDir + "-home" // beside the project, as it is in life
	for _, kv := range [][2]string{
		{"HOME", home}, {"USERPROFILE", home}, {"AppData", filepath.Join(home, ".config")}, {"LocalAppData", filepath.Join(home, ".local", "share")},
		{"XDG_CONFIG_HOME", filepath.Join(home, ".config")},
		{"XDG_DATA_HOME", filepath.Join(home, ".local", "share")},
		{"XDG_CACHE_HOME", filepath.Join(home, ".cache")},
		// What is not on this machine is asked of a proxy that is not there.
		{"HTTP_PROXY", "http://127.0.0.1:1"}, {"HTTPS_PROXY", "http://127.0.0.1:1"},
		{"GORACE", "atexit_sleep_ms=10"}, // by default the race detector adds a second to every command
		{"GIT_CONFIG_GLOBAL", os.DevNull}, {"GIT_CEILING_DIRECTORIES", filepath.Dir(e.WorkDir)},
	} {
		e.Setenv(kv[0], kv[1])
	}
	w := &world{sites: map[string]*site{}}
	e.Values[worldKey{}] = w
	e.Defer(w.close)
	return os.MkdirAll(home, 0o755)
}
