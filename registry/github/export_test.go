package github

import (
	"io/fs"
	"net/url"

	"github.com/pantry-go/pantry/integrity"
)

// What the tests of package github_test look into.

func ParseTag(tag string) (prefix, version string, plain bool) {
	t := parseTag(tag)
	return t.prefix, t.version, t.plain
}

func UsableTag(tag string) bool { return usableTag(tag) }

func Own(prefix, repo string) bool { return own(prefix, repo) }

// Sum is the digest of name in a checksum file called file, which is one of that name alone if
// companion.
func Sum(file string, data []byte, name string, companion bool) (integrity.Set, error) {
	alg, _ := sumsAlgorithm(file)
	return parseSums(sumsText(data), alg).of(name, companion)
}

// SumNames are the names that a checksum file has digests for.
func SumNames(data []byte) []string {
	var names []string
	for n := range parseSums(sumsText(data), 0).named {
		names = append(names, n)
	}
	return names
}

// SumsFiles are the assets that may hold the digest of asset, the best first.
func SumsFiles(asset string, names ...string) []string {
	var assets []assetDoc
	for i, n := range names {
		assets = append(assets, assetDoc{ID: int64(i + 1), Name: n})
	}
	var found []string
	for _, c := range sumsFor(asset, assets) {
		found = append(found, c.asset.Name)
	}
	return found
}

func LibcIn(root fs.FS) string { return libcIn(root) }

func NextPage(link string, at *url.URL) string { return nextPage(link, at) }

func SplitDownload(u string) (repo, tag, file string) { return splitDownload(u) }

// Kept puts keys into an LRU that holds most, and returns those that are still there.
func Kept(most int, keys ...string) []string {
	c := newLRU[int](most)
	for i, k := range keys {
		c.put(k, i)
	}
	var left []string
	for _, k := range keys {
		if _, ok := c.get(k); ok {
			left = append(left, k)
		}
	}
	return left
}
