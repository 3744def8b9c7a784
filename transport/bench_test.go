package transport_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/pantry-go/pantry/transport"
)

// BenchmarkGet compares with a bare http.Client, over loopback.
func BenchmarkGet(b *testing.B) {
	var packument bytes.Buffer
	for i := range 100000 {
		_, _ = fmt.Fprintf(&packument, `"%d.0.0":{"name":"x","version":"%d.0.0","dist":{"shasum":"%x"}},`, i, i, i*i*i*7919)
	}
	bodies := map[string][]byte{"small": []byte("{}"), "large": packument.Bytes()}
	for name, body := range bodies {
		packed := zip(b, body)
		s := serve(b, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed)
		})
		b.Run(name+"/transport", func(b *testing.B) {
			c := newClient(b, transport.Options{URL: s.URL, Credentials: []transport.Credential{transport.Bearer(secret("token"), "t")}})
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				resp, err := c.Get(b.Context(), s.URL, nil)
				if err != nil {
					b.Fatal(err)
				}
				data, err := transport.ReadAll(resp.Body, resp.ContentLength, 1<<30)
				if err != nil || len(data) != len(body) {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
			}
		})
		b.Run(name+"/net/http", func(b *testing.B) {
			c := s.Client()
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				resp, err := c.Get(s.URL)
				if err != nil {
					b.Fatal(err)
				}
				data, err := io.ReadAll(resp.Body)
				if err != nil || len(data) != len(body) {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
			}
		})
	}
}
