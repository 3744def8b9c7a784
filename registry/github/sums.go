package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// maxSumsFiles bounds the checksum files that are read for one release.
const maxSumsFiles = 12

// sums finds digests in the checksum files of one release, each of which is read once and only
// when it is needed.
type sums struct {
	registry *Registry
	repo     string
	assets   []assetDoc
	read     map[string]*sumsFile // nil: not to be had
}

func newSums(r *Registry, repo string, assets []assetDoc) *sums {
	return &sums{registry: r, repo: repo, assets: assets, read: make(map[string]*sumsFile)}
}

// find looks for the digest of an asset: first in files for it alone, then in those for all. It
// returns none when no file has it.
func (s *sums) find(ctx context.Context, asset string) (integrity.Set, error) {
	for _, c := range sumsFor(asset, s.assets) {
		f, err := s.open(ctx, c)
		if err != nil {
			return nil, err
		}
		if f == nil {
			continue
		}
		set, err := f.of(asset, c.companion)
		if err != nil {
			return nil, fmt.Errorf("%s in %s: %w", quote(asset), quote(c.asset.Name), err)
		}
		if len(set) > 0 {
			return set, nil
		}
	}
	return nil, nil
}

// open reads one checksum file. That it is not there is no error, since others may be.
func (s *sums) open(ctx context.Context, c sumsCandidate) (*sumsFile, error) {
	if f, ok := s.read[c.asset.Name]; ok {
		return f, nil
	}
	if len(s.read) >= maxSumsFiles {
		return nil, nil
	}
	data, err := s.registry.readAsset(ctx, s.repo, c.asset, maxSumsFile)
	var f *sumsFile
	switch {
	case err == nil:
		f = parseSums(sumsText(data), c.alg)
	case !errors.Is(err, pantry.ErrNotFound) && !errors.Is(err, pantry.ErrInvalid):
		return nil, fmt.Errorf("the checksum file %s: %w", quote(c.asset.Name), err)
	}
	s.read[c.asset.Name] = f
	return f, nil
}

// sumsCandidate is an asset that may hold digests.
type sumsCandidate struct {
	asset     assetDoc
	alg       integrity.Algorithm // that its name tells
	companion bool                // of one asset alone
	rank      int
}

// sumsFor lists the files that may have the digest of asset, the best first.
func sumsFor(asset string, assets []assetDoc) []sumsCandidate {
	var found []sumsCandidate
	others := make(map[string]bool) // what a checksum file could be of alone
	for _, a := range assets {
		name := strings.ToLower(a.Name)
		if stem, f, _, _ := formatOf(name); f != noise {
			others[name], others[stem] = true, true
		}
	}
	for _, a := range assets {
		if a.Size > maxSumsFile || a.Name == asset {
			continue
		}
		name := strings.ToLower(a.Name)
		alg, known := sumsAlgorithm(name)
		if !known {
			continue
		}
		c := sumsCandidate{asset: a, alg: alg}
		rest, beside := strings.CutPrefix(name, strings.ToLower(asset))
		stem, _, _, _ := formatOf(strings.ToLower(asset))
		switch {
		case beside && isSumsEnding(rest):
			c.companion, c.rank = true, 0
		case strings.HasPrefix(name, stem) && isSumsEnding(name[len(stem):]):
			c.rank = 1 // tool.sha256 beside tool.tar.gz and tool.zip: only with the name in it
		case collective(name) && !others[sumsBase(name)]:
			c.rank = 2
		default:
			continue
		}
		found = append(found, c)
	}
	slices.SortStableFunc(found, func(a, b sumsCandidate) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(strength(b.alg), strength(a.alg)), strings.Compare(a.asset.Name, b.asset.Name))
	})
	return found
}

// strength orders algorithms for a choice; SHA-256, which most files that do not say hold, is
// between those that are known to be stronger and SHA-1.
func strength(a integrity.Algorithm) integrity.Algorithm {
	if a == 0 {
		return integrity.SHA256
	}
	return a
}

// sumsAlgorithm reads what the name of a checksum file tells of its algorithm. known is false for
// files of other algorithms, and for signatures and the like.
func sumsAlgorithm(name string) (alg integrity.Algorithm, known bool) {
	for _, e := range []string{".sig", ".asc", ".pem", ".sigstore", ".bundle", ".minisig", ".crt", ".json", ".jsonl", ".gpgsig", ".pub", ".cert", ".intoto", ".sh"} {
		if strings.HasSuffix(name, e) {
			return 0, false
		}
	}
	for _, w := range []string{"md5", "b2sum", "b3sum", "blake", ".b3", "crc32", "sha3-", "sha224"} {
		if strings.Contains(name, w) {
			return 0, false
		}
	}
	for _, x := range []struct {
		alg   integrity.Algorithm
		words []string
	}{
		{integrity.SHA512, []string{"sha512", "sha2-512", "sha-512", "shasums512", "512sums"}},
		{integrity.SHA384, []string{"sha384", "sha-384"}},
		{integrity.SHA256, []string{"sha256", "sha2-256", "sha-256", "shasums256", "256sums"}},
		{integrity.SHA1, []string{"sha1", "sha-1"}},
	} {
		for _, w := range x.words {
			if strings.Contains(name, w) {
				return x.alg, true
			}
		}
	}
	return 0, true
}

// isSumsEnding says that what follows the name of an asset makes it the asset's checksum file.
func isSumsEnding(s string) bool {
	s = strings.TrimSuffix(s, ".txt")
	if len(s) < 2 || !strings.ContainsRune(".-_", rune(s[0])) {
		return false
	}
	s = s[1:]
	s = strings.TrimSuffix(strings.TrimSuffix(s, "s"), "sum")
	if _, ok := algorithmNamed(s); ok {
		return true
	}
	return s == "check" || s == "digest" || s == "sha" // .checksum, .digest, .shasum
}

// sumsBase is what a checksum file is called after, "" for none.
func sumsBase(name string) string {
	for i := len(name) - 1; i > 0; i-- {
		if strings.ContainsRune(".-_", rune(name[i])) && isSumsEnding(name[i:]) {
			return name[:i]
		}
	}
	return ""
}

// collective says that a name is that of a file with the digests of several assets.
func collective(name string) bool {
	for _, w := range []string{"checksum", "sha256sum", "sha512sum", "sha1sum", "shasum", "sha2-256sum", "sha2-512sum"} {
		if strings.Contains(name, w) {
			return true
		}
	}
	base := strings.TrimSuffix(strings.TrimSuffix(name, ".txt"), ".sum")
	if i := strings.LastIndexAny(base, "._-"); i >= 0 && base[i+1:] != "256" {
		base = base[i+1:]
	}
	_, ok := algorithmNamed(base)
	return ok
}
