# The tools are pinned in modules of their own, tools/lint and tools/codegen: the
# go command builds them once and keeps them in its build cache.
golangci-lint  = go tool -modfile=tools/lint/go.mod golangci-lint
misspell       = go tool -modfile=tools/lint/go.mod misspell
controller-gen = go tool -modfile=tools/codegen/go.mod controller-gen
d2             = go tool -modfile=tools/diagram/go.mod d2 --layout elk --theme 0 --dark-theme 200 --pad 10 docs/images/architecture.d2

# client-go then compares what is in a cache with copies, and panics if it was changed.
detect = KUBE_CACHE_MUTATION_DETECTOR=true

example   = ./example/configmirror
run-flags = $(if $(filter-out 0,$(ONCE)),-once) $(if $(CLUSTER),-cluster=$(CLUSTER))

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: ## Run the example operator on a simulated API server [ONCE=1] [CLUSTER=local|current]
	@# Not go run, which calls an end by Ctrl-C an error. Without symbols and inlining the first build is a third shorter.
	@go build -o bin/demo '-gcflags=all=-dwarf=false -l' '-ldflags=-s -w' $(example)/demo
	@exec bin/demo $(run-flags)

# For the first run to be short: -short leaves out what needs a control plane, and makes crowds
# smaller; vet is left to lint; nothing has symbols for a debugger; only code that tests spend time
# in is inlined, and the thousands of generated clients are not watched for races, of which they
# have none: they hold no state. test-cluster and lint leave nothing out.
plain     = -dwarf=false
hot       = std ./... k8s.io/apimachinery/... k8s.io/client-go/tools/... k8s.io/client-go/rest/... k8s.io/client-go/testing/... sigs.k8s.io/...
generated = k8s.io/client-go/kubernetes/... k8s.io/client-go/applyconfigurations/...
quick     = -short -vet=off '-ldflags=-s -w' '-gcflags=all=$(plain) -l' $(foreach p,$(hot),'-gcflags=$(p)=$(plain)') \
	$(foreach p,$(generated),'-gcflags=$(p)=$(plain) -l -race=false')

.PHONY: test
test: ## Run the tests that need no control plane: minutes the first time, then seconds [PKG=./controller] [RUN=regexp]
	@packages="$(or $(PKG),$$(go list ./...))" && \
		GORACE="atexit_sleep_ms=50 $$GORACE" go test -race $(quick) $(if $(RUN),-run '$(RUN)') \
		$$(echo "$$packages" | grep -Ev "/e2e$$|/test/(cluster|clients|sim/kubectl|conform/fuzz)|/tutorial/step")

.PHONY: explore-deep
explore-deep: ## Explore the examples with two faults in each run: for nights
	go test -timeout 12h -v -run Explored ./example/hello ./example/configmirror ./example/ttl ./example/foo ./example/rollout ./example/external -explore.depth=2

.PHONY: test-cluster
test-cluster: controlplane ## Run all tests, with a real control plane, which is built first, at full size
	$(detect) go test -race ./...
	go -C test/sim/cel test .

.PHONY: test-runtime
test-runtime: ## Test what is for operators that are written with controller-runtime, in modules of their own
	$(detect) go -C test/controllerruntime test -race ./...
	$(detect) go -C controllerruntime test -race ./...

.PHONY: test-examples
test-examples: ## Test the example cron, which is a module of its own
	$(detect) go -C example/cron test -race ./...

.PHONY: test-observability
test-observability: ## Evaluate the dashboard and the alerts by Prometheus, in a module of their own
	go -C test/observability test .

.PHONY: test-ui
test-ui: ## Look at the page of package debug in headless Chromium, and make the pictures of the documentation
	@command -v chromium >/dev/null || { apt-get update -q && apt-get install -q -y --no-install-recommends chromium; }
	go test -count=1 ./controller/debug -run TestUI -args -chromium "$$(command -v chromium)" -images "$(CURDIR)/docs/images"

.PHONY: test-bench
test-bench: ## Run each benchmark once, and see that those who are compared do the same work
	go test -run '^$$' -bench . -benchtime 1x ./...
	go -C test/bench test ./...

.PHONY: apidiff
apidiff: ## Compare what is exported with the last release: what is not allowed is an error [BASE=revision]
	@go -C tools/apidiff run . -dir ../.. $(if $(BASE),-base '$(BASE)')

