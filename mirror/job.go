package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// job is one package.
type job struct {
	*run
	name     string
	from     pantry.Package
	have     pantry.Package // nil where the target has nothing of it
	versions []string       // to copy, ascending
	pins     map[string]integrity.Set

	mu   sync.Mutex
	good map[string]*pantry.Metadata // versions that are at the target
	news map[string]bool             // of those, what was copied
}

// choose finds the versions that items want.
func (j *job) choose(items []Item) {
	want := map[string]bool{}
	for _, it := range items {
		versions, err := it.choose(j.from)
		if err != nil {
			j.failed(j.name, it.Versions, &pantry.Error{Op: "mirror", Ref: pantry.Ref{Registry: j.From.Name, Name: j.name}, Err: err})
			continue
		}
		for _, v := range versions {
			want[v] = true
			if len(it.Integrity) > 0 {
				j.pins[v] = it.Integrity
			}
		}
	}
	j.run.mu.Lock()
	defer j.run.mu.Unlock()
	for _, v := range j.from.Versions() {
		if id := j.name + "@" + v; want[v] && !j.handled[id] {
			j.handled[id] = true
			j.versions = append(j.versions, v)
		}
	}
	if len(j.versions) > 0 && !j.handled[j.name] {
		j.handled[j.name] = true
		j.report.Packages++
	}
	j.good, j.news = map[string]*pantry.Metadata{}, map[string]bool{}
}

// copy brings the versions to the target, then the tags.
func (j *job) copy(ctx context.Context) error {
	if j.keeper == nil {
		// One after the other and upwards: servers change one document with every version, and
		// those without tags take what came last for the latest.
		for _, v := range j.versions {
			j.one(ctx, v)
		}
	} else {
		var wg sync.WaitGroup
		for _, v := range j.versions {
			wg.Go(func() { j.one(ctx, v) })
		}
		wg.Wait()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return j.settle(ctx)
}

// one copies a version and tells how it went.
func (j *job) one(ctx context.Context, version string) {
	select {
	case j.slots <- struct{}{}:
		defer func() { <-j.slots }()
	case <-ctx.Done():
		return
	}
	m, err := j.metadata(version)
	var did EventType
	var n int64
	if err == nil {
		did, n, err = j.version(ctx, m)
	}
	if err != nil {
		if ctx.Err() == nil {
			j.failed(j.name, version, j.at(version, err))
		}
		return
	}
	j.mu.Lock()
	j.good[version] = m
	j.news[version] = did == EventCopied
	j.mu.Unlock()
	j.done(did, j.name, version, n)
}

// metadata is what the source says of a version. It must not be of another package, which the target
// may not even hear of; tools are found whatever the case of their letters.
func (j *job) metadata(version string) (*pantry.Metadata, error) {
	m, err := j.from.Metadata(version)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(m.Name, j.name) || m.Version != version {
		return nil, fmt.Errorf("%w: it describes %q at version %q", pantry.ErrInvalid, m.Name, m.Version)
	}
	own := *m
	own.Name = j.name
	return &own, nil
}

// at says which version an error is of, unless it does.
func (j *job) at(version string, err error) error {
	var named *pantry.Error
	if errors.As(err, &named) && named.Ref.Version != "" {
		return err
	}
	return &pantry.Error{Op: "mirror", Ref: pantry.Ref{Registry: j.From.Name, Name: j.name, Version: version}, Err: err}
}

func (j *job) version(ctx context.Context, m *pantry.Metadata) (EventType, int64, error) {
	if j.keeper != nil {
		return j.keep(ctx, m)
	}
	if m.Tool != nil {
		return "", 0, pantry.WithHint(fmt.Errorf("%w: a tool cannot be published to a registry of packages", pantry.ErrUnsupported),
			"copy it to a directory: ./FOLDER")
	}
	want, err := j.digests(m, m.Artifact)
	if err != nil {
		return "", 0, err
	}
	there, err := j.there(m.Version)
	if err != nil {
		return "", 0, err
	}
	if there != nil {
		known, err := compare(want, there.Artifact.Integrity)
		if err != nil {
			return "", 0, err
		}
		if known {
			return EventSkipped, 0, nil
		}
	}
	if j.DryRun {
		return EventCopied, m.Artifact.Size, nil
	}
	return j.publish(ctx, m, want, there)
}

// there is what the target says of a version; nil if it has none.
func (j *job) there(version string) (*pantry.Metadata, error) {
	if j.have == nil || !slices.Contains(j.have.Versions(), version) {
		return nil, nil
	}
	return j.have.Metadata(version)
}

// digests are those that an artifact has to match: what the source says and what is pinned.
func (j *job) digests(m *pantry.Metadata, a pantry.Artifact) (integrity.Set, error) {
	want := a.Integrity
	if pin := j.pins[m.Version]; len(pin) > 0 && m.Tool == nil {
		if _, err := compare(pin, want); err != nil {
			return nil, fmt.Errorf("%w: locked %s, but the source has %s", pantry.ErrIntegrity, pin, want)
		}
		for _, d := range pin {
			if !slices.Contains(want, d) {
				want = append(slices.Clip(want), d)
			}
		}
	}
	if len(want) == 0 && !j.AllowMissingIntegrity {
		return nil, pantry.WithHint(fmt.Errorf("%w: the source gives no checksum for it", pantry.ErrPolicy),
			`if you trust registry %s, set "allowMissingChecksum": true on it`, j.From.Name)
	}
	return want, nil
}

// compare tells from digests whether two artifacts are the same. Where no algorithm is in both, that
// is not known.
func compare(a, b integrity.Set) (known bool, err error) {
	same, known := a.Same(b)
	if known && !same {
		return true, pantry.WithHint(fmt.Errorf("%w at the target: %s, and the source has %s", pantry.ErrExists, b, a),
			"compare both: nothing was overwritten")
	}
	return known, nil
}

// attempts is how often an artifact is asked for whose body breaks off or is not what it should be.
const attempts = 3

// download opens an artifact and gives its body to take, again if that fails for a reason that may
// be gone the next time.
func (j *job) download(ctx context.Context, a pantry.Artifact, take func(io.Reader) error) (err error) {
	for range attempts {
		var body io.ReadCloser
		body, err = j.From.Registry.Open(ctx, a)
		if err != nil {
			return err // requests are repeated by whoever sends them
		}
		err = take(body)
		_ = body.Close()
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}
