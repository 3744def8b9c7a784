package packument

// body is the end of a form, where what versions have is.
type body interface {
	// read returns what is at a place, which must not be changed. It is shorter than asked for only
	// where the form ends.
	read(span) ([]byte, error)
}

// memory is a body in memory.
type memory []byte

func (m memory) read(s span) ([]byte, error) {
	if s.offset > uint32(len(m)) {
		return nil, errDamaged
	}
	return m[s.offset:][:min(s.length, uint32(len(m))-s.offset)], nil
}

// exactly reads all of what is at a place.
func exactly(b body, s span) ([]byte, error) {
	text, err := b.read(s)
	if err == nil && uint32(len(text)) != s.length {
		err = errDamaged
	}
	return text, err
}
