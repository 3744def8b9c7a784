package transport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

func requestCert() *tls.Config { return &tls.Config{ClientAuth: tls.RequestClientCert} }

func certPEM(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// keyPair writes a self-signed client certificate.
func keyPair(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile = write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	keyFile = write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	return certFile, keyFile
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	asked := 0
	s, ca := serveTLS(t, func(http.ResponseWriter, *http.Request) { asked++ })
	localhost := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	at := func(year int) func() time.Time {
		return func() time.Time { return time.Date(year, 1, 2, 3, 4, 5, 0, time.UTC) }
	}
	tests := []struct {
		name, url    string
		o            transport.Options
		phrase, hint string
	}{
		{"unknown authority", s.URL, transport.Options{}, "from an unknown authority", `set "caFile" for registry "acme"`},
		{"other host", localhost, transport.Options{CA: ca}, "is for another host: example.com", "url"},
		{"expired", s.URL, transport.Options{CA: ca, Now: at(2400)}, "expired on 2", "which says 2400-01-02 03:04:05 UTC"},
		{"not yet valid", s.URL, transport.Options{CA: ca, Now: at(1960)}, "is not valid before 1970-01-01", "clock"},
		{"no TLS there", "https://" + strings.TrimPrefix(serve(t, http.NotFound).URL, "http://"), transport.Options{}, "does not speak TLS", "https"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			slept := new(pauses)
			tt.o.URL, tt.o.Registry, tt.o.Sleep = tt.url, "acme", slept.sleep
			_, err := get(t, newClient(t, tt.o), tt.url)
			if !errors.Is(err, pantry.ErrUnavailable) {
				t.Fatalf("got %v", err)
			}
			mustContain(t, err.Error(), tt.phrase, strings.TrimPrefix(tt.url, "https://"))
			mustContain(t, pantry.Hint(err), tt.hint)
			if len(slept.all()) > 0 {
				t.Error("was asked again")
			}
		})
	}
	if asked > 0 {
		t.Errorf("%d requests were sent", asked)
	}
}

func TestCA(t *testing.T) {
	t.Parallel()
	for _, http2 := range []*bool{nil, ptr(false)} {
		proto := ""
		s, ca := serveTLS(t, func(_ http.ResponseWriter, r *http.Request) { proto = r.Proto })
		for _, o := range []transport.Options{{CA: ca}, {CAFile: write(t, "ca.pem", ca)}} {
			o.URL, o.HTTP2 = s.URL, http2
			if _, err := get(t, newClient(t, o), s.URL); err != nil {
				t.Fatal(err)
			}
		}
		want := "HTTP/2.0"
		if http2 != nil {
			want = "HTTP/1.1"
		}
		if proto != want {
			t.Errorf("spoke %s, want %s", proto, want)
		}
	}
}

func TestRefusedClientCertificate(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	_, err := get(t, newClient(t, transport.Options{URL: s.URL, CA: certPEM(s)}), s.URL)
	if !errors.Is(err, pantry.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	mustContain(t, pantry.Hint(err), "certFile")
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	cert, key := keyPair(t)
	junk := write(t, "junk.pem", []byte("no PEM"))
	tests := map[string]transport.Options{
		"caFile: ":   {CAFile: filepath.Join(t.TempDir(), "none.pem")},
		"junk.pem":   {CAFile: junk},
		"ca: ":       {CA: []byte("x")},
		"belong":     {CertFile: cert},
		"certFile: ": {CertFile: filepath.Join(t.TempDir(), "none.pem"), KeyFile: key},
		"keyFile ":   {CertFile: cert, KeyFile: junk},
		"missing":    {KeyFile: key},
	}
	for want, o := range tests {
		o.URL = "https://r.example"
		_, err := transport.New(o)
		checkConfigError(t, err)
		mustContain(t, err.Error(), want)
	}
}
