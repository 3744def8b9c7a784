package npm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
	"github.com/pantry-go/pantry/transport"
)

// url is the address of an escaped path at the registry.
func (r *Registry) url(path string) string { return r.origin.base.String() + path }

// refuseName answers for names that no registry of this protocol can hold, without asking.
func (r *Registry) refuseName(op string, ref pantry.Ref) error {
	if err := checkName(ref.Name); err != nil {
		ref.Name = brief(ref.Name)
		return &pantry.Error{Op: op, Ref: ref, Err: fmt.Errorf("%w: %w", pantry.ErrNotFound, err)}
	}
	return nil
}

// get reads a whole answer of at most limit bytes. One that breaks off is asked for again.
func (r *Registry) get(ctx context.Context, u, accept string, limit int64) ([]byte, error) {
	resp, data, err := r.client.GetAll(ctx, u, http.Header{"Accept": {accept}}, min(limit, r.limit))
	if err != nil {
		return nil, err
	}
	return data, whole(resp)
}

// whole refuses, and closes, an answer that is not the thing asked for: a part of it that nobody
// asked for, nothing at all, or word of a copy that nobody has.
func whole(resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	_ = resp.Body.Close()
	return fmt.Errorf("%w: status %d", pantry.ErrInvalid, resp.StatusCode)
}

// send carries out a request that changes something and returns the answer. body may be nil.
func (r *Registry) send(ctx context.Context, method, u string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, u, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body == nil {
		req.Body, req.GetBody, req.ContentLength = nil, nil, 0
	} else {
		req.Header.Set("Content-Type", typeJSON)
	}
	// Some registries refuse the media types of documents here.
	req.Header.Set("Accept", "*/*")
	if otp := pantry.OTPOf(ctx); !otp.IsZero() {
		req.Header.Set("Npm-Otp", otp.Reveal())
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, r.otp(err)
	}
	defer resp.Body.Close()
	return transport.ReadAll(resp.Body, resp.ContentLength, maxAnswer)
}

// confirm says what is wrong with the body of a success. It may be empty; a page of a proxy is no
// success, and some registries say no with status 200.
func confirm(answer []byte) error {
	if skipSpace(answer, 0) == len(answer) {
		return nil
	}
	v, err := parse(answer)
	if err != nil {
		return fmt.Errorf("%w: the answer is not JSON", pantry.ErrInvalid)
	}
	if v.member("success").kind() == 'f' || v.member("ok").kind() == 'f' {
		return fmt.Errorf("%w: the registry reports no success: %s", pantry.ErrInvalid, brief(line(v.member("error"))))
	}
	return nil
}

// isStatus says that err is an answer with the given status.
func isStatus(err error, status int) bool {
	var e *transport.Error
	return errors.As(err, &e) && e.Status == status
}

// isVersion tells a version from a tag.
func isVersion(s string) bool {
	_, err := semver.ParseLoose(s)
	return err == nil
}

// isRange says that s is neither a version nor a tag: a tag must not read as a range.
func isRange(s string) bool {
	_, err := semver.ParseRange(s)
	return err == nil && !isVersion(s)
}
