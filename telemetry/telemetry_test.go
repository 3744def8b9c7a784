package telemetry_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/stats"
	"github.com/pantry-go/pantry/telemetry"
	"github.com/pantry-go/pantry/transport"
)

// collector keeps what it is sent.
type collector struct {
	mu   sync.Mutex
	got  map[string][]any // documents by path
	head []http.Header
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = z
	}
	var doc any
	if err := json.NewDecoder(body).Decode(&doc); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "no OTLP", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.got == nil {
		c.got = map[string][]any{}
	}
	c.got[r.URL.Path] = append(c.got[r.URL.Path], doc)
	c.head = append(c.head, r.Header.Clone())
	_, _ = io.WriteString(w, "{}")
}

// at follows keys and indexes into a document.
func at(t *testing.T, doc any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch key := p.(type) {
		case string:
			m, _ := doc.(map[string]any)
			doc = m[key]
		case int:
			l, _ := doc.([]any)
			if key >= len(l) {
				t.Fatalf("no %v in %v", path, doc)
			}
			doc = l[key]
		}
	}
	return doc
}

// attributes makes text of a list of attributes.
func attributes(t *testing.T, list any) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, a := range list.([]any) {
		for _, v := range at(t, a, "value").(map[string]any) {
			out[at(t, a, "key").(string)] = fmt.Sprint(v)
		}
	}
	return out
}

func env(kv ...string) func(string) (string, bool) {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

func session(t *testing.T, kv ...string) *telemetry.Session {
	t.Helper()
	o, ok, err := telemetry.FromEnv(env(kv...))
	if err != nil || !ok {
		t.Fatalf("nothing is sent: %v", err)
	}
	o.Version = "1.2.3"
	return telemetry.Start(o)
}

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
)

