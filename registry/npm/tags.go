package npm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// SetTag moves a tag to a version that exists.
func (r *Registry) SetTag(ctx context.Context, name, tag, version string) error {
	body, err := json.Marshal(version)
	if err == nil && !usableVersion(version) {
		err = fmt.Errorf("%w: %q is not a version", pantry.ErrConfig, brief(version))
	}
	return r.changeTag(ctx, http.MethodPut, pantry.Ref{Name: name, Version: version}, tag, body, err)
}

// DeleteTag removes a tag. The tag latest cannot be removed at most registries.
func (r *Registry) DeleteTag(ctx context.Context, name, tag string) error {
	return r.changeTag(ctx, http.MethodDelete, pantry.Ref{Name: name}, tag, nil, nil)
}

// changeTag sends the request unless err says that its content cannot be right.
func (r *Registry) changeTag(ctx context.Context, method string, ref pantry.Ref, tag string, body []byte, err error) error {
	ref.Registry = r.origin.registry
	if err := r.refuseName(opTag, ref); err != nil {
		return err
	}
	if err == nil {
		if err = checkTag(tag); err != nil {
			err = fmt.Errorf("%w: %w", pantry.ErrConfig, err)
		}
	}
	u := r.url("/-/package/" + escapeName(ref.Name) + "/dist-tags/" + url.PathEscape(tag))
	var answer []byte
	if err == nil {
		answer, err = r.send(transport.ForPackage(ctx, ref.Name), method, u, body)
		r.forget(ref.Name)
	}
	if err == nil {
		err = confirm(answer)
	}
	if ref.Version != "" && errors.Is(err, pantry.ErrNotFound) {
		if _, docErr := r.document(ctx, ref.Name); docErr == nil {
			err = pantry.ErrVersionNotFound
		}
	}
	if err != nil {
		return &pantry.Error{Op: opTag, Ref: ref, URL: u, Err: err}
	}
	return nil
}

// checkTag says why a tag cannot be one.
func checkTag(tag string) error {
	switch {
	case !usableTag(tag):
		return fmt.Errorf("%q cannot be a tag", brief(tag))
	case isRange(tag), isVersion(tag):
		return fmt.Errorf("%q cannot be a tag: it reads as a version or range", brief(tag))
	}
	return nil
}
