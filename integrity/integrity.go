// Package integrity holds digests of artifacts as Subresource Integrity strings (SRI,
// https://www.w3.org/TR/SRI/) and as "algorithm:hex" checksums, and readers that check bytes
// while they pass.
//
// Everything fails closed: an unknown algorithm, a wrong length or bad base64 is an error, never
// an empty set. MD5 is known by name only, so that it can be refused by name.
package integrity

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
)

// ErrMismatch is matched by the error of bytes that are not what their digest says.
var ErrMismatch = errors.New("integrity check failed")

// ErrMalformed is matched by the error of a digest that cannot be read.
var ErrMalformed = errors.New("malformed digest")

// Algorithm is a hash algorithm; a larger one is stronger.
type Algorithm uint8

// The algorithms that packages of the npm world use.
const (
	SHA1 Algorithm = iota + 1 // legacy, accepted where nothing better is offered
	SHA256
	SHA384
	SHA512
)

var algorithms = [...]struct {
	name string
	size int
	new  func() hash.Hash
}{
	SHA1:   {"sha1", sha1.Size, sha1.New},
	SHA256: {"sha256", sha256.Size, sha256.New},
	SHA384: {"sha384", sha512.Size384, sha512.New384},
	SHA512: {"sha512", sha512.Size, sha512.New},
}

// String is the name as SRI spells it.
func (a Algorithm) String() string {
	if a == 0 || int(a) >= len(algorithms) {
		return "unknown"
	}
	return algorithms[a].name
}

// Size is the length of a digest in bytes.
func (a Algorithm) Size() int { return algorithms[a].size }

// New returns a hash of the algorithm.
func (a Algorithm) New() hash.Hash { return algorithms[a].new() }

func algorithmByName(name string) (Algorithm, bool) {
	for a := SHA1; a <= SHA512; a++ {
		if algorithms[a].name == name {
			return a, true
		}
	}
	return 0, false
}

// Digest is one hash value. It is comparable and can be a map key; the zero Digest is none.
type Digest struct {
	alg Algorithm
	sum [sha512.Size]byte
}

// Algorithm returns the algorithm; 0 for the zero Digest.
func (d Digest) Algorithm() Algorithm { return d.alg }

// IsZero says that d is no digest.
func (d Digest) IsZero() bool { return d.alg == 0 }

// Bytes returns the hash value.
func (d Digest) Bytes() []byte {
	if d.alg == 0 {
		return nil
	}
	return slices.Clone(d.sum[:d.alg.Size()])
}

// Hex returns the hash value in lower-case hexadecimal.
func (d Digest) Hex() string { return hex.EncodeToString(d.Bytes()) }

// String is the SRI form: algorithm, "-", standard base64.
func (d Digest) String() string {
	if d.alg == 0 {
		return ""
	}
	return d.alg.String() + "-" + base64.StdEncoding.EncodeToString(d.sum[:d.alg.Size()])
}

// New makes a digest of sum, which must have the algorithm's length.
func New(alg Algorithm, sum []byte) (Digest, error) {
	if alg == 0 || int(alg) >= len(algorithms) {
		return Digest{}, fmt.Errorf("%w: unknown algorithm", ErrMalformed)
	}
	if len(sum) != alg.Size() {
		return Digest{}, fmt.Errorf("%w: %s has %d bytes, not %d", ErrMalformed, alg, alg.Size(), len(sum))
	}
	d := Digest{alg: alg}
	copy(d.sum[:], sum)
	return d, nil
}

// FromHex makes a digest of a hexadecimal hash value, in either case.
func FromHex(alg Algorithm, s string) (Digest, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return Digest{}, fmt.Errorf("%w: %q is not hexadecimal", ErrMalformed, clip(s))
	}
	return New(alg, b)
}

// Sum hashes data.
func Sum(alg Algorithm, data []byte) Digest {
	h := alg.New()
	_, _ = h.Write(data)
	d, _ := New(alg, h.Sum(nil))
	return d
}

// Set is the digests given for one artifact, in the order given. The nil Set is none.
type Set []Digest

// maxDigests bounds what one artifact may carry: real ones have one or two.
const maxDigests = 16

// Parse reads an SRI string: digests separated by white space, options after "?" ignored. The
// empty string is the empty Set. Any digest that cannot be read makes the whole string an error.
func Parse(s string) (Set, error) {
	fields := strings.Fields(s)
	if len(fields) > maxDigests {
		return nil, fmt.Errorf("%w: %d digests for one artifact", ErrMalformed, len(fields))
	}
	var set Set
	for _, f := range fields {
		f, _, _ = strings.Cut(f, "?")
		name, sum, ok := strings.Cut(f, "-")
		if !ok {
			return nil, fmt.Errorf("%w: %q is not ALGORITHM-BASE64", ErrMalformed, clip(f))
		}
		alg, err := algorithm(name)
		if err != nil {
			return nil, err
		}
		b, err := base64.StdEncoding.DecodeString(sum)
		if err != nil {
			return nil, fmt.Errorf("%w: %q is not base64", ErrMalformed, clip(sum))
		}
		d, err := New(alg, b)
		if err != nil {
			return nil, err
		}
		set = append(set, d)
	}
	return set, nil
}

