# Targets set up all they need: a virtual environment beside this file with locked, hashed packages, and Debian's servers where root and missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
IMAGE ?= mooring:latest
READY := $(VENV)/.ready
RUNS := $(VENV)/.runs

.DEFAULT_GOAL := help
.PHONY: help run servers test unit late fresh fuzz simulate planted matrix bench soak noise lint cluster cluster-down lock docs image release deploy clean
MAKEFLAGS += --jobs=2 # packages for Python and for the system arrive side by side

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements/dev.txt
	@PYTHON=$(PYTHON) tools/bootstrap.sh venv $(VENV) dev
	@touch $@ $(RUNS)

$(RUNS): requirements/run.txt
	@PYTHON=$(PYTHON) tools/bootstrap.sh venv $(VENV) run
	@touch $@

run: $(RUNS) servers ## real databases on loopback, Mooring over them, a live table; Ctrl-C ends all of it
	@PYTHONPATH=tools $(BIN)/python -m demo

servers:
	@tools/bootstrap.sh servers || true

test: $(READY) lint ## every check and every test tier that can run here; with CI=true nothing may skip
	@PYTHON=$(BIN)/python tools/bootstrap.sh servers scenarios browser matrix schemas cluster image systemd || test -z "$$CI"
	$(BIN)/pytest --numprocesses=2 --dist=loadscope --no-loadscope-reorder

unit: $(READY) ## the tests that need no root and no server, within a minute
	$(BIN)/pytest --numprocesses=2 --dist=worksteal -m "not slow" tests/unit

LATE_SEED ?= $(shell date +%s)
late: $(READY) ## the unit tests with threads that come late by chance, for races; LATE_SEED repeats a run, LATE_SECONDS (0.03) is how late
	@echo LATE_SEED=$(LATE_SEED)
	PYTHONPATH=tests LATE_SEED=$(LATE_SEED) $(BIN)/pytest -p support.late_threads --numprocesses=2 --dist=worksteal -m "not slow" tests/unit

fresh: $(READY) ## `make run` and `make test` on bare machines, Debian 12 and 13, and the image for arm64; needs root, and an hour
	@PYTHON=$(BIN)/python tools/bootstrap.sh servers image fresh
	$(BIN)/pytest --fresh tests/fresh

FUZZ_STREAMS ?= 1000000
FUZZ_SEED ?= 20261123
fuzz: $(READY) ## a million malformed byte streams for each protocol, against what the daemon takes for alive
	@PYTHONPATH=tests:tools $(BIN)/python -m fuzz.campaign $(FUZZ_STREAMS) $(FUZZ_SEED)

WORLDS ?= 300
FIRST_WORLD ?= $(shell date +%s)
simulate: $(READY) ## WORLDS worlds of ten virtual minutes, each with whole daemons; tells the first that breaks a law as a story
	@seq $(FIRST_WORLD) 20 $$(($(FIRST_WORLD) + $(WORLDS) - 1)) | PYTHONHASHSEED=0 PYTHONPATH=tests:tools \
		xargs -P 2 -I{} sh -c '$(BIN)/python -m simulation.run worlds {} 20 || exit 255'

planted: $(READY) ## plants bugs in the daemon, and shows how many worlds each takes to be found
	@PYTHONPATH=tests:tools $(BIN)/python -m simulation.run bugs | PYTHONHASHSEED=0 PYTHONPATH=tests:tools \
		xargs -P 2 -I{} $(BIN)/python -m simulation.run planted {} 100

matrix: $(READY) ## the tests of every server and version
	@PYTHON=$(BIN)/python tools/bootstrap.sh servers scenarios every-server
	$(BIN)/pytest --numprocesses=2 --dist=loadscope --no-loadscope-reorder --every-server --servers-table=docs/servers.md tests/scenarios/matrix

bench: $(READY) ## every figure of docs/performance.md, beside HAProxy; needs root and three quarters of an hour of a quiet machine
	@PYTHON=$(BIN)/python tools/bootstrap.sh servers scenarios cluster bench
	@PYTHONPATH=tools $(BIN)/python -m bench

soak: $(READY) servers ## one daemon under constant faults for SOAK_SECONDS (20 minutes); ends by 1 where memory, descriptors, threads or sessions grew
	@PYTHONPATH=tests:tools $(BIN)/python -m soak

noise: $(READY) servers ## what Mooring at its defaults leaves at each server in NOISE_SECONDS (10 minutes); NOISE_WRONG=1: with a wrong password
	@PYTHONPATH=tests:tools $(BIN)/python -m noise

lint: $(READY) ## ruff, mypy, the laws of the house, drift of generated files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

cluster: $(READY) ## a whole Kubernetes in network namespaces, to work with by hand; needs root, and Go once to build it
	@PYTHON=$(BIN)/python tools/bootstrap.sh scenarios cluster
	@PYTHONPATH=tools $(BIN)/python -m kube.by_hand up

cluster-down: $(READY) ## end it
	@PYTHONPATH=tools $(BIN)/python -m kube.by_hand down

KUBERNETES := 1.25 1.30 1.36 # the versions that the manifests are held to
lock: $(READY) ## write requirements/*.txt anew from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --group dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --group build --constraints requirements/dev.txt -o requirements/build.txt
	for version in $(KUBERNETES); do echo "kubernetes==$${version#1.}.*" | $(BIN)/uv pip compile -q --universal --python-version 3.11 \
		--no-deps --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements/kubernetes-$$version.txt || exit; done
	sed -n '/^go = \[/s/.*"\(.*\)".*/\1/p' pyproject.toml | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o requirements/go.txt

image: ## Mooring's container image, by docker, podman or buildah; IMAGE names it, IMAGE_OPTIONS are the engine's own
	deploy/image/build.sh $(IMAGE) $(IMAGE_OPTIONS)

PARTS ?=
release: $(READY) ## wheel, source package, chart, SBOM, .deb of Debian 12 and 13, image archive and checksums in dist/; PARTS names some of them
	@PYTHONPATH=tools IMAGE_OPTIONS="$(IMAGE_OPTIONS)" $(BIN)/python -m release $(PARTS)

docs: $(READY) ## write anew what is made from code, tests and values: the schemas, the dashboard, the chart's README, five pages of docs/
	$(BIN)/python -m mooring.config.document
	$(BIN)/python -m mooring.observe.document
	PYTHONPATH=tools $(BIN)/python -m kube.chart_values
	PYTHONPATH=tools $(BIN)/python -m kube.chart_readme
	PYTHONPATH=tools $(BIN)/python -m kube.dashboard
	PYTHONPATH=tools $(BIN)/python -m faults
	PYTHONPATH=tools $(BIN)/python -m partitions
	PYTHONPATH=tools $(BIN)/python -m pages

deploy: $(READY) ## write the kustomize base anew from the Helm chart; needs Go once, to build Helm
	@PYTHONPATH=tools $(BIN)/python -m kube.build helm
	@PYTHONPATH=tools $(BIN)/python -m kube.manifests

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
