package github_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/github"
)

func TestChecksumFiles(t *testing.T) {
	t.Parallel()
	data := []byte("data")
	s1, s256, s512 := integrity.Sum(integrity.SHA1, data), integrity.Sum(integrity.SHA256, data), integrity.Sum(integrity.SHA512, data)
	other := integrity.Sum(integrity.SHA256, []byte("other")).Hex()
	h, name := s256.Hex(), "tool.tar.gz"
	utf16le := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(h + "  " + name + "\r\n")) {
		utf16le = binary.LittleEndian.AppendUint16(utf16le, u)
	}
	for what, c := range map[string]struct {
		file, text string
		companion  bool
		want       integrity.Set
	}{
		"text":                 {"checksums.txt", other + "  other.zip\n" + h + "  tool.tar.gz\n", false, integrity.Set{s256}},
		"binary":               {"SHA256SUMS", h + " *tool.tar.gz", false, integrity.Set{s256}},
		"one blank":            {"SHA256SUMS", h + " tool.tar.gz", false, integrity.Set{s256}},
		"tab":                  {"SHA256SUMS", h + "\ttool.tar.gz", false, integrity.Set{s256}},
		"CRLF":                 {"SHA256SUMS", other + "  x\r\n" + h + "  tool.tar.gz\r\n", false, integrity.Set{s256}},
		"upper case":           {"SHA256SUMS", strings.ToUpper(h) + "  tool.tar.gz", false, integrity.Set{s256}},
		"BSD":                  {"checksums-bsd", "SHA512 (tool.tar.gz) = " + s512.Hex() + "\nSHA256 (tool.tar.gz) = " + h, false, integrity.Set{s512, s256}},
		"BSD of others":        {"checksums-bsd", "BLAKE2b512 (tool.tar.gz) = " + s512.Hex() + "\nMD5 (tool.tar.gz) = d41d8cd98f00b204e9800998ecf8427e", false, nil},
		"a path":               {"SHA256SUMS", h + "  ./dist/tool.tar.gz", false, integrity.Set{s256}},
		"a path of Windows":    {"SHA256SUMS", h + `  C:\dist\tool.tar.gz`, false, integrity.Set{s256}},
		"escaped":              {"SHA256SUMS", `\` + h + "  tool.tar.gz", false, integrity.Set{s256}},
		"with algorithm":       {"checksums.txt", "sha256:" + h + "  tool.tar.gz", false, integrity.Set{s256}},
		"SHA-1":                {"SHA1SUMS", s1.Hex() + "  tool.tar.gz", false, integrity.Set{s1}},
		"SHA-512":              {"checksums.txt", s512.Hex() + "  tool.tar.gz", false, integrity.Set{s512}},
		"comments":             {"checksums.txt", "# sums\n\n-----BEGIN-----\n" + h + "  tool.tar.gz\nend", false, integrity.Set{s256}},
		"twice the same":       {"checksums.txt", h + "  tool.tar.gz\n" + h + "  a/tool.tar.gz", false, integrity.Set{s256}},
		"UTF-16":               {"SHA256SUMS", string(utf16le), false, integrity.Set{s256}},
		"byte order mark":      {"SHA256SUMS", "\ufeff" + h + "  tool.tar.gz", false, integrity.Set{s256}},
		"alone":                {"tool.tar.gz.sha256", h + "\n", true, integrity.Set{s256}},
		"alone with algorithm": {"tool.tar.gz.sha256", "sha256:" + h, true, integrity.Set{s256}},
		"alone, not beside":    {"tool.sha256", h, false, nil},
		"beside, other name":   {"tool.tar.gz.sha256", h + "  target/release/tool", true, nil},
		"PowerShell":           {"tool.tar.gz.sha256", "\r\nAlgorithm : SHA256\r\nHash      : " + strings.ToUpper(h) + "\r\nPath      : D:\\a\\tool.tar.gz\r\n", true, integrity.Set{s256}},
		"PowerShell, cut off":  {"tool.tar.gz.sha256", "Hash : " + h, true, integrity.Set{s256}},
		"CertUtil":             {"tool.tar.gz.sha256", "SHA256 hash of tool.tar.gz:\r\n" + h + "\r\nCertUtil: -hashfile command completed successfully.\r\n", true, integrity.Set{s256}},
		"MD5":                  {"checksums.txt", "d41d8cd98f00b204e9800998ecf8427e  tool.tar.gz", false, nil},
		"no such line":         {"checksums.txt", h + "  tool.tar.gz.sig\n" + other + " mytool.tar.gz", false, nil},
		"a page":               {"checksums.txt", "<!DOCTYPE html><p>" + h + "  tool.tar.gz", false, nil},
		"odd length":           {"checksums.txt", h[1:] + "  tool.tar.gz", false, nil},
		"wrong for its name":   {"SHA512SUMS", h + "  tool.tar.gz", false, nil},
		"empty":                {"checksums.txt", "", true, nil},
	} {
		got, err := github.Sum(strings.ToLower(c.file), []byte(c.text), name, c.companion)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", what, got, err, c.want)
		}
	}
	_, err := github.Sum("checksums.txt", []byte(h+"  tool.tar.gz\n"+other+"  tool.tar.gz\n"), name, false)
	if !errors.Is(err, integrity.ErrMalformed) {
		t.Errorf("two digests for one name: %v", err)
	}
}

func TestChecksumFileNames(t *testing.T) {
	t.Parallel()
	const asset = "tool_1.0_linux_amd64.tar.gz"
	for _, c := range []struct{ names, want []string }{
		{[]string{"checksums.txt", asset + ".sha256", asset}, []string{asset + ".sha256", "checksums.txt"}},
		{[]string{asset + ".sha256", asset + ".sha512", asset + ".md5", asset + ".b3"}, []string{asset + ".sha512", asset + ".sha256"}},
		{[]string{"SHA1SUMS", "SHA256SUMS", "MD5SUMS", "B3SUMS", "SHA512SUMS", "SHA512SUMS.sig"}, []string{"SHA512SUMS", "SHA256SUMS", "SHA1SUMS"}},
		{[]string{"tool_1.0_checksums.txt", "tool_1.0_checksums.txt.pem", "tool_1.0_checksums.txt.sigstore.json"}, []string{"tool_1.0_checksums.txt"}},
		{[]string{"tool_1.0_linux_amd64.sha256", "tool_1.0_linux_arm64.sha256", "tool_1.0_linux_arm64.tar.gz"}, []string{"tool_1.0_linux_amd64.sha256"}},
		{[]string{"tool_1.0_SHA256SUMS", "SHASUMS256.txt", "sha256sum.txt", "SHA2-256SUMS", "checksums-bsd", "shasum.txt", "checksums.sha256", "sha256.txt", "sha256.sum"},
			[]string{"SHA2-256SUMS", "SHASUMS256.txt", "checksums-bsd", "checksums.sha256", "sha256.sum", "sha256.txt", "sha256sum.txt", "shasum.txt", "tool_1.0_SHA256SUMS"}},
		{[]string{asset + "-SHA256.txt", asset + ".sha256sum", asset + ".checksum", asset + ".asc", asset + ".sig", asset + ".sbom.json"}, []string{asset + "-SHA256.txt", asset + ".checksum", asset + ".sha256sum"}},
		{[]string{"tool_1.0_windows_amd64.zip.sha256", "README.md", "tool_1.0_windows_amd64.zip", "install.sh", "extract-checksum.sh", "sha3-256sums.txt", "release.sha224"}, nil},
	} {
		if got := github.SumsFiles(asset, c.names...); !slices.Equal(got, c.want) && !strings.EqualFold(strings.Join(got, " "), strings.Join(c.want, " ")) {
			t.Errorf("of %q: %q, want %q", c.names, got, c.want)
		}
	}
}

// FuzzChecksums: no file makes the parser panic, or gives a digest to a name that is not in it.
func FuzzChecksums(f *testing.F) {
	h := strings.Repeat("ab", 32)
	for _, s := range []string{h + "  a\n", h + " *b/c\r\n", "SHA256 (x) = " + h, h, "Hash : " + h + "\nPath : x", "\xff\xfea\x00", "sha512:" + h + h + " n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		names := github.SumNames(data)
		for _, n := range names {
			if n == "" || strings.ContainsAny(n, `/\`) {
				t.Errorf("a digest for %q", n)
			}
			if set, err := github.Sum("", data, n, false); err == nil && len(set) == 0 {
				t.Errorf("%q has no digest", n)
			}
		}
		if set, err := github.Sum("", data, "\x00no such name", len(names) == 0); err == nil && len(names) > 0 && len(set) > 0 {
			t.Errorf("%v for a name that is not there", set)
		}
	})
}
