.PHONY: build test testdeps lint fuzz bench demo

build:
	CGO_ENABLED=0 go build -o bin/pantry ./cmd/pantry

test:
	scripts/test

# The programs of npm that some tests compare with.
testdeps: build
	scripts/testdeps

demo:
	scripts/demo

lint:
	go vet ./...
	test -z "$$(gofmt -l .)"
	go tool staticcheck ./...

# Every fuzz target for a while: make fuzz FUZZTIME=1m
FUZZTIME ?= 20s
fuzz:
	scripts/fuzz $(FUZZTIME)

bench: build
	go run ./bench
