package fetch

import (
	"errors"
	"fmt"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
)

// kind is an error that also matches a sentinel, whose text would only repeat what it says.
type kind struct {
	sentinel error
	err      error
}

func (k kind) Error() string   { return k.err.Error() }
func (k kind) Unwrap() []error { return []error{k.err, k.sentinel} }

// broken is a body that ended too soon: worth another attempt.
type broken struct {
	after int64
	err   error
}

func (b *broken) Error() string {
	return fmt.Sprintf("the download broke off after %d bytes: %v", b.after, b.err)
}

func (b *broken) Unwrap() []error { return []error{b.err, pantry.ErrUnavailable} }

// elsewhere is bytes that don't match, from one of several places that have the artifact.
type elsewhere struct{ err error }

func (e *elsewhere) Error() string { return e.err.Error() }
func (e *elsewhere) Unwrap() error { return e.err }

// failed says whose artifact it was, and gives the next step.
func failed(req order, err error) error {
	var e *pantry.Error
	if errors.As(err, &e) && e.Op == "download" && e.Ref == req.ref() {
		return err // says it already
	}
	var hint string
	var mismatch *integrity.MismatchError
	switch {
	case pantry.Hint(err) != "":
		hint = pantry.Hint(err)
	case errors.As(err, &mismatch):
		hint = "the registry, or something on the way to it, serves other bytes than those that were published or " +
			"locked: do not use them, compare with another network, and ask whoever runs the registry"
	case errors.Is(err, archive.ErrUnsupported):
		hint = "choose another artifact of the release, if there is one"
	case errors.Is(err, archive.ErrRefused) && req.tool != nil:
		hint = "tell whoever published it, or choose another artifact of the release"
	case errors.Is(err, archive.ErrRefused):
		hint = "no other program should unpack it either: tell whoever published it"
	}
	err = &pantry.Error{Op: "download", Ref: req.ref(), URL: req.Artifact.URL, Err: err}
	if hint != "" {
		err = pantry.WithHint(err, "%s", hint)
	}
	return err
}

// unpackError gives an archive's error the sentinel of its kind.
func unpackError(err error) error {
	switch {
	case errors.Is(err, archive.ErrRefused):
		return kind{pantry.ErrPolicy, err}
	case errors.Is(err, archive.ErrCorrupt):
		return kind{pantry.ErrInvalid, err}
	case errors.Is(err, archive.ErrUnsupported):
		return kind{pantry.ErrUnsupported, err}
	}
	return err
}
