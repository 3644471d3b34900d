# yuqing: `make` alone lists what can be made.
# Nothing here needs root. What Debian must bring is said in one line when it is missing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3.11
BIN := .venv/bin
LOCKS := requirements-bootstrap.lock requirements-dev.lock requirements-jdk.lock
# A changed lock or project file makes a new stamp name, so `make env` costs nothing while they stand as they are.
STAMP := .venv/.made-$(shell cat $(LOCKS) pyproject.toml setup.py requirements.in | sha256sum | cut -c1-16)
# A second environment with torch (several GB): only `make test-torch` and `yuqing train` want it.
TORCH_STAMP := .venv-torch/.made-$(shell cat requirements-bootstrap.lock requirements-torch.lock pyproject.toml setup.py requirements.in | sha256sum | cut -c1-16)

# YUQING_ENV_CACHE keeps downloads (Python and jars) outside the checkout, so that a fresh clone need not fetch them
# again. The environment itself is never shared: it holds absolute paths.
ifdef YUQING_ENV_CACHE
export UV_CACHE_DIR := $(YUQING_ENV_CACHE)/uv
export PIP_CACHE_DIR := $(YUQING_ENV_CACHE)/pip
export YUQING_JARS ?= $(YUQING_ENV_CACHE)/jars
export npm_config_cache ?= $(YUQING_ENV_CACHE)/npm
endif

# grafana-client brings urllib3-future, whose wheel replaces urllib3, which the store's client stands on. Built from its
# source with this variable it keeps to a name of its own (a test looks).
export URLLIB3_NO_OVERRIDE := 1
# Compiled once: else each of the processes that engines start may compile thousands of files before its first post.
SYNC := uv pip sync --quiet --compile-bytecode --require-hashes --no-binary urllib3-future --build-constraints requirements-bootstrap.lock

.PHONY: help env jars look demo test test-torch faults load soak hostile fuzz check bench models audit release lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(STAMP) ## build .venv from the locks (and a JDK into it where the machine has none that fits)

$(STAMP):
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is missing: apt-get install python3.11 python3.11-venv" >&2; exit 1; }
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: apt-get install python3.11-venv" >&2; exit 1; }
	$(BIN)/python -c '' 2>/dev/null || { echo "make env: creating .venv"; $(PYTHON) -m venv --clear .venv; }
	echo "make env: installing the locked packages (about 1 GB to download the first time)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-bootstrap.lock
	export VIRTUAL_ENV="$$PWD/.venv"
	$(BIN)/$(SYNC) requirements-dev.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	if ! $(BIN)/python -m pipelines.services.java >/dev/null 2>&1; then
		echo "make env: no Java 17 to 21 on this machine, installing one into .venv"
		$(BIN)/uv pip install --quiet --require-hashes -r requirements-jdk.lock
		$(BIN)/python -m pipelines.services.java >/dev/null
	fi
	rm -f .venv/.made-*
	touch $@
	echo "make env: done, the command is $(BIN)/yuqing"

jars: $(STAMP) ## fetch the locked Kafka jars (needs Maven); only `up --kafka` and kafka:// sources use them
	@$(BIN)/python -m pipelines.services.jars

look: $(STAMP) ## build the page of `up --look` (Node from the machine, else one into .venv; npm's packages)
	@$(BIN)/python -m pipelines.services.page

demo: $(STAMP) ## start the services, run the opinion job on a generated emergency, show what was found
	@$(BIN)/yuqing demo

test: $(STAMP) ## run every test, on real engines (ARGS="-k name" for a part)
	@command -v mvn >/dev/null || echo "make test: Kafka's tests will be skipped without Maven: apt-get install maven" >&2
	$(BIN)/python -m compileall -q schemas udfs governance pipelines dashboards loadtest  # many processes, see SYNC
	$(BIN)/python -m pytest $(ARGS)

test-torch: $(TORCH_STAMP) ## run the torch backend's and `yuqing train`'s tests in .venv-torch (downloads several GB the first time)
	@.venv-torch/bin/python -m pytest tests/torch $(ARGS)

