package httpcache_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/httpcache"
)

// TestModel compares a cache with what it is to be: a note of what was answered to whom and when. Two
// users with credentials of their own and one without share a folder, and each registry tells each of
// them something else.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "model")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		type note struct {
			body          string
			at            time.Time
			life, ifError time.Duration
		}
		type who struct{ user, registry, path string }
		var (
			o       = newOrigin()
			notes   = map[who]note{}
			changed = map[string]time.Time{}
			edition = 0
		)
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				o.now = o.now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "seconds")) * time.Second)
			},
			"edit": func(*rapid.T) { edition++ },
			"ask": func(t *rapid.T) {
				w := who{
					rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(t, "user"),
					rapid.SampledFrom([]string{"https://a.example", "https://b.example"}).Draw(t, "registry"),
					rapid.SampledFrom([]string{"/x", "/y"}).Draw(t, "path"),
				}
				how := pantry.Asking(rapid.IntRange(int(pantry.AskAlways), int(pantry.AskIfMissing)).Draw(t, "asking"))
				life := time.Duration(rapid.SampledFrom([]int{0, 60, 300}).Draw(t, "max-age")) * time.Second
				ifError := time.Duration(rapid.SampledFrom([]int{0, 200, 600}).Draw(t, "stale-if-error")) * time.Second
				tag, down := rapid.Bool().Draw(t, "tag"), rapid.Bool().Draw(t, "down")
				store := rapid.IntRange(0, 4).Draw(t, "no-store") > 0

				truth := fmt.Sprint(w, edition)
				o.body, o.fail = truth, nil
				o.header = lines(fmt.Sprintf("Cache-Control: max-age=%d, stale-if-error=%d", life/time.Second, ifError/time.Second))
				if !store {
					o.header.Add("Cache-Control", "no-store")
				}
				if tag {
					o.header.Set("ETag", fmt.Sprintf("%q", truth))
				}
				if down {
					o.fail = pantry.ErrUnavailable
				}
				asked := len(o.asked)
				v := o.visitor(nil, dir, func(x *httpcache.Options) {
					x.Registry = w.registry
					x.Identity = func(_ string, key []byte) string {
						if w.user == "" {
							return ""
						}
						return w.user + string(key)
					}
				})
				v.t = silent{}
				got := v.ask(how, http.MethodGet, w.path)

				n, have := notes[w]
				overtaken := have && !n.at.After(changed[w.registry])
				age := o.now.Sub(n.at)
				switch {
				case have && !overtaken && (how == pantry.AskIfMissing || how == pantry.AskIfStale && age < n.life):
					if got.body != n.body || len(o.asked) != asked {
						t.Fatalf("got %+v, asked %d times, want %+v", got, len(o.asked)-asked, n)
					}
				case down && have && !overtaken && how == pantry.AskIfStale && age-n.life < n.ifError:
					if got.body != n.body || got.state != pantry.CacheStale || !got.failed {
						t.Fatalf("got %+v, want %+v for want of an answer", got, n)
					}
				case down:
					if got.err == nil {
						t.Fatalf("got %+v of a registry that is down; kept is %+v", got, n)
					}
				default:
					if got.body != truth || len(o.asked) != asked+1 {
						t.Fatalf("got %+v, asked %d times, want %s", got, len(o.asked)-asked, truth)
					}
					delete(notes, w)
					if store {
						notes[w] = note{truth, o.now, life, ifError}
					}
				}
			},
			"change": func(t *rapid.T) {
				registry := rapid.SampledFrom([]string{"https://a.example", "https://b.example"}).Draw(t, "registry")
				o.fail, o.status = nil, 0
				v := o.visitor(nil, dir, func(x *httpcache.Options) { x.Registry = registry })
				v.t = silent{}
				v.ask(pantry.AskAlways, http.MethodPut, "/x")
				changed[registry] = o.now
				edition++
			},
		})
	})
}

// silent is a test that has nothing to say.
type silent struct{ testing.TB }

func (silent) Helper() {}
