package httpcache

import (
	"net/http"
	"time"
)

// Decoded is what a file holds.
type Decoded struct {
	Status          int
	Asked, Received time.Time
	Vary, Header    http.Header
	Body            []byte
}

// Decode reads a file; again is the file that is made of what it holds.
func Decode(data []byte) (d Decoded, again []byte, err error) {
	e, err := decode(data)
	if err != nil {
		return d, nil, err
	}
	again, ok := e.encode()
	if !ok {
		return d, nil, errDamaged
	}
	return Decoded{e.status, e.asked, e.received, e.vary, e.header, e.body}, again, nil
}

// Encode makes a file.
func Encode(d Decoded) ([]byte, bool) {
	e := entry{asked: d.Asked, received: d.Received, status: d.Status, vary: d.Vary, header: d.Header, body: d.Body}
	return e.encode()
}
