package archive

// FoldsCase says that this system is one whose file systems fold case.
const FoldsCase = foldsCase

// Folding makes options as they are on a system whose file systems fold case.
func Folding(o ArtifactOptions) ArtifactOptions {
	o.folds = true
	return o
}
