package github

import (
	"slices"
	"strings"
)

// assetName is what the name of an asset says.
type assetName struct {
	name   string
	format format
	points int    // what its format is worth
	what   string // what it is, when it is noise

	systems, archs, libcs []string
	microarch             string   // v2, v3: newer processors of the architecture only
	extras                []string // words that mean nothing here, in lower case
	aside                 bool     // one of them is of what comes beside programs
	named                 bool     // it begins with the name of the tool
	versioned             bool     // it has a version
	native                int      // how many of its words for the platform are Go's own
	stem                  string   // what it begins with, as written, up to the first word that is known
}

func isSeparator(r rune) bool { return strings.ContainsRune("-_.+@~ ()[],=", r) }

// word is a piece of a name, and where it is in it.
type word struct {
	text       string // lower case
	start, end int
}

// parseAsset reads the name of an asset of tool.
func parseAsset(name, tool string) assetName {
	a := assetName{name: name}
	lower := lowerASCII(name)
	skip := toolPrefix(lower, lowerASCII(tool))
	a.named = skip > 0
	rest, f, points, what := formatOf(name[:min(skip, 1)] + lower[skip:]) // never an ending alone
	a.format, a.points, a.what = f, points, what
	end := skip - min(skip, 1) + len(rest) // of the words
	known := end
	for _, w := range split(lower, skip, end) {
		if a.learn(w.text) {
			known = min(known, w.start)
		}
	}
	a.settle()
	a.stem = strings.TrimRightFunc(name[:known], isSeparator)
	if a.format == exe || slices.Contains(a.extras, "exe") {
		a.systems = appendNew(a.systems, "windows")
	}
	if a.format == appImage {
		a.systems = appendNew(a.systems, "linux")
	}
	return a
}

// lowerASCII is s with its ASCII letters in lower case. Nothing else changes, so that places in it
// are places in s.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// toolPrefix is the length of the tool's name at the beginning of an asset's, where it ends as a
// word. "-" and "_" are the same in it.
func toolPrefix(name, tool string) int {
	if tool == "" || len(name) < len(tool) {
		return 0
	}
	same := strings.NewReplacer("_", "-", ".", "-")
	if same.Replace(name[:len(tool)]) != same.Replace(tool) {
		return 0
	}
	if rest := name[len(tool):]; rest != "" && !isSeparator(rune(rest[0])) {
		return 0
	}
	return len(tool)
}

// split cuts name[start:end] into words, and joins those that belong together.
func split(name string, start, end int) []word {
	var ws []word
	for i := start; i < end; {
		if isSeparator(rune(name[i])) {
			i++
			continue
		}
		j := i
		for j < end && !isSeparator(rune(name[j])) {
			j++
		}
		ws = append(ws, word{name[i:j], i, j})
		i = j
	}
	for i := 0; i+1 < len(ws); {
		text, ok := joined[[2]string{ws[i].text, ws[i+1].text}]
		if !ok {
			i++
			continue
		}
		ws[i] = word{text, ws[i].start, ws[i+1].end}
		ws = slices.Delete(ws, i+1, i+2)
	}
	return ws
}

// learn adds what one word says, and returns whether that is anything.
func (a *assetName) learn(w string) bool {
	if (w == "v2" || w == "v3" || w == "v4") && slices.Contains(a.archs, "amd64") {
		a.microarch = w // x86_64-v3 is a level of the architecture, not a version
		return true
	}
	if w == "exe" { // eza.exe_x86_64-pc-windows-gnu.tar.gz
		a.systems = appendNew(a.systems, "windows")
		return true
	}
	learned := false
	for _, t := range traitsOf(w) {
		learned = learned || t.kind != extra
		if t.value == w && (t.kind == system || t.kind == arch) {
			a.native++
		}
		switch t.kind {
		case system:
			a.systems = appendNew(a.systems, t.value)
		case arch:
			a.archs = appendNew(a.archs, t.value)
		case version:
			a.versioned = true
		case libc:
			a.libcs = appendNew(a.libcs, t.value)
			if t.value == musl {
				a.systems = appendNew(a.systems, "linux") // nobody else has it
			}
			if w == "msvc" || strings.HasPrefix(w, "mingw") || w == "cygwin" {
				a.systems = appendNew(a.systems, "windows")
			}
		case extra:
			a.extras = append(a.extras, t.value)
			a.aside = a.aside || isAside(t.value)
			if strings.HasPrefix(t.value, "v") && digits(t.value[1:]) && slices.Contains(a.archs, "amd64") {
				a.microarch = t.value // amd64v3
			}
		}
	}
	return learned
}

// settle decides where two words of the name say different things.
func (a *assetName) settle() {
	if slices.Contains(a.systems, "android") {
		a.systems = []string{"android"} // "linux-android"
	}
	if len(a.archs) > 1 {
		// "win32-x64": 32 belongs to the system's name. "macos-arm-64bit": 64 belongs to arm.
		if slices.Contains(a.systems, "windows") {
			a.archs = without(a.archs, "386")
		}
		if slices.Contains(a.archs, "arm") && slices.Contains(a.archs, "amd64") {
			a.archs = append(without(without(a.archs, "arm"), "amd64"), "arm64")
		}
	}
	if slices.Contains(a.systems, "darwin") { // no Mac of this century has 32 bits
		for i, arch := range a.archs {
			switch arch {
			case "arm":
				a.archs[i] = "arm64"
			case "386":
				a.archs[i] = "amd64"
			}
		}
	}
}

// platformed says that the name tells on what the asset runs.
func (a *assetName) platformed() bool { return len(a.systems) > 0 || len(a.archs) > 0 }

// signature is what tells the asset from others of the same platform.
func (a *assetName) signature() string {
	extras := slices.Clone(a.extras)
	slices.Sort(extras)
	return strings.Join(append(extras, a.microarch), " ")
}

// executable is the file name that a bare or compressed program should have.
func (a *assetName) executable(tool, system string) string {
	name := a.stem
	if name == "" || len(name) > maxAssetName || strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && r != '+' && !alphanumeric(r)
	}) || strings.Trim(name, ".") == "" {
		name = tool
	}
	if system == "windows" && !strings.HasSuffix(strings.ToLower(name), ".exe") {
		name += ".exe"
	}
	return name
}

func alphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func without(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(x string) bool { return x == s })
}
