package adapter

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter/scheme"
)

// protocolVersion is the version of the protocol of programs.
const protocolVersion = 1

// ProgramOptions of a [Program].
type ProgramOptions struct {
	// Name is the configured name of the registry, for metadata and errors.
	Name string
	// Command is the program and its arguments. Required. A program without a slash is looked up in
	// PATH.
	Command []string
	// URL and Auth are the entry's, told to the program when it starts. Auth has the keys of "auth" in
	// the configuration, with variables expanded. Both may be empty.
	URL  string
	Auth map[string]pantry.Secret
	// Timeout is the longest wait for one answer. 0 means 30 s, as for registries on the network.
	Timeout time.Duration
	// Idle is how long the program is kept after its last answer. 0 means a minute: starting one may
	// take a good part of a second.
	Idle time.Duration
	// AllowMissingChecksum takes versions that come without a digest, or with one that cannot be
	// read. Without it their metadata is an error that matches pantry.ErrPolicy.
	AllowMissingChecksum bool
	// Getenv looks variables up. The program gets those of programVariables and no others. nil means
	// os.LookupEnv.
	Getenv func(string) (string, bool)
}

const (
	defaultProgramTimeout = 30 * time.Second
	defaultIdle           = time.Minute
	// maxMessage bounds a line from the program. The longest are lists of versions and pieces of
	// artifacts.
	maxMessage = 16 << 20
	// maxPiece bounds a piece of an artifact, decoded.
	maxPiece = 4 << 20
)

// programVariables are what programs need to run as their users expect. Others may hold secrets.
func programVariables() []string {
	return []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ",
		"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"SystemRoot", "ComSpec", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA", // Windows
	}
}

// proxyVariables may hold a password, and are passed on where they do not.
func proxyVariables() []string {
	return []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}
}

// Program is a registry that a program speaks for. The program is started when it is first needed,
// and again after it ended. It is safe for concurrent use.
type Program struct {
	o        ProgramOptions
	starting chan struct{} // has room for the one who may start the program

	mu      sync.Mutex
	process *process
	users   int
	idle    *time.Timer
	closed  bool
}

var (
	_ pantry.Registry    = (*Program)(nil)
	_ pantry.NameChecker = (*Program)(nil)
	_ pantry.Searcher    = (*Program)(nil)
	_ pantry.Pinger      = (*Program)(nil)
	_ io.Closer          = (*Program)(nil)
)

// NewProgram returns a registry that a program speaks for. It does not start it. The error matches
// pantry.ErrConfig.
func NewProgram(o ProgramOptions) (*Program, error) {
	if len(o.Command) == 0 || o.Command[0] == "" {
		return nil, fmt.Errorf("%w: registry %q has no program", pantry.ErrConfig, o.Name)
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultProgramTimeout
	}
	if o.Idle <= 0 {
		o.Idle = defaultIdle
	}
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	return &Program{o: o, starting: make(chan struct{}, 1)}, nil
}

