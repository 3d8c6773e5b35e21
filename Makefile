# captionlab: `make` lists the targets.

GO     ?= go
CONFIG ?= baseline.toml
ROUNDS ?= 3
BINARY := bin/captionlab

# XLA allocates anew in every step: pages of 2 MiB, where Linux leaves them to madvise, take fewer faults (glibc 2.35 on).
export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1

.DEFAULT_GOAL := help
.PHONY: help experiment build test race slurm readers notebooks notebook bench clean distclean compiler

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  make experiment CONFIG=baseline.toml                      one of configs, or a path'
	@echo '  make experiment CONFIG=flickr8k.toml DATA=path/to/flickr8k'
	@echo '  make experiment CONFIG=baseline.toml SET="training.epochs=5 decoder.units=512"'
	@echo '  make experiment CONFIG=studies/quick.toml                 a study; the same command goes on with it'

experiment: build ## run CONFIG, a config or a study; DATA= names the data set's folder, SET= overrides keys
	@$(BINARY) run '$(CONFIG)' $(if $(DATA),'data.root=$(DATA)') $(SET)

build: compiler ## build bin/captionlab
	@$(GO) build -o $(BINARY) ./experiments/captionlab

test: compiler ## check the formatting, vet, run the tests
	@unformatted=$$("$$($(GO) env GOROOT)/bin/gofmt" -l experiments internal) || exit 1; test -z "$$unformatted" || { echo "gofmt -w these files:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) test -timeout 40m ./...

race: compiler ## run the tests with the race detector
	$(GO) test -race ./...

readers: build ## TensorBoard, MLflow, pycocotools and DVC, from PyPI, read what runs leave for them
	@GO='$(GO)' bash experiments/testdata/readers.sh

slurm: compiler ## test studies on a real Slurm of one node, which is installed (Debian, as root), started and stopped
	@GO='$(GO)' bash internal/slurm/testdata/single_node.sh test

notebooks: build ## execute the notebooks in place; installs Jupyter and the GoNB kernel into .cache on first use
	@bash notebooks/run.sh $(NOTEBOOKS)

notebook: build ## open the notebooks in Jupyter Lab
	@bash notebooks/lab.sh

bench: compiler ## measure our speed beside peers', in turn; BENCH="step beam" for some, QUICK=1 to see that it works
	@GO='$(GO)' ROUNDS='$(ROUNDS)' QUICK='$(QUICK)' bash internal/bench/compare.sh $(BENCH)

clean: ## remove what was built; downloads, features and results stay
	rm -rf bin

distclean: clean ## remove downloads and features too; results stay
	rm -rf .cache

compiler:
	@command -v $(GO) >/dev/null || { echo "captionlab: no go command ($(GO))" >&2; \
		echo 'hint: install Go 1.26.5 or later, and put its bin folder on the PATH, or name the command with GO=' >&2; exit 1; }
	@cc=$$($(GO) env CC) && command -v $${cc%% *} >/dev/null || { echo "captionlab: no C compiler ($$cc), which the XLA backend needs" >&2; \
		echo 'hint: install gcc or clang (Debian and Ubuntu: apt-get install gcc libc6-dev), or set CC' >&2; exit 1; }
