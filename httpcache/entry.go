package httpcache

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// entry is an answer that is kept. It is never changed once it is in use.
type entry struct {
	key             key       // of the question
	asked, received time.Time // to the millisecond
	status          int
	vary            http.Header // of the request, what the answer's Vary names: one value each
	header          http.Header
	body            []byte // as on the wire: in the coding that the header names
}

// The form of a file, in little-endian order:
//
//	 0  magic, with the number of the form at its end
//	 8  CRC-32C of everything from 12 on
//	12  status, length of the header, length of the body
//	24  when it was asked and when it came, in milliseconds since 1970
//	40  the key
//	72  the header, then the body
//
// The header is a line for each value, "Name: value", where those of the request have a "?" in front.
const (
	magic      = "pantryA\x01"
	atSum      = 8
	atStatus   = 12
	atLengths  = 16
	atTimes    = 24
	atKey      = 40
	headSize   = 72
	maxHeaders = 64 << 10 // bytes of the header; real ones have one or two thousand
)

var errDamaged = errors.New("the kept answer is damaged")

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) } // made once, by package crc32

// encode makes a file. ok is false for an answer that cannot be kept.
func (e *entry) encode() (data []byte, ok bool) {
	var b strings.Builder
	if !appendHeader(&b, "?", e.vary) || !appendHeader(&b, "", e.header) || b.Len() > maxHeaders || len(e.body) > maxBody {
		return nil, false
	}
	data = make([]byte, headSize, headSize+b.Len()+len(e.body))
	copy(data, magic)
	le := binary.LittleEndian
	le.PutUint32(data[atStatus:], uint32(e.status))
	le.PutUint32(data[atLengths:], uint32(b.Len()))
	le.PutUint32(data[atLengths+4:], uint32(len(e.body)))
	le.PutUint64(data[atTimes:], uint64(e.asked.UnixMilli()))
	le.PutUint64(data[atTimes+8:], uint64(e.received.UnixMilli()))
	copy(data[atKey:], e.key[:])
	data = append(append(data, b.String()...), e.body...)
	le.PutUint32(data[atSum:], crc32.Checksum(data[atStatus:], castagnoli()))
	return data, true
}

func appendHeader(b *strings.Builder, mark string, h http.Header) bool {
	for name, values := range h {
		for _, v := range values {
			if !httpguts.ValidHeaderFieldName(name) || strings.ContainsAny(v, "\r\n") {
				return false
			}
			b.WriteString(mark + name + ": " + v + "\n")
		}
	}
	return true
}

// decode reads a file, whose bytes it keeps.
func decode(data []byte) (*entry, error) {
	le := binary.LittleEndian
	if len(data) < headSize || string(data[:len(magic)]) != magic ||
		le.Uint32(data[atSum:]) != crc32.Checksum(data[atStatus:], castagnoli()) {
		return nil, errDamaged
	}
	header, body := uint64(le.Uint32(data[atLengths:])), uint64(le.Uint32(data[atLengths+4:]))
	status := le.Uint32(data[atStatus:])
	if headSize+header+body != uint64(len(data)) || header > maxHeaders || status < 200 || status > 599 {
		return nil, errDamaged
	}
	e := &entry{
		asked:    time.UnixMilli(int64(le.Uint64(data[atTimes:]))),
		received: time.UnixMilli(int64(le.Uint64(data[atTimes+8:]))),
		status:   int(status),
		vary:     http.Header{}, header: http.Header{},
		body: data[headSize+header:],
	}
	copy(e.key[:], data[atKey:])
	for line := range strings.Lines(string(data[headSize : headSize+header])) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		to := e.header
		if request, is := strings.CutPrefix(name, "?"); is {
			name, to = request, e.vary
		}
		if !ok || !strings.HasSuffix(line, "\n") || !httpguts.ValidHeaderFieldName(name) || strings.Contains(value, "\r") {
			return nil, errDamaged
		}
		to[name] = append(to[name], value)
	}
	for _, values := range e.vary {
		if len(values) != 1 {
			return nil, errDamaged
		}
	}
	return e, nil
}

// response is the answer, to be given again.
func (e *entry) response(req *http.Request, now time.Time) *http.Response {
	h := e.header.Clone()
	h["Age"] = []string{ageText(e.age(now))}
	return &http.Response{
		Status: strconv.Itoa(e.status) + " " + http.StatusText(e.status), StatusCode: e.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: newBody(e.body), ContentLength: int64(len(e.body)), Request: req,
	}
}
