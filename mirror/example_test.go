package mirror_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pantry-go/pantry/mirror"
	"github.com/pantry-go/pantry/registry/directory"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// Packages of a registry are brought into a folder, which is a registry itself.
func Example() {
	parent, err := os.MkdirTemp("", "mirror")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(parent)
	source := registrytest.NewMemory("acme",
		registrytest.Pkg{Name: "@acme/ui", Version: "1.0.0"}, registrytest.Pkg{Name: "@acme/ui", Version: "1.1.0"})
	target, err := directory.Open("folder", filepath.Join(parent, "folder"), true)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := mirror.Run(context.Background(), mirror.Options{
		From:  mirror.End{Name: "acme", Registry: source},
		To:    mirror.End{Name: "folder", Registry: target},
		Items: []mirror.Item{{Name: "@acme/*", Latest: 1}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := target.Metadata(context.Background(), "@acme/ui", "")
	fmt.Println(report.Copied, m.Version, err)
	// Output: 1 1.1.0 <nil>
}
