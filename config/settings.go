package config

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// flagged is the text of one setting, from a variable or flag.
type flagged struct {
	field field
	text  string
	at    origin
}

func (l *loader) flagSettings() []flagged {
	var out []flagged
	fields := fieldsOf(settingsType)
	for _, key := range sortedKeys(l.o.Flags) {
		at := origin{level: levelFlag, name: "--" + dashed(key), path: key}
		f, ok := findField(fields, key)
		if !ok {
			l.report(at.say("there is no setting %s%s", quoted(key), didYouMean(key, keysOf(fields))))
			continue
		}
		out = append(out, flagged{f, l.o.Flags[key], at})
	}
	return out
}

// dashed is a key as a flag spells it: storeDir is store-dir.
func dashed(key string) string {
	var b strings.Builder
	for _, r := range key {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (l *loader) settingsFrom(all []flagged) {
	for _, s := range all {
		if s.field.key == "defaultRegistry" && strings.Contains(s.text, "://") {
			l.registryURL(s)
			continue
		}
		v, message := parseSetting(s.field, s.text)
		if message != "" {
			l.report(s.at.problem("%s", message))
			continue
		}
		if s.field.key == "storeDir" || s.field.key == "cacheDir" {
			v = reflect.ValueOf(resolvePath(s.text, l.o.Dir, l.o.Home))
		}
		l.set(s.field, v, s.at)
	}
}

// registryURL makes the registry at a URL the default one: the one that is configured with it, or
// else npm, which is then there.
func (l *loader) registryURL(s flagged) {
	name := "npm"
	if i := slices.IndexFunc(l.list, func(m *merged) bool { return sameURL(m.effectiveURL(), s.text) }); i >= 0 {
		name = l.list[i].Name
	} else {
		given := map[string]origin{"": s.at, "name": s.at, "url": s.at}
		over := &merged{entry: entry{Name: name, URL: s.text}, given: given, bad: map[string]bool{}}
		var warnings []Problem
		l.list, warnings = mergeEntries(l.list, []*merged{over})
		l.warn(warnings...)
	}
	l.set(s.field, reflect.ValueOf(name), s.at)
}

// sameURL compares URLs of registries, where a slash at the end makes no difference.
func sameURL(a, b string) bool {
	_, pathA, _ := strings.Cut(strings.TrimRight(a, "/")+"/", "://")
	_, pathB, _ := strings.Cut(strings.TrimRight(b, "/")+"/", "://")
	_, pathA, _ = strings.Cut(pathA, "/")
	_, pathB, _ = strings.Cut(pathB, "/")
	return a != "" && sameOrigin(a, b) && pathA == pathB
}

// parseSetting reads the text of a variable or flag.
func parseSetting(f field, text string) (reflect.Value, string) {
	v := reflect.New(settingsType.FieldByIndex(f.index).Type).Elem()
	switch v.Kind() {
	case reflect.Bool:
		on, ok := parseBool(text)
		if !ok {
			return v, "expected true or false" + got(text)
		}
		v.SetBool(on)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil || int64(n) < f.rules.minimum || int64(n) > f.rules.maximum {
			return v, fmt.Sprintf("expected a whole number from %d to %d%s", f.rules.minimum, f.rules.maximum, got(text))
		}
		v.SetInt(int64(n))
	case reflect.Slice:
		var list []string
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			if m := f.rules.checkString(part); m != "" {
				return v, m
			}
			list = append(list, part)
		}
		v.Set(reflect.ValueOf(list))
	default:
		if m := f.rules.checkString(text); m != "" {
			return v, m
		}
		v.SetString(text)
	}
	return v, ""
}

func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "1", "true", "yes", "on":
		return true, true
	case "0", "false", "no", "off":
		return false, true
	}
	return false, false
}

// environmentSettings reads the PANTRY_* variables, and warns of one that is none.
func (l *loader) environmentSettings() []flagged {
	var out []flagged
	known := []string{"PANTRY_CONFIG"}
	for _, f := range fieldsOf(settingsType) {
		known = append(known, f.env)
		if text, ok := l.o.Env(f.env); ok && text != "" {
			out = append(out, flagged{f, text, origin{level: levelEnv, name: f.env, path: f.key}})
		}
	}
	environ := slices.Clone(l.o.Environ())
	sort.Strings(environ)
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "PANTRY_") && !slices.Contains(known, name) && !l.uses(name) {
			l.warn(Problem{Message: name + " is no variable that pantry reads" + didYouMean(name, known)})
		}
	}
	return out
}

// uses says whether one of the files mentions a variable: then it is the user's own.
func (l *loader) uses(name string) bool {
	for _, data := range l.data {
		if bytes.Contains(data, []byte("${"+name)) {
			return true
		}
	}
	return false
}
