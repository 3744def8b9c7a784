package npm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
)

const (
	maxList         = 512 << 20 // "/-/all" of a registry with hundred thousands of packages
	maxAttestations = 8 << 20   // of one version; real ones have some 20 kB
)

var _ pantry.Documented = (*document)(nil)

// Manifest is the description of a version as the registry sent it.
func (d *document) Manifest(version string) []byte {
	n, ok := d.index.byVersion[version]
	if !ok {
		return nil
	}
	e := d.index.versions[n]
	return d.data[e.offset : e.offset+e.length]
}

// List asks for "/-/all", which the public registry has no more and private ones have: an object
// by name, with members of its own that begin with an underscore, or an array of objects.
func (r *Registry) List(ctx context.Context) ([]string, error) {
	u := r.url("/-/all")
	data, err := r.get(ctx, u, typeJSON, maxList)
	var names []string
	if err == nil {
		names, err = readList(data)
	}
	if errors.Is(err, pantry.ErrNotFound) {
		err = fmt.Errorf("%w: the registry has no list of its packages", pantry.ErrUnsupported)
	}
	if err != nil {
		return nil, &pantry.Error{Op: opList, Ref: pantry.Ref{Registry: r.origin.registry}, URL: u, Err: err}
	}
	return names, nil
}

func readList(data []byte) ([]string, error) {
	v, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrInvalid, err)
	}
	var names []string
	add := func(name string) {
		if checkName(name) == nil {
			names = append(names, name)
		}
	}
	switch v.kind() {
	case '{':
		err = v.object(func(key, _ value) error {
			name, _ := key.text()
			add(name)
			return nil
		})
	case '[':
		err = v.array(func(p value) error {
			name, _ := p.member("name").text()
			add(name)
			return nil
		})
	default:
		err = fmt.Errorf("the list of packages is %s", v.describe())
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrInvalid, err)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Attestations asks the registry itself, whatever address its documents give.
func (r *Registry) Attestations(ctx context.Context, name, version string) ([]byte, error) {
	ref := pantry.Ref{Registry: r.origin.registry, Name: name, Version: version}
	if err := r.refuseName(opAttest, ref); err != nil {
		return nil, err
	}
	u := r.url(attestationsPath(name, version))
	var data []byte
	err := error(pantry.ErrVersionNotFound)
	if usableVersion(version) {
		data, err = r.get(ctx, u, typeJSON, maxAttestations)
	}
	if err == nil {
		v, perr := parse(data)
		if perr != nil || v.member("attestations").kind() != '[' {
			err = fmt.Errorf("%w: the answer has no array of attestations", pantry.ErrInvalid)
		}
	}
	if err != nil {
		return nil, &pantry.Error{Op: opAttest, Ref: ref, URL: u, Err: err}
	}
	return data, nil
}

func attestationsPath(name, version string) string {
	return "/-/npm/v1/attestations/" + escapeName(name) + "@" + url.PathEscape(version)
}

// withProofs adds what vouches for a version's digest, where the package is documented.
func withProofs(m *manifest, p pantry.Package, version, base string) *manifest {
	d, ok := p.(pantry.Documented)
	if !ok || m.Dist == nil {
		return m
	}
	v, err := parse(d.Manifest(version))
	if err != nil {
		return m
	}
	from := v.member("dist")
	if s := from.member("signatures"); s.kind() == '[' {
		m.Dist.Signatures = json.RawMessage(s)
	}
	var fields map[string]json.RawMessage
	if a := from.member("attestations"); a.kind() == '{' && json.Unmarshal(a, &fields) == nil {
		fields["url"], _ = json.Marshal(base + attestationsPath(m.Name, m.Version))
		m.Dist.Attestations, _ = json.Marshal(fields)
	}
	return m
}

// list answers the names of all packages, with no more about them.
func (s *server) list(w http.ResponseWriter, r *http.Request) {
	lister, ok := pantry.As[pantry.Lister](s.registry)
	if !ok {
		s.refuse(w, http.StatusNotFound, "this registry has no list of its packages")
		return
	}
	names, err := lister.List(r.Context())
	if errors.Is(err, pantry.ErrUnsupported) {
		s.refuse(w, http.StatusNotFound, "this registry has no list of its packages")
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	type entry struct {
		Name string `json:"name"`
	}
	all := make(map[string]entry, len(names))
	for _, n := range names {
		all[n] = entry{n}
	}
	s.answerJSON(w, r, http.StatusOK, all)
}

// attestations answers what is attested of NAME@VERSION.
func (s *server) attestations(w http.ResponseWriter, r *http.Request, id string) {
	at := strings.LastIndexByte(id, '@')
	attester, ok := pantry.As[pantry.Attester](s.registry)
	if !ok || at <= 0 || checkName(id[:at]) != nil || !usableVersion(id[at+1:]) {
		s.refuse(w, http.StatusNotFound, "no attestations")
		return
	}
	doc, err := attester.Attestations(r.Context(), id[:at], id[at+1:])
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, r, http.StatusOK, typeJSON, doc)
}
