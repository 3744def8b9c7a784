package pantry_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pantry-go/pantry"

// rooms is the plan of the house: what each package may import of ours, and why it may not import
// more. Test helpers follow the rules of the package they stand beside.
var rooms = map[string]struct {
	may []string
	why string
}{
	"integrity": {nil, "digests are the ground floor"},
	"semver":    {nil, "versions know nothing of packages"},
	"gunzip":    {nil, "inflating knows nothing of what is in it"},
	"archive":   {[]string{"gunzip"}, "unpacking knows nothing of packages"},
	"printable": {nil, "text is safe to print whatever it says"},
	"spelling":  {nil, "a word is near another whatever they mean"},
	"wholefile": {nil, "writing a file knows nothing of what is in it"},
	"":          {[]string{"integrity"}, "the vocabulary must not depend on anybody who speaks it"},
	"httpcache": {[]string{"wholefile", ""}, "keeping answers is apart from how they are carried and from what they say"},
	"transport": {[]string{"", "gunzip"}, "carrying requests is apart from what they ask"},
	"store":     {[]string{"wholefile", "", "integrity", "archive"}, "the store holds bytes, and knows no registry"},
	"lockfile":  {[]string{"wholefile", "", "integrity"}, "the lockfile is the joint: types and codec, nothing that uses them"},
	"manifest":  {[]string{"wholefile", "", "integrity", "semver", "lockfile"}, "reading a manifest needs no registry"},

	"credential":          {[]string{"wholefile", "", "transport"}, "finding credentials knows registries by their URLs alone"},
	"credential/keychain": {[]string{"credential"}, "what the keychain needs stays in a leaf"},

	"registry/npm":           {[]string{"", "integrity", "semver", "transport", "archive", "registry/npm/packument"}, "registry types never import each other"},
	"registry/npm/packument": {[]string{"integrity", "semver"}, "a packument's compact form knows places and numbers, not what they mean"},
	"registry/custom":        {[]string{"printable", "", "integrity", "semver", "transport", "archive"}, "registry types never import each other"},
	"registry/github":        {[]string{"", "integrity", "semver", "transport", "archive"}, "registry types never import each other"},
	"registry/pkgx":          {[]string{"printable", "", "integrity", "semver", "transport", "archive"}, "registry types never import each other"},
	"registry/registrytest":  {[]string{"", "integrity", "semver", "transport", "archive"}, "the conformance suite must not favour a registry type"},
	"registry/directory":     {[]string{"", "integrity", "semver", "archive"}, "registry types never import each other"},
	"registry":               {[]string{"wholefile", "spelling", "", "integrity", "semver", "transport", "httpcache", "credential", "registry/npm", "registry/custom", "registry/github", "registry/pkgx", "registry/adapter", "registry/directory"}, "the manager knows registries, not what is done with packages"},

	"registry/adapter":        {[]string{"printable", "spelling", "", "integrity", "transport", "registry/adapter/scheme"}, "a definition or a program knows a protocol; this knows none"},
	"registry/adapter/scheme": {[]string{"", "semver"}, "the rules of versions know nothing of registries"},

	"stats": {[]string{"wholefile", "", "transport", "registry"}, "counting knows what was asked and answered, not what for"},

	"pack/glob": {nil, "patterns know nothing of what they match"},
	"pack":      {[]string{"", "integrity", "semver", "archive", "manifest", "pack/glob"}, "packing a folder needs no registry"},
	"publish":   {[]string{"", "integrity", "semver", "pack", "registry", "registry/npm"}, "publishing asks registries through the manager"},
	"telemetry": {[]string{"", "transport", "registry", "stats"}, "telemetry is told what happened, and is asked by nobody"},

	"npmtree": {[]string{"", "semver", "lockfile", "manifest"}, "building a tree asks its rules and nobody else"},
	"resolve": {[]string{"", "integrity", "semver", "lockfile", "manifest", "npmtree"}, "resolution is pure: it asks a Source and never a network"},
	"fetch":   {[]string{"", "integrity", "semver", "archive", "store"}, "fetching an artifact needs no graph"},
	"link":    {[]string{"wholefile", "", "integrity", "semver", "lockfile", "manifest", "npmtree", "store"}, "laying out never sees a registry"},

	"mirror": {[]string{"", "integrity", "semver", "lockfile", "registry/directory"},
		"copying asks registries through their interfaces; a directory alone holds more than those say"},

	"bundle": {[]string{"", "integrity", "semver", "lockfile", "mirror", "registry/directory", "registry/npm", "registry/custom", "fetch", "store"},
		"a bundle is made by copying, served by the protocols' handlers, and loaded by fetching"},

	"install": {[]string{"wholefile", "", "integrity", "semver", "archive", "manifest", "resolve", "lockfile", "fetch", "store", "link", "registry"},
		"installing drives the line and reads no configuration"},
	"config":           {[]string{"spelling", "wholefile", "", "registry", "transport", "install", "lockfile", "link"}, "configuration fills options, and nothing below imports it"},
	"origins":          {[]string{"", "semver", "lockfile", "registry"}, "looking for doubtful origins installs nothing"},
	"simulate":         {[]string{"", "integrity", "archive", "lockfile", "manifest", "store", "registry"}, "what would happen is told without doing it"},
	"discover":         {[]string{"", "registry", "transport"}, "what a host says of its registries is apart from what is configured here"},
	"discover/foreign": {[]string{"", "discover", "registry", "config"}, "reading other tools' files asks nobody"},
	"internal/cli":     {[]string{"*"}, "the command line may use everything"},
	"cmd/pantry":       {[]string{"internal/cli"}, "main only starts the command line"},
}

// TestFloors checks every import of one of our packages against the plan.
func TestFloors(t *testing.T) {
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if strings.HasPrefix(name, "bench") || name == "fidelity" || strings.HasPrefix(name, "registry/github/githubtest") || strings.HasPrefix(name, "registry/pkgx/pkgxtest") || name == "registry/adapter/adaptertest" || strings.HasPrefix(name, "examples/") || strings.HasPrefix(name, "internal/cli/") || strings.HasPrefix(name, "internal/tools") {
			continue
		}
		room, ok := rooms[name]
		if !ok {
			t.Errorf("package %q has no place in the plan: add it to rooms and to ARCHITECTURE.md", name)
			continue
		}
		if slices.Contains(room.may, "*") {
			continue
		}
		for _, imp := range p.Imports {
			rest, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			if other := strings.TrimPrefix(rest, "/"); !slices.Contains(room.may, other) {
				t.Errorf("package %q imports %q: %s", name, other, room.why)
			}
		}
	}
}

type listed struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
