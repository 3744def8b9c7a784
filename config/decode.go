package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/tailscale/hujson"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/spelling"
)

// document is a pantry.json that was decoded: the values, and where each was written.
type document struct {
	*source
	tree hujson.Value
	file file
	// offsets holds where each value stands, by its path ("registries[0].auth.token"). A path is
	// there exactly when the key is.
	offsets map[string]int
	// bad holds the paths whose value is a mistake that was reported.
	bad map[string]bool
}

// parseDocument decodes a file as far as its mistakes allow, and collects them in problems.
func parseDocument(s *source) *document {
	d := &document{source: s, offsets: map[string]int{}, bad: map[string]bool{}}
	if len(strings.TrimSpace(string(s.data))) == 0 {
		d.problem(0, "the file is empty; expected an object: {}")
		return d
	}
	tree, ok := parseTree(s)
	if !ok {
		return d
	}
	d.tree = tree
	d.decode(&d.tree, "", reflect.ValueOf(&d.file).Elem(), rules{})
	return d
}

// parseTree makes the syntax tree, which keeps comments and white space. Offsets are those of
// s.data.
func parseTree(s *source) (hujson.Value, bool) {
	if hasUTF16BOM(s.data) {
		s.problem(0, "expected UTF-8 text, this is UTF-16; save the file as UTF-8")
		return hujson.Value{}, false
	}
	if at, message := checkSyntax(s.data); message != "" {
		s.problem(at, "%s", message)
		return hujson.Value{}, false
	}
	// The parser wants a line end after a comment at the end of the file.
	tree, err := hujson.Parse(append(s.data[:len(s.data):len(s.data)], '\n'))
	if err != nil {
		s.problem(0, "expected JSON with comments")
		return hujson.Value{}, false
	}
	return tree, true
}

func hasUTF16BOM(b []byte) bool {
	return len(b) >= 2 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff)
}

var (
	secretType   = reflect.TypeFor[pantry.Secret]()
	durationType = reflect.TypeFor[time.Duration]()
	mirrorType   = reflect.TypeFor[mirror]()
)

// decode stores v in into, and reports what does not fit.
func (d *document) decode(v *hujson.Value, path string, into reflect.Value, r rules) {
	if path != "" {
		d.offsets[path] = v.StartOffset
	}
	t := into.Type()
	if t.Kind() == reflect.Pointer {
		if v.Value.Kind() == 'n' {
			return
		}
		p := reflect.New(t.Elem())
		d.decode(v, path, p.Elem(), r)
		into.Set(p)
		return
	}
	switch {
	case t == secretType:
		if s, ok := d.text(v, path); ok {
			into.Set(reflect.ValueOf(pantry.NewSecret(s)))
		}
	case t == durationType:
		d.duration(v, path, into)
	case t.Kind() == reflect.String:
		d.string(v, path, into, r)
	case t.Kind() == reflect.Bool:
		d.bool(v, path, into)
	case t.Kind() == reflect.Int:
		d.int(v, path, into, r)
	case t.Kind() == reflect.Slice:
		d.slice(v, path, into, r)
	case t.Kind() == reflect.Map:
		d.mapping(v, path, into, r)
	case t == mirrorType:
		d.mirror(v, path, into)
	case t.Kind() == reflect.Struct:
		d.object(v, path, into)
	}
}

// mirror is a URL or an object.
func (d *document) mirror(v *hujson.Value, path string, into reflect.Value) {
	switch v.Value.Kind() {
	case '"':
		into.Set(reflect.ValueOf(mirror{URL: v.Value.(hujson.Literal).String()}))
	case '{':
		d.object(v, path, into)
	default:
		d.expected(v, path, `a URL in quotes, or {"url": …, "weight": …}`)
	}
}

// expected reports a value of the wrong type. The value itself is not told: it may be a secret.
func (d *document) expected(v *hujson.Value, path, what string) {
	d.wrong(v, path, "expected %s, got %s", what, kindName(v))
}

