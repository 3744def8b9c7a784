package publish

import (
	"context"
	"errors"

	"github.com/pantry-go/pantry"
)

// maxOTP is how often a person is asked for a one-time password: they are easily mistyped.
const maxOTP = 3

// AskOTP asks a person for the one-time password that a registry wants. The zero Secret says that there is
// nobody, or none.
type AskOTP func(ctx context.Context, registry string, wanted *pantry.OTPError) (pantry.Secret, error)

// WithOTP does something at a registry, and once more with a one-time password where the registry wants one and
// somebody has one. ask may be nil.
func WithOTP(ctx context.Context, registry string, ask AskOTP, do func(context.Context) error) error {
	for tries := 0; ; tries++ {
		err := do(ctx)
		var wanted *pantry.OTPError
		if err == nil || ask == nil || tries == maxOTP || !errors.As(err, &wanted) {
			return err
		}
		otp, askErr := ask(ctx, registry, wanted)
		if askErr != nil || otp.IsZero() {
			return errors.Join(err, askErr)
		}
		ctx = pantry.WithOTP(ctx, otp)
	}
}
