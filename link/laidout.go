package link

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
)

// The layouts that LaidOut tells.
const (
	HoistedLayout  = "hoisted"
	IsolatedLayout = "isolated"
)

// LaidOut says as what the project in dir is laid out now: HoistedLayout, IsolatedLayout, or "" if its
// node_modules is not there or not Pantry's.
func LaidOut(dir string) string {
	f, err := os.Open(layoutFile(filepath.Join(dir, modules)))
	if err != nil {
		return ""
	}
	defer f.Close()
	line, _ := bufio.NewReaderSize(f, 64).ReadSlice('\n')
	switch strings.TrimSuffix(string(line), "\n") {
	case layoutHeader:
		return HoistedLayout
	case isolatedHeader:
		return IsolatedLayout
	}
	return ""
}
