package npm

import (
	"context"
	"encoding/json"
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

var (
	_ pantry.Identifier    = (*Registry)(nil)
	_ pantry.WebLogin      = (*Registry)(nil)
	_ pantry.PasswordLogin = (*Registry)(nil)
	_ pantry.TokenRevoker  = (*Registry)(nil)
)

const (
	// loginTime bounds a login with a browser: long enough to find a second factor. Registries give up
	// after five minutes themselves.
	loginTime = 10 * time.Minute
	// pollEvery is the pause between two questions whether a person is done, where the registry does not
	// say; pollLeast and pollMost bound what it says.
	pollEvery = 5 * time.Second
	pollLeast = time.Second
	pollMost  = 30 * time.Second
	// maxToken bounds a token, in bytes, as headers of 8 KiB do at most servers.
	maxToken = 4 << 10
)

// userDocument is what a login with a password sends.
type userDocument struct {
	ID       string   `json:"_id"`
	Name     string   `json:"name"`
	Password string   `json:"password"`
	Type     string   `json:"type"`
	Roles    []string `json:"roles"`
	Date     string   `json:"date"`
}

// Whoami is the user that the registry takes the sender for.
func (r *Registry) Whoami(ctx context.Context) (string, error) {
	u := r.url("/-/whoami")
	data, err := r.get(transport.Uncached(ctx), u, typeJSON, maxAnswer)
	var answer struct{ Username string }
	if err == nil && json.Unmarshal(data, &answer) != nil {
		err = fmt.Errorf("%w: the answer is not JSON", pantry.ErrInvalid)
	}
	switch {
	case err != nil:
	case answer.Username == "":
		err = fmt.Errorf("%w: the registry names no user", pantry.ErrDenied)
	case !printable(answer.Username) || len(answer.Username) > maxToken:
		err = fmt.Errorf("%w: the registry names a user whose name can't be shown", pantry.ErrInvalid)
	}
	if err != nil {
		return "", r.loginError("ask who is logged in", u, err)
	}
	return answer.Username, nil
}

func (r *Registry) loginError(op, u string, err error) error {
	return &pantry.Error{Op: op, Ref: pantry.Ref{Registry: r.origin.registry}, URL: transport.RedactURL(u), Err: err}
}

// LoginWeb asks for a page to log in at, and for the token until the person is done there: at most
// ten minutes. Any refusal to begin (a status from 400 on, but for those that say that the registry is not
// there) is [pantry.ErrUnsupported]: registries say it in many ways.
func (r *Registry) LoginWeb(ctx context.Context, visit func(page string) error) (pantry.Secret, error) {
	const op = "log in"
	u := r.url("/-/v1/login")
	data, err := r.send(ctx, http.MethodPost, u, []byte("{}"))
	if refusesWeb(err) {
		err = fmt.Errorf("the registry has no login with a browser: %w (%v)", pantry.ErrUnsupported, err)
	}
	var pages struct{ LoginURL, DoneURL string }
	if err == nil && json.Unmarshal(data, &pages) != nil {
		err = fmt.Errorf("%w: the answer is not JSON", pantry.ErrInvalid)
	}
	if err == nil {
		err = errors.Join(r.checkPage("loginUrl", pages.LoginURL), r.checkPage("doneUrl", pages.DoneURL))
	}
	if err == nil {
		err = visit(pages.LoginURL)
	}
	var token pantry.Secret
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, loginTime)
		defer cancel()
		token, err = r.awaitLogin(ctx, pages.DoneURL)
	}
	if err != nil {
		return pantry.Secret{}, r.loginError(op, u, err)
	}
	return token, nil
}

// refusesWeb says that there is no login with a browser: a status of 4xx, or exactly 500, as npm's client
// reads them. 429 says that there is one.
func refusesWeb(err error) bool {
	var e *transport.Error
	return errors.As(err, &e) && (e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests || e.Status == 500 || e.Status == 501)
}

// checkPage refuses an address that is none of a web page, or that is not encrypted although the
// registry is.
func (r *Registry) checkPage(field, raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || !printable(raw) || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%w: its %s is no address of a web page", pantry.ErrInvalid, field)
	case u.Scheme == "http" && r.origin.base.Scheme == "https":
		return fmt.Errorf("%w: its %s is plain http", pantry.ErrInvalid, field)
	}
	return nil
}

