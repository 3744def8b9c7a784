package pkgx_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
)

func TestVersionLists(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]struct {
		want string
		err  error
	}{
		"1.0\n1.10\n1.9\n":           {"1.0 1.9 1.10", nil},
		"1.0":                        {"1.0", nil},
		"2\r\n\r\n 1 \r\n":           {"1 2", nil},
		"v1.2\n1.1.1q\n2024.01.02\n": {"2024.01.02 1.1.1q 1.2", nil},
		"1.0\n1.0\n1.0.0\n":          {"1.0 1.0.0", nil},
		"1.0\nbeta\n1.1-rc1\n../x\n1.2\x1b[31m\n": {"1.0", nil},
		"1.1.118\n1.1.1q\n":                       {"1.1.1q", nil},
		"1.1.118\n":                               {"", pantry.ErrVersionNotFound},
		"":                                        {"", pantry.ErrVersionNotFound},
		"<html><body>Welcome</body></html>":       {"", pantry.ErrInvalid},
		`{"versions":["1.0"]}`:                    {"", pantry.ErrInvalid},
		"beta\n":                                  {"", pantry.ErrInvalid},
	} {
		s := pkgxtest.New(pkgxtest.Project{Name: "openssl.org", Bottles: versions("1")})
		s.Put("openssl.org/linux/x86-64/versions.txt", []byte(text))
		r, _ := connect(t, s, alone)
		p, err := r.Package(t.Context(), "openssl.org")
		if c.err != nil {
			if !errors.Is(err, c.err) {
				t.Errorf("%q: %v, %v; want it to match %q", text, p, err, c.err)
			}
			continue
		}
		if err != nil || strings.Join(p.Versions(), " ") != c.want {
			t.Errorf("%q: %v, %v; want %s", text, p, err, c.want)
		}
	}
}
