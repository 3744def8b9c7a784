package integrity_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pantry-go/pantry/integrity"
)

// Digests of "hello".
const (
	helloSHA1   = "sha1-qvTGHdzF6KLavt4PO0gs2a6pQ00="
	helloSHA256 = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
	helloSHA512 = "sha512-m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw=="
	otherSHA512 = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
	helloHex256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, want, mistake string
	}{
		{"one", helloSHA512, helloSHA512, ""},
		{"several", " " + helloSHA1 + "\n" + helloSHA512 + " ", helloSHA1 + " " + helloSHA512, ""},
		{"options are dropped", helloSHA256 + "?foo", helloSHA256, ""},
		{"none", "", "", ""},
		{"no dash", "sha512", "", "is not ALGORITHM-BASE64"},
		{"unknown algorithm", "sha3-abcd", "", `unknown algorithm "sha3"`},
		{"md5", "md5-XUFAKrxLKna5cZ2REBfFkg==", "", "md5 is broken"},
		{"no base64", "sha512-???", "", "not 0"},
		{"no padding", strings.TrimRight(helloSHA512, "="), "", "is not base64"},
		{"too short", "sha512-qvTGHdzF6KLavt4PO0gs2a6pQ00=", "", "sha512 has 64 bytes, not 20"},
		{"one of two is bad", helloSHA512 + " sha256-AAAA", "", "sha256 has 32 bytes, not 3"},
		{"too many", strings.Repeat(helloSHA1+" ", 17), "", "17 digests"},
		{"a checksum", "sha256:" + helloHex256, "", "is not ALGORITHM-BASE64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			set, err := integrity.Parse(tt.in)
			if tt.mistake != "" {
				if !errors.Is(err, integrity.ErrMalformed) || !strings.Contains(err.Error(), tt.mistake) || set != nil {
					t.Errorf("got %v, %v, want %q", set, err, tt.mistake)
				}
				return
			}
			if err != nil || set.String() != tt.want {
				t.Errorf("got %q, %v, want %q", set, err, tt.want)
			}
		})
	}
}

func TestParseChecksum(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"sha256:" + helloHex256:                     helloSHA256,
		"sha256:" + strings.ToUpper(helloHex256):    helloSHA256,
		helloSHA512:                                 helloSHA512,
		"sha256:" + helloHex256 + " " + helloSHA512: helloSHA256 + " " + helloSHA512,
		"":                                     "",
		"sha256:abc123...":                     "not hexadecimal",
		"sha256:abcd":                          "sha256 has 32 bytes, not 2",
		"crc32:00000000":                       `unknown algorithm "crc32"`,
		"md5:5d41402abc4b2a76b9719d911017c592": "md5 is broken",
		helloHex256:                            "is not ALGORITHM-BASE64",
		strings.Repeat("sha256:"+helloHex256+" ", 17): "17 digests",
	} {
		set, err := integrity.ParseChecksum(in)
		if err != nil {
			if !errors.Is(err, integrity.ErrMalformed) || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got %v, want %q", in, err, want)
			}
		} else if set.String() != want {
			t.Errorf("%q: got %q, want %q", in, set, want)
		}
	}
}