// environment is what the program gets.
func (p *Program) environment() []string {
	var env []string
	for _, name := range programVariables() {
		if v, ok := p.o.Getenv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	for _, name := range proxyVariables() {
		if v, ok := p.o.Getenv(name); ok && !strings.Contains(v, "@") {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// Hello is what a program says about itself.
type Hello struct {
	// Protocol is the version it speaks, of those it was offered.
	Protocol int `json:"protocol"`
	// Name is its own name, for people.
	Name string `json:"name"`
	// Ecosystem is what its packages belong to; may be "".
	Ecosystem string `json:"ecosystem"`
	// Versions is the scheme of its versions, of scheme.Names.
	Versions string `json:"versions"`
	// Search says that it can be searched.
	Search bool `json:"search"`
	// Sample is the name of a package that is there, for those who test the program; may be "".
	Sample string `json:"sample"`
}

// Hello starts the program, if need be, and returns what it says about itself.
func (p *Program) Hello(ctx context.Context) (Hello, error) {
	proc, done, err := p.acquire(ctx)
	if err != nil {
		return Hello{}, p.fail("start", "", "", err)
	}
	defer done()
	return proc.hello, nil
}

// acquire returns the running program, started if need be. done must be called when nothing more is
// asked of it.
func (p *Program) acquire(ctx context.Context) (proc *process, done func(), err error) {
	select {
	case p.starting <- struct{}{}:
		defer func() { <-p.starting }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	p.mu.Lock()
	p.users++
	if p.idle != nil {
		p.idle.Stop()
	}
	proc = p.process
	p.mu.Unlock()
	if proc == nil || proc.ended() {
		if proc, err = p.start(ctx); err == nil {
			err = p.adopt(proc)
		}
	}
	if err != nil {
		p.release()
		return nil, nil, err
	}
	return proc, sync.OnceFunc(p.release), nil
}

// adopt makes a program that was started the registry's, unless that was closed meanwhile.
func (p *Program) adopt(proc *process) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		proc.stop()
		return fmt.Errorf("%w: the registry is closed", pantry.ErrUnavailable)
	}
	p.process = proc
	return nil
}

func (p *Program) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users--; p.users > 0 || p.process == nil {
		return
	}
	proc := p.process
	p.idle = time.AfterFunc(p.o.Idle, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.users == 0 && p.process == proc {
			proc.stop()
			p.process = nil
		}
	})
}

// Close ends the program. The registry cannot be used any more.
func (p *Program) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.process != nil {
		p.process.stop()
	}
	return nil
}

// start runs the program and agrees with it on a version of the protocol.
func (p *Program) start(ctx context.Context) (*process, error) {
	proc, err := startProcess(p.o.Command, p.environment())
	if err != nil {
		err = fmt.Errorf("%w: the program %s cannot be started: %w", pantry.ErrUnavailable, quote(p.o.Command[0]), err)
		return nil, pantry.WithHint(err, `check "command" of registry %q`, p.o.Name)
	}
	auth := map[string]string{}
	for k, v := range p.o.Auth {
		auth[k] = v.Reveal()
	}
	err = p.callOn(ctx, proc, "hello", map[string]any{
		"protocols": []int{protocolVersion}, "client": "pantry", "registry": p.o.Name, "url": p.o.URL, "auth": auth,
	}, &proc.hello)
	if err == nil && proc.hello.Protocol != protocolVersion {
		err = fmt.Errorf("%w: the program speaks version %d of the protocol, and this Pantry version %d", pantry.ErrInvalid, proc.hello.Protocol, protocolVersion)
	}
	if err == nil {
		var ok bool
		if proc.scheme, ok = scheme.Lookup(proc.hello.Versions); !ok {
			err = fmt.Errorf("%w: the program says its versions are of the scheme %s; known are %s", pantry.ErrInvalid,
				quote(proc.hello.Versions), strings.Join(scheme.Names(), ", "))
		}
	}
	if err != nil {
		proc.stop()
		return nil, err
	}
	return proc, nil
}

// call asks the program.
func (p *Program) call(ctx context.Context, method string, params, result any) (*process, error) {
	proc, done, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return proc, p.callOn(ctx, proc, method, params, result)
}

func (p *Program) callOn(ctx context.Context, proc *process, method string, params, result any) error {
	limited, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	raw, err := proc.ask(limited, method, params)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil && errors.Is(err, limited.Err()):
		return fmt.Errorf("%w: the program gave no answer to %q within %v", pantry.ErrUnavailable, method, p.o.Timeout)
	default:
		return p.withCredential(err)
	}
	if err := json.Unmarshal(raw, result); err != nil {
		return fmt.Errorf("%w: the program's answer to %q is of the wrong shape: %s", pantry.ErrInvalid, method, line(err.Error()))
	}
	return nil
}

// deniedError is a refusal although the program was told a credential.
type deniedError struct {
	error
	source string
}

func (e *deniedError) Unwrap() error            { return e.error }
func (e *deniedError) CredentialSource() string { return e.source }

