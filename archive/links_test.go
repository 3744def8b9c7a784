package archive_test

import (
	"archive/tar"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/archive"
)

// layout makes headers out of lines: "path" is a file that holds "x", "path -> target" a symbolic
// link, "path => target" a hard link, "path/" a folder.
func layout(lines ...string) (headers []tar.Header) {
	for _, l := range lines {
		from, to, soft := strings.Cut(l, " -> ")
		name, other, hard := strings.Cut(l, " => ")
		switch {
		case soft:
			headers = append(headers, tar.Header{Typeflag: tar.TypeSymlink, Name: from, Linkname: to})
		case hard:
			headers = append(headers, tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: other})
		case strings.HasSuffix(l, "/"):
			headers = append(headers, tar.Header{Typeflag: tar.TypeDir, Name: l})
		default:
			headers = append(headers, tar.Header{Name: l, Linkname: "x"})
		}
	}
	return headers
}

func TestLinks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long/", 30) + "name"
	tests := map[string]struct {
		lines []string
		strip int
		want  map[string]string
	}{
		"beside":           {lines: []string{"a", "l -> a"}, want: map[string]string{"a": "x", "l": "->a"}},
		"before":           {lines: []string{"l -> a", "a"}, want: map[string]string{"a": "x", "l": "->a"}},
		"up and down":      {lines: []string{"lib/a", "bin/l -> ../lib/a"}, want: map[string]string{"lib/a": "x", "bin/l": "->../lib/a"}},
		"as written":       {lines: []string{"d/a", "l -> .//d/./a"}, want: map[string]string{"d/a": "x", "l": "->.//d/./a"}},
		"a folder":         {lines: []string{"lib/a", "lib64 -> lib"}, want: map[string]string{"lib/a": "x", "lib64": "->lib"}},
		"a folder, slash":  {lines: []string{"lib/a", "lib64 -> lib/"}, want: map[string]string{"lib/a": "x", "lib64": "->lib/"}},
		"itself inside":    {lines: []string{"a/x", "a/b -> ."}, want: map[string]string{"a/x": "x", "a/b": "->."}},
		"the root":         {lines: []string{"a/x", "a/b -> .."}, want: map[string]string{"a/x": "x", "a/b": "->.."}},
		"nothing there":    {lines: []string{"a", "l -> b/../c"}, want: map[string]string{"a": "x", "l": "->b/../c"}},
		"chain":            {lines: []string{"d/a", "l -> m", "m -> n", "n -> d/a"}, want: map[string]string{"d/a": "x", "l": "->m", "m": "->n", "n": "->d/a"}},
		"through a link":   {lines: []string{"d/e/a", "l -> d/e", "m -> l/../e/a"}, want: map[string]string{"d/e/a": "x", "l": "->d/e", "m": "->l/../e/a"}},
		"stripped":         {lines: []string{"r/lib/a", "r/bin/l -> ../lib/a"}, strip: 1, want: map[string]string{"lib/a": "x", "bin/l": "->../lib/a"}},
		"stripped away":    {lines: []string{"r/a", "l -> r"}, strip: 1, want: map[string]string{"a": "x"}},
		"top folder":       {lines: []string{"r/", "r/lib/a", "r/bin/l -> ../lib/a"}, strip: -1, want: map[string]string{"lib/a": "x", "bin/l": "->../lib/a"}},
		"long":             {lines: []string{long, "l -> " + long}, want: map[string]string{long: "x", "l": "->" + long}},
		"hard":             {lines: []string{"bin/a", "bin/b => bin/a", "c => ./bin/a", "lib/d/e => bin/a"}, want: map[string]string{"bin/a": "x", "bin/b": "->a", "c": "->bin/a", "lib/d/e": "->../../bin/a"}},
		"hard, stripped":   {lines: []string{"r/bin/a", "r/lib/b => r/bin/a"}, strip: 1, want: map[string]string{"bin/a": "x", "lib/b": "->../bin/a"}},
		"hard, top folder": {lines: []string{"r/a", "r/lib/b => r/a"}, strip: -1, want: map[string]string{"a": "x", "lib/b": "->../a"}},
		"40 links":         {lines: append(chain(40), "a40"), want: map[string]string{}},
	}
	for name, tt := range tests {
		for _, format := range []tar.Format{tar.FormatPAX, tar.FormatGNU} {
			headers := layout(tt.lines...)
			for i := range headers {
				headers[i].Format = format
			}
			o := archive.ArtifactOptions{File: "x.tar", Strip: tt.strip}
			for _, o := range []archive.ArtifactOptions{o, archive.Folding(o)} {
				got, err := open(t, tarWith(t, headers...), o, archive.Limits{})
				if err != nil {
					t.Errorf("%s, %v: %v", name, format, err)
				}
				if d := cmp.Diff(tt.want, got); d != "" && len(tt.want) > 0 {
					t.Errorf("%s, %v: %s", name, format, d)
				}
			}
		}
	}
}