// wrong reports a value that does not fit.
func (d *document) wrong(v *hujson.Value, path, format string, args ...any) {
	d.bad[path] = true
	d.problem(v.StartOffset, "%s", prefix(path)+fmt.Sprintf(format, args...))
}

func prefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

func kindName(v *hujson.Value) string {
	switch v.Value.Kind() {
	case 'n':
		return "null"
	case 't', 'f':
		return string(v.Value.(hujson.Literal))
	case '"':
		return "text"
	case '0':
		return "a number"
	case '{':
		return "an object"
	default:
		return "an array"
	}
}

func (d *document) text(v *hujson.Value, path string) (string, bool) {
	if v.Value.Kind() != '"' {
		d.expected(v, path, `text in quotes`)
		return "", false
	}
	return v.Value.(hujson.Literal).String(), true
}

func (d *document) string(v *hujson.Value, path string, into reflect.Value, r rules) {
	s, ok := d.text(v, path)
	if !ok {
		return
	}
	if m := r.checkString(s); m != "" {
		d.wrong(v, path, "%s", m)
		return
	}
	into.SetString(s)
}

// checkString says what is wrong with s, or "".
func (r rules) checkString(s string) string {
	if r.maxLength > 0 && len(s) > r.maxLength {
		return fmt.Sprintf("expected at most %d characters", r.maxLength)
	}
	if len(r.enum) == 0 {
		return ""
	}
	for _, e := range r.enum {
		if s == e {
			return ""
		}
	}
	return "expected " + oneOf(r.enum) + got(s) + didYouMean(s, r.enum)
}

// got repeats a short word, and nothing that could be a secret.
func got(s string) string {
	const longest = 20 // longer than any word of the format, shorter than tokens are
	if len(s) > longest {
		return ""
	}
	return ", got " + quoted(s)
}

func oneOf(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = quoted(w)
	}
	if len(q) == 1 {
		return q[0]
	}
	return strings.Join(q[:len(q)-1], ", ") + " or " + q[len(q)-1]
}

func (d *document) duration(v *hujson.Value, path string, into reflect.Value) {
	if v.Value.Kind() != '"' {
		d.expected(v, path, `a duration in quotes such as "30s" or "7d"`)
		return
	}
	s := v.Value.(hujson.Literal).String()
	n, err := parseDuration(s)
	if err != nil {
		d.wrong(v, path, "%v%s", err, got(s))
		return
	}
	into.SetInt(int64(n))
}

func (d *document) bool(v *hujson.Value, path string, into reflect.Value) {
	switch v.Value.Kind() {
	case 't', 'f':
		into.SetBool(v.Value.Kind() == 't')
	case '"':
		d.expected(v, path, "true or false without quotes")
	default:
		d.expected(v, path, "true or false")
	}
}

func (d *document) int(v *hujson.Value, path string, into reflect.Value, r rules) {
	if v.Value.Kind() != '0' {
		what := "a whole number"
		if v.Value.Kind() == '"' {
			what += " without quotes"
		}
		d.expected(v, path, what)
		return
	}
	n, whole, fits := parseInt(string(v.Value.(hujson.Literal)))
	switch {
	case !whole:
		d.wrong(v, path, "expected a whole number, got a fraction")
	case !fits || n < r.minimum || n > r.maximum:
		d.wrong(v, path, "expected a whole number from %d to %d", r.minimum, r.maximum)
	default:
		into.SetInt(n)
	}
}

// parseInt reads a JSON number. 10.0 and 1e1 are whole too.
func parseInt(lit string) (n int64, whole, fits bool) {
	if n, err := strconv.ParseInt(lit, 10, strconv.IntSize); err == nil {
		return n, true, true
	}
	f, err := strconv.ParseFloat(lit, 64)
	switch {
	case err != nil: // beyond what a float holds
		return 0, true, false
	case f != math.Trunc(f):
		return 0, false, false
	case math.Abs(f) >= 1<<53: // beyond this a float is no longer exact
		return 0, true, false
	}
	return int64(f), true, int64(int(f)) == int64(f)
}

