package store_test

import (
	"testing"
	"time"

	"github.com/pantry-go/pantry/store"
)

// age makes a file, or a link itself, look as if it had been written at t.
func age(tb testing.TB, path string, t time.Time) {
	tb.Helper()
	if err := store.Touch(path, t); err != nil {
		tb.Fatal(err)
	}
}
