package custom_test

import (
	"net/http"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

const maxAnswer = 1 << 20

func protocol(t *testing.T) registrytest.Protocol {
	return registrytest.Protocol{
		Handler: func(r pantry.Registry) http.Handler {
			return custom.Handler(r, custom.HandlerOptions{TempDir: t.TempDir()})
		},
		Client: func(t *testing.T, c *transport.Client) pantry.Registry {
			r, err := custom.New(custom.Options{Name: "test", Client: c, MaxAnswer: maxAnswer})
			if err != nil {
				t.Fatal(err)
			}
			return r
		},
		MaxAnswer: maxAnswer,
	}
}

func TestConformance(t *testing.T) { registrytest.Run(t, protocol(t).Factory()) }

func TestFaults(t *testing.T) { registrytest.RunFaults(t, protocol(t)) }