$(TORCH_STAMP): $(STAMP)
	@.venv-torch/bin/python -c '' 2>/dev/null || { echo "make test-torch: creating .venv-torch"; $(PYTHON) -m venv --clear .venv-torch; }
	echo "make test-torch: installing the locked packages with torch"
	export VIRTUAL_ENV="$$PWD/.venv-torch"
	$(BIN)/$(SYNC) requirements-torch.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	rm -f .venv-torch/.made-*
	touch $@

faults: $(STAMP) ## strike every fault of the table at running jobs, an hour (ARGS='--only "kill clickhouse"' for a part)
	@$(BIN)/python -m loadtest.faults --output build/faults $(ARGS)

load: $(STAMP) ## offer a million posts an hour for five minutes with a burst of ten times that, and draw what came of it
	@$(BIN)/python -m loadtest.load --home build/load/home --output build/load/run --rate 278 --seconds 300 --burst 10x60@120 --warm-up 20 --up $(ARGS)

soak: $(STAMP) ## an hour of a million posts: does anything grow? Stopped, it goes on where it was
	@$(BIN)/python -m loadtest.scale soak --home build/soak/home --output build/soak/run --hours 1 --rate 278 $(ARGS)

hostile: $(STAMP) ## a million hostile lines through the filters; stopped, it goes on where it was
	@$(BIN)/python -m loadtest.hostile --lines 1000000 --seed 1 --processes 2 --output build/hostile $(ARGS)

fuzz: $(STAMP) ## a minute of coverage-guided fuzzing of each target
	@for target in $$($(BIN)/python -m tests.fuzz --list); do
		$(BIN)/python -m tests.fuzz $$target --seconds 60 --corpus build/fuzz/$$target
	done

check: $(STAMP) ## lint, format, types and the one-way arrows between rooms
	@code=0
	for tool in "ruff check ." "ruff format --check ." mypy lint-imports; do
		echo "-- $$tool"
		$(BIN)/$$tool || code=1
	done
	exit $$code

bench: $(STAMP) ## measure the throughput of the whole opinion job
	@$(BIN)/yuqing bench throughput

# Needs a GPU for a quarter of an hour, or a CPU for days; E5 and BGE name the bases' folders (training/encoder/README.md).
DATA ?= ../shared/data
MODELS ?= build/models
models: $(TORCH_STAMP) ## train and ship the encoder's bundles again, by stages that resume (DATA=, E5=, BGE=, MODELS=)
	@test -n "$(E5)" -a -n "$(BGE)" || { echo "make models: E5= and BGE= must name the folders of the bases, see training/encoder/README.md" >&2; exit 2; }
	.venv-torch/bin/python -m training.encoder.everything --data $(DATA) --e5 $(E5) --bge $(BGE) --work $(MODELS) --output $(MODELS)/bundles
	cp -r $(MODELS)/bundles/. udfs/encoder/bundles/

audit: $(STAMP) ## bandit over what is shipped; what is publicly known against the locked packages (needs the network)
	@$(BIN)/python deploy/release/audit.py

release: $(STAMP) ## into dist: the wheel, its bill of materials and SHA256SUMS (run `make test` and `make audit` before)
	@rm -rf dist build/lib build/bdist.*  # setuptools packs whatever an earlier build left there
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w dist .
	$(BIN)/python deploy/release/sbom.py dist/yuqing.cdx.json
	cd dist && sha256sum * > SHA256SUMS && cat SHA256SUMS

lock: $(STAMP) ## recompile the locks of the Python packages from requirements*.in, and that of the jars
	@compile() { $(BIN)/uv pip compile --quiet --python-version 3.11 --no-emit-index-url --generate-hashes "$${@:2}" "$$1.in" -o "$$1.lock"; }
	for name in requirements-bootstrap requirements-dev requirements-jdk requirements-node; do compile $$name; done
	compile requirements-torch -c requirements-dev.lock  # shared packages keep their versions
	$(BIN)/python -m pipelines.services.jars --lock

clean: ## remove the environment and everything that tools left behind (services must be down; HOME is kept)
	@rm -rf .venv .venv-torch build dist .jars *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	rm -rf dashboards/render/{node_modules,dist,dist.new,.build.lock}
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
