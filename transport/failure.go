package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/pantry-go/pantry"
)

// canceled is the failure of a call whose caller does not want it any more.
func canceled(err error) *failure {
	if errors.Is(err, context.DeadlineExceeded) {
		f := newFailure(context.DeadlineExceeded, "no answer within the time given")
		f.kinds = append(f.kinds, pantry.ErrUnavailable)
		return f
	}
	return newFailure(context.Canceled, "canceled")
}

// failure names the error of an exchange. Whose end of a context it was is asked first, since
// net/http returns the cause of it, which may be another request's failure.
func (c *Client) failure(req *http.Request, err error) *failure {
	call := callOf(req.Context())
	if parent := call.parent.Err(); parent != nil {
		return canceled(parent)
	}
	var f *failure
	if errors.As(err, &f) || errors.As(context.Cause(call.ctx), &f) {
		return f
	}
	o, _ := originOf(req.URL)
	if f := c.proxyFailure(o, c.proxy.of(req.URL), err); f != nil {
		return f
	}
	return c.networkFailure(o.address(), err)
}

// networkFailure puts an error of the network into words. host is who was to be reached. Timeouts
// are not unwrapped to their cause: net/http's match context.DeadlineExceeded, which is to say that
// the caller's time is over.
func (c *Client) networkFailure(host string, err error) *failure {
	if f := c.tlsFailure(host, err); f != nil {
		return f
	}
	f := unavailable("")
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		f.phrase, f.hint = dnsPhrase(dns), "check the spelling of the registry's url, and the network or VPN connection"
		return f.because(dns)
	case isTimeout(err):
		f.phrase, f.hint = c.timeoutPhrase(host, err), `check the network, or raise "timeout" for this registry`
		return f
	case errors.Is(err, syscall.ECONNREFUSED):
		f.phrase = host + " refused the connection"
		f.hint = "check host and port of the registry's url, and that a server runs there"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		f.phrase = host + " broke the connection"
	case errors.Is(err, io.ErrUnexpectedEOF):
		f.phrase = host + " closed the connection in the middle of its answer"
	case errors.Is(err, io.EOF):
		f.phrase = host + " closed the connection without an answer"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		f.phrase, f.hint = "no route to "+host, "check the network or VPN connection"
	case errors.As(err, &op) && op.Err != nil:
		f.phrase = fmt.Sprintf("the connection to %s failed: %s", host, c.plainText(op.Err))
	default:
		f.phrase = fmt.Sprintf("the exchange with %s failed: %s", host, c.plainText(err))
	}
	return f.because(err)
}

func (f *failure) because(err error) *failure {
	f.kinds = append(f.kinds, err)
	return f
}

// plainText is the text of an error's cause, without secrets, control characters and package names.
func (c *Client) plainText(err error) string {
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		err = cause
	}
	s := err.Error()
	for _, pkg := range []string{"net/http: ", "http: ", "http2: ", "tls: ", "x509: "} {
		s = strings.TrimPrefix(s, pkg)
	}
	return bound(c.secrets.Replace(clean(s)), maxDetail)
}

func dnsPhrase(err *net.DNSError) string {
	name := bound(clean(err.Name), 255)
	switch {
	case err.IsNotFound:
		return "the host " + name + " is not known (DNS)"
	case err.IsTimeout:
		return "the DNS lookup of " + name + " timed out"
	}
	return "the DNS lookup of " + name + " failed"
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// timeoutPhrase says which of the waits it was. Only net/http's wait for a header claims to be
// context.DeadlineExceeded without being of package net.
func (c *Client) timeoutPhrase(host string, err error) string {
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Sprintf("no connection to %s within %v", host, c.o.Connect)
	case errors.As(err, &op):
		return "the connection to " + host + " timed out"
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer from %s within %v", host, c.o.Timeout)
	}
	return fmt.Sprintf("no TLS handshake with %s within %v", host, c.o.Connect)
}

// tlsFailure names what is wrong with a certificate or with TLS itself, or is nil. None of it
// passes by asking again.
func (c *Client) tlsFailure(host string, err error) *failure {
	f := unavailable("")
	f.again = false
	var (
		unknown  x509.UnknownAuthorityError
		name     x509.HostnameError
		invalid  x509.CertificateInvalidError
		any      *tls.CertificateVerificationError
		noTLS    tls.RecordHeaderError
		op       *net.OpError
		registry = "this registry"
	)
	if c.o.Registry != "" {
		registry = fmt.Sprintf("registry %q", c.o.Registry)
	}
	switch {
	case errors.As(err, &unknown):
		f.phrase = "the certificate of " + host + " is from an unknown authority"
		f.hint = `if it is your organisation's own, set "caFile" for ` + registry
	case errors.As(err, &name):
		f.phrase = "the certificate of " + host + " is for another host" + otherHosts(name.Certificate)
		f.hint = "check the registry's url"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		f.phrase, f.hint = c.expired(host, invalid.Cert)
	case errors.As(err, &any):
		f.phrase = "the certificate of " + host + " is not valid: " + c.plainText(any.Err)
	case errors.As(err, &noTLS):
		f.phrase = host + " does not speak TLS"
		f.hint = "check the port of the registry's url, and whether it is https"
	case errors.As(err, &op) && op.Op == "remote error": // an alert of TLS, as crypto/tls names it
		f.phrase = host + " refused the TLS handshake: " + c.plainText(op.Err)
		f.hint = `it may want a client certificate: see "certFile" and "keyFile"`
	default:
		return nil
	}
	return f.because(err)
}

func otherHosts(cert *x509.Certificate) string {
	if cert == nil || len(cert.DNSNames) == 0 {
		return ""
	}
	return ": " + bound(clean(strings.Join(cert.DNSNames, ", ")), 128)
}

func (c *Client) expired(host string, cert *x509.Certificate) (phrase, hint string) {
	now := c.o.Now()
	phrase = "the certificate of " + host + " is outside of its time"
	if cert != nil {
		if now.Before(cert.NotBefore) {
			phrase = fmt.Sprintf("the certificate of %s is not valid before %s", host, cert.NotBefore.UTC().Format(time.DateOnly))
		} else {
			phrase = fmt.Sprintf("the certificate of %s expired on %s", host, cert.NotAfter.UTC().Format(time.DateOnly))
		}
	}
	hint = "check the clock of this machine, which says " + now.UTC().Format(time.DateTime) +
		" UTC; if it is right, the registry's operator must renew the certificate"
	return phrase, hint
}
