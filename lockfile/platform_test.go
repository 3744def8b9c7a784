package lockfile_test

import (
	"runtime"
	"testing"

	"github.com/pantry-go/pantry/lockfile"
)

func TestSupports(t *testing.T) {
	t.Parallel()
	glibc := lockfile.Platform{OS: "linux", CPU: "x64", Libc: "glibc"}
	musl := lockfile.Platform{OS: "linux", CPU: "arm64", Libc: "musl"}
	mac := lockfile.Platform{OS: "darwin", CPU: "arm64"}
	win := lockfile.Platform{OS: "win32", CPU: "ia32"}
	all := []lockfile.Platform{glibc, musl, mac, win}
	tests := []struct {
		name          string
		os, cpu, libc []string
		want          []bool // glibc, musl, mac, win
	}{
		{"nothing said", nil, nil, nil, []bool{true, true, true, true}},
		{"one system", []string{"linux"}, nil, nil, []bool{true, true, false, false}},
		{"several", []string{"linux", "darwin"}, nil, nil, []bool{true, true, true, false}},
		{"any", []string{"any"}, []string{"any"}, nil, []bool{true, true, true, true}},
		{"any among others is a word", []string{"any", "linux"}, nil, nil, []bool{true, true, false, false}},
		{"excluded", []string{"!win32"}, nil, nil, []bool{true, true, true, false}},
		{"several excluded", []string{"!win32", "!darwin"}, nil, nil, []bool{true, true, false, false}},
		{"excluded wins", []string{"linux", "!linux"}, nil, nil, []bool{false, false, false, false}},
		{"mixed needs a match", []string{"!win32", "linux"}, nil, nil, []bool{true, true, false, false}},
		{"cpu", nil, []string{"arm64"}, nil, []bool{false, true, true, false}},
		{"cpu excluded", nil, []string{"!ia32"}, nil, []bool{true, true, true, false}},
		{"glibc", nil, nil, []string{"glibc"}, []bool{true, false, false, false}},
		{"musl", []string{"linux"}, nil, []string{"musl"}, []bool{false, true, false, false}},
		{"libc that is excluded still needs one", nil, nil, []string{"!musl"}, []bool{true, false, false, false}},
		{"any libc still needs one", nil, nil, []string{"any"}, []bool{true, true, false, false}},
	}
	for _, tt := range tests {
		p := &lockfile.Package{OS: tt.os, CPU: tt.cpu, Libc: tt.libc}
		for i, pl := range all {
			if got := p.Supports(pl); got != tt.want[i] {
				t.Errorf("%s: Supports(%+v) = %v", tt.name, pl, got)
			}
		}
	}
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	p := lockfile.Current()
	if p.OS == "" || p.CPU == "" || p.OS == "windows" || p.CPU == "amd64" {
		t.Errorf("Current() = %+v", p)
	}
	if (p.Libc != "") && runtime.GOOS != "linux" {
		t.Errorf("libc on %s: %+v", runtime.GOOS, p)
	}
}
