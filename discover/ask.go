package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// Options of Ask. The zero value is useful.
type Options struct {
	// UserAgent is sent. "" means the transport's own.
	UserAgent string
	// Insecure allows plain http to a host that is not this machine, where the host was given with
	// http://.
	Insecure bool
	// Resolver looks up SRV records. nil means that of package net.
	Resolver Resolver
	// Transport may change what the client of each host is made of.
	Transport func(*transport.Options)
}

// Resolver looks up SRV records, in the order in which they are to be tried, as net.Resolver does.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, addrs []*net.SRV, err error)
}

// Service is the name of the service in DNS: _pantry._tcp.HOST.
const Service = "pantry"

const (
	// maxTargets bounds the hosts of SRV records that are asked: more than a team runs.
	maxTargets = 8
	// answerTime bounds the wait for one host, and lookupTime that for DNS: a person waits.
	answerTime = 10 * time.Second
	lookupTime = 5 * time.Second
	// askRetries is how often one host is asked again after a failure that may pass.
	askRetries = 1
)

// Answer is what a host says.
type Answer struct {
	// URL is where the document was, after redirects.
	URL string
	// Via is "well-known" for a document of the host asked, "dns" for one that DNS led to.
	Via       string
	Proposals []Proposal
}

// Ask asks a host for its registries: HOST, HOST:PORT, or a URL of one. Its document counts; where
// there is none, or none that can be read, the hosts that its DNS records name are asked in their order. It is asked by https;
// this machine itself, where no scheme is given, by http.
//
// The error matches [pantry.ErrNotFound] where there is neither document nor record.
func Ask(ctx context.Context, host string, o Options) (Answer, error) {
	base, err := baseOf(host, o.Insecure)
	if err != nil {
		return Answer{}, err
	}
	a, err := o.document(ctx, base, base.Hostname())
	a.Via = "well-known"
	if err == nil || ctx.Err() != nil || !named(base.Hostname()) {
		return a, o.explained(err, base)
	}
	for _, target := range o.targets(ctx, base.Hostname()) {
		at, err2 := o.document(ctx, target, base.Hostname())
		if err2 == nil {
			at.Via = "dns"
			return at, nil
		}
		err = errors.Join(err, err2)
	}
	return a, o.explained(err, base)
}

func (o Options) explained(err error, base *url.URL) error {
	if errors.Is(err, pantry.ErrNotFound) {
		return pantry.WithHint(err, "a host says which registries it has at %s%s, or by a DNS record _%s._tcp.%s; add one by hand with pantry registry add NAME URL",
			base, WellKnown, Service, base.Hostname())
	}
	return err
}

// baseOf is the origin of a host as a person writes it.
func baseOf(host string, insecure bool) (*url.URL, error) {
	bad := func(format string, args ...any) error {
		err := fmt.Errorf("%w: %s", pantry.ErrConfig, fmt.Sprintf(format, args...))
		return pantry.WithHint(err, "write it like packages.acme.example")
	}
	raw := host
	if !strings.Contains(host, "://") {
		raw = "https://" + host
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "" || strings.ContainsAny(u.Host, "% "):
		return nil, bad("%q is no host", printable(host))
	case u.User != nil:
		return nil, bad("a host is asked without user name and password")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, bad("%q is no host: expected https://", printable(host))
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, bad("%q: expected a host without a path", printable(host))
	}
	switch {
	case raw != host && loopback(u.Hostname()):
		u.Scheme = "http"
	case u.Scheme == "http" && !loopback(u.Hostname()) && !insecure:
		return nil, pantry.WithHint(fmt.Errorf("%w: what plain http brings from %q can be changed by others", pantry.ErrConfig, u.Host),
			"use https, or say --insecure")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// named says whether a host can have records in DNS.
func named(host string) bool { return net.ParseIP(host) == nil && !loopback(host) }

// document reads the document of one host. asked is the host that the person named.
func (o Options) document(ctx context.Context, base *url.URL, asked string) (Answer, error) {
	retries := askRetries
	to := transport.Options{
		Registry: base.Host, URL: base.String(), UserAgent: o.UserAgent, Timeout: answerTime, Total: 2 * answerTime,
		Retries: &retries, Insecure: o.Insecure,
	}
	if o.Transport != nil {
		o.Transport(&to)
	}
	c, err := transport.New(to)
	if err != nil {
		return Answer{}, err
	}
	defer c.CloseIdleConnections()
	at := base.String() + WellKnown
	resp, data, err := c.GetAll(ctx, at, http.Header{"Accept": {"application/json"}}, MaxDocument)
	if err != nil {
		return Answer{}, fmt.Errorf("ask %s for its registries: %w", printable(base.Host), err)
	}
	found := resp.Request.URL
	proposals, err := Parse(data, &url.URL{Scheme: found.Scheme, Host: found.Host, Path: found.Path})
	if err != nil {
		return Answer{}, fmt.Errorf("ask %s for its registries: %w", printable(base.Host), err)
	}
	if !strings.EqualFold(found.Hostname(), asked) {
		for i := range proposals {
			proposals[i].Note("%s leads to this document on %s", printable(asked), printable(found.Hostname()))
		}
	}
	return Answer{URL: found.Scheme + "://" + found.Host + found.Path, Proposals: proposals}, nil
}

// targets are the hosts that DNS names for another one; none where it cannot be asked. Their names are
// not proven by anything, so they are asked by https, and shown.
func (o Options) targets(ctx context.Context, host string) []*url.URL {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	var r Resolver = net.DefaultResolver
	if o.Resolver != nil {
		r = o.Resolver
	}
	_, records, err := r.LookupSRV(ctx, Service, "tcp", host)
	if err != nil {
		return nil
	}
	var out []*url.URL
	for _, s := range records {
		name := strings.TrimSuffix(s.Target, ".")
		if name == "" || len(out) == maxTargets { // "." says that there is no such service
			continue
		}
		u, err := url.Parse("https://" + net.JoinHostPort(name, strconv.Itoa(int(s.Port))))
		if err == nil && u.Hostname() == name {
			if s.Port == 443 {
				u.Host = name
			}
			out = append(out, u)
		}
	}
	return out
}
