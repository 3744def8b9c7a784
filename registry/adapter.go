package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter"
	"github.com/pantry-go/pantry/transport"
)

// DefinitionPath says whether the value of "adapter" is the path of a definition rather than the name
// of one that is built in.
func DefinitionPath(ref string) bool { return adapter.IsPath(ref) }

// adapter checks what the keys of the type adapter say, without reading a file.
func (k *checker) adapter() {
	c := k.c
	if c.Type != "adapter" {
		if c.Adapter != "" {
			k.fail("adapter", "a definition is for registries of the type adapter", "")
		}
		if len(c.Command) > 0 {
			k.fail("command", "a program is for registries of the type adapter", "")
		}
		return
	}
	known := strings.Join(adapter.BuiltIns(), ", ")
	switch ref := definitionOf(c); {
	case c.Adapter != "" && len(c.Command) > 0:
		k.fail("command", "a registry has either a definition or a program", `remove "adapter" or "command"`)
	case len(c.Command) > 0:
		if c.Command[0] == "" {
			k.fail("command", "the program's name is empty", "")
		}
	case c.Adapter == "" && ref == "":
		k.fail("", "a registry of type adapter needs an adapter", `give "adapter": one of `+known+`, or the path of a definition; or "command": a program`)
	case !hasVariable(ref) && !adapter.IsPath(ref) && !slices.Contains(adapter.BuiltIns(), ref):
		k.fail("adapter", "there is no adapter "+quote(ref)+didYouMean(ref, adapter.BuiltIns()),
			"built in are "+known+"; a definition of your own is given by its path, as ./my.json")
	}
}

// definitionOf is the definition of an entry: a registry that is named like one that is built in
// need not repeat it.
func definitionOf(c Config) string {
	if c.Adapter == "" && slices.Contains(adapter.BuiltIns(), c.Name) {
		return c.Name
	}
	return c.Adapter
}

// adapterURL is the URL of a definition that is built in.
func adapterURL(c Config) string {
	if len(c.Command) > 0 || adapter.IsPath(definitionOf(c)) {
		return ""
	}
	d, err := adapter.BuiltIn(definitionOf(c))
	if err != nil {
		return ""
	}
	return d.URL()
}

func openAdapter(o OpenOptions) (pantry.Registry, error) {
	if len(o.Config.Command) > 0 {
		return openProgram(o)
	}
	fail := func(err error) error {
		return &ConfigError{Source: o.Config.Source, Registry: o.Name, Field: "adapter", Problem: err.Error(), Next: pantry.Hint(err), Err: err}
	}
	ref, err := o.Expand(definitionOf(o.Config), "adapter")
	if err != nil {
		return nil, err
	}
	d, err := adapter.Load(ref)
	if err != nil {
		return nil, fail(err)
	}
	connect := o.Client
	if o.Config.URL == "" {
		u := wellKnown(d, o)
		if u == "" {
			return nil, &ConfigError{Source: o.Config.Source, Registry: o.Name, Field: "url",
				Problem: "there is no well-known registry of " + d.Ecosystem(), Next: `give "url"`}
		}
		connect = func() (*transport.Client, error) { return o.ClientAt(u) }
	}
	c, err := connect()
	if err != nil {
		return nil, err
	}
	return adapter.New(adapter.Options{Name: o.Name, Client: c, Definition: d, AllowMissingChecksum: o.AllowMissingChecksum})
}

// urlCommandTime bounds a program that prints the URL of a registry: it reads a file.
const urlCommandTime = 5 * time.Second

// wellKnown is the URL of a definition: its own, or what the environment says.
func wellKnown(d *adapter.Definition, o OpenOptions) string {
	if d.URL() != "" {
		return d.URL()
	}
	variable, command := d.URLFrom()
	if v, ok := o.Getenv(variable); ok && v != "" {
		return adapter.FirstURL(v)
	}
	if len(command) == 0 || o.Run == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), urlCommandTime)
	defer cancel()
	out, err := o.Run(ctx, nil, command[0], command[1:]...)
	if err != nil {
		return ""
	}
	return adapter.FirstURL(string(out))
}

func openProgram(o OpenOptions) (pantry.Registry, error) {
	c := o.Config
	if c.Unapproved {
		return nil, &ConfigError{Source: c.Source, Registry: o.Name, Field: "command", Err: pantry.ErrPolicy,
			Problem: "a program is run only where your own configuration names it, and this one is named by the project",
			Next:    fmt.Sprintf("look at the program, and then give the same \"command\" to a registry %q in your own configuration: %q", o.Name, c.Command)}
	}
	auth, err := o.Auth()
	if err != nil {
		return nil, err
	}
	u, err := o.Expand(c.URL, "url")
	if err != nil {
		return nil, err
	}
	command := make([]string, len(c.Command))
	for i, arg := range c.Command {
		if command[i], err = o.Expand(arg, fmt.Sprintf("command[%d]", i)); err != nil {
			return nil, err
		}
	}
	return adapter.NewProgram(adapter.ProgramOptions{
		Name: o.Name, Command: command, URL: u, Auth: auth, Timeout: c.Timeout, Getenv: o.Getenv,
		AllowMissingChecksum: o.AllowMissingChecksum,
	})
}

// expandAuth returns an entry's auth with variables expanded.
func (m *Manager) expandAuth(c Config) (map[string]pantry.Secret, error) {
	a := c.Auth
	if a == nil {
		return nil, nil
	}
	x := m.expander(c)
	out := map[string]pantry.Secret{"type": pantry.NewSecret(a.Type)}
	if a.Name != "" {
		out["name"] = pantry.NewSecret(x.text(a.Name, "auth.name"))
	}
	for key, v := range map[string]Value{"token": a.Token, "username": a.Username, "password": a.Password, "value": a.Value} {
		if !v.Raw.IsZero() {
			out[key], _ = x.header(v, "auth."+key)
		}
	}
	return out, x.err()
}
