package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/pantry-go/pantry"
)

// Outcome is the class of a registry's answer. The values are stable.
type Outcome string

// The classes, and what decides them.
const (
	Found           Outcome = "found"
	NameNotFound    Outcome = "name-not-found"    // 404, 410
	VersionNotFound Outcome = "version-not-found" // the name is there, no version of it satisfies
	DeniedAnonymous Outcome = "denied-anonymous"  // 401, 403 without a credential
	DeniedCred      Outcome = "denied-credential" // 401, 403 although a credential was sent
	Unavailable     Outcome = "unavailable"       // DNS, refused, TLS, timeout, 429 after retries, 5xx
	Invalid         Outcome = "invalid"           // an answer that is none of the protocol
	Integrity       Outcome = "integrity"         // bytes that fail verification
	Failed          Outcome = "failed"            // anything else: misconfigured, cancelled, refused by policy
	PassedOver      Outcome = "passed-over"       // not asked
)

// step is what follows an outcome.
type step uint8

const (
	stop step = iota // nobody else is asked
	done
	next
	warnNext
)

// after is the table of the package comment: the next step by outcome and mode. What is not in it
// stops.
func after(o Outcome, mode Fallback) step {
	row := [4]step{}
	switch o {
	//          failover  always    not-found never
	case Found:
		row = [4]step{done, done, done, done}
	case NameNotFound:
		row = [4]step{next, next, next, stop}
	case VersionNotFound:
		row = [4]step{stop, warnNext, stop, stop}
	case DeniedAnonymous:
		row = [4]step{next, next, stop, stop}
	case DeniedCred:
		row = [4]step{stop, warnNext, stop, stop}
	case Unavailable, Invalid:
		row = [4]step{warnNext, warnNext, stop, stop}
	case Integrity, Failed:
		row = [4]step{stop, stop, stop, stop}
	}
	switch mode {
	case Failover:
		return row[0]
	case Always:
		return row[1]
	case NotFoundOnly:
		return row[2]
	}
	return row[3]
}

// classify reads an error's class. An error that matches several sentinels is the one that is
// least willing to go on. ctx is the caller's: when it has ended, that is what happened.
func classify(ctx context.Context, err error) Outcome {
	switch {
	case err == nil:
		return Found
	case errors.Is(err, pantry.ErrIntegrity):
		return Integrity
	case ctx.Err() != nil:
		return Failed
	case errors.Is(err, pantry.ErrPolicy), errors.Is(err, pantry.ErrConfig):
		return Failed
	case errors.Is(err, pantry.ErrDenied):
		if _, sent := pantry.CredentialSent(err); sent {
			return DeniedCred
		}
		return DeniedAnonymous
	case errors.Is(err, pantry.ErrUnavailable):
		return Unavailable
	case errors.Is(err, pantry.ErrInvalid), errors.Is(err, pantry.ErrUnsupported):
		// A server that knows no such endpoint (405, 501) is not a registry of its type.
		return Invalid
	case errors.Is(err, pantry.ErrVersionNotFound):
		return VersionNotFound
	case errors.Is(err, pantry.ErrNotFound):
		return NameNotFound
	case networkFailure(err):
		return Unavailable
	}
	return Failed
}

// networkFailure says whether an error without a sentinel is the network's: a registry that is
// not built on package transport gives those.
func networkFailure(err error) bool {
	var (
		op      *net.OpError
		dns     *net.DNSError
		netErr  net.Error
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		errno   syscall.Errno
	)
	switch {
	case errors.As(err, &op), errors.As(err, &dns):
		return true
	case errors.As(err, &errno): // before net.Error, which every Errno is
		return networkErrno(errno)
	case errors.As(err, &netErr),
		errors.As(err, &cert), errors.As(err, &record), errors.As(err, &alert),
		errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid),
		errors.Is(err, context.DeadlineExceeded), // the registry's own: the caller's was seen before
		errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	}
	return false
}

// networkErrno tells the network's error numbers from those of files (a full disk, a missing
// certificate file).
func networkErrno(e syscall.Errno) bool {
	switch e {
	case syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE,
		syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN,
		syscall.EADDRNOTAVAIL, syscall.EHOSTDOWN:
		return true
	}
	return e.Timeout()
}
