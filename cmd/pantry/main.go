// Command pantry is one client for every package registry a team uses.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/pantry-go/pantry/internal/cli"
)

func main() {
	log.SetOutput(io.Discard) // net/http logs what servers send there; it is not for users
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Process())
	stop()
	os.Exit(code)
}
