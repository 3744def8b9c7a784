package pantry

import "context"

// Identifier is a registry that can say whom it takes the sender of a request for.
type Identifier interface {
	// Whoami is the user that the credential belongs to. [ErrDenied] is that there is none, or that it
	// is not valid.
	Whoami(ctx context.Context) (username string, err error)
}

// WebLogin is a registry at which a person can log in with a browser.
type WebLogin interface {
	// LoginWeb begins a login, has visit shown the page that the person has to open, and waits until
	// they are done there. A registry without such pages is [ErrUnsupported].
	LoginWeb(ctx context.Context, visit func(page string) error) (token Secret, err error)
}

// PasswordLogin is a registry at which a name and a password give a token.
type PasswordLogin interface {
	// LoginPassword logs in. otp is a one-time password, zero for none. [ErrDenied] is that the
	// registry does not accept them.
	LoginPassword(ctx context.Context, username string, password, otp Secret) (token Secret, err error)
}

// TokenRevoker is a registry that takes tokens back.
type TokenRevoker interface {
	// RevokeToken makes a token worthless. One that is not valid any more is no error.
	RevokeToken(ctx context.Context, token Secret) error
}
