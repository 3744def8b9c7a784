package registrytest

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// Network is a network in memory: servers by host name, and hosts with which something is wrong. Nothing of it
// leaves the process, so that what happens on it takes the time of a testing/synctest bubble.
//
// It is safe for concurrent use.
type Network struct {
	// Connect is how long a connection may take, as net.Dialer's Timeout.
	Connect time.Duration

	mu      sync.Mutex
	hosts   map[string]Host
	servers []*http.Server
}

// Host takes a connection, of which it is given the server's end, or says why there is none. ctx ends when
// the caller does not wait any longer.
type Host func(ctx context.Context, server net.Conn) error

// NewNetwork returns a network without hosts.
func NewNetwork() *Network {
	return &Network{Connect: 5 * time.Second, hosts: map[string]Host{}}
}

// Set puts a host on the network under a name, whatever the port.
func (n *Network) Set(name string, h Host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[name] = h
}

// Serve puts a server on the network. wrap may change the connections that it takes: nil does not.
func (n *Network) Serve(name string, h http.Handler, wrap func(net.Conn) net.Conn) {
	l := &listener{accepted: make(chan net.Conn), closed: make(chan struct{})}
	s := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = s.Serve(l) }()
	n.mu.Lock()
	n.servers = append(n.servers, s)
	n.mu.Unlock()
	n.Set(name, func(ctx context.Context, server net.Conn) error {
		if wrap != nil {
			server = wrap(server)
		}
		select {
		case l.accepted <- server:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-l.closed:
			return Refused(ctx, server)
		}
	})
}

// Dial connects to a host: it stands for net.Dialer's DialContext.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	host := n.hosts[name]
	n.mu.Unlock()
	if host == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}}
	}
	ctx, cancel := context.WithTimeout(ctx, n.Connect)
	defer cancel()
	client, server := pipe()
	if err := host(ctx, server); err != nil {
		_ = client.Close()
		if ctx.Err() != nil {
			err = os.ErrDeadlineExceeded // as the dialer has it
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return client, nil
}

// Close stops the servers.
func (n *Network) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.servers {
		_ = s.Close()
	}
}

// Refused is a host on which nobody listens.
func Refused(context.Context, net.Conn) error {
	return os.NewSyscallError("connect", syscall.ECONNREFUSED)
}

// BlackHole is a host from which nothing comes back, not even that there is none.
func BlackHole(ctx context.Context, _ net.Conn) error {
	<-ctx.Done()
	return ctx.Err()
}

// Silent is a host that takes connections, reads, and says nothing.
func Silent(_ context.Context, server net.Conn) error {
	go func() { _, _ = io.Copy(io.Discard, server) }()
	return nil
}

// Says is a host that reads the first bytes of whatever is sent, answers text, and closes the connection.
func Says(text string) Host {
	return func(_ context.Context, server net.Conn) error {
		go func() {
			defer server.Close()
			if _, err := server.Read(make([]byte, 64<<10)); err == nil {
				_, _ = io.WriteString(server, text)
			}
		}()
		return nil
	}
}

// Resets is a host that takes a connection and breaks it at the first byte.
func Resets(_ context.Context, server net.Conn) error {
	go func() {
		_, _ = server.Read(make([]byte, 1))
		_ = server.Close()
	}()
	return nil
}

// listener gives a server the connections of a network.
type listener struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }
