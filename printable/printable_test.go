package printable_test

import (
	"strings"
	"testing"

	"github.com/pantry-go/pantry/printable"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain": "plain", " a\tb\nc\r ": "a b c", "\x1b[31mred\x07": "[31mred", "a\u202eb\u2028c": "abc", "bad\xff": "bad",
	} {
		if got := printable.Line(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	if got, want := printable.Quote("a\x00\n"), `"a"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := printable.Quote(strings.Repeat("ä", 81)), `"`+strings.Repeat("ä", 80)+`…"`; got != want {
		t.Errorf("got %s", got)
	}
}