// ParseChecksum reads checksums as REST registries write them: "sha256:HEX" (sha1, sha256, sha384,
// sha512), or SRI, several separated by white space.
func ParseChecksum(s string) (Set, error) {
	var set Set
	for _, f := range strings.Fields(s) {
		name, sum, ok := strings.Cut(f, ":")
		if !ok {
			more, err := Parse(f)
			if err != nil {
				return nil, err
			}
			set = append(set, more...)
			continue
		}
		alg, err := algorithm(name)
		if err != nil {
			return nil, err
		}
		d, err := FromHex(alg, sum)
		if err != nil {
			return nil, err
		}
		set = append(set, d)
	}
	if len(set) > maxDigests {
		return nil, fmt.Errorf("%w: %d digests for one artifact", ErrMalformed, len(set))
	}
	return set, nil
}

func algorithm(name string) (Algorithm, error) {
	alg, ok := algorithmByName(name)
	switch {
	case ok:
		return alg, nil
	case name == "md5":
		return 0, fmt.Errorf("%w: md5 is broken and not accepted", ErrMalformed)
	}
	return 0, fmt.Errorf("%w: unknown algorithm %q", ErrMalformed, clip(name))
}

// String is the SRI form, digests separated by one space.
func (s Set) String() string {
	if len(s) == 1 {
		return s[0].String()
	}
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = d.String()
	}
	return strings.Join(parts, " ")
}

// MarshalText is String.
func (s Set) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is [Parse].
func (s *Set) UnmarshalText(b []byte) error {
	set, err := Parse(string(b))
	*s = set
	return err
}

// Strongest returns the digests of the strongest algorithm in the set: bytes are right when they
// match one of them. It is nil for the empty set.
func (s Set) Strongest() []Digest {
	var best Algorithm
	for _, d := range s {
		best = max(best, d.alg)
	}
	var out []Digest
	for _, d := range s {
		if d.alg == best {
			out = append(out, d)
		}
	}
	return out
}

// Find returns the first digest of the algorithm.
func (s Set) Find(alg Algorithm) (Digest, bool) {
	for _, d := range s {
		if d.alg == alg {
			return d, true
		}
	}
	return Digest{}, false
}

// Same says whether two sets can be of the same bytes, by the strongest algorithm that is in both;
// known is false where none is.
func (s Set) Same(other Set) (same, known bool) {
	for alg := SHA512; alg >= SHA1; alg-- {
		for _, d := range s {
			if _, ok := other.Find(alg); d.alg != alg || !ok {
				continue
			}
			known = true
			if slices.Contains(other, d) {
				return true, true
			}
		}
		if known {
			return false, true
		}
	}
	return false, false
}

// MismatchError says which digest was wanted and which the bytes have.
type MismatchError struct {
	Want Set
	Got  Digest
	Size int64 // bytes that were read
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%v: expected %s, got %s (%d bytes)", ErrMismatch, e.Want, e.Got, e.Size)
}

// Is matches [ErrMismatch].
func (e *MismatchError) Is(target error) bool { return target == ErrMismatch }

// Hasher hashes what is written to it and checks it against a Set: for every algorithm in the
// set, one of its digests must match. SHA-512 is computed always, so that an artifact whose
// registry gave something weaker, or nothing, can be pinned by it.
type Hasher struct {
	want   Set
	hashes []hash.Hash
	algs   []Algorithm
	n      int64
}

// NewHasher returns a Hasher for want, which may be empty.
func NewHasher(want Set) *Hasher {
	h := &Hasher{want: want}
	add := func(a Algorithm) {
		if !slices.Contains(h.algs, a) {
			h.algs = append(h.algs, a)
			h.hashes = append(h.hashes, a.New())
		}
	}
	add(SHA512)
	for _, d := range want {
		add(d.alg)
	}
	return h
}

// Write never fails.
func (h *Hasher) Write(p []byte) (int, error) {
	for _, x := range h.hashes {
		_, _ = x.Write(p)
	}
	h.n += int64(len(p))
	return len(p), nil
}

// SHA512 is the digest of what was written so far.
func (h *Hasher) SHA512() Digest { return h.digest(0) }

func (h *Hasher) digest(i int) Digest {
	d, _ := New(h.algs[i], h.hashes[i].Sum(nil))
	return d
}

// Verify returns a [MismatchError] unless what was written matches the set. The empty set matches
// everything: whether that will do is for the caller to decide.
func (h *Hasher) Verify() error {
	for i, alg := range h.algs {
		var given, matched bool
		got := h.digest(i)
		for _, d := range h.want {
			if d.alg == alg {
				given = true
				matched = matched || d == got
			}
		}
		if given && !matched {
			return &MismatchError{Want: h.want, Got: got, Size: h.n}
		}
	}
	return nil
}

// NewReader returns a reader that gives r's bytes and, at their end, a [MismatchError] in place of
// io.EOF when they do not match want.
func NewReader(r io.Reader, want Set) io.Reader { return &reader{r: r, h: NewHasher(want)} }

type reader struct {
	r io.Reader
	h *Hasher
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	_, _ = r.h.Write(p[:n])
	if err == io.EOF {
		if verr := r.h.Verify(); verr != nil {
			err = verr
		}
	}
	return n, err
}

func clip(s string) string {
	const most = 32
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
