# Targets set up all they need: a virtual environment beside this file with locked, hashed packages, and Debian's servers where root and missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
IMAGE ?= mooring:latest
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help run servers test unit fuzz bench lint cluster cluster-down lock docs image deploy clean
MAKEFLAGS += --jobs=2 # packages for Python and for the system arrive side by side

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements/dev.txt
	@PYTHON=$(PYTHON) tests/ground/bootstrap.sh venv $(VENV)
	@touch $@

run: $(READY) servers ## real databases on loopback, Mooring over them, a live table; Ctrl-C ends all of it
	@PYTHONPATH=tests $(BIN)/python -m ground.demo

servers:
	@tests/ground/bootstrap.sh servers || true

test: $(READY) lint ## every check and every test tier that can run here; with CI=true nothing may skip
	@PYTHON=$(BIN)/python tests/ground/bootstrap.sh servers scenarios cluster image systemd || test -z "$$CI"
	$(BIN)/pytest --numprocesses=2 --dist=loadgroup --no-loadscope-reorder

unit: $(READY) ## the tests that need no root and no server
	$(BIN)/pytest tests/unit

FUZZ_STREAMS ?= 1000000
FUZZ_SEED ?= 20261123
fuzz: $(READY) ## a million malformed byte streams for each protocol, against what the daemon takes for alive
	@PYTHONPATH=tests $(BIN)/python -m fuzz.campaign mysql $(FUZZ_STREAMS) $(FUZZ_SEED)
	@PYTHONPATH=tests $(BIN)/python -m fuzz.campaign redis $(FUZZ_STREAMS) $(FUZZ_SEED)

bench: $(READY) ## every figure of docs/performance.md, beside HAProxy; needs root and half an hour of a quiet machine
	@PYTHON=$(BIN)/python tests/ground/bootstrap.sh servers scenarios cluster bench
	@PYTHONPATH=tests $(BIN)/python -m bench

lint: $(READY) ## ruff, mypy, the laws of the house, drift of generated files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

cluster: $(READY) ## a whole Kubernetes in network namespaces, to work with by hand; needs root, and Go once to build it
	@tests/ground/bootstrap.sh scenarios cluster
	@PYTHONPATH=tests $(BIN)/python -m cluster.by_hand up

cluster-down: $(READY) ## end it
	@PYTHONPATH=tests $(BIN)/python -m cluster.by_hand down

lock: $(READY) ## write requirements/*.txt anew from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group build --constraints requirements/dev.txt -o requirements/build.txt

image: ## Mooring's container image, by docker, podman or buildah; IMAGE names it, IMAGE_OPTIONS are the engine's own
	deploy/image/build.sh $(IMAGE) $(IMAGE_OPTIONS)

docs: $(READY) ## write the schemas and docs/configuration.md anew from the models
	$(BIN)/python -m mooring.config.document
	$(BIN)/python -m mooring.observe.document
	PYTHONPATH=tests $(BIN)/python -m cluster.values

deploy: $(READY) ## write the kustomize base anew from the Helm chart; needs Go once, to build Helm
	@PYTHONPATH=tests $(BIN)/python -m cluster.build helm
	@PYTHONPATH=tests $(BIN)/python -m cluster.manifests

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
