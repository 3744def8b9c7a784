package stats_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/stats"
)

// Count what a manager's registries are asked.
func ExampleRecorder() {
	server := httptest.NewServer(custom.Handler(registrytest.NewMemory("acme",
		registrytest.Pkg{Name: "@acme/ui", Version: "1.2.0"},
	), custom.HandlerOptions{}))
	defer server.Close()

	var counts stats.Recorder
	manager := registry.NewManager(registry.Options{
		Observe:         counts.Exchange,
		ObserveBody:     counts.Transfer,
		ObserveBreaker:  counts.Breaker,
		ObserveDecision: counts.Decision,
	})
	if err := manager.Add(registry.Config{Name: "acme", Type: "custom", URL: server.URL}); err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"@acme/ui", "@acme/nothing"} {
		_, _, _ = manager.Metadata(context.Background(), name, "")
	}

	counted := counts.Stats()
	acme := counted.Registry("acme")
	total := acme.Total()
	fmt.Printf("%d of %d lookups found\n", acme.Found, acme.Lookups)
	fmt.Printf("%d of %d requests succeeded\n", total.Succeeded(), total.Requests)
	// Output:
	// 1 of 2 lookups found
	// 2 of 2 requests succeeded
}
