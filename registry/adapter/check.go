package adapter

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// CheckResult is one finding about a program.
type CheckResult struct {
	// Name says what was checked, as a sentence about programs that are right.
	Name string
	// Err is what is wrong, nil for nothing.
	Err error
	// Skipped says why it was not checked; "" means that it was.
	Skipped string
}

// checkTime bounds one check: programs may ask a registry on the network.
const checkTime = time.Minute

// maxCheckedBytes bounds an artifact that a check reads.
const maxCheckedBytes = 1 << 30

// skip is the error of a check that does not apply.
type skip string

func (s skip) Error() string { return string(s) }

// checker is a program on trial.
type checker struct {
	p    *Program
	name string // of a package that is there
	info *packageInfo
	up   bool // it started, and agreed on the protocol
}

// CheckProgram puts a program to the test of its protocol, and tells every finding to report as it is
// made. sample is the name of a package that the program's registry has; "" is the one that the
// program names. It returns whether nothing was wrong.
func CheckProgram(ctx context.Context, o ProgramOptions, sample string, report func(CheckResult)) bool {
	p, err := NewProgram(o)
	if err != nil {
		report(CheckResult{Name: "the program can be started", Err: err})
		return false
	}
	defer p.Close()
	c := &checker{p: p, name: sample}
	good := true
	for i, check := range []struct {
		name string
		run  func(*checker, context.Context) error
	}{
		{"it starts, and agrees on the protocol", (*checker).hello},
		{"a method it does not know is \"unsupported\"", (*checker).unknownMethod},
		{"a package that is not there is \"not_found\"", (*checker).missing},
		{"names that lead elsewhere lead nowhere", (*checker).hostileNames},
		{"versions are of its scheme, each once, and tags name them", (*checker).versions},
		{"metadata is about the version asked for, with a digest", (*checker).metadata},
		{"a version that is not there is \"version_not_found\"", (*checker).missingVersion},
		{"the artifact matches its digest, every time", (*checker).artifact},
		{"an artifact that is not there is an error", (*checker).missingArtifact},
		{"an artifact may be left half read", (*checker).halfRead},
		{"an unknown handle is an error", (*checker).unknownHandle},
		{"search finds the package, and keeps to the limit", (*checker).search},
		{"questions may come all at once", (*checker).concurrent},
		{"a question that is cancelled spoils nothing", (*checker).cancelled},
		{"it ends when its input ends", (*checker).ends},
	} {
		limited, cancel := context.WithTimeout(ctx, checkTime)
		r := CheckResult{Name: check.name}
		if i == 0 || c.up {
			r.Err = check.run(c, limited)
		} else {
			r.Skipped = "the program did not start"
		}
		cancel()
		if s := skip(""); errors.As(r.Err, &s) {
			r.Err, r.Skipped = nil, string(s)
		}
		good = good && r.Err == nil
		report(r)
		if ctx.Err() != nil {
			return false
		}
	}
	return good
}

func (c *checker) hello(ctx context.Context) error {
	h, err := c.p.Hello(ctx)
	if err != nil {
		return err
	}
	if c.name == "" {
		c.name = h.Sample
	}
	c.up = true
	return nil
}

// raw asks the program without what the client checks before.
func (c *checker) raw(ctx context.Context, method string, params any) (json.RawMessage, error) {
	var out json.RawMessage
	_, err := c.p.call(ctx, method, params, &out)
	return out, err
}

func (c *checker) unknownMethod(ctx context.Context) error {
	out, err := c.raw(ctx, "pantry-made-this-up", map[string]any{"a": 1})
	return wantError(out, err, pantry.ErrUnsupported)
}

// wantError says what is wrong with an answer that should be an error.
func wantError(out json.RawMessage, err error, want ...error) error {
	if err == nil {
		return fmt.Errorf("it gave a result: %s", quote(string(out)))
	}
	var words []string
	for _, w := range want {
		if errors.Is(err, w) {
			return nil
		}
		for code, class := range Codes() {
			if class == w {
				words = append(words, `"`+code+`"`)
			}
		}
	}
	return fmt.Errorf("expected an error of code %s, got: %w", strings.Join(words, " or "), err)
}

