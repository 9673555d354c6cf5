# Rackwatt. `make` alone prints what can be made.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV := .venv/bin
STAMP := .venv/.complete
# What `make bench` alone needs: the exporters it measures beside ours.
BENCH_PACKAGES := prometheus-ipmi-exporter prometheus-snmp-exporter
# Tests wait for daemons most of the time: more workers than cores.
WORKERS ?= 3
TOOLS := $(or $(PYTHON),python3) -m scripts.tools

.PHONY: help setup check format tools tools-dir test e2e kind demo bench fuzz crds images lock docs pictures clean

help: ## print this
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(STAMP) ## create .venv with the project in it, and install the Debian packages it needs
	@scripts/packages

$(STAMP): pyproject.toml crds/rackwatt_crds/__init__.py scripts/venv
	@scripts/venv

check: $(STAMP) ## lint, types, words, import contracts, generated documentation
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/python -m scripts.prose
	$(VENV)/python -m scripts.docs --check
	$(VENV)/python -m scripts.crds --check

format: $(STAMP) ## format with ruff, and fix what it can
	$(VENV)/ruff format
	$(VENV)/ruff check --fix

tools: ## build what is missing of etcd, kube-apiserver, kubectl, helm …, once, outside the tree
	@$(TOOLS) test

tools-dir: ## print where the tools lie
	@$(TOOLS) --directory

test: setup tools ## run every test, against the real daemons; ARGS goes to pytest, WORKERS=0 runs one at a time
	$(VENV)/pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(ARGS)

e2e: setup ## as root: run all of it on a real node, from helm install to Prometheus; E2E_KEEP=1 keeps the node until Ctrl-C
	@scripts/namespaces
	@scripts/packages e2e
	@$(TOOLS) test e2e
	@$(VENV)/python -m tests.e2e

kind: ## bring up kind where docker is, for tests against it
	@PYTHON="$(PYTHON)" scripts/kind

demo: setup ## a simulated fleet, a scheduler, the exporter and its page; Ctrl-C ends it (DEMO_SECONDS=20 by itself)
	@$(VENV)/python -m scripts.demo

fuzz: $(STAMP) ## feed every parser with garbage, guided by coverage; FUZZ=name chooses, FUZZ_SECONDS=10 for each
	@$(VENV)/python -m pip install --quiet --disable-pip-version-check --group fuzz
	@$(VENV)/python -m tests.fuzz $(FUZZ)

bench: setup ## measure everything beside its budget and other programs, into docs/benchmarks.md; BENCH=load prints one
	@scripts/packages $(BENCH_PACKAGES) || echo "!!! going on without $(BENCH_PACKAGES)" >&2
	@$(VENV)/python -m tests.bench $(or $(BENCH),--output=docs/benchmarks.md)

crds: $(STAMP) ## generate the CRDs from the models, and the chart's roles
	$(VENV)/python -m scripts.crds

images: ## build both images into IMAGES, with buildah; BASE=debian where no registry can be reached
	@BASE=$(BASE) scripts/images $(IMAGES)

lock: $(STAMP) ## pin what the images hold, with hashes; ARGS=--upgrade takes newer versions
	@scripts/lock $(ARGS)

docs: $(STAMP) ## generate the reference pages from the code
	$(VENV)/python -m scripts.docs

pictures: setup ## take the pictures of the documentation, of a simulated fleet: twelve minutes
	@$(VENV)/python -m scripts.pictures

clean: ## remove what was made
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
