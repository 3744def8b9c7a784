package npm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

const (
	// otpTime is how long a person has to prove who they are on a page: as long as npm's own sessions live.
	otpTime = 5 * time.Minute
	// The pause between questions whether they did, where the registry names none or another extreme.
	minOTPPause = 200 * time.Millisecond
	maxOTPPause = 10 * time.Second
)

// otp tells a refusal that wants a one-time password from others. Registries say so in a header; some
// only in words. Where they name a page to visit, the page that tells when it was visited must be of
// their own origin: the request for it is made on their word alone.
func (r *Registry) otp(err error) error {
	var e *transport.Error
	if !errors.As(err, &e) || e.Status != http.StatusUnauthorized {
		return err
	}
	header := strings.ToLower(e.Header("WWW-Authenticate"))
	wanted := false
	for scheme := range strings.SplitSeq(header, ",") {
		wanted = wanted || strings.TrimSpace(scheme) == "otp"
	}
	if !wanted && (header != "" || !bytes.Contains(e.Challenge(), []byte("one-time pass"))) {
		return err
	}
	out := &pantry.OTPError{Err: err}
	v, parseErr := parse(e.Challenge())
	if parseErr != nil {
		return out
	}
	page, errPage := url.Parse(line(v.member("authUrl")))
	done, errDone := url.Parse(line(v.member("doneUrl")))
	if errPage != nil || errDone != nil || !isWeb(page) || done.Scheme != r.origin.base.Scheme || done.Host != r.origin.base.Host {
		return out
	}
	out.AuthURL = page.String()
	out.Wait = func(ctx context.Context) (pantry.Secret, error) { return r.waitOTP(ctx, done.String()) }
	return out
}

func isWeb(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// waitOTP asks until the registry has a password: it answers 202 as long as it has none.
func (r *Registry) waitOTP(ctx context.Context, u string) (pantry.Secret, error) {
	ctx, cancel := context.WithTimeout(transport.Uncached(ctx), otpTime)
	defer cancel()
	for {
		resp, data, err := r.client.GetAll(ctx, u, http.Header{"Accept": {typeJSON}, "Cache-Control": {"no-store"}}, maxAnswer)
		if err != nil {
			return pantry.Secret{}, err
		}
		if resp.StatusCode != http.StatusAccepted {
			v, err := parse(data)
			if token, ok := v.member("token").text(); err == nil && ok && token != "" && resp.StatusCode == http.StatusOK {
				return pantry.NewSecret(token), nil
			}
			return pantry.Secret{}, fmt.Errorf("%w: the registry gives no one-time password", pantry.ErrInvalid)
		}
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		pause := min(max(time.Duration(seconds)*time.Second, minOTPPause), maxOTPPause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return pantry.Secret{}, fmt.Errorf("nobody answered for the one-time password: %w", ctx.Err())
		}
	}
}
