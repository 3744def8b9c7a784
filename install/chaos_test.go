package install_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

// crowd is a project's worth of packages, each of which needs some of those before it.
func crowd(t *testing.T, n int) (text, wishes string) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 11))
	var b, w strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "pkg-%d@1.%d.0", i, i%7)
		if i%50 == 3 {
			fmt.Fprintf(&b, " bin:cmd-%d=cli.js", i)
		}
		needs := map[int]bool{}
		for range min(i, 3) {
			needs[random.IntN(i)] = true
		}
		for j := range n {
			if needs[j] {
				fmt.Fprintf(&b, " pkg-%d@^1", j)
			}
		}
		b.WriteString("\n")
		if i >= n-n/10 {
			fmt.Fprintf(&w, " pkg-%d@^1", i)
		}
	}
	return b.String(), w.String()
}

// flaky answers as h does, but for those requests, by their number, that trouble takes.
func flaky(h http.Handler, trouble func(n int64, w http.ResponseWriter, r *http.Request) bool) http.Handler {
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !trouble(requests.Add(1), w, r) {
			h.ServeHTTP(w, r)
		}
	})
}

// weather is a registry with four mirrors, on a network in memory: three come and go, and the fourth serves
// wrong bytes.
type weather struct {
	good    http.Handler
	network *registrytest.Network
	begun   time.Time
	dead    atomic.Bool // nobody answers any more
	asked   atomic.Int64
	dieAt   int64        // after so many requests the registry itself answers no more; 0 is never
	stormAt atomic.Int64 // after so many to all of them, nobody does; 0 is never
}

const (
	latency = 20 * time.Millisecond  // of every answer
	phase   = 700 * time.Millisecond // after which mirrors that come and go do
)

func newWeather(t *testing.T, good http.Handler) *weather {
	w := &weather{good: good, network: registrytest.NewNetwork(), begun: time.Now()}
	t.Cleanup(func() {
		w.network.Close()
		time.Sleep(2 * latency) // of the bubble: for answers that are still under way
	})
	return w
}

// configure starts the servers.
func (w *weather) configure(balance string) registry.Config {
	servers := 0
	server := func(trouble func(n int64, rw http.ResponseWriter, r *http.Request) bool) string {
		servers++
		name := fmt.Sprintf("r%d.example", servers)
		w.network.Serve(name, flaky(w.good, func(n int64, rw http.ResponseWriter, r *http.Request) bool {
			if all, storm := w.asked.Add(1), w.stormAt.Load(); storm > 0 && all > storm {
				w.dead.Store(true)
			}
			if w.dead.Load() {
				panic(http.ErrAbortHandler)
			}
			time.Sleep(latency) // of the bubble
			return trouble(n, rw, r)
		}), nil)
		return "http://" + name
	}
	c := registry.Config{Name: "npm", Type: "npm", Balance: balance, Insecure: true}
	c.URL = server(func(n int64, _ http.ResponseWriter, _ *http.Request) bool {
		if w.dieAt > 0 && n > w.dieAt {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	for i := range 3 {
		c.Mirrors = append(c.Mirrors, registry.Mirror{URL: server(func(n int64, rw http.ResponseWriter, _ *http.Request) bool {
			switch (int(time.Since(w.begun)/phase) + i) % 3 {
			case 0:
				rw.WriteHeader(http.StatusServiceUnavailable)
				return true
			case 1:
				if n%2 == 0 {
					panic(http.ErrAbortHandler)
				}
			}
			return false
		})})
	}
	c.Mirrors = append(c.Mirrors, registry.Mirror{URL: server(func(_ int64, rw http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/-/") {
			return false
		}
		rec := httptest.NewRecorder()
		w.good.ServeHTTP(rec, r)
		body := bytes.Clone(rec.Body.Bytes())
		body[len(body)/2] ^= 1
		_, _ = rw.Write(body)
		return true
	})})
	return c
}

// manager asks over the network.
func (w *weather) manager(t *testing.T, c registry.Config) *registry.Manager {
	t.Helper()
	m := registry.NewManager(registry.Options{
		Getenv:    func(string) (string, bool) { return "", false },
		Transport: func(_ registry.Config, o *transport.Options) { o.Dial = w.network.Dial },
	})
	if err := m.Load([]registry.Config{c}, ""); err != nil {
		t.Fatal(err)
	}
	return m
}

// fails installs. An error must be clear, and nothing may have changed then.
func (p *place) fails() error {
	p.t.Helper()
	before := p.comparable()
	_, err := p.install()
	if err == nil {
		return nil
	}
	if !errors.Is(err, pantry.ErrUnavailable) || !strings.Contains(err.Error(), "pkg-") || !strings.Contains(err.Error(), `"npm"`) && !strings.Contains(err.Error(), "asked npm") {
		p.t.Errorf("the error does not say what is wrong, with which package, at which registry: %v", err)
	}
	p.equal(before)
	return err
}

// TestChaos: three of four mirrors come and go, the fourth serves wrong bytes, and the registry itself dies
// halfway: what is installed is what a calm day would have given. Where nobody is left, the install says so
// and has changed nothing, and the next calm day it succeeds.
func TestChaos(t *testing.T) {
	t.Parallel()
	const count = 300
	text, wishes := crowd(t, count)
	pkgs := packages(t, text)
	good := func() http.Handler { // of a bubble
		return npm.Handler(registrytest.NewMemory("npm", pkgs...), npm.HandlerOptions{})
	}
	calm := map[install.Layout]map[string]string{}
	for _, l := range layouts {
		p := newPlace(t, newSite(t, "npm", "npm", 10, text))
		p.options = append(p.options, inLayout(l))
		p.wishes(wishes)
		p.must()
		calm[l] = p.comparable()
	}
	balances := []string{"failover", "round-robin", "weighted", "latency"}
	if testing.Short() {
		balances = balances[3:]
	}
	for _, balance := range balances {
		t.Run(balance, func(t *testing.T) {
			forEachLayout(t, func(t *testing.T, l install.Layout) {
				if l.Linker != install.Hoisted && balance != "latency" {
					t.Skip("the layout has nothing to do with how mirrors are chosen: one is enough")
				}
				place := func(t *testing.T) *place {
					p := newPlace(t)
					p.options = append(p.options, inLayout(l))
					p.wishes(wishes)
					return p
				}
				synctest.Test(t, func(t *testing.T) { // whose clock makes pauses short
					w := newWeather(t, good())
					w.dieAt = count / 2
					p := place(t)
					p.manager = w.manager(t, w.configure(balance))
					const tries = 10
					for try := 1; p.fails() != nil; try++ {
						if try == tries {
							t.Fatalf("%d installs failed", tries)
						}
						time.Sleep(time.Minute) // of the bubble
					}
					p.equal(calm[l])
				})
				synctest.Test(t, func(t *testing.T) {
					w := newWeather(t, good())
					w.stormAt.Store(count)
					p := place(t)
					p.manager = w.manager(t, w.configure(balance))
					if p.fails() == nil {
						t.Error("nobody answers, and there is an install")
					}
					w.stormAt.Store(0)
					w.dead.Store(false)
					time.Sleep(2 * time.Minute) // as above; longer than a breaker stays open
					p.must()
					p.equal(calm[l])
				})
			})
		})
	}
}
