package link

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/semver"
)

// units are the packages of an isolated layout, each key once.
type units struct {
	all   []*unit
	byKey map[string]*unit
	store LinkedStore
	// fallback says that there is a link to every package for those that don't declare it.
	fallback bool
}

// unit is a package, and where it stands.
type unit struct {
	*IsolatedPackage
	pkg *lockfile.Package
	// entry is the name of its folder in node_modules/.pantry; "" means that it is in the store.
	entry  string
	copied bool
}

// planUnits decides where every package stands.
func planUnits(o *ApplyIsolatedOptions) (*units, error) {
	n := len(o.Isolated.Packages)
	us := &units{byKey: make(map[string]*unit, n), store: o.Store, fallback: o.InProject}
	us.all = make([]*unit, 0, n)
	for i := range o.Isolated.Packages {
		p := &o.Isolated.Packages[i]
		pkg := o.Lock.Packages[p.ID]
		if p.Key == "" || pkg == nil {
			return nil, unpinnedError(p.ID)
		}
		u := us.byKey[p.Key]
		if u == nil {
			u = &unit{IsolatedPackage: p, pkg: pkg}
			us.byKey[p.Key] = u
			us.all = append(us.all, u)
		}
		u.copied = u.copied || o.Copies != nil && o.Copies(p.ID)
	}
	us.name(us.inProject(o.InProject))
	return us, nil
}

// inProject lists the packages that stand in the project: all, or those that are copied and whatever
// leads to them.
func (us *units) inProject(all bool) []*unit {
	if all {
		return us.all
	}
	var out []*unit
	for _, u := range us.all {
		if u.copied {
			out = append(out, u)
		}
	}
	if len(out) == 0 {
		return nil
	}
	users, seen := map[string][]*unit{}, map[*unit]bool{}
	for _, u := range us.all {
		seen[u] = u.copied
		for _, to := range u.Links {
			users[to.Key] = append(users[to.Key], u)
		}
	}
	for i := 0; i < len(out); i++ {
		for _, by := range users[out[i].Key] {
			if !seen[by] {
				seen[by] = true
				out = append(out, by)
			}
		}
	}
	return out
}

// shortKey is how many digits of its key tell a package's folder from others of the same name and
// version.
const shortKey = 8

// name gives packages names for their folders. Where two would have one name, also on a file system
// that does not tell capitals from small letters, they have their whole keys in it.
func (us *units) name(inProject []*unit) {
	count := make(map[string]int, len(inProject))
	for _, u := range inProject {
		u.entry = entryName(u, shortKey)
		count[strings.ToLower(u.entry)]++
	}
	for _, u := range inProject {
		if count[strings.ToLower(u.entry)] > 1 {
			u.entry = entryName(u, keyDigits)
		}
	}
}

// entryName is NAME@VERSION-KEY as one segment of a path.
func entryName(u *unit, digits int) string {
	const most = 255 // bytes that file systems take
	s := strings.ReplaceAll(u.Name+"@"+u.pkg.Version, "/", "+")
	if strings.HasPrefix(s, workPrefix) {
		s = "+" + s // or it would be taken for something that an interrupted run left
	}
	for len(s) > most-1-digits {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s + "-" + u.Key[:digits]
}

// folder is where a package's files are, from node_modules.
func (u *unit) folder() string { return private + "/" + u.entry + "/" + modules + "/" + u.Name }

// linkTo is the text of a link at a path below node_modules to a package.
func (us *units) linkTo(at string, to *unit) string {
	if to.entry == "" {
		return us.store.LinkedDir(to.Key, to.Name)
	}
	up, rest := at, to.folder()
	if inner, inside := strings.CutPrefix(at, private+"/"); inside {
		up, rest = inner, strings.TrimPrefix(rest, private+"/")
	}
	return strings.Repeat("../", strings.Count(up, "/")) + rest
}

// placedLink is a link to be made: its path, and what it says.
type placedLink struct{ path, text string }

// links are those that stand beside a package in the project, by their path in its folder's
// node_modules. One to a package of its own name stands in the package's own node_modules, where
// Node.js looks first; so does one whose name differs in capitals only.
func (us *units) links(u *unit) (links []placedLink, nested []string) {
	links = make([]placedLink, 0, len(u.Links))
	for _, to := range u.Links {
		at := to.Name
		if strings.EqualFold(to.Name, u.Name) {
			at = u.Name + "/" + modules + "/" + to.Name
			nested = append(nested, to.Name)
		}
		full := private + "/" + u.entry + "/" + modules + "/" + at
		links = append(links, placedLink{at, us.linkTo(full, us.byKey[to.Key])})
	}
	return links, nested
}

// what tells a package's folder in the project from what else it could have been made of: its key, and
// what its links say, which depends on where other packages stand.
func (us *units) what(u *unit) string {
	const offset, prime = 14695981039346656037, 1099511628211 // of FNV-1a
	sum := uint64(offset)
	links, _ := us.links(u)
	for _, l := range links {
		for i := range len(l.text) {
			sum = (sum ^ uint64(l.text[i])) * prime
		}
		sum = (sum ^ '\n') * prime
	}
	how := " linked "
	if u.copied {
		how = " copied "
	}
	return u.Key + how + strconv.FormatUint(sum, 16)
}

// folders are where the packages in the project have their files, by the names of their entries.
func (us *units) folders() map[string]string {
	out := map[string]string{}
	for _, u := range us.all {
		if u.entry != "" {
			out[u.entry] = u.folder()
		}
	}
	return out
}

// layout is what node_modules consists of.
func (us *units) layout(is *Isolated) *isolatedLayout {
	l := newIsolatedLayout()
	uses := map[string]bool{}
	for _, u := range us.all {
		if u.entry == "" {
			continue
		}
		l.entries[u.entry] = us.what(u)
		for _, to := range u.Links {
			if us.byKey[to.Key].entry == "" {
				uses[to.Key] = true
			}
		}
	}
	for _, d := range is.Direct {
		u := us.byKey[d.Key]
		l.links[d.Name] = us.linkTo(d.Name, u)
		if u.entry == "" {
			uses[d.Key] = true
		}
	}
	if us.fallback {
		us.addFallback(l)
	}
	l.addBins(is.Bins)
	l.use(uses)
	return l
}

// addFallback adds a link to every package that the project does not depend on itself.
func (us *units) addFallback(l *isolatedLayout) {
	best := map[string]*unit{}
	for _, u := range us.all {
		fold := strings.ToLower(u.Name)
		if l.links[u.Name] == "" && (best[fold] == nil || higher(u, best[fold])) {
			best[fold] = u
		}
	}
	for _, u := range best {
		at := fallback + u.Name
		l.links[at] = us.linkTo(at, u)
	}
}

// higher says whether a stands for its name rather than b.
func higher(a, b *unit) bool {
	va, errA := semver.ParseLoose(a.pkg.Version)
	vb, errB := semver.ParseLoose(b.pkg.Version)
	if errA == nil && errB == nil {
		if c := semver.Compare(va, vb); c != 0 {
			return c > 0
		}
	} else if errA == nil || errB == nil {
		return errA == nil
	}
	return a.ID < b.ID
}
