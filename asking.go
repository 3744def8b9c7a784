package pantry

import "context"

// Asking says what a question may cost: whether a registry that keeps its answers may give what it
// has kept, and what it need not tell. It travels in a context, since it is the affair of who asks
// and of who answers, and of nobody between them; a registry that keeps nothing is asked whatever it
// says, but for AskNobody.
type Asking uint8

const (
	// AskAlways asks now, at least whether what was kept still holds, and for everything there is to
	// know. It is what a context says that says nothing.
	AskAlways Asking = iota
	// AskIfStale takes what was kept for as long as the registry said that it holds, and for some
	// time after that where the registry fails, which [CacheTrace.Failure] tells. This and the
	// following are for installing: the packages they get need not tell what is for people
	// only (description, homepage, repository, license, author, keywords), nor
	// DevDependencies.
	AskIfStale
	// AskAgain has the registry say whether what was kept still holds.
	AskAgain
	// AskIfMissing takes what was kept, however old, and asks for what was not.
	AskIfMissing
	// AskNobody takes what was kept, however old. What was not is ErrUnavailable: no request is
	// sent, to any registry.
	AskNobody
)

type askingKey struct{}

// WithAsking returns a context for questions that may cost what a says.
func WithAsking(ctx context.Context, a Asking) context.Context {
	return context.WithValue(ctx, askingKey{}, a)
}

// AskingOf is what a question in ctx may cost.
func AskingOf(ctx context.Context) Asking {
	a, _ := ctx.Value(askingKey{}).(Asking)
	return a
}

type inFullKey struct{}

// InFull returns a context for questions that want the documents of packages as their registry
// has them, however large: the answer is not an abbreviated form, and where it can be it is
// [Documented] and says when versions were published. For Package with AskAlways only.
func InFull(ctx context.Context) context.Context {
	return context.WithValue(ctx, inFullKey{}, true)
}

// IsInFull says whether ctx comes from [InFull].
func IsInFull(ctx context.Context) bool {
	full, _ := ctx.Value(inFullKey{}).(bool)
	return full
}
