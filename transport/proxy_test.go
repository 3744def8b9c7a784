package transport_test

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// proxy is an HTTP proxy that leads every host to one server. The user is "user", if auth is set.
type proxy struct {
	auth   string // password
	target string // address
	status int    // answered instead, if set

	mu   sync.Mutex
	seen []string
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header))
	p.mu.Unlock()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+p.auth))
	if p.auth != "" && r.Header.Get("Proxy-Authorization") != want {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if p.status != 0 {
		w.WriteHeader(p.status)
		return
	}
	if r.Method != http.MethodConnect {
		_, _ = io.WriteString(w, "plain "+r.URL.String())
		return
	}
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	pipe(conn, buf.Reader, p.target)
}

// pipe joins a connection to a server until one of them ends.
func pipe(conn net.Conn, from io.Reader, target string) {
	up, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(up, from)
		_ = up.(*net.TCPConn).CloseWrite()
	})
	_, _ = io.Copy(conn, up)
	_, _ = conn.Close(), up.Close()
	wg.Wait()
}

func (p *proxy) requests() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.seen, "\n")
}

func startProxy(t *testing.T, p *proxy) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return s
}

// socks is a SOCKS5 proxy (RFC 1928, 1929) that leads every host to one server and records names.
func socks(t *testing.T, password, target string, names chan<- string) string {
	return raw(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		take := func(n int) []byte {
			b := make([]byte, n)
			_, _ = io.ReadFull(r, b)
			return b
		}
		take(int(take(2)[1]))
		if password != "" {
			_, _ = conn.Write([]byte{5, 2})
			take(1)
			take(int(take(1)[0]))
			ok := string(take(int(take(1)[0]))) == password
			_, _ = conn.Write([]byte{1, map[bool]byte{true: 0, false: 1}[ok]})
			if !ok {
				return
			}
		} else {
			_, _ = conn.Write([]byte{5, 0})
		}
		if head := take(4); head[3] != 3 {
			return // not a name
		}
		name := string(take(int(take(1)[0])))
		take(2)
		names <- name
		_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		pipe(conn, r, target)
	})
}

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// The certificate of httptest is for example.com.
const proxied = "https://example.com"

func TestProxies(t *testing.T) {
	t.Parallel()
	const password = "pr0xy-p4ss"
	server, ca := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "" {
			t.Error("the server got the proxy's credential")
		}
		_, _ = io.WriteString(w, "tunnel "+r.Host)
	})
	address := server.Listener.Addr().String()
	p := &proxy{auth: password, target: address}
	via := strings.TrimPrefix(startProxy(t, p).URL, "http://")
	names := make(chan string, 10)
	secureVia := httptest.NewUnstartedServer(p)
	secureVia.StartTLS() // with the certificate that ca is
	t.Cleanup(secureVia.Close)
	socksAddr := socks(t, password, address, names)
	openSocks := socks(t, "", address, names)
	auth := "user:" + password + "@"
	tests := []struct {
		name, url string
		o         transport.Options
		want      string
		socks     bool
	}{
		{"configured", proxied, transport.Options{Proxy: "http://" + auth + via}, "tunnel example.com", false},
		{"without scheme", proxied, transport.Options{Proxy: auth + via}, "tunnel example.com", false},
		{"plain http", "http://r.example/x", transport.Options{Proxy: "http://" + auth + via, Insecure: true}, "plain http://r.example/x", false},
		{"HTTPS_PROXY", proxied, transport.Options{Env: env("HTTPS_PROXY", "http://"+auth+via)}, "tunnel example.com", false},
		{"https_proxy", proxied, transport.Options{Env: env("https_proxy", auth+via)}, "tunnel example.com", false},
		{"HTTP_PROXY", "http://r.example/x", transport.Options{Env: env("HTTP_PROXY", auth+via), Insecure: true}, "plain http://r.example/x", false},
		{"configured before environment", proxied, transport.Options{
			Proxy: auth + via, Env: env("HTTPS_PROXY", "http://127.0.0.1:1", "NO_PROXY", "*"),
		}, "tunnel example.com", false},
		{"SOCKS5", proxied, transport.Options{Proxy: "socks5://" + auth + socksAddr}, "tunnel example.com", true},
		{"SOCKS5 without a password", proxied, transport.Options{Proxy: "socks5://" + openSocks}, "tunnel example.com", true},
		{"https proxy", proxied, transport.Options{Proxy: strings.Replace(secureVia.URL, "https://", "https://"+auth, 1)}, "tunnel example.com", false},
		{"outside of the networks of NO_PROXY", "http://192.0.2.1/x", transport.Options{
			Proxy: auth + via, NoProxy: "192.0.2.128/25,10.0.0.0/8", Insecure: true,
		}, "plain http://192.0.2.1/x", false},
		{"SOCKS5 with names", proxied, transport.Options{Env: env("HTTPS_PROXY", "socks5h://"+auth+socksAddr)}, "tunnel example.com", true},
		{"never to loopback", server.URL, transport.Options{Proxy: "http://127.0.0.1:1"}, "tunnel " + address, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.URL, tt.o.CA = tt.url, ca
			data, err := get(t, newClient(t, tt.o), tt.url)
			if err != nil || string(data) != tt.want {
				t.Fatalf("got %q, %v", data, err)
			}
			if tt.socks {
				if name := <-names; name != "example.com" {
					t.Errorf("the proxy was asked for %q", name)
				}
			}
		})
	}
	mustContain(t, p.requests(), "CONNECT example.com:443")
}

