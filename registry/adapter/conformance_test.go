package adapter_test

import (
	"net/http"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

// rest is the REST convention, whose server is at hand, as a definition describes it.
func rest(t *testing.T) registrytest.Protocol {
	const maxAnswer = 1 << 20
	d, err := adapter.Load("testdata/rest.json")
	if err != nil {
		t.Fatal(err)
	}
	return registrytest.Protocol{
		Handler: func(r pantry.Registry) http.Handler { return custom.Handler(r, custom.HandlerOptions{}) },
		Client: func(t *testing.T, c *transport.Client) pantry.Registry {
			r, err := adapter.New(adapter.Options{Name: "test", Client: c, Definition: d, MaxAnswer: maxAnswer})
			if err != nil {
				t.Fatal(err)
			}
			return r
		},
		MaxAnswer: maxAnswer,
	}
}

func TestConformance(t *testing.T) { registrytest.Run(t, rest(t).Factory()) }
func TestFaults(t *testing.T)      { registrytest.RunFaults(t, rest(t)) }
