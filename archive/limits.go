package archive

// Limits bounds what an archive may hold. Zero fields mean the default. The defaults are several
// times what the largest packages of the npm registry hold.
type Limits struct {
	Bytes   int64 // the unpacked archive, headers included; default 2 GiB
	File    int64 // one file; default 1 GiB
	Entries int   // files, directories and headers; default 200 000
	Ratio   int64 // unpacked bytes for one packed byte, beyond the first 16 MiB; default 200
	Path    int   // bytes of one path; default 1024
	Depth   int   // path segments; default 64
}

const (
	// maxAgain bounds how often a file may stand there twice, since comparing inflates again.
	maxAgain = 8
	// ratioFree is unpacked before Limits.Ratio counts: a small file of zeros is no attack.
	ratioFree = 16 << 20
	// maxSegment is NAME_MAX of the usual file systems.
	maxSegment = 255
	// maxExtended bounds one extended header (PAX, GNU long name). It must fit the window.
	maxExtended = windowSize / 2
)

func (l Limits) withDefaults() Limits {
	l.Bytes = orDefault(l.Bytes, 2<<30)
	l.File = orDefault(l.File, 1<<30)
	l.Entries = orDefault(l.Entries, 200_000)
	l.Ratio = orDefault(l.Ratio, 200)
	l.Path = orDefault(l.Path, 1024)
	l.Depth = orDefault(l.Depth, 64)
	return l
}

func orDefault[T int | int64](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// check says whether out bytes may come from in packed ones.
func (l Limits) check(out, in int64) error {
	switch {
	case out > l.Bytes:
		return refused("", "unpacks to more than %d bytes", l.Bytes)
	case out > ratioFree && (out-ratioFree)/l.Ratio > in:
		return refused("", "unpacks to more than %d times its size", l.Ratio)
	}
	return nil
}