// chain is links a0 -> a1 -> … -> an.
func chain(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("a%d -> a%d", i, i+1))
	}
	return lines
}

func TestLinksRefused(t *testing.T) {
	t.Parallel()
	const outside, circle = "outside of the artifact", "too many links, or in a circle"
	powers := []string{"d/x", "p0 -> d"}
	for i := range 40 {
		powers = append(powers, fmt.Sprintf("p%d -> p%d/../p%d", i+1, i, i))
	}
	tests := map[string]struct {
		lines []string
		strip int
		want  string
	}{
		"absolute":               {lines: []string{"l -> /etc/passwd"}, want: `entry "l": a link to the absolute path "/etc/passwd"`},
		"up":                     {lines: []string{"l -> ../x"}, want: `entry "l": a link to "../x", which is outside of the artifact`},
		"up to itself":           {lines: []string{"l -> .."}, want: outside},
		"down and up":            {lines: []string{"d/a", "l -> d/../../x"}, want: outside},
		"up and back":            {lines: []string{"r/a", "r/l -> ../../x/r/a"}, want: outside},
		"out by strip":           {lines: []string{"r/a", "r/l -> ../r/a"}, strip: 1, want: outside},
		"out by top folder":      {lines: []string{"r/a", "r/l -> ../r/a"}, strip: -1, want: outside},
		"out by strip, hard":     {lines: []string{"a", "r/b => a"}, strip: 1, want: "not in the artifact"},
		"over a link":            {lines: []string{"d/a", "d/up -> ..", "l -> d/up/../x"}, want: outside},
		"over a link, before":    {lines: []string{"l -> d/up/../x", "d/up -> ..", "d/a"}, want: outside},
		"over a link, by case":   {lines: []string{"d/a", "d/up -> ..", "l -> D/UP/../x"}, want: outside},
		"over a link, top":       {lines: []string{"r/d/a", "r/d/up -> ..", "r/l -> d/up/../x"}, strip: -1, want: outside},
		"over two links":         {lines: []string{"a/b/c", "m -> a/b", "n -> m/..", "l -> n/../../x"}, want: outside},
		"itself":                 {lines: []string{"a", "l -> l"}, want: circle},
		"itself, by case":        {lines: []string{"a", "l -> L"}, want: circle},
		"circle":                 {lines: []string{"a", "l -> m", "m -> l"}, want: circle},
		"circle below":           {lines: []string{"a", "l -> l/x"}, want: circle},
		"41 links":               {lines: append(chain(41), "a41"), want: circle},
		"41 links, from the end": {lines: append([]string{"a41"}, reversed(chain(41))...), want: circle},
		"powers":                 {lines: powers, want: circle},
		"file below":             {lines: []string{"d/x", "l -> d", "l/y"}, want: `needs "l" as a folder`},
		"file below, hard":       {lines: []string{"x", "l => x", "l/y"}, want: `needs "l" as a folder`},
		"folder there":           {lines: []string{"d/x", "l -> d", "l/"}, want: "as a folder"},
		"link below":             {lines: []string{"d/x", "l -> d", "l/y -> x"}, want: `needs "l" as a folder`},
		"over a folder":          {lines: []string{"l/x", "d/y", "l -> d"}, want: "needs it as a folder"},
		"over a file":            {lines: []string{"a", "l", "l -> a"}, want: "same path"},
		"over a link's path":     {lines: []string{"a", "l -> a", "l"}, want: "same path"},
		"twice":                  {lines: []string{"a", "l -> a", "l -> a"}, want: "same path"},
		"in the name":            {lines: []string{"../l -> a"}, want: `".."`},
		"backslash":              {lines: []string{`l -> ..\x`}, want: "no path that could be here"},
		"control":                {lines: []string{"l -> \x1b[2J"}, want: `"\x1b[2J"`},
		"drive":                  {lines: []string{"l -> C:/x"}, want: "no path that could be here"},
		"long":                   {lines: []string{"l -> " + strings.Repeat("x", 1025)}, want: "too long"},
		"deep":                   {lines: []string{"l -> " + strings.Repeat("x/", 64) + "x"}, want: "too many folders"},
		"nowhere":                {lines: []string{"l -> "}, want: "nowhere"},
		"hard, absolute":         {lines: []string{"a", "l => /a"}, want: "not in the artifact"},
		"hard, outside":          {lines: []string{"a", "l => ../a"}, want: "not in the artifact"},
		"hard, later":            {lines: []string{"l => a", "a"}, want: `a hard link to "a", and no file of that path came before`},
		"hard, missing":          {lines: []string{"a", "l => b"}, want: "no file of that path"},
		"hard, other case":       {lines: []string{"a", "l => A"}, want: "no file of that path"},
		"hard, a folder":         {lines: []string{"a/x", "l => a"}, want: "no file of that path"},
		"hard, a link":           {lines: []string{"a", "m -> a", "l => m"}, want: "no file of that path"},
		"hard, itself":           {lines: []string{"l => l"}, want: "no file of that path"},
	}
	for name, tt := range tests {
		o := archive.ArtifactOptions{File: "x.tar", Strip: tt.strip}
		for _, o := range []archive.ArtifactOptions{o, archive.Folding(o)} {
			_, err := open(t, tarWith(t, layout(tt.lines...)...), o, archive.Limits{})
			if !errors.Is(err, archive.ErrRefused) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", name, err, tt.want)
			}
		}
	}
	for kind, what := range map[byte]string{tar.TypeChar: "a character device", tar.TypeBlock: "a block device", tar.TypeFifo: "a fifo"} {
		_, err := open(t, tarOf(t, tar.Header{Typeflag: kind, Name: "a"}), archive.ArtifactOptions{File: "x.tar"}, archive.Limits{})
		if !errors.Is(err, archive.ErrRefused) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestCase: paths that differ only in case are refused where the file system folds case, and nowhere
// else are links led astray by them.
func TestCase(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lines  []string
		folds  string // the error where case is folded
		strict string // the error elsewhere; "" for none
	}{
		"files":             {lines: []string{"xt_DSCP.h", "xt_dscp.h"}, folds: "case or Unicode"},
		"links":             {lines: []string{"a", "l -> a", "L -> a"}, folds: "case or Unicode"},
		"file and link":     {lines: []string{"e/eterm", "E/Eterm -> ../e/eterm"}, folds: "case or Unicode"},
		"file and folder":   {lines: []string{"a/x", "A"}, folds: "as a folder"},
		"below a link":      {lines: []string{"d/x", "l -> d", "L/y"}, folds: `needs "l" as a folder`},
		"normalisation":     {lines: []string{"\u00e9", "e\u0301"}, folds: "case or Unicode"},
		"the right one":     {lines: []string{"d/x", "d/up -> ..", "d/UP -> .", "l -> d/up/../x"}, folds: "case or Unicode", strict: "outside"},
		"the right one too": {lines: []string{"d/x", "d/UP -> .", "d/up -> ..", "l -> d/up/../x"}, folds: "case or Unicode", strict: "outside"},
		"the other one":     {lines: []string{"d/x", "d/UP -> .", "d/up -> ..", "l -> d/UP/../x"}, folds: "case or Unicode"},
	}
	for name, tt := range tests {
		data, o := tarWith(t, layout(tt.lines...)...), archive.ArtifactOptions{File: "x.tar"}
		_, err := open(t, data, archive.Folding(o), archive.Limits{})
		if !errors.Is(err, archive.ErrRefused) || !strings.Contains(err.Error(), tt.folds) {
			t.Errorf("%s, folding: %v, want %q", name, err, tt.folds)
		}
		if archive.FoldsCase {
			continue
		}
		_, err = open(t, data, o, archive.Limits{})
		if tt.strict == "" && err != nil || tt.strict != "" && (!errors.Is(err, archive.ErrRefused) || !strings.Contains(err.Error(), tt.strict)) {
			t.Errorf("%s: %v, want %q", name, err, tt.strict)
		}
	}
}