func (d *document) slice(v *hujson.Value, path string, into reflect.Value, r rules) {
	arr, ok := v.Value.(*hujson.Array)
	if !ok {
		d.expected(v, path, "an array")
		return
	}
	if r.maxItem > 0 && len(arr.Elements) > r.maxItem {
		d.wrong(v, path, "expected at most %d elements", r.maxItem)
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(arr.Elements), len(arr.Elements)))
	for i := range arr.Elements {
		d.decode(&arr.Elements[i], path+"["+strconv.Itoa(i)+"]", into.Index(i), r)
	}
}

func (d *document) mapping(v *hujson.Value, path string, into reflect.Value, r rules) {
	t := into.Type()
	if obj, ok := v.Value.(*hujson.Object); ok && r.maxItem > 0 && len(obj.Members) > r.maxItem {
		d.wrong(v, path, "expected at most %d keys", r.maxItem)
		return
	}
	into.Set(reflect.MakeMap(t))
	d.members(v, path, func(name, value *hujson.Value, key string) {
		if t.Elem().Kind() == reflect.Interface {
			return // another package's to read
		}
		e := reflect.New(t.Elem()).Elem()
		d.decode(value, join(path, key), e, rules{})
		into.SetMapIndex(reflect.ValueOf(key), e)
	})
}

func (d *document) object(v *hujson.Value, path string, into reflect.Value) {
	fields := fieldsOf(into.Type())
	d.members(v, path, func(name, value *hujson.Value, key string) {
		f, ok := findField(fields, key)
		switch {
		case !ok && d.full(): // looking for what was meant is slow
			return
		case !ok:
			d.problem(name.StartOffset, "%sunknown key %s%s", prefix(path), quoted(key), hintFor(key, fields, into.Type()))
			if n := spelling.Nearest(key, keysOf(fields)); n != "" {
				d.bad[join(path, n)] = true // what was meant is not missing
			}
			return
		}
		d.decode(value, join(path, key), into.FieldByIndex(f.index), f.rules)
	})
	for _, f := range fields {
		at := join(path, f.key)
		if _, given := d.offsets[at]; !given && f.required && !d.bad[at] && v.Value.Kind() == '{' {
			d.bad[at] = true
			d.problem(v.StartOffset, "%s%s is missing", prefix(path), quoted(f.key))
		}
	}
}

func join(path, key string) string {
	if path == "" || key == "" {
		return path + key
	}
	return path + "." + key
}

// hintFor is the nearest key, or the object that an existing key belongs in.
func hintFor(key string, fields []field, t reflect.Type) string {
	if h := didYouMean(key, keysOf(fields)); h != "" {
		return h
	}
	for _, other := range []struct {
		t     reflect.Type
		where string
	}{
		{reflect.TypeFor[entry](), `an element of "registries"`},
		{reflect.TypeFor[auth](), `"auth"`},
		{reflect.TypeFor[cache](), `"cache"`},
		{reflect.TypeFor[healthCheck](), `"healthCheck"`},
		{mirrorType, `an element of "mirrors"`},
		{reflect.TypeFor[file](), "the top of the file"},
	} {
		if _, ok := findField(fieldsOf(other.t), key); ok && other.t != t {
			return ": it belongs in " + other.where
		}
	}
	return "; known are " + strings.Join(keysOf(fields), ", ")
}

// members calls each for every member of an object whose key is there for the first time.
func (d *document) members(v *hujson.Value, path string, each func(name, value *hujson.Value, key string)) {
	obj, ok := v.Value.(*hujson.Object)
	if !ok {
		d.expected(v, path, "an object")
		return
	}
	first := make(map[string]int, len(obj.Members))
	for i := range obj.Members {
		m := &obj.Members[i]
		key := m.Name.Value.(hujson.Literal).String()
		if at, dup := first[key]; dup {
			if d.full() {
				continue
			}
			d.problem(m.Name.StartOffset, "%sduplicate key %s, first in line %d", prefix(path), quoted(key), d.at(at).line)
			continue
		}
		first[key] = m.Name.StartOffset
		each(&m.Name, &m.Value, key)
	}
}