// A proxy that takes no tunnel sees no credential of the registry.
func TestTunnelHidesCredential(t *testing.T) {
	t.Parallel()
	p := &proxy{status: 403}
	c := newClient(t, transport.Options{
		URL: proxied, Proxy: startProxy(t, p).URL, Headers: map[string]string{"X-Team": leakSecret},
		Credentials: []transport.Credential{transport.Bearer(secret(leakSecret), "t")},
	})
	if _, err := get(t, c, proxied); !errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if got := p.requests(); strings.Contains(got, leakSecret) || !strings.Contains(got, "CONNECT") {
		t.Errorf("the proxy saw %s", got)
	}
}

func TestNoProxy(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]transport.Options{
		"environment":       {Env: env("HTTPS_PROXY", "http://p.example", "NO_PROXY", "a.example,registry.invalid")},
		"lower case":        {Env: env("HTTPS_PROXY", "http://p.example", "no_proxy", ".invalid")},
		"configured":        {Proxy: "http://p.example", NoProxy: "registry.invalid"},
		"beside each other": {Env: env("HTTPS_PROXY", "http://p.example", "NO_PROXY", "a.example"), NoProxy: "registry.invalid"},
		"all":               {Proxy: "http://p.example", NoProxy: "*"},
		// This address leads to this machine, and is none that is never asked for through a proxy.
		"network": {URL: "https://0.0.0.0:1", Proxy: "http://p.example", NoProxy: "10.0.0.0/8,0.0.0.0/8"},
	} {
		if o.URL == "" {
			o.URL = "https://registry.invalid"
		}
		o.Retries = ptr(0)
		_, err := get(t, newClient(t, o), o.URL)
		if err == nil || strings.Contains(err.Error(), "p.example") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProxyFailures(t *testing.T) {
	t.Parallel()
	const password = "pr0xy-p4ss"
	wants := &proxy{auth: "another"}
	via := startProxy(t, wants).URL
	broken := startProxy(t, &proxy{status: 502}).URL
	socksAddr := socks(t, "another", "", nil)
	with := func(u string) string { return strings.Replace(u, "://", "://user:"+password+"@", 1) }
	tests := []struct {
		name, url, proxy string
		attempts         int
		parts            []string
	}{
		{"refused", proxied, "http://127.0.0.1:1", 3, []string{"the proxy http://127.0.0.1:1 cannot be used", "refused the connection"}},
		{"unknown", proxied, "http://proxy.invalid:8080", 3, []string{"the proxy http://proxy.invalid:8080", "DNS"}},
		{"CONNECT 407", proxied, via, 1, []string{"the proxy " + via, "does not connect to example.com", "407 Proxy Authentication Required"}},
		{"CONNECT 502", proxied, broken, 3, []string{"the proxy " + broken, "502 Bad Gateway"}},
		{"plain 407", "http://r.example/x", via, 1, []string{"407 Proxy Authentication Required, by the proxy " + via}},
		{"SOCKS5 refused", proxied, "socks5://127.0.0.1:1", 3, []string{"the proxy socks5://127.0.0.1:1 cannot be used"}},
		{"SOCKS5 password", proxied, "socks5://" + socksAddr, 3, []string{"the proxy socks5://" + socksAddr + " does not connect to"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, transport.Options{URL: tt.url, Proxy: with(tt.proxy), Insecure: true})
			_, err := get(t, c, tt.url)
			var e *transport.Error
			if !errors.As(err, &e) || !errors.Is(err, pantry.ErrUnavailable) {
				t.Fatalf("got %v", err)
			}
			if e.Attempts != tt.attempts {
				t.Errorf("%d attempts", e.Attempts)
			}
			mustContain(t, err.Error(), tt.parts...)
			mustContain(t, pantry.Hint(err), `"proxy"`)
			if strings.Contains(fmt.Sprintf("%v %#v", err, err), password) {
				t.Errorf("%v shows the password", err)
			}
		})
	}
}

func TestBadProxies(t *testing.T) {
	t.Parallel()
	const password = "pr0xy-p4ss"
	for _, bad := range []string{
		"ftp://u:" + password + "@h", "http://u:" + password + "@", "http://u:" + password + "@h:port",
		"http://u:" + password + "%zz@h", "socks4://u:" + password + "@h", "http://",
	} {
		for name, o := range map[string]transport.Options{
			`"proxy"`:     {Proxy: bad},
			"HTTPS_PROXY": {Env: env("HTTPS_PROXY", bad)},
			"http_proxy":  {Env: env("http_proxy", bad)},
		} {
			o.URL = "https://r.example"
			if o.Env == nil {
				o.Env = env()
			}
			_, err := transport.New(o)
			checkConfigError(t, err, password)
			mustContain(t, err.Error(), name)
		}
	}
}
