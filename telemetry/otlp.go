package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/pantry-go/pantry/stats"
	"github.com/pantry-go/pantry/transport"
)

// The shapes of OTLP in JSON: opentelemetry-proto 1.x, in the mapping of its document "OTLP/HTTP",
// where ids are in hex and 64-bit numbers are strings.

type resource struct {
	Attributes []attribute `json:"attributes"`
}

type attribute struct {
	Key   string         `json:"key"`
	Value map[string]any `json:"value"`
}

type scope struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type jsonSpan struct {
	TraceID    string      `json:"traceId"`
	SpanID     string      `json:"spanId"`
	Parent     string      `json:"parentSpanId,omitempty"`
	Name       string      `json:"name"`
	Kind       int         `json:"kind"`
	Start      string      `json:"startTimeUnixNano"`
	End        string      `json:"endTimeUnixNano"`
	Attributes []attribute `json:"attributes,omitempty"`
	Status     *status     `json:"status,omitempty"`
}

type status struct {
	Code    int    `json:"code"`
	Message string `json:"message,omitempty"`
}

const (
	kindInternal = 1
	kindClient   = 3
	statusError  = 2
)

// span is a part of the command before it is sent.
type span struct {
	name       string
	kind       int
	id, parent string
	start, end time.Time
	failure    string
	attrs      []Attr
}

func (s *span) json(trace string) jsonSpan {
	j := jsonSpan{
		TraceID: trace, SpanID: s.id, Parent: s.parent, Name: s.name, Kind: s.kind,
		Start: nanos(s.start), End: nanos(s.end), Attributes: attributes(s.attrs),
	}
	if s.failure != "" {
		j.Status = &status{Code: statusError, Message: s.failure}
		j.Attributes = append(j.Attributes, attributes([]Attr{{"error.type", s.failure}})...)
	}
	return j
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func attributes(attrs []Attr) []attribute {
	out := make([]attribute, 0, len(attrs))
	for _, a := range attrs {
		value := map[string]any{}
		switch v := a.Value.(type) {
		case string:
			if v == "" {
				continue
			}
			value["stringValue"] = v
		case int:
			value["intValue"] = strconv.Itoa(v)
		case int64:
			value["intValue"] = strconv.FormatInt(v, 10)
		case float64:
			value["doubleValue"] = v
		case bool:
			value["boolValue"] = v
		default:
			value["stringValue"] = fmt.Sprint(v)
		}
		out = append(out, attribute{a.Key, value})
	}
	return out
}

// batch is how many spans go in one request: collectors take at least some megabytes.
const batch = 1000

// End sends everything and returns what went wrong, for who wants to know. counts are what was
// counted in this command. It takes no longer than a bounded time, whatever the collector does, and
// nothing can be added after it.
func (s *Session) End(ctx context.Context, command string, exit int, counts stats.Stats) error {
	end := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.o.timeout)
	defer cancel()
	var errs []error
	if s.sampled {
		errs = append(errs, s.sendTraces(ctx, command, exit, end))
	}
	if s.o.metrics.url != "" {
		body := s.wrap("resourceMetrics", "scopeMetrics", "metrics", s.measurements(command, exit, end, counts))
		errs = append(errs, post(ctx, s.o.metrics, body))
	}
	return errors.Join(errs...)
}

func (s *Session) sendTraces(ctx context.Context, command string, exit int, end time.Time) error {
	s.mu.Lock()
	spans := append([]span{s.rootSpan(command, exit, end)}, s.spans...)
	s.spans = nil
	s.mu.Unlock()
	for len(spans) > 0 {
		n := min(len(spans), batch)
		out := make([]jsonSpan, n)
		for i := range out {
			out[i] = spans[i].json(s.trace)
		}
		spans = spans[n:]
		if err := post(ctx, s.o.traces, s.wrap("resourceSpans", "scopeSpans", "spans", out)); err != nil {
			return err
		}
	}
	return nil
}

// wrap says who sends the content, and by which program.
func (s *Session) wrap(resources, scopes, name string, content any) map[string]any {
	by := scope{"github.com/pantry-go/pantry", s.o.Version}
	attrs := append(attributes(s.o.resource), attributes([]Attr{{"service.version", s.o.Version}})...)
	return map[string]any{resources: []any{map[string]any{
		"resource": resource{attrs},
		scopes:     []any{map[string]any{"scope": by, name: content}},
	}}}
}

// post sends a document to a collector. It follows no redirect: the headers may hold a credential.
func post(ctx context.Context, t target, doc any) error {
	body, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if t.gzip {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body) // into memory
		_ = z.Close()
		body = b.Bytes()
	}
	client, err := t.client()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the endpoint is no URL")
	}
	for k, v := range t.headers {
		req.Header.Set(k, v.Reveal())
	}
	req.Header.Set("Content-Type", "application/json")
	if t.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("POST %s: %w", transport.RedactURL(t.url), errors.Unwrap(err)) // without the URL of url.Error
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<10) // what a collector says of rejected points is short
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("POST %s: %s", transport.RedactURL(t.url), resp.Status)
	}
	return nil
}

func (t target) client() (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.caFile != "" {
		pem, err := os.ReadFile(t.caFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", t.caFile)
		}
	}
	if t.cert != "" {
		pair, err := tls.LoadX509KeyPair(t.cert, t.keyFile)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
