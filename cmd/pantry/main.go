// Command pantry is one client for every package registry a team uses.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/pantry-go/pantry/internal/cli"
)

func main() {
	log.SetOutput(io.Discard) // net/http logs what servers send there; it is not for users
	os.Exit(cli.Main(context.Background(), cli.Process()))
}
