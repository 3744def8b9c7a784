package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look whether Pantry can work here, and say how it will",
		Long: `Doctor looks at the configuration, the store, Node.js and the project, and says which layout
node_modules gets and why. It changes nothing and sends no request: whether registries answer tells
pantry registry ping --all. It ends with 1 if something is in the way of an install.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.doctor() },
	}
}

// finding is one thing that doctor looked at.
type finding struct {
	What  string `json:"what"`
	State string `json:"state"` // ok, note or wrong
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

// The states of a finding.
const (
	isOK    = "ok"
	isNote  = "note"
	isWrong = "wrong"
)

func (a *app) doctor() error {
	var all []finding
	o, err := a.installOptions(installFlags{})
	if err != nil {
		all = append(all, wrong("configuration", err))
	} else {
		all = append(all, finding{What: "configuration", State: isOK, Text: fmt.Sprintf("%d registries", len(a.config.Registries))})
		all = append(all, a.examineStore(o), examineNode())
		all = append(all, examineProject(o)...)
	}
	if a.flags.json {
		err = a.printJSON(all)
	} else {
		err = a.printFindings(all)
	}
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.State == isWrong {
			return &exitError{code: exitFailed}
		}
	}
	return nil
}

func wrong(what string, err error) finding {
	return finding{What: what, State: isWrong, Text: err.Error(), Hint: pantry.Hint(err)}
}

// examineStore looks whether the store can be written to, and whether files of it can be linked into
// the project.
func (a *app) examineStore(o install.Options) finding {
	f := finding{What: "store", State: isOK, Text: o.StoreDir}
	if err := os.MkdirAll(o.StoreDir, 0o755); err != nil {
		return finding{What: f.What, State: isWrong, Text: fmt.Sprintf("%s cannot be made: %v", o.StoreDir, err), Hint: `set "storeDir"`}
	}
	probe, err := os.CreateTemp(o.StoreDir, "doctor-")
	if errors.Is(err, fs.ErrPermission) {
		return finding{What: f.What, State: isNote, Text: o.StoreDir + " cannot be written to: what is in it is used, and nothing can be added",
			Hint: `make it writable, or set "storeDir"`}
	}
	if err != nil {
		return wrong(f.What, err)
	}
	defer func() { _ = probe.Close(); _ = os.Remove(probe.Name()) }()
	linked := filepath.Join(o.Dir, filepath.Base(probe.Name()))
	if err := os.Link(probe.Name(), linked); err != nil {
		f.State = isNote
		f.Text += " is on another file system than the project: files are copied, which takes longer and more space"
		f.Hint = `set "storeDir" to a folder on the file system of the project`
		return f
	}
	_ = os.Remove(linked)
	return f
}

func examineNode() finding {
	if v := nodeVersion(); v != "" {
		return finding{What: "node", State: isOK, Text: v}
	}
	return finding{What: "node", State: isNote, Text: "Node.js is not on PATH", Hint: "packages can be installed, and not run"}
}

// examineProject tells the project's layout and whether its lockfile can be read.
func examineProject(o install.Options) []finding {
	p, err := manifest.ReadProject(o.Dir)
	if err != nil {
		return []finding{wrong("project", err)}
	}
	l := install.ChooseLayout(o, p.Manifest())
	out := []finding{{What: "layout", State: isOK, Text: fmt.Sprintf("%s, since %s", l.Linker, l.LinkerWhy)}}
	if l.Linker == install.Isolated {
		where := map[install.IsolatedStore]string{install.OnMachine: "in the store of the machine", install.InProject: "in node_modules/.pantry"}
		out = append(out, finding{What: "packages", State: isOK, Text: fmt.Sprintf("%s, since %s", where[l.Store], l.StoreWhy)})
	}
	if now := link.LaidOut(o.Dir); now != "" && now != string(l.Linker) {
		out = append(out, finding{What: "node_modules", State: isNote, Text: "is " + now + " now: the next install lays it out anew"})
	}
	switch lock, err := lockfile.Read(filepath.Join(o.Dir, lockfile.Name)); {
	case errors.Is(err, fs.ErrNotExist):
		out = append(out, finding{What: lockfile.Name, State: isNote, Text: "there is none yet", Hint: "pantry install writes it"})
	case err != nil:
		out = append(out, wrong(lockfile.Name, err))
	default:
		out = append(out, finding{What: lockfile.Name, State: isOK, Text: fmt.Sprintf("%d packages", len(lock.Packages))})
	}
	return out
}

func (a *app) printFindings(all []finding) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, f := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.State, f.What, f.Text)
		if f.Hint != "" {
			fmt.Fprintf(w, "\t\t%s\n", f.Hint)
		}
	}
	return w.Flush()
}
