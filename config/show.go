package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/transport"
)

// Row is one effective value. Field names of the JSON form are stable.
type Row struct {
	// Key is the name of a setting, or "registries.NAME.KEY".
	Key string `json:"key"`
	// Value is the value as text, with secrets masked; a secret that is only a variable is shown
	// as the variable.
	Value string `json:"value"`
	// Origin is "file:line:column", a variable, a flag, or "built-in".
	Origin string `json:"origin"`
}

// Show lists every effective value with where it came from.
func (c *Config) Show() []Row {
	var rows []Row
	settings := reflect.ValueOf(&c.Settings).Elem()
	for _, f := range fieldsOf(settingsType) {
		rows = append(rows, Row{f.key, shown(settings.FieldByIndex(f.index)), c.given[f.key].String()})
	}
	for _, m := range c.list {
		rows = append(rows, m.rows(c.Fallback, c.given["fallback"])...)
	}
	for i := range rows {
		rows[i].Key, rows[i].Value = printable(rows[i].Key), printable(rows[i].Value)
	}
	return rows
}

// rows shows an entry: what was given, and the defaults of what every entry has. fallback is the
// setting for entries without one.
func (m *merged) rows(fallback registry.Fallback, fallbackAt origin) []Row {
	prefix := "registries." + m.Name + "."
	var rows []Row
	add := func(key, value string, o origin) { rows = append(rows, Row{prefix + key, value, o.String()}) }
	preset := origin{name: builtIn}
	for _, f := range fieldsOf(entryType) {
		o, given := m.given[f.key]
		switch {
		case f.key == "name":
		case f.key == "packages" && len(m.Packages) > 0:
			for i, p := range m.Packages {
				add("packages["+itoa(i)+"]", p, m.given["packages["+itoa(i)+"]"])
			}
		case given:
			m.showField(f, m.field(f), f.key, o, add)
		case f.key == "url" && m.effectiveURL() != "":
			add("url", m.effectiveURL(), preset)
		case f.key == "priority":
			add("priority", strconv.Itoa(registry.DefaultPriority), preset)
		case f.key == "enabled":
			add("enabled", "true", preset)
		case f.key == "fallback":
			add("fallback", string(fallback), fallbackAt)
		}
	}
	if o, ok := m.given["ca"]; ok {
		add("ca", "certificates in PEM", o)
	}
	if o, ok := m.given["maxSockets"]; ok {
		add("maxSockets", strconv.Itoa(m.maxConns), o)
	}
	for _, c := range m.credentials {
		add("credentials."+c.Scope, c.Auth.Type+" "+masked, c.at)
	}
	return rows
}

const masked = "[redacted]"

// showField adds the rows of one key: several for an object.
func (m *merged) showField(f field, v reflect.Value, path string, o origin, add func(key, value string, o origin)) {
	if d, ok := v.Interface().(*time.Duration); ok && d != nil {
		add(path, shown(v.Elem()), o)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			add(path, "null", o)
			return
		}
		for _, sub := range fieldsOf(v.Type().Elem()) {
			at := path + "." + sub.key
			if so, ok := m.given[at]; ok {
				m.showField(sub, v.Elem().FieldByIndex(sub.index), at, so, add)
			}
		}
	case reflect.Map:
		if f.key == "assets" {
			for _, name := range sortedKeys(m.Assets) {
				add(path+"."+name, m.Assets[name], m.given[path+"."+name])
			}
			return
		}
		for _, name := range sortedKeys(m.Headers) {
			add(path+"."+name, mask(m.Headers[name]), m.given[path+"."+name])
		}
	case reflect.String:
		if f.key == "url" || f.key == "proxy" {
			add(path, shownURL(v.String()), o)
			return
		}
		add(path, v.String(), o)
	case reflect.Slice: // mirrors
		for i, mirror := range m.Mirrors {
			at := path + "[" + itoa(i) + "]"
			add(at, shownURL(mirror.URL), m.given[at])
			if o, ok := m.given[at+".weight"]; ok {
				add(at+".weight", itoa(mirror.Weight), o)
			}
		}
	default:
		add(path, shown(v), o)
	}
}

func shown(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case pantry.Secret:
		return mask(x)
	case time.Duration:
		return formatDuration(x)
	case []string:
		return strings.Join(x, ",")
	default:
		return fmt.Sprint(x)
	}
}

// mask shows a secret that is one variable as that, and hides every other.
func mask(s pantry.Secret) string {
	raw := s.Reveal()
	if name, ok := strings.CutPrefix(raw, "${"); ok {
		if name, ok = strings.CutSuffix(name, "}"); ok && isVariable(name) {
			return raw
		}
	}
	if raw == "" {
		return ""
	}
	return masked
}

// shownURL is a URL without what may be secret in it. One with variables is shown unless it may
// hold more than a place.
func shownURL(raw string) string {
	switch {
	case raw == "":
		return ""
	case hasVariable(raw) && strings.ContainsAny(raw, "@?#"):
		return masked
	case hasVariable(raw):
		return raw
	}
	return transport.RedactURL(raw)
}

func itoa(i int) string { return strconv.Itoa(i) }
