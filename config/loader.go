package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/registry"
)

// loader puts the layers together.
type loader struct {
	o           Options
	list        []*merged
	settings    Settings
	given       map[string]origin // of settings
	npm         *npmConfig
	problems    Problems
	warnings    []Problem
	files       []string
	data        [][]byte // of the files, to see which variables they use
	projectPath string
	tracked     *document // the project's, to look for secrets
}

func newLoader(o Options) *loader {
	if o.Env == nil {
		o.Env = os.LookupEnv
		if o.Environ == nil {
			o.Environ = os.Environ
		}
	}
	if o.Environ == nil {
		o.Environ = func() []string { return nil }
	}
	if o.Dir != "" {
		if dir, err := filepath.Abs(o.Dir); err == nil {
			o.Dir = dir
		}
	}
	l := &loader{o: o, given: map[string]origin{}}
	if l.o.Home == "" {
		l.o.Home = l.firstEnv("HOME", "USERPROFILE")
	}
	if l.o.ConfigDir == "" {
		l.o.ConfigDir = l.userDir("XDG_CONFIG_HOME", "AppData", ".config")
	}
	l.npm = &npmConfig{getenv: o.Env, home: l.o.Home, values: map[string]npmValue{}}
	l.builtInSettings()
	return l
}

func (l *loader) firstEnv(names ...string) string {
	for _, name := range names {
		if v, _ := l.o.Env(name); v != "" {
			return v
		}
	}
	return ""
}

// userDir is pantry's folder below one of the user's base folders; "" when there is none. The XDG
// specification wants relative paths ignored.
func (l *loader) userDir(xdg, windows, below string) string {
	if dir := l.firstEnv(xdg); filepath.IsAbs(dir) {
		return filepath.Join(dir, "pantry")
	}
	if runtime.GOOS == "windows" {
		if dir := l.firstEnv(windows); dir != "" {
			return filepath.Join(dir, "pantry")
		}
	}
	if l.o.Home == "" {
		return ""
	}
	return filepath.Join(l.o.Home, filepath.FromSlash(below), "pantry")
}

// cacheDir is pantry's folder in the user's cache folder. Windows has one folder for what programs
// keep, where the cache is beside the store.
func (l *loader) cacheDir() string {
	if dir := l.firstEnv("XDG_CACHE_HOME"); runtime.GOOS == "windows" && !filepath.IsAbs(dir) {
		if local := l.firstEnv("LocalAppData"); local != "" {
			return filepath.Join(local, "pantry", "cache")
		}
	}
	return l.userDir("XDG_CACHE_HOME", "", ".cache")
}

func (l *loader) builtInSettings() {
	for _, f := range fieldsOf(settingsType) {
		l.given[f.key] = origin{level: levelBuiltIn, name: builtIn, path: f.key}
	}
	l.settings.Fallback = registry.Failover
	if dir := l.userDir("XDG_DATA_HOME", "LocalAppData", ".local/share"); dir != "" {
		l.settings.StoreDir = filepath.Join(dir, "store")
	}
	l.settings.CacheDir = l.cacheDir()
	if ci, _ := l.o.Env("CI"); ci != "" && ci != "0" && !strings.EqualFold(ci, "false") {
		l.settings.FrozenLockfile = true
		l.given["frozenLockfile"] = origin{level: levelBuiltIn, name: "built-in (CI is set)", path: "frozenLockfile"}
	}
}

func (l *loader) report(p ...Problem) {
	for _, one := range p {
		if len(l.problems) < maxProblems {
			l.problems = append(l.problems, one)
		}
	}
}

func (l *loader) warn(p ...Problem) { l.warnings = append(l.warnings, p...) }

// display is a path as messages show it: relative to the project, or to the home folder.
func (l *loader) display(path string) string {
	for _, base := range []struct{ dir, sign string }{{l.o.Dir, ""}, {l.o.Home, "~/"}} {
		if base.dir == "" {
			continue
		}
		if rel, err := filepath.Rel(base.dir, path); err == nil && filepath.IsLocal(rel) {
			return base.sign + filepath.ToSlash(rel)
		}
	}
	return path
}

func (l *loader) userFile() {
	if path, ok := l.o.Env("PANTRY_CONFIG"); ok && path != "" {
		path = resolvePath(path, l.o.Dir, l.o.Home)
		if d := l.read(path, l.display(path), levelUser); d != nil {
			l.document(d, path)
			return
		}
		l.report(Problem{Message: "PANTRY_CONFIG: there is no file " + quoted(path)})
		return
	}
	l.folder(l.o.ConfigDir, levelUser)
}

func (l *loader) projectFile() {
	if d, path := l.folder(l.o.Dir, levelProject); d != nil {
		l.projectPath, l.tracked = path, d
	}
}