func reversed(lines []string) []string {
	for i, j := 0, len(lines)-1; i < j; i, j = i+1, j-1 {
		lines[i], lines[j] = lines[j], lines[i]
	}
	return lines
}

func TestLinksCorrupt(t *testing.T) {
	t.Parallel()
	link := func(size string) []byte {
		b := raw("l", '2', size)
		copy(b[157:], "a")
		return seal(b)
	}
	for name, tt := range map[string]struct {
		tar  []byte
		want string
	}{
		"content":   {join(link("3"), block("xxx")), "a link with content"},
		"PAX twice": {join(paxEntry('x', "14 linkpath=b\n14 linkpath=c\n"), link("0")), "an ambiguous link"},
		"PAX empty": {join(paxEntry('x', "13 linkpath=\n"), link("0")), "an ambiguous link"},
		"PAX NUL":   {join(paxEntry('x', "16 linkpath=a\x00b\n"), link("0")), "an ambiguous link"},
		"GNU twice": {join(raw("K", 'K', "2"), block("b\x00"), raw("K", 'K', "2"), block("c\x00"), link("0")), "where one link leads"},
		"both":      {join(raw("K", 'K', "2"), block("b\x00"), paxEntry('x', "14 linkpath=b\n"), link("0")), "an ambiguous link"},
	} {
		_, err := open(t, tt.tar, archive.ArtifactOptions{File: "x.tar"}, archive.Limits{})
		if !errors.Is(err, archive.ErrCorrupt) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestManyLinks: following links costs no more than there are.
func TestManyLinks(t *testing.T) {
	t.Parallel()
	lines := []string{"d/a", "l0 -> d"}
	for i := range 30 {
		lines = append(lines, fmt.Sprintf("l%d -> l%d", i+1, i))
	}
	deep := strings.Repeat("l30/../d/../", 15) + "d/a"
	_, err := open(t, tarWith(t, layout(append(lines, "last -> "+deep)...)...), archive.ArtifactOptions{File: "x.tar"}, archive.Limits{})
	if !errors.Is(err, archive.ErrRefused) {
		t.Errorf("465 links for one path: %v", err)
	}
	for i := range 20_000 {
		lines = append(lines, fmt.Sprintf("m%d -> l9/../d/a", i))
	}
	if err := archive.UnpackArtifactBytes(tarWith(t, layout(lines...)...), archive.ArtifactOptions{File: "x.tar"}, discard, archive.Limits{}); err != nil {
		t.Error(err)
	}
}
