package packument_test

import (
	"crypto/sha512"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/npm/packument"
	"github.com/pantry-go/pantry/semver"
)

// fataler is what the tests of package testing and of package rapid have in common.
type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// model is a packument as a test thinks of it.
type model struct {
	doc      packument.Document
	versions []modelVersion // in the order they are added; of those that are there twice the last counts
	tags     [][2]string
	times    map[string]string
}

type modelVersion struct {
	text    string
	parts   map[packument.Part]string
	digest  integrity.Digest
	tarball string
	script  bool
}

func (m *model) build(t fataler, b *packument.Builder) *packument.Packument {
	t.Helper()
	for _, v := range m.versions {
		b.Begin(v.text)
		for p := packument.Dependencies; p <= packument.Whole; p++ {
			b.Part(p, []byte(v.parts[p]))
		}
		if !v.digest.IsZero() {
			b.Digest(v.digest.Algorithm(), v.digest.Bytes())
		}
		if v.tarball != "" {
			b.Tarball([]byte(v.tarball))
		}
		if v.script {
			b.Script()
		}
		b.End()
	}
	for _, tag := range m.tags {
		b.Tag(tag[0], tag[1])
	}
	d := m.doc
	if m.times != nil {
		d.Published = func(version string) string { return m.times[version] }
	}
	p, err := b.Build(d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// check compares what p says with the model.
func (m *model) check(t fataler, p *packument.Packument) {
	t.Helper()
	last := map[string]modelVersion{}
	var order []string
	for _, v := range m.versions {
		if _, ok := last[v.text]; !ok {
			order = append(order, v.text)
		}
		last[v.text] = v
	}
	semver.Sort(order)
	at, life := p.Checked()
	if p.Name() != m.doc.Name || p.ETag() != m.doc.ETag || p.LastModified() != m.doc.LastModified ||
		!at.Equal(m.doc.Checked.Truncate(time.Millisecond)) || life != m.doc.Life.Truncate(time.Second) ||
		p.Strict() != m.doc.Strict || p.None() != m.doc.None {
		t.Fatalf("got %q, %q, %q, %v, %v, want %+v", p.Name(), p.ETag(), p.LastModified(), at, life, m.doc)
	}
	if p.Len() != len(order) {
		t.Fatalf("got %d versions, want %q", p.Len(), order)
	}
	for i, text := range order {
		m.checkVersion(t, p, i, last[text])
	}
	if _, ok := p.Place("0.0.0-not.there"); ok {
		t.Fatal("a version that is not there has a place")
	}
	m.checkTags(t, p, order)
}

func (m *model) checkVersion(t fataler, p *packument.Packument, i int, want modelVersion) {
	t.Helper()
	value, _ := semver.ParseLoose(want.text)
	if got := p.Version(i); p.Spelling(i) != want.text || semver.CompareBuild(got, value) != 0 || got.IsValid() != value.IsValid() {
		t.Fatalf("version %d is %q, %v, want %q", i, p.Spelling(i), got, want.text)
	}
	if at, ok := p.Place(want.text); !ok || at != i {
		t.Fatalf("%q is at %d, %v, want %d", want.text, at, ok, i)
	}
	got := map[packument.Part]string{}
	tarball := p.UsualTarball(i)
	err := p.Parts(i, func(p packument.Part, text []byte) error {
		if p == packument.Tarball {
			tarball = string(text)
		} else {
			got[p] = string(text)
		}
		return nil
	})
	digest, digestErr := p.Digest(i)
	if err != nil || digestErr != nil {
		t.Fatal(err, digestErr)
	}
	for part := packument.Dependencies; part <= packument.Whole; part++ {
		if got[part] != want.parts[part] {
			t.Fatalf("%q: part %d is %q, want %q", want.text, part, got[part], want.parts[part])
		}
	}
	whole := want.parts[packument.Whole] != ""
	deprecated, engines := want.parts[packument.Deprecated] != "" || whole, want.parts[packument.Engines] != "" || whole
	if digest != want.digest || tarball != want.tarball || p.HasScript(i) != want.script ||
		p.MayBeDeprecated(i) != deprecated || p.MayNameEngines(i) != engines || p.Published(i) != m.times[want.text] {
		t.Fatalf("%q: got %v, %q, %v, %v, %v, %q, want %+v", want.text, digest, tarball,
			p.HasScript(i), p.MayBeDeprecated(i), p.MayNameEngines(i), p.Published(i), want)
	}
}

func (m *model) checkTags(t fataler, p *packument.Packument, order []string) {
	t.Helper()
	tags := map[string]string{}
	for _, tag := range m.tags {
		tags[tag[0]] = tag[1]
	}
	if got := p.Tags(); len(got) != len(tags) {
		t.Fatalf("got tags %q, want %q", got, tags)
	}
	for tag, version := range tags {
		place := slices.Index(order, version)
		if at, ok := p.Tagged(tag); p.Tags()[tag] != version || ok != (place >= 0) || ok && at != place {
			t.Fatalf("tag %q is %q at %d, %v, want %q at %d", tag, p.Tags()[tag], at, ok, version, place)
		}
	}
	if _, ok := p.Tagged("not there"); ok {
		t.Fatal("a tag that is not there has a place")
	}
}

// models draws packuments.
func models() *rapid.Generator[*model] {
	number := rapid.SampledFrom([]string{"0", "1", "2", "10", "4294967295", "4294967296", "9007199254740991", "9007199254740992"})
	spelling := rapid.Custom(func(t *rapid.T) string {
		s := rapid.SampledFrom([]string{"", "", "", "", "v", "="}).Draw(t, "front") +
			number.Draw(t, "major") + "." + number.Draw(t, "minor") + "." + number.Draw(t, "patch")
		return s + rapid.SampledFrom([]string{"", "", "", "-beta.1", "-beta.10", "beta", "+build", "-0", ".5", "-x+y"}).Draw(t, "end")
	})
	text := rapid.SampledFrom([]string{"", "", `{"a":"^1.0.0"}`, `{"a":"^1.0.1"}`, `"x"`, "true", `{"b":{}}`})
	version := rapid.Custom(func(t *rapid.T) modelVersion {
		v := modelVersion{text: rapid.OneOf(spelling, rapid.StringMatching(`[a-z0-9.+=~_-]{1,20}`)).Draw(t, "version"), parts: map[packument.Part]string{}}
		for p := packument.Dependencies; p <= packument.Whole; p++ {
			if s := text.Draw(t, "part"); s != "" {
				v.parts[p] = s
			}
		}
		if n := rapid.IntRange(0, 40).Draw(t, "digest"); n <= int(integrity.SHA512) && n > 0 {
			v.digest = integrity.Sum(integrity.Algorithm(n), []byte(v.text))
		} else if n > 10 {
			v.digest = integrity.Sum(integrity.SHA512, []byte(v.text))
		}
		v.tarball = rapid.SampledFrom([]string{"", "https://a.example/x-" + v.text + ".tgz", "https://a.example/x-" + v.text + ".tgz", "https://b.example/other"}).Draw(t, "tarball")
		v.script = rapid.Bool().Draw(t, "script")
		return v
	})
	return rapid.Custom(func(t *rapid.T) *model {
		m := &model{versions: rapid.SliceOfN(version, 0, 30).Draw(t, "versions")}
		m.doc = packument.Document{
			Name: rapid.StringN(0, 20, -1).Draw(t, "name"), ETag: rapid.SampledFrom([]string{"", `"x"`}).Draw(t, "etag"),
			LastModified: rapid.SampledFrom([]string{"", "some time"}).Draw(t, "modified"),
			Checked:      time.UnixMilli(rapid.Int64Range(-1e12, 1e13).Draw(t, "checked")), Life: time.Duration(rapid.IntRange(0, 1e6).Draw(t, "life")) * time.Second,
			Strict: rapid.Bool().Draw(t, "strict"), None: rapid.Bool().Draw(t, "none"),
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "tags") {
			tag := [2]string{fmt.Sprint("tag", i%3), "1.0.0"}
			if len(m.versions) > 0 {
				tag[1] = rapid.SampledFrom(m.versions).Draw(t, "tagged").text
			}
			m.tags = append(m.tags, tag)
		}
		if rapid.Bool().Draw(t, "times") {
			m.times = map[string]string{}
			for _, v := range m.versions {
				m.times[v.text] = fmt.Sprintf("time of %s", v.text)
			}
		}
		return m
	})
}

// plainModel is a packument with as many versions as asked for.
func plainModel(name string, versions int) *model {
	m := &model{doc: packument.Document{Name: name, ETag: `"e"`, Checked: time.UnixMilli(1e12), Life: time.Minute}, tags: [][2]string{{"latest", "1.0.0"}}}
	for i := range versions {
		text := fmt.Sprintf("1.%d.0", i)
		digest, _ := integrity.New(integrity.SHA512, slices.Concat(make([]byte, sha512.Size-len(text)), []byte(text)))
		m.versions = append(m.versions, modelVersion{
			text: text, digest: digest, tarball: "https://a.example/" + text + ".tgz",
			parts: map[packument.Part]string{packument.Dependencies: fmt.Sprintf(`{"a":"^%d.0.0"}`, i/3)},
		})
	}
	return m
}
