package transport

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// origin is who a URL belongs to (RFC 6454). Two are the same only if all fields are.
type origin struct {
	scheme, host string
	port         uint16
}

func originOf(u *url.URL) (origin, error) {
	o := origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Hostname())}
	switch o.scheme {
	case "http":
		o.port = 80
	case "https":
		o.port = 443
	case "":
		return origin{}, errors.New("no scheme; only http and https are known")
	default:
		return origin{}, errors.New("the scheme is neither http nor https")
	}
	if o.host == "" {
		return origin{}, errors.New("no host")
	}
	if a, err := netip.ParseAddr(o.host); err == nil {
		o.host = a.String() // one spelling of each IPv6 address
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return origin{}, errors.New("the port is not a number from 1 to 65535")
		}
		o.port = uint16(n)
	}
	return o, nil
}

// OriginOf is the origin of a URL as an [Exchange] has it; "" for what is no http or https URL.
func OriginOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	o, err := originOf(u)
	if err != nil {
		return ""
	}
	return o.String()
}

// loopback says whether the host is this machine. Of names, only localhost is: RFC 6761 wants the
// names below it to be too, but not every resolver obeys.
func (o origin) loopback() bool {
	if o.host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(o.host)
	return err == nil && a.Unmap().IsLoopback()
}

// String is scheme://host, with the port if it is not the scheme's own.
func (o origin) String() string { return o.scheme + "://" + o.address() }

// address is the host, with the port if it is not the scheme's own.
func (o origin) address() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if (o.scheme == "http" && o.port == 80) || (o.scheme == "https" && o.port == 443) {
		return host
	}
	return host + ":" + strconv.Itoa(int(o.port))
}

// maxURL bounds a URL in messages, in bytes. A header may hold 1 MiB.
const maxURL = 1 << 10

const redacted = "[redacted]"

// RedactURL removes user information, the values of query parameters, and the fragment. A string
// that cannot be read as a URL is not shown at all.
func RedactURL(u string) string {
	p, err := url.Parse(u)
	if err != nil {
		return "(malformed URL)"
	}
	p.User, p.Fragment, p.RawFragment = nil, "", ""
	if p.Opaque != "" {
		p.Opaque = redacted
	}
	query := redactQuery(p.RawQuery)
	p.RawQuery, p.ForceQuery = "", false
	s := p.String()
	if query != "" {
		s += "?" + query
	}
	return bound(clean(s), maxURL)
}

func redactQuery(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.Split(raw, "&")
	for i, pair := range pairs {
		name, _, ok := strings.Cut(pair, "=")
		if ok {
			pairs[i] = name + "=" + redacted
		} else {
			pairs[i] = redacted // a value without a name, as likely as a name without one
		}
	}
	return strings.Join(pairs, "&")
}