func parse(t *testing.T, s string) integrity.Set {
	t.Helper()
	set, err := integrity.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, want string
		ok         bool
	}{
		{"the right one", helloSHA512, true},
		{"a weak one alone", helloSHA1, true},
		{"nothing to compare with", "", true},
		{"a wrong one", otherSHA512, false},
		{"one of two of an algorithm", otherSHA512 + " " + helloSHA512, true},
		{"a weaker one is wrong", helloSHA512 + " sha1-" + strings.Repeat("A", 27) + "=", false},
		{"a stronger one is wrong", otherSHA512 + " " + helloSHA1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := parse(t, tt.want)
			h := integrity.NewHasher(want)
			_, _ = io.WriteString(h, "hel")
			_, _ = io.WriteString(h, "lo")
			err := h.Verify()
			if h.SHA512().String() != helloSHA512 {
				t.Errorf("SHA512 is %s", h.SHA512())
			}
			got, readErr := io.ReadAll(iotest.OneByteReader(integrity.NewReader(strings.NewReader("hello"), want)))
			if string(got) != "hello" {
				t.Errorf("the reader gave %q", got)
			}
			for _, err := range []error{err, readErr} {
				var mismatch *integrity.MismatchError
				switch {
				case tt.ok && err != nil:
					t.Errorf("got %v", err)
				case !tt.ok && (!errors.Is(err, integrity.ErrMismatch) || !errors.As(err, &mismatch) || mismatch.Size != 5):
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

// A reader that fails is not taken for one whose bytes are wrong.
func TestReaderError(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	r := integrity.NewReader(iotest.ErrReader(boom), parse(t, helloSHA512))
	if _, err := io.ReadAll(r); !errors.Is(err, boom) || errors.Is(err, integrity.ErrMismatch) {
		t.Errorf("got %v", err)
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	d := integrity.Sum(integrity.SHA1, []byte("hello"))
	sum := sha1.Sum([]byte("hello"))
	if d.String() != helloSHA1 || d.Hex() != hex.EncodeToString(sum[:]) || !bytes.Equal(d.Bytes(), sum[:]) || d.Algorithm() != integrity.SHA1 {
		t.Errorf("got %s, %s", d, d.Hex())
	}
	again, err := integrity.FromHex(integrity.SHA1, d.Hex())
	if err != nil || again != d {
		t.Errorf("got %s, %v", again, err)
	}
	var none integrity.Digest
	if !none.IsZero() || d.IsZero() || none.String() != "" || none.Bytes() != nil || none.Algorithm().String() != "unknown" {
		t.Error("the zero digest is something")
	}
	if _, err := integrity.New(integrity.Algorithm(9), nil); !errors.Is(err, integrity.ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	set := parse(t, helloSHA1+" "+otherSHA512+" "+helloSHA512)
	if got := integrity.Set(set.Strongest()).String(); got != otherSHA512+" "+helloSHA512 {
		t.Errorf("strongest: %s", got)
	}
	if d, ok := set.Find(integrity.SHA1); !ok || d.String() != helloSHA1 {
		t.Errorf("found %s", d)
	}
	if _, ok := set.Find(integrity.SHA384); ok {
		t.Error("found what is not there")
	}
	if integrity.Set(nil).Strongest() != nil {
		t.Error("something of nothing")
	}
	data, err := json.Marshal(map[string]integrity.Set{"i": set})
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]integrity.Set
	if err := json.Unmarshal(data, &back); err != nil || back["i"].String() != set.String() {
		t.Errorf("got %v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"i": "sha512-x"}`), &back); !errors.Is(err, integrity.ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{helloSHA512, helloSHA1 + " " + helloSHA256, "sha256:" + helloHex256, "md5-x", "?-?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, read := range []func(string) (integrity.Set, error){integrity.Parse, integrity.ParseChecksum} {
			set, err := read(s)
			if err != nil {
				if !errors.Is(err, integrity.ErrMalformed) || set != nil {
					t.Fatalf("%q: %v, %v", s, set, err)
				}
				continue
			}
			back, err := integrity.Parse(set.String())
			if err != nil || back.String() != set.String() {
				t.Fatalf("%q: %q reads back as %q, %v", s, set, back, err)
			}
		}
	})
}

func TestSame(t *testing.T) {
	t.Parallel()
	set := func(algs string) (s integrity.Set) {
		for f := range strings.FieldsSeq(algs) {
			name, text, _ := strings.Cut(f, ":")
			alg := map[string]integrity.Algorithm{"1": integrity.SHA1, "256": integrity.SHA256, "512": integrity.SHA512}[name]
			s = append(s, integrity.Sum(alg, []byte(text)))
		}
		return s
	}
	for _, c := range []struct {
		a, b        string
		same, known bool
	}{
		{"512:a", "512:a", true, true}, {"512:a", "512:b", false, true}, {"512:a", "1:a", false, false}, {"", "512:a", false, false},
		{"512:a 1:x", "512:a 1:y", true, true}, {"512:a 1:x", "512:b 1:x", false, true}, {"512:a 1:x", "1:x 256:q", true, true},
		{"512:a 512:b", "512:b", true, true},
	} {
		for _, swapped := range []bool{false, true} {
			a, b := set(c.a), set(c.b)
			if swapped {
				a, b = b, a
			}
			if same, known := a.Same(b); same != c.same || known != c.known {
				t.Errorf("%q and %q: %t, %t", c.a, c.b, same, known)
			}
		}
	}
}