func (p *Program) withCredential(err error) error {
	if errors.Is(err, pantry.ErrDenied) && len(p.o.Auth) > 0 {
		return &deniedError{err, fmt.Sprintf("the auth of registry %q", p.o.Name)}
	}
	return err
}

func (p *Program) fail(op, name, version string, err error) error {
	return &pantry.Error{Op: op, Ref: pantry.Ref{Registry: p.o.Name, Name: line(name), Version: line(version)}, Err: err}
}

// CheckName refuses what is a name nowhere. What names the program's registry has, it says itself.
func (p *Program) CheckName(name string) error { return safeName(name, maxName) }

// Package asks for the versions of name.
func (p *Program) Package(ctx context.Context, name string) (pantry.Package, error) {
	info, err := p.readPackage(ctx, name)
	if err != nil {
		return nil, p.fail(opRead, name, "", err)
	}
	return info, nil
}

// Metadata asks for one version: an exact one, one by its tag, or with "" the latest.
func (p *Program) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	m, err := p.lookup(ctx, name, version)
	if err != nil {
		return nil, p.fail(opRead, name, version, err)
	}
	return m, nil
}

func (p *Program) lookup(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	info, err := p.readPackage(ctx, name)
	if err != nil {
		return nil, err
	}
	if version == "" {
		version = "latest"
	}
	if v, ok := info.tags[version]; ok {
		return p.version(ctx, name, v)
	}
	if v, ok := info.same(version); ok {
		return p.version(ctx, name, v)
	}
	return nil, pantry.ErrVersionNotFound
}

func (p *Program) readPackage(ctx context.Context, name string) (*packageInfo, error) {
	if err := p.CheckName(name); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	var doc struct {
		Name      string            `json:"name"`
		Versions  []string          `json:"versions"`
		Tags      map[string]string `json:"tags"`
		Withdrawn []string          `json:"withdrawn"`
	}
	proc, err := p.call(ctx, "package", map[string]string{"name": name}, &doc)
	switch {
	case err != nil:
		return nil, err
	case doc.Name != name:
		return nil, fmt.Errorf("%w: the program's answer is about %s", pantry.ErrInvalid, quote(doc.Name))
	case len(doc.Versions) > maxVersions:
		return nil, fmt.Errorf("%w: more than %d versions", pantry.ErrInvalid, maxVersions)
	}
	info, err := newPackage(name, doc.Versions, doc.Tags, doc.Withdrawn, proc.scheme)
	if err != nil {
		return nil, err
	}
	base := context.WithoutCancel(ctx)
	info.fetch = func(version string) (*pantry.Metadata, error) { return p.version(base, name, version) }
	info.fail = func(version string, err error) error { return p.fail(opRead, name, version, err) }
	return info, nil
}

// version asks for one version by its number.
func (p *Program) version(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	rec := record{}
	_, err := p.call(ctx, "metadata", map[string]string{"name": name, "version": version}, &rec)
	if err != nil {
		return nil, err
	}
	m, err := rec.metadata()
	switch {
	case err != nil:
		return nil, err
	case m.Name != name || m.Version != version:
		return nil, fmt.Errorf("%w: the program's answer is about %s@%s", pantry.ErrInvalid, quote(m.Name), quote(m.Version))
	}
	artifact, _ := rec["artifact"].(map[string]any)
	if m.Artifact, err = record(artifact).artifact(nil, p.o.AllowMissingChecksum, p.o.Name); err != nil {
		return nil, err
	}
	m.Artifact.Name, m.Artifact.Version, m.Registry = name, version, p.o.Name
	return m, nil
}

// Search asks the program's search.
func (p *Program) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	found, err := p.search(ctx, q)
	if err != nil {
		return nil, p.fail(opSearch, "", "", err)
	}
	return found, nil
}

