package config

import _ "embed"

// A test keeps schema.json in step with the types of file.go, and regenerates it when the variable
// UPDATE is set.
//
//go:embed schema.json
var schemaJSON []byte

// Schema is the JSON Schema (draft 2020-12) of a pantry.json. It accepts what [Validate] accepts,
// as far as a schema can tell.
func Schema() []byte { return append([]byte(nil), schemaJSON...) }
