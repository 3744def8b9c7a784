package telemetry

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
)

const (
	// usualTime is how long the end of a command waits for the collector; it is near, as a rule.
	usualTime = 2 * time.Second
	// maxTime bounds what OTEL_EXPORTER_OTLP_TIMEOUT may make of it: its default in the SDKs.
	maxTime = 10 * time.Second
	// localCollector is where OpenTelemetry expects a collector that speaks HTTP.
	localCollector = "http://localhost:4318"
)

// Options say what is sent, and where to: see [FromEnv].
type Options struct {
	// Version is the program's.
	Version string

	traces, metrics target
	resource        []Attr
	timeout         time.Duration
	cumulative      bool
	sampler         sampler
	parent          parent
}

// target is where a signal is sent; its url is "" where it is not.
type target struct {
	url                   string
	headers               map[string]pantry.Secret
	gzip                  bool
	caFile, cert, keyFile string
}

// parent is the span that the command belongs to, of TRACEPARENT.
type parent struct {
	trace, span string
	sampled     bool
}

// FromEnv reads the variables of OpenTelemetry's specification. ok is false where nothing is to be
// sent. An error is a mistake in them; nothing is sent then, either.
//
// It knows OTEL_SDK_DISABLED, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_EXPORTER and
// OTEL_METRICS_EXPORTER (otlp or none), OTEL_TRACES_SAMPLER with its _ARG, the OTEL_EXPORTER_OTLP_*
// variables ENDPOINT, HEADERS, TIMEOUT, PROTOCOL, COMPRESSION, CERTIFICATE, CLIENT_CERTIFICATE and
// CLIENT_KEY, each with TRACES_ and METRICS_ before it too, and TRACEPARENT. A collector that takes
// OTLP over gRPC only cannot be used.
func FromEnv(getenv func(string) (string, bool)) (o Options, ok bool, err error) {
	get := func(name string) string {
		v, _ := getenv(name)
		return strings.TrimSpace(v)
	}
	if strings.EqualFold(get("OTEL_SDK_DISABLED"), "true") {
		return Options{}, false, nil
	}
	if o.traces, err = targetOf(get, "TRACES"); err != nil {
		return Options{}, false, err
	}
	if o.metrics, err = targetOf(get, "METRICS"); err != nil {
		return Options{}, false, err
	}
	if o.traces.url == "" && o.metrics.url == "" {
		return Options{}, false, nil
	}
	o.timeout = usualTime
	if ms, err := strconv.ParseUint(get("OTEL_EXPORTER_OTLP_TIMEOUT"), 10, 32); err == nil && ms > 0 {
		o.timeout = min(time.Duration(ms)*time.Millisecond, maxTime)
	}
	o.cumulative = strings.EqualFold(get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"), "cumulative")
	o.resource = resourceOf(get("OTEL_SERVICE_NAME"), get("OTEL_RESOURCE_ATTRIBUTES"))
	o.sampler = sampler{get("OTEL_TRACES_SAMPLER"), get("OTEL_TRACES_SAMPLER_ARG")}
	o.parent = parseParent(get("TRACEPARENT"))
	return o, true, nil
}

// targetOf reads where a signal goes.
func targetOf(get func(string) string, signal string) (target, error) {
	one := func(name string) string {
		if v := get("OTEL_EXPORTER_OTLP_" + signal + "_" + name); v != "" {
			return v
		}
		return get("OTEL_EXPORTER_OTLP_" + name)
	}
	exporter := get("OTEL_" + signal + "_EXPORTER")
	endpoint := get("OTEL_EXPORTER_OTLP_" + signal + "_ENDPOINT")
	if base := get("OTEL_EXPORTER_OTLP_ENDPOINT"); endpoint == "" && (base != "" || exporter == "otlp") {
		if base == "" {
			base = localCollector
		}
		endpoint = strings.TrimRight(base, "/") + "/v1/" + strings.ToLower(signal)
	}
	if endpoint == "" || exporter != "" && exporter != "otlp" {
		return target{}, nil
	}
	if p := one("PROTOCOL"); p != "" && !strings.HasPrefix(p, "http/") {
		return target{}, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: %q is not supported; http/json is", p)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return target{}, fmt.Errorf("the endpoint of OTEL_EXPORTER_OTLP is no http or https URL")
	}
	t := target{
		url: endpoint, gzip: one("COMPRESSION") == "gzip",
		caFile: one("CERTIFICATE"), cert: one("CLIENT_CERTIFICATE"), keyFile: one("CLIENT_KEY"),
		headers: map[string]pantry.Secret{},
	}
	for _, kv := range pairs(one("HEADERS")) {
		t.headers[http.CanonicalHeaderKey(kv[0])] = pantry.NewSecret(kv[1])
	}
	return t, nil
}

// maxPairs bounds a list of attributes or headers.
const maxPairs = 128

// pairs reads "key=value,key=value", values percent-encoded.
func pairs(list string) [][2]string {
	var all [][2]string
	for one := range strings.SplitSeq(list, ",") {
		k, v, ok := strings.Cut(one, "=")
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		if !ok || k == "" || len(all) == maxPairs {
			continue
		}
		if plain, err := url.PathUnescape(v); err == nil {
			v = plain
		}
		all = append(all, [2]string{k, v})
	}
	return all
}

// resourceOf says who sends.
func resourceOf(name, list string) []Attr {
	var attrs []Attr
	named := "pantry"
	for _, kv := range pairs(list) {
		if kv[0] == "service.name" {
			named = kv[1]
			continue
		}
		attrs = append(attrs, Attr{kv[0], kv[1]})
	}
	if name != "" {
		named = name
	}
	return append([]Attr{{"service.name", named}}, attrs...)
}

// parseParent reads a W3C traceparent; zero for what is none.
func parseParent(s string) parent {
	m := regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$`).FindStringSubmatch(s)
	if m == nil || strings.HasPrefix(s, "ff") || strings.Trim(m[1], "0") == "" || strings.Trim(m[2], "0") == "" {
		return parent{}
	}
	flags, _ := strconv.ParseUint(m[3], 16, 8)
	return parent{m[1], m[2], flags&1 == 1}
}

// sampler decides whether a trace is sent, as OTEL_TRACES_SAMPLER names it.
type sampler struct{ name, arg string }

func (s sampler) takes(p parent, trace string) bool {
	name := s.name
	if name == "" {
		name = "parentbased_always_on"
	}
	own, byParent := strings.CutPrefix(name, "parentbased_")
	if byParent && p.trace != "" {
		return p.sampled
	}
	switch own {
	case "always_off":
		return false
	case "traceidratio":
		ratio, err := strconv.ParseFloat(s.arg, 64)
		if err != nil || ratio < 0 || ratio > 1 {
			return true // as without an argument
		}
		last, _ := strconv.ParseUint(trace[16:], 16, 64)
		return float64(last>>1) < ratio*math.MaxInt64
	}
	return true
}
