package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseNpmrc(t *testing.T) {
	t.Parallel()
	type line struct {
		Key, Value string
		Array      bool
		Line       int
	}
	for name, c := range map[string]struct {
		text string
		want []line
	}{
		"empty":              {"", nil},
		"plain":              {"registry=https://a.example", []line{{"registry", "https://a.example", false, 1}}},
		"spaces":             {"  registry \t= https://a.example  \n", []line{{"registry", "https://a.example", false, 1}}},
		"line ends":          {"a=1\r\nb=2\rc=3\n\n\nd=4", []line{{"a", "1", false, 1}, {"b", "2", false, 2}, {"c", "3", false, 2}, {"d", "4", false, 5}}},
		"comments":           {"; a=1\n # b=2\nc=3 ; x\nd=4 # y\n", []line{{"c", "3", false, 3}, {"d", "4", false, 4}}},
		"escaped comment":    {`a=1\;2\#3\\4\n`, []line{{"a", `1;2#3\4\n`, false, 1}}},
		"double quotes":      {`a="x;y # z"`, []line{{"a", "x;y # z", false, 1}}},
		"json escapes":       {`a="l1\nl2"`, []line{{"a", "l1\nl2", false, 1}}},
		"broken json":        {`a="l1\q"`, []line{{"a", `"l1\q"`, false, 1}}},
		"single quotes":      {`a='x;y'`, []line{{"a", "x;y", false, 1}}},
		"json within single": {`a='"x"'`, []line{{"a", "x", false, 1}}},
		"one quote":          {`a='`, []line{{"a", "", false, 1}}},
		"one double quote":   {`a="`, []line{{"a", `"`, false, 1}}},
		"equals in value":    {"//h/:_auth=dTpw==", []line{{"//h/:_auth", "dTpw==", false, 1}}},
		"key alone":          {"offline", []line{{"offline", "", false, 1}}},
		"empty value":        {"a=", []line{{"a", "", false, 1}}},
		"no key":             {"=x\n", nil},
		"array":              {"ca[]=x\nca[]=y", []line{{"ca", "x", true, 1}, {"ca", "y", true, 2}}},
		"brackets alone":     {"[]=x", []line{{"[]", "x", false, 1}}},
		"section ends":       {"a=1\n[other]\nb=2", []line{{"a", "1", false, 1}}},
		"byte order mark":    {"\xef\xbb\xbfa=1", []line{{"a", "1", false, 1}}},
		"not UTF-8":          {"a=\xff", []line{{"a", "\ufffd", false, 1}}},
	} {
		var got []line
		for _, l := range parseNpmrc(newSource("", ".npmrc", levelUserNpmrc, []byte(c.text))) {
			got = append(got, line{l.key, l.value, l.array, l.at.line})
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestNpmExpand(t *testing.T) {
	t.Parallel()
	env := map[string]string{"A": "1", "EMPTY": "", "a b": "2", "NEST": "${A}"}
	getenv := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	for in, want := range map[string]struct {
		out   string
		unset []string
	}{
		"":            {"", nil},
		"x":           {"x", nil},
		"${A}":        {"1", nil},
		"x${A}y${A}z": {"x1y1z", nil},
		"${EMPTY}":    {"", nil},
		"${B}":        {"${B}", []string{"B"}},
		"${B?}":       {"", nil},
		"${A?}":       {"1", nil},
		"${B:-d}":     {"d", nil},
		"${A:-d}":     {"1", nil},
		"${a b}":      {"2", nil},
		"${NEST}":     {"${A}", nil}, // what a variable holds is not expanded again
		"$A $ {A}":    {"$A $ {A}", nil},
		"${":          {"${", nil},
		"${}":         {"${}", nil},
		"${A":         {"${A", nil},
		"${$A}":       {"${$A}", nil},
		"${x${A}}":    {"${x1}", nil},
		`\${A}`:       {"${A}", nil},
		`\\${A}`:      {`\1`, nil},
		`\\\${A}`:     {`\${A}`, nil},
		`a\b${A}`:     {`a\b1`, nil},
		"${A}${B}":    {"1${B}", []string{"B"}},
	} {
		out, unset := npmExpand(in, getenv)
		if out != want.out || !cmp.Equal(unset, want.unset) {
			t.Errorf("%q: got %q, unset %q; want %q, %q", in, out, unset, want.out, want.unset)
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0": "0s", "0s": "0s", "30s": "30s", "90s": "90s", "60s": "1m", "5m": "5m", "12h": "12h", "24h": "1d", "7d": "7d",
		"1w": "7d", "1h30m": "90m", "1.5h": "90m", "250ms": "250ms", "1d12h": "36h", "36500d": "36500d",
	} {
		d, err := parseDuration(in)
		if err != nil || formatDuration(d) != want {
			t.Errorf("%q: %v, %v; want %s", in, formatDuration(d), err, want)
		}
	}
	for _, in := range []string{"", "30", "s", "-1s", "1 s", "1S", "1y", "1us", ".5s", "5.s", "1..5s", "1e3s", "1hs", "36501d", "99999999999999999999d", "٣s"} {
		if d, err := parseDuration(in); err == nil {
			t.Errorf("%q is taken for %v", in, d)
		}
	}
}

func TestNormalPrefix(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"//h/": "//h/", "//H.Example": "//h.example/", "//h:8080/a/b": "//h:8080/a/b/", "//[::1]:1/": "//[::1]:1/",
		"//": "", "///x": "", "//u:p@h/": "", "//h/?a": "", "//h/#a": "", "//h:x/": "", "//%zz/": "",
	} {
		if got, ok := normalPrefix(in); got != want || ok != (want != "") {
			t.Errorf("%q: got %q %v, want %q", in, got, ok, want)
		}
	}
}
