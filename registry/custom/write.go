package custom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// Publish sends a version to POST /packages, or to POST /publish where that is what the server
// knows. The tarball is hashed before anything is sent. A server that has the version already is
// asked which bytes it has: the same ones are no error.
func (r *Registry) Publish(ctx context.Context, p pantry.Publication) error {
	ref := pantry.Ref{Registry: r.name, Name: line(p.Metadata.Name), Version: line(p.Metadata.Version)}
	fail := func(err error) error { return &pantry.Error{Op: opPublish, Ref: ref, URL: r.base, Err: err} }
	form, err := newForm(p)
	if err != nil {
		return fail(err)
	}
	defer form.revoke()
	err = r.post(transport.ForPackage(ctx, ref.Name), form)
	if (errors.Is(err, pantry.ErrExists) || isSilence(err)) && r.same(ctx, form) {
		return nil
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

// post tries both routes. Servers have been seen that answer a page with status 200 to anything
// at /packages; whether they know /publish is worth a try.
func (r *Registry) post(ctx context.Context, f *form) error {
	first := r.postTo(ctx, r.base+"/packages", f)
	if !absent(first) && !isPage(first) {
		return first
	}
	second := r.postTo(ctx, r.base+"/publish", f)
	switch {
	case !absent(second) && !isPage(second):
		return second
	case isPage(first):
		return first
	case isPage(second):
		return second
	}
	// Not %w: it is the endpoint that was not found, and no package.
	err := fmt.Errorf("%w: the registry takes no packages: %v", pantry.ErrUnsupported, first)
	return pantry.WithHint(err, "a registry may also hide this from those without the right to publish: check the credential of registry %q", r.name)
}

// absent says that the endpoint is not there.
func absent(err error) bool {
	return errors.Is(err, pantry.ErrNotFound) || errors.Is(err, pantry.ErrUnsupported)
}

func isPage(err error) bool {
	var p *pageError
	return errors.As(err, &p)
}

// pageError is a success that is none.
type pageError struct{ error }

func (p *pageError) Unwrap() error { return p.error }

func (r *Registry) postTo(ctx context.Context, u string, f *form) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u, nil)
	if err != nil {
		return fmt.Errorf("%w: %s cannot be asked", pantry.ErrConfig, transport.RedactURL(u))
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", f.contentType)
	req.ContentLength = f.size
	setOTP(ctx, req)
	req.GetBody = f.body
	if req.Body, err = f.body(); err != nil {
		return err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return wantsOTP(err)
	}
	defer resp.Body.Close()
	body, err := transport.ReadAll(resp.Body, resp.ContentLength, r.limit)
	if err != nil {
		return err
	}
	return f.published(resp, body)
}

// silence is an answer that does not say what became of the publication.
type silence struct{ error }

func (s *silence) Unwrap() error { return s.error }

func isSilence(err error) bool {
	var s *silence
	return errors.As(err, &s)
}

// setOTP adds the one-time password of ctx to a request, as npm does.
func setOTP(ctx context.Context, req *http.Request) {
	if otp := pantry.OTPOf(ctx); !otp.IsZero() {
		req.Header.Set("Npm-Otp", otp.Reveal())
	}
}

// wantsOTP tells a refusal that wants a one-time password from others.
func wantsOTP(err error) error {
	var e *transport.Error
	if errors.As(err, &e) && e.Status == http.StatusUnauthorized && strings.EqualFold(strings.TrimSpace(e.Header("WWW-Authenticate")), "otp") {
		return &pantry.OTPError{Err: err}
	}
	return err
}

// published says that an answer is one to a publication that succeeded: status 200 or 201, and
// JSON that says so.
func (f *form) published(resp *http.Response, body []byte) error {
	var d struct {
		Success *bool  `json:"success"`
		Error   text   `json:"error"`
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	if err := decode(resp, body, &d); err != nil {
		if kind(body) == '<' {
			return &pageError{err}
		}
		return err
	}
	where := transport.RedactURL(resp.Request.URL.String())
	switch {
	case d.Success != nil && !*d.Success, d.Success == nil && d.Error != "":
		return fmt.Errorf("%w: %s answered %d without success: %s", pantry.ErrInvalid, where, resp.StatusCode, quote(string(d.Error)))
	case d.Name != "" && d.Name != f.name, d.Version != "" && d.Version != f.version:
		return fmt.Errorf("%w: %s answered about %s at %s", pantry.ErrInvalid, where, quote(d.Name), quote(d.Version))
	case resp.StatusCode > http.StatusCreated:
	case d.Success != nil, d.Name != "" && d.Version != "":
		return nil
	}
	return &silence{fmt.Errorf("%w: %s answered %d, and nothing that says it was published", pantry.ErrInvalid, where, resp.StatusCode)}
}

// same says that the registry has the bytes of the form already.
func (r *Registry) same(ctx context.Context, f *form) bool {
	m, err := r.exact(ctx, f.name, f.version, true)
	if err != nil || len(m.Artifact.Integrity) == 0 {
		return false
	}
	_, err = f.hash(m.Artifact.Integrity)
	return err == nil
}

// SetTag points tag to version.
func (r *Registry) SetTag(ctx context.Context, name, tag, version string) error {
	body, err := json.Marshal(tagDoc{Version: version})
	if err != nil {
		return err
	}
	return r.changeTag(ctx, opSetTag, http.MethodPut, pantry.Ref{Registry: r.name, Name: name, Version: version}, tag, body)
}

// DeleteTag removes tag.
func (r *Registry) DeleteTag(ctx context.Context, name, tag string) error {
	return r.changeTag(ctx, opDelTag, http.MethodDelete, pantry.Ref{Registry: r.name, Name: name}, tag, nil)
}

func (r *Registry) changeTag(ctx context.Context, op, method string, ref pantry.Ref, tag string, body []byte) error {
	err := checkTag(tag)
	if err == nil {
		if nameErr := checkName(ref.Name); nameErr != nil {
			err = fmt.Errorf("%w: %w", pantry.ErrNotFound, nameErr)
		}
	}
	if err == nil {
		err = r.sendTag(transport.ForPackage(ctx, ref.Name), method, r.packageURL(ref.Name, "tags", tag), body)
	}
	if err != nil {
		ref.Name, ref.Version = line(ref.Name), line(ref.Version)
		return &pantry.Error{Op: op + " " + quote(tag), Ref: ref, URL: r.base, Err: err}
	}
	return nil
}

// checkTag refuses what could be taken for a version or a range of them.
func checkTag(tag string) error {
	if !usableVersion(tag) || url.PathEscape(tag) != tag || isRange(tag) {
		return fmt.Errorf("%w: %s cannot be a tag", pantry.ErrConfig, quote(tag))
	}
	return nil
}

func (r *Registry) sendTag(ctx context.Context, method, u string, body []byte) error {
	// To set or delete a tag twice is to do it once.
	req, err := http.NewRequestWithContext(transport.Repeatable(ctx), method, u, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %s cannot be asked", pantry.ErrConfig, transport.RedactURL(u))
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	setOTP(ctx, req)
	resp, err := r.client.Do(req)
	if err != nil {
		return wantsOTP(err)
	}
	defer resp.Body.Close()
	answer, err := transport.ReadAll(resp.Body, resp.ContentLength, r.limit)
	if err != nil || len(bytes.TrimSpace(answer)) == 0 {
		return err
	}
	if media := resp.Header.Get("Content-Type"); kind(answer) == '<' || strings.HasPrefix(media, "text/html") {
		return fmt.Errorf("%w: %s answered %s", pantry.ErrInvalid, transport.RedactURL(u), shape(resp, answer))
	}
	return nil
}
