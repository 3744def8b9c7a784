package replay

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// placeholder stands for Base in what is kept, since that is another one in every run.
const placeholder = "replay:/"

// member is one member of a JSON object. Objects are kept as lists, since clients see the order of
// versions, and a map would lose it.
type member struct {
	name  string
	value json.RawMessage
}

// object reads a JSON object.
func object(raw []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil {
		return nil, err
	} else if t != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	var out []member
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: t.(string)} // what stands before a colon, or Token would have failed
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	_, err := d.Token()
	return out, err
}

// encode writes an object without white space.
func encode(members []member) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		if err := json.Compact(&b, m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// abbreviatedFields are the fields of a version that an abbreviated packument has.
func abbreviatedFields() []string {
	return []string{
		"name", "version", "deprecated", "dependencies", "optionalDependencies", "devDependencies",
		"bundleDependencies", "bundledDependencies", "peerDependencies", "peerDependenciesMeta", "bin", "directories",
		"dist", "engines", "os", "cpu", "libc", "funding", "acceptDependencies", "_hasShrinkwrap", "hasInstallScript",
	}
}

// normalise makes of an upstream's packument the two that the public registry serves, without white space and with
// placeholders for the tarballs' host.
func normalise(name string, data []byte) (full, abbreviated []byte, err error) {
	doc, err := object(data)
	if err != nil {
		return nil, nil, err
	}
	var long, short []member
	for _, m := range doc {
		switch m.name {
		case "versions":
			f, a, err := versions(name, m.value)
			if err != nil {
				return nil, nil, err
			}
			long, short = append(long, member{m.name, f}), append(short, member{m.name, a})
		case "name", "dist-tags":
			long, short = append(long, m), append(short, m)
		case "time":
			long, short = append(long, m), append(short, member{"modified", modified(m.value)})
		default:
			long = append(long, m)
		}
	}
	if full, err = encode(long); err != nil {
		return nil, nil, err
	}
	abbreviated, err = encode(short)
	return full, abbreviated, err
}

// modified is when a package was changed last, as its list of times says.
func modified(times []byte) json.RawMessage {
	var t map[string]json.RawMessage
	if json.Unmarshal(times, &t) == nil && t["modified"] != nil {
		return t["modified"]
	}
	return json.RawMessage(`"2026-01-01T00:00:00.000Z"`)
}

func versions(name string, raw []byte) (full, abbreviated json.RawMessage, err error) {
	list, err := object(raw)
	if err != nil {
		return nil, nil, err
	}
	var long, short []member
	for _, v := range list {
		fields, err := object(v.value)
		if err != nil {
			return nil, nil, fmt.Errorf("version %s: %w", v.name, err)
		}
		for i, f := range fields {
			if f.name == "dist" {
				if fields[i].value, err = dist(name, v.name, f.value); err != nil {
					return nil, nil, fmt.Errorf("version %s: %w", v.name, err)
				}
			}
		}
		f, err := encode(fields)
		if err != nil {
			return nil, nil, err
		}
		a, err := encode(abbreviate(fields))
		if err != nil {
			return nil, nil, err
		}
		long, short = append(long, member{v.name, f}), append(short, member{v.name, a})
	}
	if full, err = encode(long); err != nil {
		return nil, nil, err
	}
	abbreviated, err = encode(short)
	return full, abbreviated, err
}

// abbreviate keeps what the abbreviated form of a version has, and says in its way that there are scripts.
func abbreviate(fields []member) []member {
	var out []member
	known := abbreviatedFields()
	said, has := false, false
	for _, f := range fields {
		said = said || f.name == "hasInstallScript"
		if f.name == "scripts" {
			var s map[string]json.RawMessage
			_ = json.Unmarshal(f.value, &s) // scripts of another shape are none
			has = s["preinstall"] != nil || s["install"] != nil || s["postinstall"] != nil
		}
		if slices.Contains(known, f.name) {
			out = append(out, f)
		}
	}
	if has && !said {
		out = append(out, member{"hasInstallScript", json.RawMessage("true")})
	}
	return out
}

// dist points a version's tarball at this server. Where the upstream leaves out the registry's signature, one is
// made up that has its size and is as hard to compress: clients read it, and it is a tenth of a packument.
func dist(name, version string, raw []byte) (json.RawMessage, error) {
	fields, err := object(raw)
	if err != nil {
		return nil, err
	}
	signed := false
	for i, f := range fields {
		switch f.name {
		case "signatures":
			signed = true
		case "tarball":
			var url string
			if err := json.Unmarshal(f.value, &url); err != nil {
				return nil, err
			}
			if at := strings.Index(url, "/-/"); at >= 0 {
				if fields[i].value, err = json.Marshal(placeholder + name + url[at:]); err != nil {
					return nil, err
				}
			}
		}
	}
	if !signed {
		sum := sha512.Sum512([]byte(name + "@" + version))
		fields = append(fields, member{"signatures", json.RawMessage(`[{"keyid":"SHA256:` +
			base64.RawStdEncoding.EncodeToString(sum[:32]) + `","sig":"MEUCIQ` + base64.StdEncoding.EncodeToString(sum[:]) + `"}]`)})
	}
	return encode(fields)
}
