package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

const (
	// maxHeader bounds the header of a response, informational ones before it included, in bytes.
	maxHeader = 1 << 20
	// maxPEM bounds a file of certificates, in bytes. The system's own have some 250 kB.
	maxPEM = 8 << 20
	// idleConn is how long a connection waits for another request.
	idleConn = 90 * time.Second
	// pingAfter is the silence after which an HTTP/2 connection is asked whether it lives.
	pingAfter = 15 * time.Second
	// tlsSessions is the number of TLS sessions that are kept for resumption.
	tlsSessions = 64
	// readBuffer is that of a connection, in bytes: artifacts are read in large pieces.
	readBuffer = 32 << 10
)

// newBase makes the wire. A client certificate tells who asks, so it is on a wire of its own that
// only the registry's own origin is asked through.
func (c *Client) newBase() (http.RoundTripper, error) {
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	cert, err := c.certificate()
	if err != nil {
		return nil, err
	}
	anyone := c.wire(roots, nil)
	if cert == nil {
		return anyone, nil
	}
	c.shown = cert[0].Certificate[0]
	own := c.wire(roots, cert)
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if o, err := originOf(req.URL); err == nil && o == c.origin {
			return own.RoundTrip(req)
		}
		return anyone.RoundTrip(req)
	}), nil
}

func (c *Client) wire(roots *x509.CertPool, certs []tls.Certificate) *http.Transport {
	dial := c.o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: c.o.Connect, KeepAlive: 15 * time.Second}).DialContext
	}
	http2 := c.o.HTTP2 == nil || *c.o.HTTP2
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(http2)
	t := &http.Transport{
		Proxy:                  func(r *http.Request) (*url.URL, error) { return c.proxy.find(r.URL) },
		OnProxyConnectResponse: onConnect,
		DialContext:            dial,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            roots,
			Certificates:       certs,
			Time:               c.o.Now,
			ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
		},
		TLSHandshakeTimeout:    c.o.Connect,
		ResponseHeaderTimeout:  c.o.Timeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeader,
		MaxConnsPerHost:        c.o.MaxConns,
		MaxIdleConnsPerHost:    c.o.MaxConns,
		IdleConnTimeout:        idleConn,
		ReadBufferSize:         readBuffer,
		DisableCompression:     true, // see inflate.go
		ForceAttemptHTTP2:      http2,
		Protocols:              protocols,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
	}
	c.wires = append(c.wires, t)
	return t
}

// roots is the system's pool and the configured certificates, or nil for the system's alone.
func (c *Client) roots() (*x509.CertPool, error) {
	if c.o.CAFile == "" && len(c.o.CA) == 0 {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if c.o.CAFile != "" {
		pem, err := readFile(c.o.CAFile)
		if err != nil {
			return nil, c.config("caFile: %v", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, c.config("caFile: %s holds no certificate in PEM", c.o.CAFile)
		}
	}
	if len(c.o.CA) > 0 && !pool.AppendCertsFromPEM(c.o.CA) {
		return nil, c.config("ca: no certificate in PEM")
	}
	return pool, nil
}

// certificate reads the client certificate; nil means none.
func (c *Client) certificate() ([]tls.Certificate, error) {
	certFile, keyFile := c.o.CertFile, c.o.KeyFile
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil
	case certFile == "" || keyFile == "":
		return nil, c.config("certFile and keyFile belong together, but one is missing")
	}
	cert, err := readFile(certFile)
	if err != nil {
		return nil, c.config("certFile: %v", err)
	}
	key, err := readFile(keyFile)
	if err != nil {
		return nil, c.config("keyFile: %v", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, c.config("certFile %s and keyFile %s: %v", certFile, keyFile, err)
	}
	return []tls.Certificate{pair}, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	if err == nil && len(data) > maxPEM {
		err = fmt.Errorf("%s: %w", name, errors.New("the file is too large"))
	}
	return data, err
}
