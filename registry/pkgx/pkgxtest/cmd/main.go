// Command cmd serves sample bottles on the loopback interface, to try a pkgx registry without a
// network:
//
//	go run ./registry/pkgx/pkgxtest/cmd -addr 127.0.0.1:8088
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

	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8088", "`address` to listen on")
	verbose := flag.Bool("v", false, "print every request")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, *addr, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, addr string, verbose bool) error {
	samples := pkgxtest.New(pkgxtest.Samples()...)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("serving at http://%s\n", l.Addr())
	for _, p := range samples.Paths() {
		fmt.Println("  /" + p)
	}
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if verbose {
			fmt.Println(r.Method, r.URL.Path)
		}
		samples.ServeHTTP(w, r)
	})}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
