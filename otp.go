package pantry

import "context"

// OTPError is a refusal of a registry that wants a one-time password besides the credential it was sent.
// It matches what Err does ([ErrDenied]). The request may be made again with [WithOTP].
type OTPError struct {
	// AuthURL is a page on which a person can prove who they are; "" where the password is one that
	// they have from elsewhere.
	AuthURL string
	// Wait waits until that was done and returns the password that the registry gives for it; nil
	// without an AuthURL.
	Wait func(ctx context.Context) (Secret, error)
	// Err is the refusal.
	Err error
}

func (e *OTPError) Error() string { return "a one-time password is wanted: " + e.Err.Error() }

func (e *OTPError) Unwrap() error { return e.Err }

// Hint says how to give one.
func (e *OTPError) Hint() string { return "give the one-time password with --otp CODE" }

type otpKey struct{}

// WithOTP returns a context whose requests that change something carry a one-time password. Registries of
// a type that knows none leave it out. It goes nowhere but to the registry itself.
func WithOTP(ctx context.Context, otp Secret) context.Context {
	return context.WithValue(ctx, otpKey{}, otp)
}

// OTPOf is the one-time password of ctx; zero where there is none.
func OTPOf(ctx context.Context) Secret {
	otp, _ := ctx.Value(otpKey{}).(Secret)
	return otp
}
