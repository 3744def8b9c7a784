// Package store keeps unpacked artifacts once per machine, by what their bytes hash to, and packages that
// are linked to what they need.
//
//	DIR/v2/ab/cdef…/index               what is in the entry, written last
//	DIR/v2/ab/cdef…/node_modules/NAME/  its files: those of a package
//	DIR/v2/ab/cdef…/package/            its files: those of what has no such name, as tools
//	DIR/v2/ab/cdef…/home                the linked package that lives in the entry, if one does
//	DIR/v2/ab/cdef…-0123…/              a variant: the same artifact, unpacked in another way
//	DIR/v2/links/KEY                    a linked package: a link to its home, or a folder of its own
//	DIR/v2/alias/sha1-0123…             the SHA-512 of an artifact that is known by a weaker digest
//	DIR/v2/generation                   changes before anything is taken out
//	DIR/v2/stamps/0123…                 a record that is void in another generation
//	DIR/v2/projects/0123…               the folder of a project that uses the store
//	DIR/v2/lock, replace.lock           see Use; held while something is replaced
//	DIR/v2/tmp/PID-RANDOM/              where one process builds, while it holds PID-RANDOM.lock
//
// # Entries
//
// An entry is one folder for one artifact, named after the artifact's SHA-512; or one of several, if
// the artifact can be unpacked in several ways (see [Writer.SetVariant]). It is built under a
// temporary name and renamed once, whole: an entry is complete, or it is not there. The index stands
// beside the files, never among them, and has a checksum of its own, and one of every file. An entry
// whose index is missing or damaged counts as absent, and the next Commit replaces it.
//
// A store with one blob for each distinct file was not taken: it hashes and names every file,
// costs as many lookups at every install, and saves little between versions.
//
// # Linked packages
//
// A linked package is an entry in whose node_modules there is, beside the package's own folder, a link
// for each package that it needs, to a linked package again. Node resolves the real path of a file
// before it looks for what the file requires, and so finds exactly these. The first linked package of an
// artifact lives in the entry, which has become its home for ever: nothing is written twice. Another one
// of the same artifact, which needs other versions, has a folder of its own in links, of hard links to
// the files. See [Store.PutLinked]. links/KEY is made last, and the link "home", whose text is the key and
// a checksum of the other links, says whose the folder is: what leads over links/KEY to a home with the
// same key is complete, which a single look tells.
//
// # What is promised
//
// Any number of processes may use one store at a time, and may be killed at any moment: what [Store.Get]
// and [Store.HasLinked] say to be there is whole. What a killed process leaves in tmp is removed by the
// next process that writes. Before anything is taken out, by a repair, by Prune, or since an entry is
// replaced, the generation changes, and the linked packages that are made of the entry are taken out;
// so a stamp that counts still vouches for what it was made for. Prune and repairs wait for those who
// use the store ([Store.Use]).
//
// Files are not synced to the disk one by one, which would cost more than everything else. After a
// loss of power the files of an entry that was written in the last half minute may therefore be
// cut short. So Get and HasLinked check the sizes of files once after the machine was started, where the
// system tells when that was, and stamps from before do not count; [Store.Verify] does it at any time.
//
// Files are shared: projects have hard links to them, and isolated ones use them where they are. A
// program that writes into a package, by hand or by itself, therefore changes the store and every
// project. That is not prevented, since files without write permission break programs that copy them
// with their modes, and mean nothing to root. It is found: [Store.VerifyAll] reads every file and
// compares it with the CRC-32C that was computed while it was written, and sees what was added;
// a repair takes the entry out, and the next install fetches it again. (The CRC is there against
// accidents. Whoever wants to deceive can change the index too: the store belongs to those who may
// write it.) A package that is known to write into itself should be copied into the project.
//
// A store that cannot be written, be it a folder or a file system, can be read in every way; what would
// have to write says so, with a hint.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

var (
	// ErrMissing: the store does not have the entry.
	ErrMissing = errors.New("not in the store")
	// ErrDamaged: an entry is there, but not as it was written. What Get returns for such an
	// entry matches ErrMissing too.
	ErrDamaged = errors.New("store entry is damaged")
)

// Store is a folder of entries. It is safe for concurrent use, by other processes too.
type Store struct {
	dir  string // with the version of the layout
	boot time.Time

	mu   sync.Mutex
	work *workspace // made when first needed
}

const (
	// layoutVersion is part of the path: another layout would live beside this one.
	layoutVersion = "v2"

	indexName   = "index"
	packageName = "package"
	modulesName = "node_modules"
	homeName    = "home"
	linksName   = "links"
	entryName   = "entry" // in a linked package with a folder of its own
	aliasName   = "alias"
	tmpName     = "tmp"
	variantMark = "-" // between the digest and the variant of a folder's name
)

// Open returns the store in dir, which need not exist: nothing is made before the first entry is.
func Open(dir string) (*Store, error) {
	if dir == "" {
		return nil, errors.New("open the store: no folder is given")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s := &Store{dir: filepath.Join(dir, layoutVersion), boot: bootTime()}
	switch st, err := os.Stat(dir); {
	case err == nil && !st.IsDir():
		return nil, s.fail("open", fmt.Errorf("%s is a file, not a folder", dir))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, s.fail("open", err)
	}
	return s, nil
}

// Dir is the folder the store was opened with.
func (s *Store) Dir() string { return filepath.Dir(s.dir) }