// awaitLogin asks for the token until it is there.
func (r *Registry) awaitLogin(ctx context.Context, u string) (pantry.Secret, error) {
	ctx = transport.Uncached(ctx)
	for {
		resp, data, err := r.client.GetAll(ctx, u, http.Header{"Accept": {typeJSON}, "Cache-Control": {"no-cache"}}, maxAnswer)
		if err != nil {
			return pantry.Secret{}, err
		}
		if resp.StatusCode != http.StatusAccepted {
			return r.tokenOf(data)
		}
		if err := r.sleep(ctx, pollPause(resp.Header.Get("Retry-After"))); err != nil {
			return pantry.Secret{}, err
		}
	}
}

// pollPause reads a Retry-After in seconds. One that is missing or zero must not become a busy loop.
func pollPause(header string) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(header))
	if err != nil {
		return pollEvery
	}
	return min(max(time.Duration(n)*time.Second, pollLeast), pollMost)
}

func (r *Registry) tokenOf(data []byte) (pantry.Secret, error) {
	var answer struct{ Token string }
	if json.Unmarshal(data, &answer) != nil {
		return pantry.Secret{}, fmt.Errorf("%w: the answer is not JSON", pantry.ErrInvalid)
	}
	if !usableToken(answer.Token) {
		return pantry.Secret{}, fmt.Errorf("%w: the answer holds no token", pantry.ErrInvalid)
	}
	return pantry.NewSecret(answer.Token), nil
}

func usableToken(s string) bool {
	return s != "" && len(s) <= maxToken && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

// LoginPassword logs in as clients did before there were browsers, with CouchDB's document of a user.
func (r *Registry) LoginPassword(ctx context.Context, username string, password, otp pantry.Secret) (pantry.Secret, error) {
	const op = "log in"
	id := "org.couchdb.user:" + username
	u := r.url("/-/user/" + strings.Replace(url.PathEscape(id), "%3A", ":", 1))
	if username == "" || password.IsZero() || !printable(username) {
		return pantry.Secret{}, r.loginError(op, u, fmt.Errorf("%w: a login needs a user name and a password", pantry.ErrConfig))
	}
	r.client.Hide(password)
	body, err := json.Marshal(userDocument{
		ID: id, Name: username, Password: password.Reveal(), Type: "user", Roles: []string{},
		Date: formatTime(r.now()),
	})
	var data []byte
	if err == nil {
		data, err = r.sendLogin(ctx, u, body, otp)
	}
	var token pantry.Secret
	switch {
	case isStatus(err, http.StatusBadRequest), isStatus(err, http.StatusConflict):
		err = fmt.Errorf("%w: the registry does not accept this name and password (%v)", pantry.ErrDenied, err)
	case err == nil:
		token, err = r.tokenOf(data)
	}
	if err != nil {
		return pantry.Secret{}, r.loginError(op, u, err)
	}
	return token, nil
}

func (r *Registry) sendLogin(ctx context.Context, u string, body []byte, otp pantry.Secret) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, u, strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", typeJSON)
	req.Header.Set("Accept", typeJSON)
	if !otp.IsZero() {
		r.client.Hide(otp)
		req.Header.Set("Npm-Otp", otp.Reveal())
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return transport.ReadAll(resp.Body, resp.ContentLength, maxAnswer)
}

// RevokeToken has the registry forget a token. One that it does not know, or does not accept any
// more, is worthless already.
func (r *Registry) RevokeToken(ctx context.Context, token pantry.Secret) error {
	const op = "revoke a token"
	path := "/-/user/token/"
	if token.IsZero() {
		return r.loginError(op, r.url(path), fmt.Errorf("%w: there is no token", pantry.ErrConfig))
	}
	r.client.Hide(token)
	answer, err := r.send(ctx, http.MethodDelete, r.url(path+url.PathEscape(token.Reveal())), nil)
	switch {
	case isStatus(err, http.StatusNotFound), isStatus(err, http.StatusUnauthorized):
		err = nil
	case err == nil:
		err = confirm(answer)
	}
	if err != nil {
		return r.loginError(op, r.url(path), err)
	}
	return nil
}

// sleep waits, or ends with ctx.
func (r *Registry) sleep(ctx context.Context, d time.Duration) error {
	if r.pause != nil {
		return r.pause(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("%w: nobody logged in within %v", pantry.ErrDenied, loginTime)
		}
		return ctx.Err()
	}
}
