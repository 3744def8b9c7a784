package discover

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/pantry-go/pantry/registry"
)

// State says what can become of a proposal.
type State string

// The states.
const (
	New         State = "new"         // can be added
	Known       State = "known"       // configured already
	Conflict    State = "conflict"    // something configured stands against it
	Unsupported State = "unsupported" // nothing that Pantry can ask
	Dead        State = "dead"        // it did not answer when it was asked
)

// Proposal is a registry that somebody says is there.
type Proposal struct {
	// Entry is what would be added. A credential in it is a variable's name, never a value.
	Entry registry.Config
	// Tool is whose file it was: npm, yarn, bun, pnpm, pip, uv, nuget, cargo; "document" for that of a
	// host.
	Tool string
	// From is the place it was found at: FILE:LINE, a variable, or the URL of a document.
	From string
	// Credential says where its credential comes from, or would have to; "" for none.
	Credential string
	// Notes are what a person should know before saying yes.
	Notes []string
	// State is set by [Judge]; Unsupported may be set before. Reason says why it is not New.
	State  State
	Reason string
}

// Note adds a remark.
func (p *Proposal) Note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

func (p *Proposal) refuse(reason string) {
	p.State, p.Reason = Unsupported, reason
}

// printable is s without characters that control a terminal or the direction of text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