// folder reads the pantry.json or pantry.jsonc of a folder.
func (l *loader) folder(dir string, lv level) (*document, string) {
	if dir == "" {
		return nil, ""
	}
	plain, commented := filepath.Join(dir, FileName), filepath.Join(dir, FileNameComment)
	d, path := l.read(plain, l.display(plain), lv), plain
	second := l.read(commented, l.display(commented), lv)
	switch {
	case d != nil && second != nil:
		l.report(Problem{File: second.name, Message: "there is a " + FileName + " beside it, and only one of them can count: remove one"})
	case d == nil && second != nil:
		d, path = second, commented
	}
	if d == nil {
		return nil, ""
	}
	l.document(d, path)
	return d, path
}

// read decodes a file; nil when there is none, or none that can be read.
func (l *loader) read(path, name string, lv level) *document {
	data, ok := l.o.Replace[path]
	if !ok {
		var err error
		if data, ok, err = readFile(path, name); err != nil {
			var p Problem
			if errors.As(err, &p) {
				l.report(p)
			}
			return nil
		}
	}
	if !ok {
		return nil
	}
	d := parseDocument(newSource(path, name, lv, data))
	d.check()
	return d
}

// document puts a decoded file over the layers before it.
func (l *loader) document(d *document, path string) {
	l.files = append(l.files, d.name)
	l.data = append(l.data, d.data)
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return (a.Line-b.Line)*1_000_000 + a.Column - b.Column
	})
	l.report(d.problems...)
	dir := filepath.Dir(path)
	for i := range d.file.Registries {
		e := &d.file.Registries[i]
		for _, p := range []*string{&e.CAFile, &e.CertFile, &e.KeyFile} {
			*p = resolvePath(*p, dir, l.o.Home)
		}
		if registry.DefinitionPath(e.Adapter) {
			e.Adapter = resolvePath(e.Adapter, dir, l.o.Home)
		}
		if len(e.Command) > 0 && strings.ContainsAny(e.Command[0], `/\`) {
			e.Command[0] = resolvePath(e.Command[0], dir, l.o.Home)
		}
	}
	d.file.StoreDir = resolvePath(d.file.StoreDir, dir, l.o.Home)
	d.file.CacheDir = resolvePath(d.file.CacheDir, dir, l.o.Home)
	var warnings []Problem
	l.list, warnings = mergeEntries(l.list, d.entries())
	l.warn(warnings...)
	from := reflect.ValueOf(&d.file.Settings).Elem()
	for _, f := range fieldsOf(settingsType) {
		if at, ok := d.offsets[f.key]; ok && !d.bad[f.key] {
			o := d.at(at)
			o.path = f.key
			l.set(f, from.FieldByIndex(f.index), o)
		}
	}
}

// set puts the value of a setting over an earlier layer's.
func (l *loader) set(f field, v reflect.Value, o origin) {
	if l.given[f.key].level > o.level {
		return
	}
	reflect.ValueOf(&l.settings).Elem().FieldByIndex(f.index).Set(v)
	l.given[f.key] = o
}

// npmFiles reads the .npmrc files and npm's variables.
func (l *loader) npmFiles() {
	user := ""
	if l.o.Home != "" {
		user = filepath.Join(l.o.Home, ".npmrc")
	}
	if named := l.firstEnv("npm_config_userconfig", "NPM_CONFIG_USERCONFIG"); named != "" {
		user = resolvePath(named, l.o.Dir, l.o.Home)
	}
	l.npmFile(user, levelUserNpmrc)
	if l.o.Dir != "" && filepath.Join(l.o.Dir, ".npmrc") != user {
		l.npmFile(filepath.Join(l.o.Dir, ".npmrc"), levelProjectNpmrc)
	}
	l.npm.environment(l.o.Environ())
	for _, lv := range []level{levelUserNpmrc, levelProjectNpmrc, levelNpmEnv} {
		if m, ok := l.npm.registryEntry(lv); ok {
			var warnings []Problem
			l.list, warnings = mergeEntries(l.list, []*merged{m})
			l.warn(warnings...)
		}
	}
	l.npmSettings()
}

func (l *loader) npmFile(path string, lv level) {
	if path == "" {
		return
	}
	name := l.display(path)
	data, ok, err := readFile(path, name)
	var p Problem
	if errors.As(err, &p) {
		l.report(p)
	}
	if !ok {
		return
	}
	l.files = append(l.files, name)
	l.data = append(l.data, data)
	s := newSource(path, name, lv, data)
	l.npm.add(parseNpmrc(s), filepath.Dir(path))
	l.report(s.problems...)
}

// npmSettings takes the settings of npm that have one here, and warns of those whose absence is
// felt.
func (l *loader) npmSettings() {
	for _, key := range []string{"offline", "omit"} { // both spell them alike
		f, _ := findField(fieldsOf(settingsType), key)
		all, v, ok := l.npm.list(key)
		if !ok {
			continue
		}
		if value, message := parseSetting(f, strings.Join(all, ",")); message == "" {
			l.set(f, value, v.at)
		}
	}
	if v, ok := l.npm.values["strict-ssl"]; ok && slices.Contains(v.values, "false") {
		l.warn(v.at.problem("strict-ssl=false isn't obeyed: certificates are always checked; name the authority to trust with cafile"))
	}
	if v, ok := l.npm.values["min-release-age"]; ok {
		l.warn(v.at.problem("min-release-age isn't available in this version"))
	}
}
