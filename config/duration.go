package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

var errDuration = errors.New(`expected a duration such as "30s", "5m", "12h" or "7d"`)

// maxDuration bounds durations: a century is as good as for ever.
const maxDuration = 36500 * 24 * time.Hour

// units are those of time.ParseDuration that make sense for waiting, and days and weeks.
var units = []struct {
	name string
	unit time.Duration
}{
	{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour},
	{"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour},
}

// durationPattern is the grammar of parseDuration for JSON Schema.
const durationPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w))+$|^0$`

// ParseDuration reads a duration as it stands in a pantry.json: "7d", "12h", "1h30m".
func ParseDuration(s string) (time.Duration, error) { return parseDuration(s) }

// parseDuration reads numbers with units, "1h30m" or "7d". A plain number is refused, but for 0,
// since nobody knows whether it counts seconds.
func parseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	if s == "" {
		return 0, errDuration
	}
	var sum float64
	for rest := s; rest != ""; {
		n := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		number := rest[:n]
		rest = rest[n:]
		name := rest[:len(rest)-len(strings.TrimLeft(rest, "mshdw"))]
		unit := unitOf(name)
		f, err := strconv.ParseFloat(number, 64)
		if unit == 0 || err != nil || strings.HasPrefix(number, ".") || strings.HasSuffix(number, ".") {
			return 0, errDuration
		}
		sum += f * float64(unit)
		rest = rest[len(name):]
	}
	if sum > float64(maxDuration) || math.IsNaN(sum) {
		return 0, errors.New("expected a duration of at most a century")
	}
	return time.Duration(math.Round(sum)), nil
}

func unitOf(name string) time.Duration {
	for _, u := range units {
		if u.name == name {
			return u.unit
		}
	}
	return 0
}

// formatDuration writes d as a person would.
func formatDuration(d time.Duration) string {
	for i := len(units) - 1; i >= 0; i-- {
		if u := units[i]; u.name != "w" && d != 0 && d%u.unit == 0 {
			return strconv.FormatInt(int64(d/u.unit), 10) + u.name
		}
	}
	if d == 0 {
		return "0s"
	}
	return d.String()
}
