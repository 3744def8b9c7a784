package npm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
	"github.com/pantry-go/pantry/transport"
)

// Deprecate makes message what whoever installs one of the versions is told; "" takes that back. The
// protocol has the whole document read, changed and sent back: what somebody else changes at the same moment
// makes it fail, and nothing is changed.
func (r *Registry) Deprecate(ctx context.Context, name string, versions []string, message string) error {
	ref := pantry.Ref{Registry: r.origin.registry, Name: name}
	return r.change(ctx, opWarn, ref, func(ctx context.Context, d *editable) error {
		for _, v := range versions {
			members, ok := d.versions[v]
			if !ok {
				return fmt.Errorf("%w: %s", pantry.ErrVersionNotFound, brief(v))
			}
			text, err := json.Marshal(message)
			if err != nil {
				return err
			}
			members["deprecated"] = text
		}
		body, err := d.encode()
		if err != nil {
			return err
		}
		return r.confirmed(r.send(ctx, http.MethodPut, r.url("/"+escapeName(name)), body))
	})
}

// Unpublish removes a version, or with "" the whole package, which removing the last version does too. The
// protocol takes three requests for a version: one that fails after the first leaves its tarball behind, which no
// document leads to any more.
func (r *Registry) Unpublish(ctx context.Context, name, version string) error {
	ref := pantry.Ref{Registry: r.origin.registry, Name: name, Version: version}
	return r.change(ctx, opRemove, ref, func(ctx context.Context, d *editable) error {
		if version != "" && d.versions[version] == nil {
			return pantry.ErrVersionNotFound
		}
		at := r.url("/" + escapeName(name))
		if version == "" || len(d.versions) == 1 {
			return r.confirmed(r.send(ctx, http.MethodDelete, at+"/-rev/"+url.PathEscape(d.rev), nil))
		}
		file := d.file(r, name, version)
		d.remove(version)
		body, err := d.encode()
		if err == nil {
			err = r.confirmed(r.send(ctx, http.MethodPut, at+"/-rev/"+url.PathEscape(d.rev), body))
		}
		if err != nil {
			return err
		}
		after, err := r.editable(ctx, name)
		if err == nil {
			err = r.confirmed(r.send(ctx, http.MethodDelete, file+"/-rev/"+url.PathEscape(after.rev), nil))
		}
		if errors.Is(err, pantry.ErrNotFound) {
			return nil // it went with the version
		}
		return err
	})
}

func (r *Registry) confirmed(answer []byte, err error) error {
	if err != nil {
		return err
	}
	return confirm(answer)
}

// change reads the document of a package for changing and has it changed.
func (r *Registry) change(ctx context.Context, op string, ref pantry.Ref, do func(context.Context, *editable) error) error {
	if err := r.refuseName(op, ref); err != nil {
		return err
	}
	ctx = transport.ForPackage(ctx, ref.Name)
	d, err := r.editable(ctx, ref.Name)
	if err == nil {
		err = do(ctx, d)
		r.forget(ref.Name)
	}
	if errors.Is(err, pantry.ErrExists) { // 409: what was read is not what is there any more
		err = fmt.Errorf("%w: the package was changed by somebody else: %v", pantry.ErrUnavailable, err)
		err = pantry.WithHint(err, "run the same command again")
	}
	if err != nil {
		return &pantry.Error{Op: op, Ref: ref, URL: r.url("/" + escapeName(ref.Name)), Err: err}
	}
	return nil
}

// editable is the document of a package as it is sent back: with all that this package knows nothing of.
type editable struct {
	members  map[string]json.RawMessage
	versions map[string]map[string]json.RawMessage
	tags     map[string]string
	rev      string
}

// editable reads the document as it is now. Caches on the way know by the query that it is not for reading.
func (r *Registry) editable(ctx context.Context, name string) (*editable, error) {
	data, err := r.get(transport.Uncached(ctx), r.url("/"+escapeName(name))+"?write=true", typeJSON, r.limit)
	if err != nil {
		return nil, err
	}
	d := &editable{}
	err = json.Unmarshal(data, &d.members)
	if err == nil {
		err = json.Unmarshal(d.members["versions"], &d.versions)
	}
	if err == nil && d.members["dist-tags"] != nil {
		err = json.Unmarshal(d.members["dist-tags"], &d.tags)
	}
	_ = json.Unmarshal(d.members["_rev"], &d.rev)
	if err != nil || len(d.versions) == 0 {
		return nil, fmt.Errorf("%w: the document cannot be changed, since it has no versions that can be read", pantry.ErrInvalid)
	}
	if d.tags == nil {
		d.tags = map[string]string{}
	}
	return d, nil
}

func (d *editable) encode() ([]byte, error) {
	var err error
	if d.members["versions"], err = json.Marshal(d.versions); err != nil {
		return nil, err
	}
	if d.members["dist-tags"], err = json.Marshal(d.tags); err != nil {
		return nil, err
	}
	delete(d.members, "_attachments") // with them it would be a publication
	delete(d.members, "_revisions")
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err = enc.Encode(d.members)
	return b.Bytes(), err
}

// remove takes a version out, with the tags that point to it. The tag latest goes to the highest version that
// is left, no prerelease if there is another.
func (d *editable) remove(version string) {
	delete(d.versions, version)
	var times map[string]json.RawMessage
	if json.Unmarshal(d.members["time"], &times) == nil && times[version] != nil {
		delete(times, version)
		d.members["time"], _ = json.Marshal(times) // what was read can be written
	}
	wasLatest := d.tags["latest"] == version
	maps.DeleteFunc(d.tags, func(_, v string) bool { return v == version })
	if wasLatest {
		d.tags["latest"] = latestOf(slices.Collect(maps.Keys(d.versions)))
	}
}

func latestOf(versions []string) string {
	best := ""
	stable := func(s string) bool { v, err := semver.Parse(s); return err == nil && v.Prerelease() == "" }
	semver.Sort(versions)
	for _, v := range versions {
		if best == "" || stable(v) || !stable(best) {
			best = v
		}
	}
	return best
}

// file is the address of a version's tarball at the registry itself.
func (d *editable) file(r *Registry, name, version string) string {
	var at dist
	_ = json.Unmarshal(d.versions[version]["dist"], &at)
	if u, err := url.Parse(at.Tarball); err == nil && u.Scheme == r.origin.base.Scheme && u.Host == r.origin.base.Host && u.RawQuery == "" {
		return u.String()
	}
	return r.ArtifactURL(name, version)
}
