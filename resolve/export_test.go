package resolve

import (
	"context"

	"github.com/pantry-go/pantry/manifest"
)

// ResolveWhole is Resolve that always builds the tree, and ResolveQuickly one that never does: ok is false
// where it would have to.
func ResolveWhole(ctx context.Context, root *manifest.Manifest, src Source, o Options) (*Result, error) {
	return resolve(ctx, root, src, o, func(*resolver) (*Result, error) { return nil, errNeedsTree })
}

func ResolveQuickly(ctx context.Context, root *manifest.Manifest, src Source, o Options) (res *Result, ok bool) {
	_, err := resolve(ctx, root, src, o, func(r *resolver) (*Result, error) {
		res, _ = r.extend()
		return &Result{}, nil
	})
	return res, err == nil && res != nil
}
