package store_test

import (
	"os"
	"testing"

	"github.com/pantry-go/pantry/integrity"
)

func TestHas(t *testing.T) {
	t.Parallel()
	s := open(t)
	weak := integrity.Sum(integrity.SHA1, []byte("a"))
	e := add(t, s, digest("a"), sample, weak)
	for name, tt := range map[string]struct {
		set  integrity.Set
		want bool
	}{
		"nothing": {nil, false}, "another": {integrity.Set{digest("b")}, false}, "weak": {integrity.Set{weak}, false},
		"it": {integrity.Set{digest("a")}, true}, "either": {integrity.Set{weak, digest("b"), digest("a")}, true},
	} {
		if got := s.Has(tt.set); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if err := os.Remove(index(e)); err != nil {
		t.Fatal(err)
	}
	if s.Has(integrity.Set{digest("a")}) {
		t.Error("without an index")
	}
}
