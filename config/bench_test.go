package config_test

import "testing"

// BenchmarkLoad measures what every command pays before it begins.
func BenchmarkLoad(b *testing.B) {
	w := newWorld(b, map[string]string{
		"pantry.json": sample,
		"~/.npmrc":    "registry=https://npm.example\n//npm.example/:_authToken=${TOKEN}\n@corp:registry=https://corp.example/\n",
	})
	for b.Loop() {
		if _, err := w.load(); err != nil {
			b.Fatal(err)
		}
	}
}