func TestTraces(t *testing.T) {
	t.Parallel()
	c := &collector{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	s := session(t, "OTEL_EXPORTER_OTLP_ENDPOINT", server.URL+"/base/", "OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b,y=2",
		"OTEL_RESOURCE_ATTRIBUTES", "team=web", "TRACEPARENT", "00-"+traceID+"-"+spanID+"-01")
	start := time.Now()
	s.Exchange(transport.Exchange{
		Registry: "acme", Method: "GET", URL: "https://acme.example/x?token=[redacted]", Origin: "https://acme.example",
		Start: start, Duration: time.Second, Status: 503, Attempt: 2, Credential: "file:1",
	})
	s.Exchange(transport.Exchange{
		Registry: "acme", Method: "GET", URL: "http://acme.example:81/", Origin: "http://acme.example:81",
		Start: start, Duration: time.Second, Failure: transport.FailureDNS, Err: errors.New("not known"), Attempt: 1,
	})
	s.Decision(registry.Decision{
		Name: "left-pad", Wanted: "^1", Registry: "npm", Duration: time.Minute,
		Attempts: []registry.Attempt{{Registry: "acme", Asked: true, Outcome: registry.Unavailable}, {Registry: "npm", Asked: true, Outcome: registry.Found}},
	})
	s.Span("link", start, start.Add(time.Second), "", telemetry.Attr{Key: "pantry.packages", Value: 7})
	parent := s.TraceParent()
	if err := s.End(t.Context(), "install", 1, stats.Stats{}); err != nil {
		t.Fatal(err)
	}

	if len(c.got["/base/v1/traces"]) != 1 || len(c.got["/base/v1/metrics"]) != 1 {
		t.Fatalf("the collector got %v", c.got)
	}
	for _, h := range c.head {
		if h.Get("X-Key") != "a b" || h.Get("Y") != "2" {
			t.Errorf("headers %v", h)
		}
	}
	resource := at(t, c.got["/base/v1/traces"][0], "resourceSpans", 0)
	want := map[string]string{"service.name": "pantry", "service.version": "1.2.3", "team": "web"}
	if diff := cmp.Diff(want, attributes(t, at(t, resource, "resource", "attributes"))); diff != "" {
		t.Error(diff)
	}
	spans := at(t, resource, "scopeSpans", 0, "spans").([]any)
	root := at(t, spans[0], "spanId").(string)
	if parent != "00-"+traceID+"-"+root+"-01" || at(t, spans[0], "parentSpanId") != spanID {
		t.Errorf("the command is %s, below %v", parent, at(t, spans[0], "parentSpanId"))
	}
	var got []string
	ids := map[string]bool{}
	for i, one := range spans {
		id := at(t, one, "spanId").(string)
		if at(t, one, "traceId") != traceID || len(id) != 16 || ids[id] || i > 0 && at(t, one, "parentSpanId") != root {
			t.Errorf("span %v", one)
		}
		ids[id] = true
		from, to := at(t, one, "startTimeUnixNano").(string), at(t, one, "endTimeUnixNano").(string)
		if len(from) != 19 || from > to {
			t.Errorf("from %s to %s", from, to)
		}
		attrs := attributes(t, at(t, one, "attributes"))
		var list []string
		for _, k := range slices.Sorted(maps.Keys(attrs)) {
			list = append(list, k+"="+attrs[k])
		}
		got = append(got, fmt.Sprintf("%v %v %v: %s", at(t, one, "name"), at(t, one, "kind"), at(t, one, "status", "message"), strings.Join(list, " ")))
	}
	wantSpans := []string{
		"pantry install 1 exit code 1: error.type=exit code 1 pantry.command=install process.exit.code=1",
		"GET 3 503: error.type=503 http.request.method=GET http.request.resend_count=1 http.response.status_code=503 " +
			"pantry.registry=acme server.address=acme.example server.port=443 url.full=https://acme.example/x?token=[redacted]",
		"GET 3 dns: error.type=dns http.request.method=GET pantry.registry=acme server.address=acme.example server.port=81 url.full=http://acme.example:81/",
		"lookup 1 <nil>: pantry.asked=acme: unavailable, npm: found pantry.package=left-pad pantry.registry=npm pantry.wanted=^1",
		"link 1 <nil>: pantry.packages=7",
	}
	if diff := cmp.Diff(wantSpans, got); diff != "" {
		t.Error(diff)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env         []string
		temporality float64
	}{
		"usual":      {nil, 1},
		"cumulative": {[]string{"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative", "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &collector{}
			server := httptest.NewServer(c)
			t.Cleanup(server.Close)
			s := session(t, append(tt.env, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", server.URL+"/m")...)
			var r stats.Recorder
			for i := range 3 {
				e := transport.Exchange{Registry: "acme", Origin: "https://acme.example", Start: time.Now(), Duration: time.Duration(i+1) * 10 * time.Millisecond, Status: 200}
				if i == 2 {
					e.Status, e.Quota = 429, &transport.Quota{Resource: "core", Remaining: 3}
				}
				r.Exchange(e)
			}
			r.Transfer(transport.Transfer{Registry: "acme", Origin: "https://acme.example", Bytes: 100})
			r.Decision(registry.Decision{Name: "secret-name", Attempts: []registry.Attempt{{Registry: "acme", Asked: true, Outcome: registry.Found}}})
			if err := s.End(t.Context(), "info", 0, r.Stats()); err != nil {
				t.Fatal(err)
			}
			if len(c.got) != 1 {
				t.Fatalf("the collector got %v", c.got)
			}
			if text, _ := json.Marshal(c.got); strings.Contains(string(text), "secret-name") {
				t.Errorf("the name of a package is in %s", text)
			}
			var got []string
			for _, m := range at(t, c.got["/m"][0], "resourceMetrics", 0, "scopeMetrics", 0, "metrics").([]any) {
				for kind, data := range m.(map[string]any) {
					if kind == "name" || kind == "unit" {
						continue
					}
					if temporality := at(t, data, "aggregationTemporality"); kind != "gauge" && temporality != tt.temporality {
						t.Errorf("%v: temporality %v", m, temporality)
					}
					for _, p := range at(t, data, "dataPoints").([]any) {
						attrs := attributes(t, at(t, p, "attributes"))
						line := fmt.Sprintf("%v %s %s", at(t, m, "name"), kind, attrs["pantry.result"]+attrs["pantry.quota"])
						if kind == "histogram" {
							line += checkHistogram(t, p)
						} else {
							line += fmt.Sprint(" ", at(t, p, "asInt"))
						}
						got = append(got, line)
						if at(t, m, "name") != "pantry.command.duration" && attrs["pantry.registry"] != "acme" {
							t.Errorf("attributes %v", attrs)
						}
					}
				}
			}
			want := []string{
				"pantry.command.duration histogram  1",
				"pantry.lookups sum  1",
				"pantry.requests sum ok 2",
				"pantry.requests sum rate-limited 1",
				"pantry.request.duration histogram  3",
				"pantry.received sum  100",
				"pantry.quota.remaining gauge core 3",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// checkHistogram returns the count of a point whose buckets add up to it.
func checkHistogram(t *testing.T, p any) string {
	t.Helper()
	buckets, bounds := at(t, p, "bucketCounts").([]any), at(t, p, "explicitBounds").([]any)
	if len(buckets) != len(bounds)+1 {
		t.Errorf("%d buckets, %d bounds", len(buckets), len(bounds))
	}
	n := 0
	for _, b := range buckets {
		var one int
		_, _ = fmt.Sscan(b.(string), &one)
		n += one
	}
	if count := at(t, p, "count"); fmt.Sprint(n) != count {
		t.Errorf("%d in buckets, of %v", n, count)
	}
	return fmt.Sprint(" ", n)
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env  []string
		ok   bool
		fail string
	}{
		"nothing":            {nil, false, ""},
		"an endpoint":        {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"}, true, ""},
		"an exporter":        {[]string{"OTEL_TRACES_EXPORTER", "otlp"}, true, ""},
		"disabled":           {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318", "OTEL_SDK_DISABLED", "true"}, false, ""},
		"no exporter":        {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318", "OTEL_TRACES_EXPORTER", "none", "OTEL_METRICS_EXPORTER", "none"}, false, ""},
		"another exporter":   {[]string{"OTEL_TRACES_EXPORTER", "console"}, false, ""},
		"gRPC":               {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}, false, `"grpc" is not supported`},
		"gRPC of one signal": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc"}, false, `"grpc" is not supported`},
		"protobuf":           {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}, true, ""},
		"no URL":             {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"}, false, "no http or https URL"},
		"only a name":        {[]string{"OTEL_SERVICE_NAME", "x"}, false, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ok, err := telemetry.FromEnv(env(tt.env...))
			if ok != tt.ok || (err != nil) != (tt.fail != "") || err != nil && !strings.Contains(err.Error(), tt.fail) {
				t.Errorf("got %v, %v", ok, err)
			}
		})
	}
}

func TestSampling(t *testing.T) {
	t.Parallel()
	const base = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	on, off := "00-"+traceID+"-"+spanID+"-01", "00-"+traceID+"-"+spanID+"-00"
	tests := map[string]struct {
		env  []string
		want bool
	}{
		"usual":                    {nil, true},
		"parent taken":             {[]string{"TRACEPARENT", on}, true},
		"parent not taken":         {[]string{"TRACEPARENT", off}, false},
		"parent of no matter":      {[]string{"TRACEPARENT", off, "OTEL_TRACES_SAMPLER", "always_on"}, true},
		"garbage for a parent":     {[]string{"TRACEPARENT", "00-" + strings.Repeat("0", 32) + "-" + spanID + "-00"}, true},
		"never":                    {[]string{"OTEL_TRACES_SAMPLER", "always_off"}, false},
		"never but for the parent": {[]string{"OTEL_TRACES_SAMPLER", "parentbased_always_off", "TRACEPARENT", on}, true},
		"none of all":              {[]string{"OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0"}, false},
		"all of all":               {[]string{"OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "1"}, true},
		"no ratio":                 {[]string{"OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "many"}, true},
		"unknown":                  {[]string{"OTEL_TRACES_SAMPLER", "moon"}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &collector{}
			server := httptest.NewServer(c)
			t.Cleanup(server.Close)
			s := session(t, append(tt.env, base, server.URL+"/t")...)
			s.Span("x", time.Now(), time.Now(), "")
			if err := s.End(t.Context(), "x", 0, stats.Stats{}); err != nil {
				t.Fatal(err)
			}
			if got := len(c.got["/t"]) == 1; got != tt.want || strings.HasSuffix(s.TraceParent(), "-01") != tt.want {
				t.Errorf("sent %v, %s", got, s.TraceParent())
			}
		})
	}
}

// TestTrouble: what the collector does is told, and takes no longer than it may.
func TestTrouble(t *testing.T) {
	t.Parallel()
	other := &collector{}
	elsewhere := httptest.NewServer(other)
	t.Cleanup(elsewhere.Close)
	serve := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	tests := map[string]struct{ url, want string }{
		"refused":  {"http://127.0.0.1:1", "connection refused"},
		"an error": {serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }), "503"},
		"silent":   {serve(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }), "deadline exceeded"},
		"a redirect": {serve(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}), "307"},
		"secret path": {"http://user:pass@127.0.0.1:1/?key=hidden", "connection refused"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := session(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", tt.url, "OTEL_EXPORTER_OTLP_TIMEOUT", "300", "OTEL_EXPORTER_OTLP_HEADERS", "k=hidden")
			err := s.End(context.Background(), "x", 0, stats.Stats{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "pass") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Cleanup(func() {
		if len(other.got) > 0 {
			t.Error("a redirect was followed")
		}
	})
}

func TestBounds(t *testing.T) {
	t.Parallel()
	c := &collector{}
	server := httptest.NewTLSServer(c)
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s := session(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", server.URL+"/t", "OTEL_EXPORTER_OTLP_CERTIFICATE", ca, "OTEL_EXPORTER_OTLP_TIMEOUT", "10000")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for range 1000 {
				s.Span("x", time.Now(), time.Now(), "")
			}
		})
	}
	wg.Wait()
	if err := s.End(t.Context(), "x", 0, stats.Stats{}); err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, doc := range c.got["/t"] {
		spans := at(t, doc, "resourceSpans", 0, "scopeSpans", 0, "spans").([]any)
		if n += len(spans); i == 0 {
			if got := attributes(t, at(t, spans[0], "attributes"))["pantry.spans.dropped"]; got != "1000" {
				t.Errorf("%s spans were dropped", got)
			}
		}
	}
	if n != 5001 || len(c.got["/t"]) < 2 {
		t.Errorf("%d spans in %d requests", n, len(c.got["/t"]))
	}
}
