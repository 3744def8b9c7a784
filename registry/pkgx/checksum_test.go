package pkgx_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
)

func TestChecksums(t *testing.T) {
	t.Parallel()
	const folder, file = "a.example/linux/x86-64/", "v1.0.tar.xz"
	archive := []byte("the bottle")
	good, other := hexSum(archive), hexSum([]byte("another"))
	for name, c := range map[string]struct {
		file, content string // of the checksum
		fine          bool
	}{
		"as usual":             {file, good + "  v1.0.tar.xz\n", true},
		"binary":               {file, good + " *v1.0.tar.xz\n", true},
		"in capitals":          {file, strings.ToUpper(good) + "  v1.0.tar.xz\r\n", true},
		"without a name":       {file, good, true},
		"a folder":             {file, good + "  ./out/v1.0.tar.xz\n", true},
		"the name when hashed": {file, good + "  a.example-1.0+linux+x86-64.tar.xz\n", true},
		"several":              {file, other + "  v1.0.tar.gz\n" + good + "  v1.0.tar.xz\n", true},
		"old":                  {"v1.0", good + "  v1.0.tar.xz\n", true},
		"old, several":         {"v1.0", other + "  v1.0.tar.gz\n" + good + "  v1.0.tar.xz\n", true},
		"old, without a name":  {"v1.0", good + "\n", true},
		"another version":      {file, good + "  v1.1.tar.xz\n", false},
		"old, another version": {"v1.0", good + "  v1.1.tar.xz\n", false},
		"several, none":        {file, good + "  v1.1.tar.xz\n" + good + "  v1.2.tar.xz\n", false},
		"empty":                {file, "\n", false},
		"a page":               {file, "<html>\n", false},
		"short":                {file, good[:63] + "  v1.0.tar.xz\n", false},
		"MD5":                  {file, "d41d8cd98f00b204e9800998ecf8427e  v1.0.tar.xz\n", false},
		"SHA-512":              {file, good + good + "  v1.0.tar.xz\n", false},
		"one bad line":         {file, good + "  v1.0.tar.xz\nnonsense\n", false},
		"many lines":           {file, strings.Repeat(good+"  x\n", 20), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := pkgxtest.New(pkgxtest.Project{Name: "a.example", Bottles: []pkgxtest.Bottle{{Version: "1.0", Archive: archive, Sum: pkgxtest.Missing}}})
			s.Put(folder+c.file+".sha256sum", []byte(c.content))
			r, url := connect(t, s, alone)
			m, err := r.Metadata(t.Context(), "a.example", "1.0")
			if !c.fine {
				if !errors.Is(err, pantry.ErrPolicy) || !strings.Contains(pantry.Hint(err), "allowMissingChecksum") {
					t.Fatalf("got %v, %v (%s); want it to be refused", m, err, pantry.Hint(err))
				}
				lax, _ := connect(t, s, alone, unverified)
				m, err = lax.Metadata(t.Context(), "a.example", "1.0")
				if err != nil || len(m.Artifact.Integrity) != 0 || m.Tool.Builds[0].File != file {
					t.Errorf("unverified: %+v, %v", m, err)
				}
				return
			}
			want := integrity.Set{integrity.Sum(integrity.SHA256, archive)}
			if err != nil || !slices.Equal(m.Artifact.Integrity, want) || m.Artifact.URL != url+"/"+folder+file {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
}

func TestMissingChecksum(t *testing.T) {
	t.Parallel()
	bottles := versions("1.0", "1.1", "1.2")
	bottles[1].Gzip = true
	for i := range bottles {
		bottles[i].Sum = pkgxtest.Missing
	}
	s := pkgxtest.New(pkgxtest.Project{Name: "a.example", Bottles: bottles})
	s.Remove("a.example/linux/x86-64/v1.2.tar.xz")
	strict, _ := connect(t, s, alone)
	lax, _ := connect(t, s, alone, unverified)
	for version, file := range map[string]string{"1.0": "v1.0.tar.xz", "1.1": "v1.1.tar.gz"} {
		if _, err := strict.Metadata(t.Context(), "a.example", version); !errors.Is(err, pantry.ErrPolicy) {
			t.Errorf("%s: %v; want it to match %q", version, err, pantry.ErrPolicy)
		}
		m, err := lax.Metadata(t.Context(), "a.example", version)
		if err != nil || m.Tool.Builds[0].File != file || len(m.Artifact.Integrity) != 0 || !strings.HasSuffix(m.Artifact.URL, file) {
			t.Errorf("%s, unverified: %+v, %v", version, m, err)
		}
	}
	if m, err := lax.Metadata(t.Context(), "a.example", "1.2"); !errors.Is(err, pantry.ErrVersionNotFound) {
		t.Errorf("a version without a bottle: %v, %v", m, err)
	}
}
