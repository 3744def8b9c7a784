package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/pantry-go/pantry"
	"golang.org/x/net/http/httpproxy"
)

// proxies knows which proxy a URL is asked through.
type proxies struct {
	find    func(*url.URL) (*url.URL, error)
	source  string // where the setting is, for hints
	secrets []string
}

// setProxy reads the proxy settings. Messages never show a setting, which may hold a password.
func (c *Client) setProxy() error {
	env := func(names ...string) (string, string) {
		for _, name := range names {
			if v := c.o.Env(name); v != "" {
				return v, name
			}
		}
		return "", names[0]
	}
	cfg := httpproxy.Config{NoProxy: c.o.NoProxy, CGI: c.o.Env("REQUEST_METHOD") != ""}
	settings := []struct {
		value, source string
		to            *string
	}{{c.o.Proxy, `"proxy"`, &cfg.HTTPProxy}, {c.o.Proxy, `"proxy"`, &cfg.HTTPSProxy}}
	c.proxy.source = `"proxy" of this registry`
	if c.o.Proxy == "" {
		settings[0].value, settings[0].source = env("HTTP_PROXY", "http_proxy")
		settings[1].value, settings[1].source = env("HTTPS_PROXY", "https_proxy")
		no, _ := env("NO_PROXY", "no_proxy")
		cfg.NoProxy = strings.Trim(cfg.NoProxy+","+no, ",")
		c.proxy.source = "HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
	} else {
		cfg.CGI = false // that is about variables a client can set
	}
	for _, s := range settings {
		u, err := proxyURL(s.value)
		if err != nil {
			return pantry.WithHint(c.config("%s: %v", s.source, err), "write it as http://HOST:PORT or socks5://HOST:PORT")
		}
		if u == nil {
			continue
		}
		if password, ok := u.User.Password(); ok {
			c.proxy.secrets = append(c.proxy.secrets, password, u.User.Username()+":"+password)
		} else {
			c.proxy.secrets = append(c.proxy.secrets, u.User.Username()) // a token, then
		}
		*s.to = u.String()
	}
	c.proxy.find = cfg.ProxyFunc()
	return nil
}

// proxyURL reads a proxy setting, which may leave out "http://". "" is nil.
func proxyURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil
	}
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("the proxy's URL is malformed")
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, errors.New("the proxy's scheme must be http, https, socks5 or socks5h")
	}
	return &url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}, nil
}

// of is the proxy that u is asked through, without user information, or "".
func (p *proxies) of(u *url.URL) string {
	via, err := p.find(u)
	if err != nil || via == nil {
		return ""
	}
	return via.Scheme + "://" + via.Host
}

func (p *proxies) hint() string {
	return "check " + p.source + ", and the proxy's user name and password"
}

// proxyRefusal is the answer of a proxy that does not make a tunnel.
type proxyRefusal struct{ status int }

func (p *proxyRefusal) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", p.status, http.StatusText(p.status)))
}

// onConnect is called by http.Transport with a proxy's answer to CONNECT. What net/http would make
// of a refusal is text.
func onConnect(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &proxyRefusal{resp.StatusCode}
	}
	return nil
}

// proxyFailure names what went wrong at a proxy, or is nil.
func (c *Client) proxyFailure(to origin, via string, err error) *failure {
	if via == "" {
		return nil
	}
	var (
		refusal *proxyRefusal
		op      *net.OpError
		f       *failure
	)
	switch {
	case errors.As(err, &refusal):
		f = unavailable("the proxy %s does not connect to %s: %s", via, to.address(), refusal)
		f.again = transientStatus(refusal.status)
		f = f.because(err)
	case errors.As(err, &op) && strings.HasPrefix(op.Op, "socks"):
		f = unavailable("the proxy %s does not connect to %s: %s", via, to.address(), c.plainText(op.Err)).because(err)
	case errors.As(err, &op) && op.Op == "proxyconnect":
		_, host, _ := strings.Cut(via, "://")
		f = c.networkFailure(host, op.Err)
		f.phrase = "the proxy " + via + " cannot be used: " + f.phrase
	default:
		return nil
	}
	f.hint = c.proxy.hint()
	return f
}
