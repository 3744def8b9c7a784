package store

import (
	"os"
	"path/filepath"

	"github.com/pantry-go/pantry/integrity"
)

// Has says whether an entry of the artifact with one of the digests seems to be there, without reading
// it: what it is worth shows [Store.Get]. Digests weaker than SHA-512 are not looked for.
func (s *Store) Has(digests integrity.Set) bool {
	for _, d := range digests {
		if d.Algorithm() != integrity.SHA512 {
			continue
		}
		if _, err := os.Lstat(filepath.Join(s.entryDir(d, ""), indexName)); err == nil {
			return true
		}
	}
	return false
}
