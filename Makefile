# What one can do here. Every target installs what is missing first, where it may.

SHELL := /bin/bash
STATE ?= .state
# The Debian packages that the build and the tests need; the Dockerfile names the same.
PACKAGES := libssl-dev libsqlite3-dev libpq-dev postgresql libpango1.0-dev libcairo2-dev libqrencode-dev pkg-config \
	fonts-droid-fallback fonts-dejavu-core poppler-utils openssl curl make \
	softhsm2 libengine-pkcs11-openssl python3 procps \
	chromium chromium-driver libnss3-tools python3-selenium fonts-noto-cjk
BENCH_PACKAGES := wrk nginx-light golang-go

.PHONY: help setup build demo test format lint bench sanitize fuzz chaos clean test-containers

help: ## Lists the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: ## Installs the Debian packages, or prints the command.
	@missing=$$(for package in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; done); \
	command -v swift >/dev/null || { echo "Swift 6.3 is missing: https://www.swift.org/install/linux/"; exit 1; }; \
	[ -z "$$missing" ] && exit 0; \
	install="apt-get install -y --no-install-recommends $$missing"; \
	if [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$install >/dev/null; \
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo apt-get update -qq && sudo $$install >/dev/null; \
	else echo "Please run: sudo $$install"; exit 1; fi

build: setup ## Builds everything.
	swift build

demo: build ## Walks through the whole manual against real services.
	@.build/debug/baohan demo --state $(STATE)

test: setup ## Runs all tests; those of all services together on SQLite, and again on PostgreSQL.
	swift build --build-tests
	swift test --skip-build
	BAOHAN_TEST_DATABASE=postgresql swift test --skip-build --filter EndToEndTests

format: setup ## Formats all Swift files.
	swift format -i -r Package.swift Services Shared Tests Benchmarks

lint: setup ## Fails on anything that is not formatted.
	swift format lint --strict -r Package.swift Services Shared Tests Benchmarks

bench: setup ## Measures against Go and nginx, into Benchmarks/RESULTS.md.
	Benchmarks/run

SANITIZED := SecureTransportTests|CryptographyTests|AuthTests

sanitize: setup ## Runs the tests of the modules that wrap C, and Auth's, under AddressSanitizer and ThreadSanitizer.
	ASAN_OPTIONS=detect_leaks=0 swift test --sanitize=address --scratch-path .build-asan --filter '$(SANITIZED)'
	TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/thread-sanitizer-suppressions swift test --sanitize=thread --scratch-path .build-tsan --filter '$(SANITIZED)'

fuzz: setup ## Fuzzes what reads certificates, messages, tickets and JSON (SECONDS_EACH=15).
	Tests/Fuzz/run

ORDERS ?= 10000
FAULTS ?= 1000
SEED ?= 1

chaos: build ## Breaks a deployment on each engine while bidders use it (ORDERS=10000 FAULTS=1000 SEED=1).
	for database in sqlite postgresql; do \
	  .build/debug/baohan chaos --database $$database --orders $(ORDERS) --faults $(FAULTS) --seed $(SEED) || exit 1; done

test-containers: ## Builds the images and walks against them; needs Docker with Compose.
	deploy/test-containers

clean: ## Removes what was built and the demo's state.
	rm -rf .build .build-asan .build-tsan .build-fuzz $(STATE) .state-chaos
