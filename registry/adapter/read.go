package adapter

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// maxLines bounds the lines of an answer in lines: the module with the most versions has some 10,000.
const maxLines = 200_000

// optionalTime bounds a request whose failure is no reason to refuse a version: nobody waits long for
// a description.
const optionalTime = 5 * time.Second

// ask sends a request and reads its answer. A part that is optional and not there is nil, without a
// URL.
func (r *Registry) ask(ctx context.Context, q *request, values map[string]any) (any, *url.URL, error) {
	u, err := q.url.fill(values)
	if errors.Is(err, errNoValue) && q.optional != "" {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", pantry.ErrInvalid, err)
	}
	asking := ctx
	if q.optional == "any" {
		var cancel context.CancelFunc
		asking, cancel = context.WithTimeout(ctx, optionalTime)
		defer cancel()
	}
	doc, at, err := r.get(asking, u, q)
	if err != nil && (q.optional == "any" && ctx.Err() == nil || q.optional == "missing" && errors.Is(err, pantry.ErrNotFound)) {
		return nil, nil, nil
	}
	return doc, at, err
}

func (r *Registry) get(ctx context.Context, u string, q *request) (any, *url.URL, error) {
	if _, err := parseURL(u, nil); err != nil {
		return nil, nil, fmt.Errorf("%w: the URL %s %w", pantry.ErrInvalid, quote(transport.RedactURL(u)), err)
	}
	resp, body, err := r.client.GetAll(ctx, u, http.Header{"Accept": {q.accept}}, r.limit)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%w: %s answered %d", pantry.ErrInvalid, transport.RedactURL(u), resp.StatusCode)
	}
	doc, err := decode(body, q.format)
	if err != nil {
		media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
		err = fmt.Errorf("%w: %s answered something (%s) that is %w", pantry.ErrInvalid, transport.RedactURL(u),
			cmp.Or(line(media), "no content type"), err)
		return nil, nil, pantry.WithHint(err, "check the URL of registry %q, and that it speaks the protocol of its adapter", r.name)
	}
	return doc, resp.Request.URL, nil
}

// decode makes of a body what expressions see.
func decode(body []byte, format string) (any, error) {
	if format != "json" && bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return nil, errors.New("a page")
	}
	switch format {
	case "text":
		return string(body), nil
	case "lines", "jsonlines":
		out := []any{}
		for l := range strings.Lines(string(body)) {
			if l = strings.TrimSpace(l); l == "" {
				continue
			}
			if len(out) == maxLines {
				return nil, fmt.Errorf("longer than %d lines", maxLines)
			}
			if format == "lines" {
				out = append(out, l)
				continue
			}
			var v any
			if err := json.Unmarshal([]byte(l), &v); err != nil {
				return nil, fmt.Errorf("no JSON in line %d", len(out)+1)
			}
			out = append(out, v)
		}
		return out, nil
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil || v == nil {
		return nil, errors.New("no JSON of use")
	}
	return v, nil
}

// values are what templates and expressions see of every request.
func (r *Registry) values(ctx context.Context) (map[string]any, error) {
	v := map[string]any{"base": r.base}
	if r.def.config == nil {
		return v, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.config == nil {
		doc, _, err := r.ask(ctx, r.def.config, v)
		if errors.Is(err, pantry.ErrNotFound) {
			// It is the registry that is not there, rather than the package.
			err = fmt.Errorf("%w: the registry has no configuration at %s", pantry.ErrInvalid, r.def.config.url.source)
		}
		if err != nil {
			return nil, err
		}
		if doc == nil {
			doc = map[string]any{}
		}
		r.config = doc
	}
	v["config"] = r.config
	return v, nil
}

// askAll sends further requests and adds their answers to values.
func (r *Registry) askAll(ctx context.Context, all []named, values map[string]any) error {
	for _, q := range all {
		doc, _, err := r.ask(ctx, &q.request, values)
		if err != nil {
			return err
		}
		values[q.name] = doc
	}
	return nil
}
