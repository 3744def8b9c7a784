.PHONY: build test testdeps lint fuzz demo fidelity bench-micro bench bench-clean bench-build bench-replay bench-latency bench-live bench-several bench-report

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

# Benchmarks: see docs/benchmarks.md. The whole set takes about an hour; its parts must not run at one time.
RESULTS ?= .cache/bench/results.jsonl

bench:
	$(MAKE) -j1 -k bench-clean bench-replay bench-latency bench-live bench-several bench-report

bench-clean:
	rm -f $(RESULTS)

bench-build: build
	go build -o bin/bench ./bench

bench-replay: bench-build
	bin/bench -out $(RESULTS)

bench-latency: bench-build
	bin/bench -out $(RESULTS) -latency 20ms -scenarios cold -fixtures vite,next,large

bench-live: bench-build
	bin/bench -out $(RESULTS) -live -fixtures vite -clients pantry-hoisted,pantry-isolated,bun-hoisted,bun-global

bench-several: bench-build
	bin/bench -out $(RESULTS) -several -fixtures vite
	bin/bench -out $(RESULTS) -several -fixtures vite -latency 20ms

# Writes the tables and the plot of a file of results into the documentation.
bench-report: bench-build
	bin/bench -report $(RESULTS)

# The hot parts one by one, for benchstat: make bench-micro > new.txt
bench-micro:
	go test -run '^$$' -bench . -count 6 ./gunzip ./archive ./registry/npm ./semver ./npmtree ./resolve ./lockfile ./link ./store

# Resolves real manifests with npm and with Pantry at the same moment, compares the trees, and builds the
# projects in both layouts; writes docs/fidelity.md. It takes about an hour, most of it the builds.
fidelity: build
	go run ./fidelity
