# Rackwatt. `make` prints the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV := .venv/bin
STAMP := .venv/.complete
# What `make bench` alone needs: the exporters it measures for comparison.
BENCH_PACKAGES := prometheus-ipmi-exporter prometheus-snmp-exporter
# Tests mostly wait for daemons, so there may be more workers than cores.
WORKERS ?= 3
TOOLS := $(or $(PYTHON),python3) -m scripts.tools
PEERS := $(VENV)/python -m scripts.peers
SLURM_TREES := $(VENV)/python -m scripts.slurm_trees

.PHONY: help setup check format tools tools-dir test e2e kind demo bench fuzz crds images lock docs pictures clean

help: ## print this help
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

tools: $(STAMP) ## build missing tools (etcd, kube-apiserver, helm, OpenStack, newer Slurms …), once, outside the tree
	@$(TOOLS) test
	@$(PEERS)
	@$(SLURM_TREES)

tools-dir: ## print the directory of the tools
	@$(TOOLS) --directory

test: setup tools ## run every test, against the real daemons; ARGS goes to pytest, WORKERS=0 runs one at a time
	$(VENV)/pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(ARGS)

e2e: setup ## as root: run everything on a real node, from helm install to Prometheus; E2E_KEEP=1 keeps the node until Ctrl-C
	@scripts/namespaces
	@scripts/packages e2e
	@$(TOOLS) test e2e
	@$(VENV)/python -m tests.e2e

kind: ## start kind where docker is installed, for tests against it
	@PYTHON="$(PYTHON)" scripts/kind

demo: setup ## a simulated fleet, a scheduler, a node with jobs, the exporters and their pages; stop with Ctrl-C, or set DEMO_SECONDS
	@$(VENV)/python -m scripts.demo

fuzz: $(STAMP) ## fuzz every parser, guided by coverage; FUZZ=name selects one, FUZZ_SECONDS=10 for each
	@$(VENV)/python -m pip install --quiet --disable-pip-version-check --group fuzz
	@$(VENV)/python -m tests.fuzz $(FUZZ)

bench: setup ## compare all measurements with budgets and other programs, into docs/benchmarks.md; BENCH=load prints one
	@scripts/packages $(BENCH_PACKAGES) || echo "!!! continuing without $(BENCH_PACKAGES)" >&2
	@$(VENV)/python -m tests.bench $(or $(BENCH),--output=docs/benchmarks.md)

crds: $(STAMP) ## generate the CRDs from the models, and the chart's roles
	$(VENV)/python -m scripts.crds

images: ## build the images into IMAGES, with buildah; BASE=debian without access to a registry
	@BASE=$(BASE) scripts/images $(IMAGES)

lock: $(STAMP) ## pin the packages of the images, with hashes; ARGS=--upgrade selects newer versions
	@scripts/lock $(ARGS)

docs: $(STAMP) ## generate the reference pages from the code
	$(VENV)/python -m scripts.docs

pictures: setup ## take the screenshots of pages and dashboards from simulated fleets, in a quarter of an hour; needs npm
	@$(VENV)/python -m scripts.pictures

clean: ## remove generated files
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