.PHONY: lint
lint: ## Check style, the imports between packages, file lengths, go.mod files
	@files=$$(gofmt -l .) && test -z "$$files" || { echo "not formatted, run make fmt:" $$files; exit 1; }
	@tools/filelength.sh
	go vet ./...
	$(golangci-lint) run ./...
	@# As .golangci.yml has it for comments: the words of the Kubernetes API keep its spelling.
	@find . -name '*.md' | xargs $(misspell) -error -locale UK -i finalization,finalize,finalized,finalizes,finalizing,unauthorized
	go mod tidy -diff
	go -C tools/lint mod tidy -diff
	go -C tools/codegen mod tidy -diff
	go -C tools/diagram mod tidy -diff
	@$(d2) - 2>/dev/null | cmp - docs/images/architecture.svg || { echo "run make picture"; exit 1; }
	go -C tools/apidiff vet .
	go -C tools/apidiff mod tidy -diff
	go -C tools/apidiff test .
	go -C test/bench mod tidy -diff
	go -C example/cron vet ./...
	go -C example/cron mod tidy -diff
	go -C test/controllerruntime vet ./...
	go -C test/controllerruntime mod tidy -diff
	go -C controllerruntime vet ./...
	go -C controllerruntime mod tidy -diff
	go -C test/controlplane mod tidy -diff
	go -C test/sim/cel mod tidy -diff
	@# Not tidied: that would ask for the tests of all that Prometheus imports, which are those of every cloud.
	go -C test/observability vet .

.PHONY: picture
picture: ## Draw the picture of the architecture from its source
	$(d2) docs/images/architecture.svg

.PHONY: fmt
fmt: ## Format the code
	$(golangci-lint) fmt

.PHONY: generate
generate: ## Generate deep copies, CRDs and manifests of the example, and those of tests
	$(controller-gen) object crd paths=$(example)/api/... output:crd:dir=$(example)/config
	go run $(example)/cmd --manifests $(example)/config
	$(controller-gen) object crd paths=./example/foo/api/... output:crd:dir=./example/foo/config
	$(controller-gen) object crd paths=./example/external/api/... output:crd:dir=./example/external/config
	cd example/cron && go tool -modfile=../../tools/codegen/go.mod controller-gen object crd paths=./api/... output:crd:dir=config
	cd test/controllerruntime && go tool -modfile=../../tools/codegen/go.mod controller-gen object crd \
		paths=./internal/website output:crd:dir=internal/website/crd

# What is measured. Pages and charts, which bench writes, are no changes of it.
commit = $(shell git rev-parse --short=12 HEAD 2>/dev/null)$(if $(shell git status --porcelain -- . ':!*.md' ':!*.svg' 2>/dev/null), with changes)

.PHONY: bench
bench: ## Measure this library beside client-go and controller-runtime [WORKLOAD=loop,…] [CONTENDER=kuberator,…] [ROUNDS=n] [SHORT=1] [CLUSTER=local] [PUBLISH=1]
	@go -C test/bench run . -commit='$(commit)' $(if $(WORKLOAD),-workload='$(WORKLOAD)') $(if $(CONTENDER),-contender='$(CONTENDER)') \
		$(if $(ROUNDS),-rounds='$(ROUNDS)') $(if $(SHORT),-short) $(if $(CLUSTER),-cluster='$(CLUSTER)') \
		$(if $(PUBLISH),-publish=../../docs)

.PHONY: fuzz
fuzz: controlplane ## Compare the simulator with a real API server at random requests: minutes [OF=Garbage] [SEED=n] [FOR=5m] [FIRST=n] [N=n]
	@nice go test -v -count=1 -timeout 0 -run '^Test$(or $(OF),Sequences)$$' ./test/conform/fuzz -args \
		-seed=$(or $(SEED),$$(date +%s)) -for=$(or $(FOR),5m) -first=$(or $(FIRST),0) -n=$(or $(N),1000000)

.PHONY: mutants
mutants: ## Break the library on purpose, and see that tests notice: minutes [RUN=regexp]
	@go build -o bin/mutants ./test/mutants # not go run, which adds a line about the exit status
	@nice bin/mutants -j 2 $(if $(RUN),-run '$(RUN)') # two, as most of a compilation is one thread

.PHONY: tidy
tidy: ## Tidy the go.mod file of every module
	@for mod in $$(find . -name go.mod -not -path './test/observability/*'); do \
		echo "go -C $${mod%/go.mod} mod tidy"; \
		go -C "$${mod%/go.mod}" mod tidy || exit 1; \
	done

.PHONY: controlplane
controlplane: ## Build the real control plane, if it is not there yet: minutes, once
	@go run ./test/cluster/build

.PHONY: ci
ci: lint apidiff test test-cluster test-runtime test-examples test-observability test-bench ## Everything a change has to pass
