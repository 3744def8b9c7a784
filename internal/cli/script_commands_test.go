package cli_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pantry-go/pantry/registry/registrytest"
)

type scriptCommand = func(ts *testscript.TestScript, neg bool, args []string)

func scriptCommands() map[string]scriptCommand {
	return map[string]scriptCommand{
		"registry":          startRegistry,
		"ecosystem":         startEcosystem,
		"registry-fault":    faultRegistry,
		"registry-requests": requests,
		"registry-await":    awaitRequest,
		"registry-add": func(ts *testscript.TestScript, neg bool, args []string) {
			need(ts, neg, args, 2, "registry-add NAME DIR|FILE...")
			siteOf(ts, args[0]).memory.Add(packages(ts, args[1:])...)
		},
		"registry-stop": func(ts *testscript.TestScript, neg bool, args []string) {
			need(ts, neg, args, 1, "registry-stop NAME")
			siteOf(ts, args[0]).stop()
		},
		"registry-start": func(ts *testscript.TestScript, neg bool, args []string) {
			need(ts, neg, args, 1, "registry-start NAME")
			siteOf(ts, args[0]).start(ts)
		},
		"registry-reset": func(ts *testscript.TestScript, neg bool, args []string) {
			need(ts, neg, args, 1, "registry-reset NAME")
			siteOf(ts, args[0]).scripted.Reset()
		},
		"registry-auth": func(ts *testscript.TestScript, neg bool, args []string) {
			need(ts, neg, args, 3, "registry-auth NAME HEADER VALUE")
			siteOf(ts, args[0]).scripted.Add(registrytest.Rule{Fault: registrytest.RequireHeader(args[1], args[2])})
		},
		"registry-users": guard,
		"no-secret":      noSecret,
		"expand": func(ts *testscript.TestScript, neg bool, args []string) {
			need(ts, neg, args, 2, "expand FROM TO")
			text := os.Expand(ts.ReadFile(args[0]), func(name string) string {
				if strings.HasSuffix(name, "_HOST") || strings.HasSuffix(name, "_URL") {
					return ts.Getenv(name)
				}
				return "${" + name + "}"
			})
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o666))
		},

		"exits": exits,
		"json":  checkJSON,
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "exits CODE COMMAND...")
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if want := number(ts, args[0]); code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] json FILE PATH [VALUE]")
	}
	text := ts.ReadFile(args[0])
	var doc any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		ts.Fatalf("%s is no JSON: %v\n%s", args[0], err, text)
	}
	got, ok := at(doc, args[1])
	if len(args) > 2 {
		ok = ok && got == strings.Join(args[2:], " ")
	}
	if ok == neg {
		const most = 4000 // of a document in a failure
		ts.Fatalf("%s is %.200s in\n%.*s", args[1], got, most, text)
	}
}

// at is the value at a path like ".a.0.b": a string as it is, anything else as JSON. A member whose
// name holds a dot is written ."a.b"; ".a.name=x.b" is within the first of a whose name is x.
func at(doc any, path string) (string, bool) {
	for path = strings.TrimPrefix(path, "."); path != ""; path = strings.TrimPrefix(path, ".") {
		var key string
		if strings.HasPrefix(path, `"`) {
			key, path, _ = strings.Cut(path[1:], `"`)
		} else {
			n := strings.IndexByte(path+".", '.')
			key, path = path[:n], path[n:]
		}
		switch d := doc.(type) {
		case map[string]any:
			var ok bool
			if doc, ok = d[key]; !ok {
				return "nothing", false
			}
		case []any:
			i := element(d, key)
			if i < 0 || i >= len(d) {
				return "nothing", false
			}
			doc = d[i]
		default:
			return "nothing", false
		}
	}
	if s, ok := doc.(string); ok {
		return s, true
	}
	b, err := json.Marshal(doc)
	return string(b), err == nil
}

// element is the index that a key of a path stands for; -1 for none.
func element(list []any, key string) int {
	if name, value, ok := strings.Cut(key, "="); ok {
		return slices.IndexFunc(list, func(one any) bool {
			got, ok := at(one, name)
			return ok && got == value
		})
	}
	i, err := strconv.Atoi(key)
	if err != nil {
		return -1
	}
	return i
}
