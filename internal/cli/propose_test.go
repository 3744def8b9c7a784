package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/internal/cli"
)

// A person is asked about each registry that is new; only a yes adds one.
func TestConfirm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, answers, want string }{
		{"one yes", "n\nYes\n", "added b to pantry.json"},
		{"all", "y\ny\n", "added a, b to pantry.json"},
		{"no answer", "", "nothing was added"},
		{"something else", "maybe\nof course\n", "nothing was added"},
		{"a yes without the end of its line", "n\ny", "added b to pantry.json"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ".npmrc"), []byte("@a:registry=https://a.example\n@b:registry=https://b.example\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		code := cli.Main(t.Context(), cli.Env{
			Args: []string{"registry", "import"}, Dir: dir, Environ: []string{"HOME=" + t.TempDir()},
			Stdin: strings.NewReader(tt.answers), Stdout: &stdout, Stderr: &stderr, Interactive: true,
		})
		if code != 0 || !strings.HasSuffix(stdout.String(), "\n"+tt.want+"\n") {
			t.Errorf("%s: exit code %d, %s%s", tt.name, code, stdout.String(), stderr.String())
		}
		if !strings.Contains(stderr.String(), "pantry: add a (https://a.example) to pantry.json? [y/N] ") {
			t.Errorf("%s: asked %q", tt.name, stderr.String())
		}
		file, _ := os.ReadFile(filepath.Join(dir, "pantry.json"))
		if got := strings.Contains(string(file), "a.example"); got != strings.Contains(tt.want, " a,") {
			t.Errorf("%s: the file is %s", tt.name, file)
		}
	}
}