func (c *checker) missing(ctx context.Context) error {
	out, err := c.raw(ctx, "package", map[string]string{"name": "pantry-has-no-such-package-0"})
	if err := wantError(out, err, pantry.ErrNotFound); err != nil {
		return err
	}
	if errors.Is(err, pantry.ErrVersionNotFound) {
		return errors.New("it says \"version_not_found\", although it is the name that is missing")
	}
	return nil
}

func (c *checker) hostileNames(ctx context.Context) error {
	for _, name := range []string{"", ".", "..", "../../etc/passwd", "a/../../b", "/etc/passwd", "a\x00b", "a b\n", strings.Repeat("n", 5000)} {
		for _, method := range []string{"package", "metadata", "open"} {
			out, err := c.raw(ctx, method, map[string]string{"name": name, "version": "1.0.0"})
			if err == nil {
				return fmt.Errorf("%s of the name %s gave a result: %s", method, quote(name), quote(string(out)))
			}
			if !errors.Is(err, pantry.ErrNotFound) && !errors.Is(err, pantry.ErrInvalid) && !errors.Is(err, pantry.ErrConfig) {
				return fmt.Errorf("%s of the name %s: %w", method, quote(name), err)
			}
		}
	}
	return nil
}

// needSample skips what needs a package.
func (c *checker) needSample() error {
	if c.name == "" {
		return skip("no package to ask for: give one with --package, or have the program say a \"sample\"")
	}
	return nil
}

// needVersions skips what needs versions that were found to be right.
func (c *checker) needVersions() error {
	if err := c.needSample(); err != nil {
		return err
	}
	if c.info == nil {
		return skip("the package could not be read")
	}
	return nil
}

func (c *checker) versions(ctx context.Context) error {
	if err := c.needSample(); err != nil {
		return err
	}
	var doc struct {
		Versions []string          `json:"versions"`
		Tags     map[string]string `json:"tags"`
	}
	proc, err := c.p.call(ctx, "package", map[string]string{"name": c.name}, &doc)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, v := range doc.Versions {
		switch {
		case seen[v]:
			return fmt.Errorf("version %s stands there twice", quote(v))
		case !proc.scheme.Valid(v):
			return fmt.Errorf("%s is no version of the scheme %s", quote(v), proc.scheme.Name())
		case !usableVersion(v):
			return fmt.Errorf("version %s cannot stand in a path", quote(v))
		}
		seen[v] = true
	}
	for tag, v := range doc.Tags {
		if !seen[v] {
			return fmt.Errorf("tag %s names %s, which is not among the versions", quote(tag), quote(v))
		}
	}
	c.info, err = c.p.readPackage(ctx, c.name)
	return err
}

// some are the versions to look at closely.
func (c *checker) some() []string {
	all := []string{c.info.versions[0], c.info.versions[len(c.info.versions)-1], c.info.tags["latest"]}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c *checker) metadata(ctx context.Context) error {
	if err := c.needVersions(); err != nil {
		return err
	}
	for _, v := range c.some() {
		if _, err := c.p.Metadata(ctx, c.name, v); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) missingVersion(ctx context.Context) error {
	if err := c.needVersions(); err != nil {
		return err
	}
	out, err := c.raw(ctx, "metadata", map[string]string{"name": c.name, "version": "0.0.0-pantry-has-no-such-version"})
	return wantError(out, err, pantry.ErrVersionNotFound)
}

func (c *checker) artifact(ctx context.Context) error {
	if err := c.needVersions(); err != nil {
		return err
	}
	for _, v := range c.some() {
		m, err := c.p.Metadata(ctx, c.name, v)
		if err != nil {
			return err
		}
		first, n, err := c.sum(ctx, m.Artifact)
		if err != nil {
			return err
		}
		if size := m.Artifact.Size; size != 0 && size != n {
			return fmt.Errorf("version %s has %d bytes, and its metadata says %d", quote(v), n, size)
		}
		again, _, err := c.sum(ctx, m.Artifact)
		if err != nil {
			return fmt.Errorf("the second time: %w", err)
		}
		if again != first {
			return fmt.Errorf("version %s has other bytes the second time", quote(v))
		}
	}
	return nil
}

// sum reads an artifact, verified.
func (c *checker) sum(ctx context.Context, a pantry.Artifact) (sum [sha256.Size]byte, n int64, err error) {
	body, err := c.p.Open(ctx, a)
	if err != nil {
		return sum, 0, err
	}
	defer body.Close()
	h := sha256.New()
	n, err = io.Copy(h, io.LimitReader(integrity.NewReader(body, a.Integrity), maxCheckedBytes))
	return [sha256.Size]byte(h.Sum(nil)), n, err
}

func (c *checker) missingArtifact(ctx context.Context) error {
	if err := c.needVersions(); err != nil {
		return err
	}
	out, err := c.raw(ctx, "open", map[string]string{"name": c.name, "version": "0.0.0-pantry-has-no-such-version"})
	return wantError(out, err, pantry.ErrVersionNotFound, pantry.ErrNotFound)
}

func (c *checker) halfRead(ctx context.Context) error {
	if err := c.needVersions(); err != nil {
		return err
	}
	m, err := c.p.Metadata(ctx, c.name, "")
	if err != nil {
		return err
	}
	body, err := c.p.Open(ctx, m.Artifact)
	if err != nil {
		return err
	}
	if _, err = body.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
		err = nil
	}
	if err = errors.Join(err, body.Close()); err != nil {
		return err
	}
	return c.p.Ping(ctx)
}

