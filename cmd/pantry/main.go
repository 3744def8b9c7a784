// Command pantry is one client for every package registry a team uses.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/pantry-go/pantry/internal/cli"
)

func main() {
	collectLater()
	log.SetOutput(io.Discard) // net/http logs what servers send there; it is not for users
	os.Exit(cli.Main(context.Background(), cli.Process()))
}

// collectLater puts the first garbage collection off until the heap has 32 MiB instead of 4: most
// commands end before that, and those that don't collect as usual from then on. Whoever sets GOGC
// knows better.
func collectLater() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(800)
	runtime.AddCleanup(new([64]byte), func(percent int) { debug.SetGCPercent(percent) }, 100)
}
