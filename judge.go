package pantry

import "io"

// Judged is the body of an artifact whose registry may have got it from one of several places, and
// wants to know whether its bytes were right.
type Judged interface {
	// Judge says what came of the bytes: err is nil when all were verified, and else says what was
	// wrong with them. again is true where the same artifact, opened again, may come from a place
	// that was not tried yet.
	Judge(err error) (again bool)
}

// Judge tells the body of an artifact, which Registry.Open returned, what came of its bytes, if it
// wants to know: see [Judged]. Who verifies bytes calls it once for each body that was read to its end,
// before or after closing it. Where it returns true the artifact is worth opening again: each time
// one place fewer is left, so that this comes to an end.
func Judge(body io.Reader, err error) (again bool) {
	j, ok := body.(Judged)
	return ok && j.Judge(err)
}
