package registry

import (
	"net/url"
	"path/filepath"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/directory"
)

// folderType is the type of registries that are folders rather than servers.
const folderType = "directory"

// openDirectory opens the folder that a file URL names.
func openDirectory(o OpenOptions) (pantry.Registry, error) {
	raw, err := o.Expand(o.Config.URL, "url")
	if err != nil {
		return nil, err
	}
	fail := func(problem, next string, err error) error {
		return &ConfigError{Source: o.Config.Source, Registry: o.Name, Field: "url", Problem: problem, Next: next, Err: err}
	}
	if problem, hint := checkFolder(raw); problem != "" {
		return nil, fail(problem, hint, nil)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fail("not a URL", "", nil)
	}
	path := filepath.FromSlash(u.Path)
	if strings.HasPrefix(u.Path, "/") && filepath.VolumeName(path[1:]) != "" {
		path = path[1:] // file:///C:/packages
	}
	d, err := directory.Open(o.Name, path, false)
	if err != nil {
		return nil, fail(err.Error(), "pantry mirror FROM "+path+" makes a folder of packages", err)
	}
	return d, nil
}

// checkFolder says what is wrong with the URL of a folder, or "".
func checkFolder(raw string) (problem, hint string) {
	const form = "write it like file:///srv/packages"
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "not a URL", form
	case u.Scheme != "file" || u.Host != "" && u.Host != "localhost" || !strings.HasPrefix(u.Path, "/"):
		return "the URL of a folder begins with file:///", form
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "the URL of a folder is a path and nothing else", form
	}
	return "", ""
}
