package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
)

// SetTags points tags to versions; tags that are not named stay. A version that is not there is
// [pantry.ErrVersionNotFound], and nothing is changed then.
func (r *Registry) SetTags(ctx context.Context, name string, tags map[string]string) error {
	err := r.retag(ctx, name, func(have map[string]string) error {
		for tag, version := range tags {
			if _, err := fs.Stat(r.files, recordPath(name, version)); err != nil || checkVersion(version) != nil {
				return pantry.ErrVersionNotFound
			}
			if err := checkTag(tag); err != nil {
				return err
			}
			have[tag] = version
		}
		return nil
	})
	return r.fail(opTag, name, "", err)
}

func (r *Registry) retag(ctx context.Context, name string, change func(map[string]string) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := CheckName(name); err != nil {
		return fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	if versions, err := r.versions(name); err != nil || len(versions) == 0 {
		return errors.Join(err, pantry.ErrNotFound)
	}
	done, err := r.writing(ctx)
	if err != nil {
		return err
	}
	defer done()
	unlock, err := r.lockPackage(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	return r.changeTags(name, change)
}

// changeTags is called with the package's lock held.
func (r *Registry) changeTags(name string, change func(map[string]string) error) error {
	tags, err := r.tags(name)
	if err != nil {
		return err
	}
	before, err := json.MarshalIndent(tags, "", "  ")
	if err == nil {
		err = change(tags)
	}
	if err != nil {
		return err
	}
	after, err := json.MarshalIndent(tags, "", "  ")
	if err != nil || string(before) == string(after) {
		return err
	}
	return r.write(tagsPath(name), append(after, '\n'))
}

// SetTag points a tag to a version.
func (r *Registry) SetTag(ctx context.Context, name, tag, version string) error {
	if err := checkTag(tag); err != nil {
		return r.fail(opTag, name, version, err)
	}
	return r.SetTags(ctx, name, map[string]string{tag: version})
}

// DeleteTag removes a tag. The tag latest stays: [pantry.ErrPolicy].
func (r *Registry) DeleteTag(ctx context.Context, name, tag string) error {
	err := r.retag(ctx, name, func(tags map[string]string) error {
		if tag == "latest" {
			return fmt.Errorf("%w: the tag latest stays", pantry.ErrPolicy)
		}
		if _, ok := tags[tag]; !ok {
			return fmt.Errorf("tag %q: %w", tag, pantry.ErrNotFound)
		}
		delete(tags, tag)
		return nil
	})
	return r.fail(opTag, name, "", err)
}

// checkTag refuses what could be taken for a version or range.
func checkTag(tag string) error {
	if tag == "" || strings.ContainsFunc(tag, func(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f }) {
		return fmt.Errorf("%w: %q is no tag", pantry.ErrConfig, tag)
	}
	if _, err := semver.ParseRange(tag); err == nil {
		return fmt.Errorf("%w: the tag %q reads as a version range", pantry.ErrConfig, tag)
	}
	return nil
}