func (p *Program) search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	hello, err := p.Hello(ctx)
	if err != nil {
		return nil, err
	}
	if !hello.Search {
		return nil, fmt.Errorf("%w: the program has no search", pantry.ErrUnsupported)
	}
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	q.Limit = min(q.Limit, maxResults)
	var doc struct {
		Results []record `json:"results"`
	}
	if _, err := p.call(ctx, "search", map[string]any{"text": q.Text, "limit": q.Limit}, &doc); err != nil {
		return nil, err
	}
	var found []pantry.Metadata
	for _, rec := range doc.Results {
		m, err := rec.metadata()
		if err != nil || p.CheckName(m.Name) != nil || m.Version != "" && !usableVersion(m.Version) {
			continue
		}
		m.Registry, m.Artifact = p.o.Name, pantry.Artifact{Name: m.Name, Version: m.Version}
		if found = append(found, *m); len(found) == q.Limit {
			break
		}
	}
	return found, nil
}

// Ping starts the program, if need be, and asks it whether its registry is there. A program that does
// not know the question is there itself.
func (p *Program) Ping(ctx context.Context) error {
	var result any
	_, err := p.call(ctx, "ping", struct{}{}, &result)
	if err == nil || errors.Is(err, pantry.ErrUnsupported) {
		return nil
	}
	return p.fail(opPing, "", "", err)
}

// Open asks for the bytes of a. They come piece by piece, each when it is asked for, so that a slow
// reader holds up nobody.
func (p *Program) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	if err := p.CheckName(a.Name); err != nil || !usableVersion(a.Version) {
		return nil, p.fail(opDownload, a.Name, a.Version, fmt.Errorf("%w: it cannot be asked for", pantry.ErrNotFound))
	}
	proc, done, err := p.acquire(ctx)
	if err != nil {
		return nil, p.fail(opDownload, a.Name, a.Version, err)
	}
	var doc struct {
		Handle string `json:"handle"`
	}
	err = p.callOn(ctx, proc, "open", map[string]string{"name": a.Name, "version": a.Version, "url": a.URL}, &doc)
	if err == nil && doc.Handle == "" {
		err = fmt.Errorf("%w: the program gave no handle", pantry.ErrInvalid)
	}
	if err != nil {
		done()
		return nil, p.fail(opDownload, a.Name, a.Version, err)
	}
	return &pieces{ctx: ctx, program: p, process: proc, done: done, artifact: a, handle: doc.Handle}, nil
}

// pieces reads an artifact.
type pieces struct {
	ctx      context.Context
	program  *Program
	process  *process
	done     func()
	artifact pantry.Artifact
	handle   string
	rest     []byte
	empty    int // pieces without bytes, one after the other
	err      error
}

func (r *pieces) Read(b []byte) (int, error) {
	for len(r.rest) == 0 && r.err == nil {
		r.next()
	}
	if len(r.rest) == 0 {
		return 0, r.err
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *pieces) next() {
	const maxEmpty = 100 // pieces without bytes, before the program counts as one that has none
	var doc struct {
		Data string `json:"data"`
		End  bool   `json:"end"`
	}
	err := r.program.callOn(r.ctx, r.process, "read", map[string]string{"handle": r.handle}, &doc)
	if err == nil {
		if r.rest, err = base64.StdEncoding.DecodeString(doc.Data); err != nil {
			r.rest, err = nil, fmt.Errorf("%w: a piece is not base64", pantry.ErrInvalid)
		}
	}
	if r.empty++; len(r.rest) > 0 {
		r.empty = 0
	}
	switch {
	case err != nil:
	case len(r.rest) > maxPiece:
		r.rest, err = nil, fmt.Errorf("%w: a piece is larger than %d bytes", pantry.ErrInvalid, maxPiece)
	case doc.End:
		r.err = io.EOF
		return
	case r.empty > maxEmpty:
		err = fmt.Errorf("%w: the program gives pieces without bytes", pantry.ErrInvalid)
	default:
		return
	}
	if err != nil {
		r.err = r.program.fail(opDownload, r.artifact.Name, r.artifact.Version, err)
	}
}

// Close tells the program that no more is wanted.
func (r *pieces) Close() error {
	if !errors.Is(r.err, io.EOF) && !r.process.ended() {
		r.process.tell("close", map[string]string{"handle": r.handle})
	}
	r.rest, r.err = nil, os.ErrClosed
	r.done()
	return nil
}
