package registry

import (
	"context"

	"github.com/pantry-go/pantry"
)

// Foresee says how a request would go if registries answered in a certain way: answer is called in place
// of each one that would be asked, and returns the error of its answer, nil for a package that is there.
// Registries are opened, and nobody is spoken to. The error is that of Find.
func (m *Manager) Foresee(ctx context.Context, r Request, answer func(*Entry) error) (Decision, error) {
	_, d, err := walk(ctx, m, r, func(_ context.Context, e *Entry, _ pantry.Registry) (struct{}, error) {
		return struct{}{}, answer(e)
	})
	return d, err
}
