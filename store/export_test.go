package store

import "time"

// SetBoot makes the store believe that the machine was started at t.
func (s *Store) SetBoot(t time.Time) { s.boot = t }

var (
	ParseIndex  = parseIndex
	FormatIndex = formatIndex
)

// Seal appends the line that makes data an index, if the rest of it is one.
func Seal(data []byte) []byte { return append(data[:len(data):len(data)], endLine(data)...) }

var (
	FormatStamp   = formatStamp
	ParseStamp    = parseStamp
	ParseLinkText = parseLinkText
	LinkText      = linkText
	SealedKey     = sealedKey
	ValidName     = validName
	Touch         = touch
)
