// Command cmd serves a small GitHub with sample repositories on three ports of the loopback
// interface, to try things by hand:
//
//	go run ./registry/github/githubtest/cmd
//	curl -s http://127.0.0.1:8490/repos/acme/tool/releases/latest
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/pantry-go/pantry/registry/github/githubtest"
)

func main() {
	port := flag.Int("port", 8490, "port of the API; the web and the storage have the next two, or any for 0")
	token := flag.String("token", "demo-token", "a token that may see everything")
	flag.Parse()
	if err := run(*port, *token); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(port int, token string) error {
	var listeners [3]net.Listener
	for i := range listeners {
		n := port
		if port != 0 {
			n += i
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", n))
		if err != nil {
			return err
		}
		listeners[i] = l
	}
	url := func(i int) string { return "http://" + listeners[i].Addr().String() }
	s := githubtest.New(githubtest.Options{Web: url(1), Storage: url(2)}, githubtest.Samples()...)
	s.AddToken(token, githubtest.Token{Login: "demo", Private: true, Push: true, Packages: true})

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	failed := make(chan error, len(listeners))
	var servers []*http.Server
	for i, h := range []http.Handler{s, s.Web(), s.Storage()} {
		srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
		servers = append(servers, srv)
		go func() { failed <- srv.Serve(listeners[i]) }()
	}
	fmt.Printf("API      %s   (token %s)\nweb      %s\nstorage  %s\nrepositories:", url(0), token, url(1), url(2))
	for _, r := range githubtest.Samples() {
		fmt.Print(" ", r.Name)
	}
	fmt.Println()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	for _, srv := range servers {
		err = errors.Join(err, srv.Close())
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
