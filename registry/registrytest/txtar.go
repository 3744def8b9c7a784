package registrytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// FromTxtar reads packages from a txtar archive. A file belongs to the package its path begins
// with:
//
//	-- lodash@4.17.21/package.json --
//	{"dependencies": {"left-pad": "^1.0.0"}, "publishConfig": {"tag": "latest"}}
//	-- lodash@4.17.21/index.js --
//	module.exports = {}
//	-- @acme/ui@1.0.0/package.json --
//	{}
//
// The fields of a Pkg are taken from its package.json, whose name and version are added when they
// are missing and must otherwise be those of the path; publishConfig.tag is a tag of the version,
// and "deprecated" its deprecation. The file may be left out. Packages are sorted by name, and
// those of one name are in the order of the text.
func FromTxtar(text string) ([]Pkg, error) {
	var order []string
	byKey := make(map[string]*Pkg)
	for _, f := range splitTxtar(text) {
		name, version, file, ok := cutPackage(f.name)
		if !ok {
			return nil, fmt.Errorf("txtar file %q is not NAME@VERSION/PATH", f.name)
		}
		key := name + "@" + version
		p := byKey[key]
		if p == nil {
			p = &Pkg{Name: name, Version: version, Files: make(map[string]string)}
			byKey[key] = p
			order = append(order, key)
		}
		if _, twice := p.Files[file]; twice {
			return nil, fmt.Errorf("txtar file %q appears twice", f.name)
		}
		p.Files[file] = f.data
	}
	pkgs := make([]Pkg, 0, len(order))
	for _, key := range order {
		p := byKey[key]
		if err := p.fromManifest(); err != nil {
			return nil, fmt.Errorf("package.json of %s: %w", key, err)
		}
		pkgs = append(pkgs, *p)
	}
	slices.SortStableFunc(pkgs, func(a, b Pkg) int { return strings.Compare(a.Name, b.Name) })
	return pkgs, nil
}

// cutPackage splits "@s/n@1.0.0/lib/x.js" into its name, version and file.
func cutPackage(s string) (name, version, file string, ok bool) {
	from := 0
	if strings.HasPrefix(s, "@") {
		from = strings.IndexByte(s, '/') + 1
	}
	slash := strings.IndexByte(s[from:], '/')
	if slash < 0 {
		return "", "", "", false
	}
	id, file := s[:from+slash], s[from+slash+1:]
	at := strings.LastIndexByte(id, '@')
	if at <= from || at == len(id)-1 || file == "" {
		return "", "", "", false
	}
	return id[:at], id[at+1:], file, true
}

// fromManifest fills p from the package.json among its files, and completes that file.
func (p *Pkg) fromManifest() error {
	text, ok := p.Files["package.json"]
	if !ok {
		return nil
	}
	var m struct {
		manifest
		Deprecated    string `json:"deprecated"`
		PublishConfig struct {
			Tag string `json:"tag"`
		} `json:"publishConfig"`
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return err
	}
	if m.Name == "" || m.Version == "" {
		text = withNameAndVersion(text, p.Name, p.Version)
		p.Files["package.json"] = text
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return err
		}
	}
	if m.Name != p.Name || m.Version != p.Version {
		return fmt.Errorf("it says %s@%s", m.Name, m.Version)
	}
	p.Description, p.Homepage, p.Repository, p.License, p.Author = m.Description, m.Homepage, m.Repository, m.License, m.Author
	p.Keywords, p.Dependencies, p.DevDependencies = m.Keywords, m.Dependencies, m.DevDependencies
	p.OptionalDependencies, p.PeerDependencies = m.OptionalDependencies, m.PeerDependencies
	p.BundledDependencies, p.Bin, p.Engines, p.Scripts = m.BundleDependencies, m.Bin, m.Engines, m.Scripts
	p.OS, p.CPU, p.Libc, p.Deprecated = m.OS, m.CPU, m.Libc, m.Deprecated
	for _, name := range slices.Sorted(maps.Keys(m.PeerMeta)) {
		if m.PeerMeta[name].Optional {
			p.OptionalPeers = append(p.OptionalPeers, name)
		}
	}
	if m.PublishConfig.Tag != "" {
		p.Tags = []string{m.PublishConfig.Tag}
	}
	return nil
}

// withNameAndVersion puts both members at the front of the JSON object text. Where it has one of
// them already, the later one counts for readers, so that a wrong one is still seen.
func withNameAndVersion(text, name, version string) string {
	n, _ := json.Marshal(name)
	v, _ := json.Marshal(version)
	head := fmt.Sprintf(`{"name":%s,"version":%s`, n, v)
	rest := strings.TrimLeft(strings.TrimLeft(text, " \t\r\n")[1:], " \t\r\n")
	if strings.HasPrefix(rest, "}") {
		return head + rest
	}
	return head + "," + rest
}

type txtarFile struct{ name, data string }

// splitTxtar cuts text at its "-- NAME --" lines. What stands before the first is a comment.
func splitTxtar(text string) []txtarFile {
	var files []txtarFile
	for line := range strings.Lines(text) {
		if name, ok := marker(line); ok {
			files = append(files, txtarFile{name: name})
			continue
		}
		if len(files) > 0 {
			last := &files[len(files)-1]
			last.data += line
		}
	}
	return files
}

func marker(line string) (name string, ok bool) {
	line = strings.TrimRight(line, "\r\n")
	if len(line) < len("-- x --") || !strings.HasPrefix(line, "-- ") || !strings.HasSuffix(line, " --") {
		return "", false
	}
	name = strings.TrimSpace(line[3 : len(line)-3])
	return name, name != ""
}
