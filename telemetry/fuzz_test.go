package telemetry_test

import (
	"regexp"
	"testing"

	"github.com/pantry-go/pantry/telemetry"
)

// FuzzFromEnv: whatever the variables hold, what is made of them is a trace's proper header.
func FuzzFromEnv(f *testing.F) {
	header := regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$`)
	f.Add("http://localhost:4318", "a=b,c=%20", "service.name=x", "00-"+traceID+"-"+spanID+"-01", "traceidratio", "0.5")
	f.Add("://", "=,", "%zz=%zz", "ff-", "parentbased_traceidratio", "nan")
	f.Fuzz(func(t *testing.T, endpoint, headers, attrs, parent, sampler, arg string) {
		o, ok, err := telemetry.FromEnv(env(
			"OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_EXPORTER_OTLP_HEADERS", headers, "OTEL_RESOURCE_ATTRIBUTES", attrs,
			"TRACEPARENT", parent, "OTEL_TRACES_SAMPLER", sampler, "OTEL_TRACES_SAMPLER_ARG", arg,
		))
		if ok && err != nil {
			t.Fatalf("something is to be sent in spite of %v", err)
		}
		if ok {
			if p := telemetry.Start(o).TraceParent(); !header.MatchString(p) {
				t.Fatalf("%q", p)
			}
		}
	})
}
