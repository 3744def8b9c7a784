package config

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

// keyValue is one member of an object; the value is JSON.
type keyValue struct{ key, value string }

// renderObject lays out an object: in one line, or one member a line.
func renderObject(values []keyValue, l layout, outer string, oneLine bool) string {
	sep, end := l.eol+outer+l.indent, l.eol+outer
	if oneLine {
		sep, end = " ", ""
	}
	var b strings.Builder
	b.WriteByte('{')
	for i, kv := range values {
		switch {
		case i > 0:
			b.WriteString("," + sep)
		case !oneLine:
			b.WriteString(sep)
		}
		b.WriteString(quotedJSON(kv.key) + ": " + kv.value)
	}
	b.WriteString(end + "}")
	return b.String()
}

// quotedJSON is s as JSON, with <, > and & as they are.
func quotedJSON(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// entryValues lists the keys of an entry that are set, in the order of the format.
func entryValues(c registry.Config) ([]keyValue, error) {
	if len(c.CA) > 0 || len(c.Credentials) > 0 {
		return nil, errors.New("certificates and credentials of .npmrc files have no place in " + FileName)
	}
	e, set := entryOf(c)
	var out []keyValue
	v := reflect.ValueOf(&e).Elem()
	for _, f := range fieldsOf(entryType) {
		if field := v.FieldByIndex(f.index); set[f.key] || !field.IsZero() {
			out = append(out, keyValue{f.key, renderValue(field)})
		}
	}
	return out, nil
}

// entryOf is the entry that a registry.Config stands for. set holds the keys that are given
// although their value is a zero.
func entryOf(c registry.Config) (e entry, set map[string]bool) {
	set = map[string]bool{"enabled": c.Disabled, "priority": c.Priority != nil, "retries": c.Retries != nil}
	e = entry{
		Name: c.Name, Type: c.Type, URL: c.URL, CredentialHelper: c.CredentialHelper, Packages: c.Packages, Balance: c.Balance,
		Timeout: c.Timeout, Proxy: c.Proxy, NoProxy: c.NoProxy, CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile,
		Fallback: string(c.Fallback), MinimumReleaseAge: c.MinimumReleaseAge, Signatures: c.Signatures,
		Insecure: c.Insecure, AllowMissingChecksum: c.AllowMissingChecksum, Assets: c.Assets, TraceContext: c.TraceContext,
		Adapter: c.Adapter, Command: c.Command,
	}
	for _, m := range c.Mirrors {
		e.Mirrors = append(e.Mirrors, mirror(m))
	}
	if c.Priority != nil {
		e.Priority = *c.Priority
	}
	if c.Retries != nil {
		e.Retries = *c.Retries
	}
	if a := c.Auth; a != nil {
		e.Auth = &auth{Type: a.Type, Name: a.Name, Token: a.Token.Raw, Username: a.Username.Raw, Password: a.Password.Raw, Value: a.Value.Raw}
	}
	for name, v := range c.Headers {
		if e.Headers == nil {
			e.Headers = make(map[string]pantry.Secret, len(c.Headers))
		}
		e.Headers[name] = v.Raw
	}
	if c.Cache != nil {
		e.Cache = &cache{TTL: c.Cache.TTL, StaleIfError: c.Cache.StaleIfError}
	}
	if c.HealthCheck != nil {
		e.HealthCheck = &healthCheck{Interval: c.HealthCheck.Interval}
	}
	return e, set
}

// renderValue is a value of the format as JSON in one line, secrets included: it is for the file
// that holds them.
func renderValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case pantry.Secret:
		return quotedJSON(x.Reveal())
	case time.Duration:
		return quotedJSON(formatDuration(x))
	case *time.Duration:
		return quotedJSON(formatDuration(*x))
	case string:
		return quotedJSON(x)
	case []string:
		parts := make([]string, len(x))
		for i, s := range x {
			parts[i] = quotedJSON(s)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []mirror:
		parts := make([]string, len(x))
		for i, m := range x {
			parts[i] = quotedJSON(m.URL)
			if m.Weight != 0 {
				parts[i] = renderObject([]keyValue{{"url", parts[i]}, {"weight", itoa(m.Weight)}}, layout{}, "", true)
			}
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]string:
		var kvs []keyValue
		for _, name := range sortedKeys(x) {
			kvs = append(kvs, keyValue{name, quotedJSON(x[name])})
		}
		return renderObject(kvs, layout{}, "", true)
	case map[string]pantry.Secret:
		var kvs []keyValue
		for _, name := range sortedKeys(x) {
			kvs = append(kvs, keyValue{name, quotedJSON(x[name].Reveal())})
		}
		return renderObject(kvs, layout{}, "", true)
	}
	if v.Kind() == reflect.Pointer {
		var kvs []keyValue
		for _, f := range fieldsOf(v.Type().Elem()) {
			if field := v.Elem().FieldByIndex(f.index); !field.IsZero() {
				kvs = append(kvs, keyValue{f.key, renderValue(field)})
			}
		}
		return renderObject(kvs, layout{}, "", true)
	}
	b, err := json.Marshal(v.Interface())
	if err != nil {
		return "null"
	}
	return string(b)
}