func (c *checker) unknownHandle(ctx context.Context) error {
	out, err := c.raw(ctx, "read", map[string]string{"handle": "pantry-was-never-given-this"})
	return wantError(out, err, pantry.ErrNotFound, pantry.ErrInvalid)
}

func (c *checker) search(ctx context.Context) error {
	h, err := c.p.Hello(ctx)
	switch {
	case err != nil:
		return err
	case !h.Search:
		return skip("the program says that it has no search")
	}
	if err := c.needSample(); err != nil {
		return err
	}
	found, err := c.p.Search(ctx, pantry.Query{Text: c.name, Limit: 50})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(found, func(m pantry.Metadata) bool { return m.Name == c.name }) {
		return fmt.Errorf("a search for %s did not find it", quote(c.name))
	}
	var doc struct {
		Results []record `json:"results"`
	}
	if _, err := c.p.call(ctx, "search", map[string]any{"text": c.name, "limit": 1}, &doc); err != nil {
		return err
	}
	if len(doc.Results) > 1 {
		return fmt.Errorf("%d results, of which at most 1 was asked for", len(doc.Results))
	}
	return nil
}

func (c *checker) concurrent(ctx context.Context) error {
	if err := c.needVersions(); err != nil {
		return err
	}
	const askers = 8
	errs := make([]error, askers)
	var all sync.WaitGroup
	for i := range askers {
		all.Go(func() {
			v := c.info.versions[i%len(c.info.versions)]
			if i%2 == 0 {
				_, errs[i] = c.p.readPackage(ctx, c.name)
				return
			}
			m, err := c.p.Metadata(ctx, c.name, v)
			if errs[i] = err; err == nil {
				_, _, errs[i] = c.sum(ctx, m.Artifact)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func (c *checker) cancelled(ctx context.Context) error {
	if err := c.needVersions(); err != nil {
		return err
	}
	early, cancel := context.WithCancel(ctx)
	proc, done, err := c.p.acquire(ctx)
	if err != nil {
		cancel()
		return err
	}
	defer done()
	answered := make(chan error, 1)
	go func() {
		_, err := proc.ask(early, "package", map[string]string{"name": c.name})
		answered <- err
	}()
	cancel()
	if err := <-answered; err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	// A program that owes the answer for too long is killed.
	for proc.owes() && !proc.ended() {
		time.Sleep(stopTime / 100)
	}
	if proc.ended() {
		return errors.New("it neither answered the question nor said that it gave up (a cancelled question is answered too, with any result or error)")
	}
	_, err = c.p.readPackage(ctx, c.name)
	return err
}

func (c *checker) ends(ctx context.Context) error {
	proc, done, err := c.p.acquire(ctx)
	if err != nil {
		return err
	}
	done()
	proc.stop()
	select {
	case <-proc.dead:
	case <-ctx.Done():
		return ctx.Err()
	}
	if state := proc.cmd.ProcessState; state != nil && !state.Exited() {
		return fmt.Errorf("it had to be killed %v after its input had ended", stopTime)
	}
	return nil
}
