# The tools are pinned in modules of their own, tools/lint and tools/codegen: the
# go command builds them once and keeps them in its build cache.
golangci-lint  = go tool -modfile=tools/lint/go.mod golangci-lint
controller-gen = go tool -modfile=tools/codegen/go.mod controller-gen

# client-go then compares what is in a cache with copies, and panics if it was changed.
detect = KUBE_CACHE_MUTATION_DETECTOR=true

example   = ./example/configmirror
run-flags = $(if $(filter-out 0,$(ONCE)),-once) $(if $(CLUSTER),-cluster=$(CLUSTER))

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: ## Run the example operator on a local control plane [ONCE=1] [CLUSTER=current]
	@go build -o bin/demo $(example)/demo # not go run, which calls an end by Ctrl-C an error
	@exec bin/demo $(run-flags)

.PHONY: test
test: controlplane ## Run all tests, on a local control plane too, and each benchmark once
	go vet ./...
	$(detect) go test -race ./...
	go test -run '^$$' -bench . -benchtime 1x ./...
	go -C test/bench test .

.PHONY: test-unit
test-unit: ## Run the tests that need no control plane: seconds
	$(detect) go test -race $$(go list ./... | grep -Ev "/test/(cluster|conform|e2e|fault|mutants)|/e2e$$")

.PHONY: lint
lint: ## Check style, the imports between packages, file lengths, go.mod files
	@files=$$(gofmt -l .) && test -z "$$files" || { echo "not formatted, run make fmt:" $$files; exit 1; }
	@tools/filelength.sh
	$(golangci-lint) run ./...
	go mod tidy -diff
	go -C tools/lint mod tidy -diff
	go -C tools/codegen mod tidy -diff
	go -C test/bench mod tidy -diff

.PHONY: fmt
fmt: ## Format the code
	$(golangci-lint) fmt

.PHONY: generate
generate: ## Generate deep copies and CRDs of the example's API
	$(controller-gen) object crd paths=$(example)/api/... output:crd:dir=$(example)/config

.PHONY: bench
bench: ## Run the benchmarks, and those beside client-go and controller-runtime
	go test -run '^$$' -bench . -benchmem ./...
	go -C test/bench test -bench . -benchmem

.PHONY: mutants
mutants: ## Break the library on purpose, and see that tests notice: minutes [RUN=regexp]
	@go build -o bin/mutants ./test/mutants # not go run, which adds a line about the exit status
	@nice bin/mutants -j 2 $(if $(RUN),-run '$(RUN)') # two, as most of a compilation is one thread

.PHONY: tidy
tidy: ## Tidy the go.mod file of every module
	@for mod in $$(find . -name go.mod); do \
		echo "go -C $${mod%/go.mod} mod tidy"; \
		go -C "$${mod%/go.mod}" mod tidy || exit 1; \
	done

.PHONY: controlplane
controlplane: ## Build the local control plane, if it is not there yet: minutes, once
	@go run ./test/cluster/build

.PHONY: ci
ci: lint test ## Everything a change has to pass
