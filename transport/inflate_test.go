package transport_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// A compressed body is inflated at once if its length is known and not too large, and otherwise as it comes:
// nobody can tell which.
func TestCompressedBodies(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 5<<20)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	text := bytes.Repeat([]byte("content "), 10_000)
	packed, large := zip(t, text), zip(t, noise)
	damaged := func(p []byte) []byte {
		p = bytes.Clone(p)
		p[len(p)-6] ^= 1
		return p
	}
	tests := map[string]struct {
		packed, want []byte
		limit        int64
		kind         error
		phrase       string
	}{
		"text":           {packed, text, 1 << 20, nil, ""},
		"at the limit":   {packed, text, int64(len(text)), nil, ""},
		"over the limit": {packed, nil, int64(len(text)) - 1, pantry.ErrInvalid, "larger than 79999 bytes"},
		"members":        {append(bytes.Clone(packed), packed...), append(bytes.Clone(text), text...), 1 << 20, nil, ""},
		"empty":          {nil, nil, 1 << 20, nil, ""},
		"of nothing":     {zip(t, nil), nil, 1 << 20, nil, ""},
		"large":          {large, noise, 1 << 30, nil, ""},
		"large, limited": {large, nil, 1 << 20, pantry.ErrInvalid, "larger than 1048576 bytes"},
		"damaged":        {damaged(packed), nil, 1 << 20, pantry.ErrInvalid, "corrupt"},
		"large, damaged": {damaged(large), nil, 1 << 30, pantry.ErrInvalid, "corrupt"},
		"cut":            {packed[:len(packed)-9], nil, 1 << 20, pantry.ErrUnavailable, "compressed answer broke off"},
		"cut in header":  {packed[:9], nil, 1 << 20, pantry.ErrUnavailable, "compressed answer broke off"},
		"large, cut":     {large[:len(large)-9], nil, 1 << 30, pantry.ErrUnavailable, "compressed answer broke off"},
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		p := tests[r.URL.Query().Get("test")].packed
		w.Header().Set("Content-Encoding", "gzip")
		if r.URL.Path == "/announced" {
			w.Header().Set("Content-Length", strconv.Itoa(len(p)))
		} else {
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = w.Write(p)
	})
	c := newClient(t, transport.Options{URL: s.URL, Retries: ptr(1)})
	for name, tt := range tests {
		for _, path := range []string{"/announced", "/chunked"} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				url := s.URL + path + "?test=" + strings.ReplaceAll(name, " ", "%20")
				resp, data, err := c.GetAll(t.Context(), url, nil, tt.limit)
				if !errors.Is(err, tt.kind) || !bytes.Equal(data, tt.want) {
					t.Fatalf("%d bytes, %v; want %d, %v", len(data), err, len(tt.want), tt.kind)
				}
				if err != nil {
					mustContain(t, err.Error(), tt.phrase)
					return
				}
				if n, err := resp.Body.Read(make([]byte, 1)); n > 0 || err == nil {
					t.Errorf("the body has %d bytes more, %v", n, err)
				}
				if piecemeal, err := readSome(t, c, url); err != nil || !bytes.Equal(piecemeal, tt.want) {
					t.Errorf("piecemeal: %d bytes, %v", len(piecemeal), err)
				}
			})
		}
	}
}

// readSome reads a body that is begun by somebody else than ReadAll.
func readSome(t *testing.T, c *transport.Client, url string) ([]byte, error) {
	t.Helper()
	resp, err := c.Get(t.Context(), url, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	first := make([]byte, 7)
	n, err := io.ReadFull(resp.Body, first)
	if err == io.EOF {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rest, err := transport.ReadAll(resp.Body, -1, 1<<30)
	return append(first[:n], rest...), err
}
