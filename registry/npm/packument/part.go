package packument

// Part is a member of a version's description that is kept as the registry wrote it.
type Part uint8

// The parts. All but the last one are JSON values.
const (
	Dependencies Part = iota + 1
	OptionalDependencies
	PeerDependencies
	PeerMeta // peerDependenciesMeta
	Bundled  // bundleDependencies or bundledDependencies
	Bin
	Engines
	OS
	CPU
	Libc
	Deprecated
	// Whole is the whole description, where its shape is so unusual that it is kept as it is. It
	// stands alone.
	Whole
	// Tarball is the address of the tarball, where it is not the usual one.
	Tarball

	parts
)

// longestList is the length of a list of all parts in bytes.
const longestList = 1 + (uint32(parts)-1)*partSize
