# Everything that a person or CI runs. Needs git, make and Python 3.11 or newer; the rest comes from the lock
# files into .venv, on first use and when they change.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:

# The first that fits makes .venv. `make clean test PYTHON=python3.13` chooses another.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python
VENV := .venv
BIN := $(VENV)/bin
CACHE := .cache
DIST ?= dist
WORKFLOWS := $(wildcard .github/workflows/*.yml)
ACTIONS := $(wildcard .github/actions/*/action.yml)
FORMS := $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
# Git's ids of this and all earlier locks: wheels kept for one of them may be installed in an outage.
KNOWN_LOCKS := .github/actions/rollout/known-locks
UV_LOCK := .github/actions/rollout/uv.lock

.PHONY: help demo test real cover check fmt fix docs dist hooks bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: runtime ## play a whole rollout and its rollback in a throw-away repository
	@$(BIN)/rollout demo

# The tests wait for git and for time-outs: with one process a core a seventh of the time nobody computes.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN) && echo $$(( (n * 3 + 1) / 2 )))

test: dev ## run the tests; T='tests/core -k soak' runs some of them
	@set -- $(T); \
	for part; do \
		case $$part in -*) break ;; esac; \
		test -e "$${part%%::*}" || { \
			echo "make test: $${part%%::*} does not exist. T takes files or folders, then options of pytest." >&2; \
			exit 2; }; \
	done; \
	test $$# -gt 0 || echo "3 to 7 minutes on two idle cores, by the machine. T='tests/core' runs a part." >&2; \
	$(BIN)/python -m pytest -n auto --dist worksteal "$$@" || { \
		code=$$?; test $$code -ne 5 || echo 'make test: T names no test.' >&2; exit $$code; }

# What needs more than Python and git. T='-k graphql' runs some of them.
real: dev prometheus $(CACHE)/real/.installed ## GitHub's records and pages, a real Prometheus (needs npm)
	@$(BIN)/python -m pytest -n auto tests/real $(T)

# The tests start it, on free ports of the loopback.
PROMETHEUS := apt-get install -y --no-install-recommends prometheus
.PHONY: prometheus
prometheus:
	@command -v prometheus >/dev/null || { \
		if ! command -v apt-get >/dev/null; then \
			echo 'make real needs prometheus on the PATH (macOS: brew install prometheus).' >&2; exit 1; \
		elif [ "$$(id -u)" != 0 ]; then \
			echo 'make real needs prometheus: sudo $(PROMETHEUS)' >&2; exit 1; \
		fi; \
		echo 'set-up: prometheus'; \
		{ $(PROMETHEUS) || { apt-get update && $(PROMETHEUS); }; } >/dev/null; }

# Node trusts a list of its own, also where the system trusts more, such as a company's proxy.
$(CACHE)/real/.installed: export NODE_EXTRA_CA_CERTS ?= /etc/ssl/certs/ca-certificates.crt

# The lock holds versions and hashes, and no address.
$(CACHE)/real/.installed: tests/real/package-lock.json tests/real/unpack.cjs
	@command -v npm >/dev/null || { \
		echo 'make real needs npm, which comes with Node.js (Debian: apt-get install npm).' >&2; exit 1; }
	@echo "set-up: $(dir $@)"
	@rm -rf $(dir $@) && mkdir -p $(dir $@) && cp tests/real/package.json tests/real/package-lock.json $(dir $@)
	@npm ci >&2 --prefix $(dir $@) --loglevel=error --ignore-scripts --no-audit --no-fund
	@node tests/real/unpack.cjs $(dir $@) && touch $@

cover: dev ## run the tests one by one and list the lines that none of them ran
	@mkdir -p $(CACHE)/coverage
	@$(BIN)/python -m coverage run -m pytest $(T)
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage report

# Each line is shown and can be run alone.
check: dev ## lint, format, words, types, layers and workflows
	$(BIN)/ruff check -q .
	$(BIN)/ruff format -q --check .
	$(BIN)/python -m docs.words
	$(BIN)/mypy $(wildcard rollout fakehub tests benchmarks docs)
	$(BIN)/lint-imports --no-logo --cache-dir $(CACHE)/import-linter
	$(BIN)/actionlint -shellcheck= -pyflakes= $(WORKFLOWS)
	$(BIN)/zizmor --offline --no-progress --quiet --persona auditor .github
	$(BIN)/check-jsonschema -q --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(if $(ACTIONS),$(BIN)/check-jsonschema -q --builtin-schema vendor.github-actions $(ACTIONS))
	$(BIN)/check-jsonschema -q --builtin-schema vendor.github-issue-forms $(FORMS)
	$(BIN)/check-jsonschema -q --builtin-schema vendor.dependabot .github/dependabot.yml

fmt: dev ## format the code
	@$(BIN)/ruff format -q .

fix: dev ## fix what the linter can fix by itself, then format
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

docs: dev ## write docs/reference from the code
	@$(BIN)/python -m docs.generate

dist: runtime ## build wheel and sdist; TAG=v1.2.3 also checks that this is that version
	@version=v$$($(BIN)/python -c 'import rollout; print(rollout.__version__)'); \
	if [ -n "$(TAG)" ] && [ "$(TAG)" != "$$version" ]; then \
		echo "rollout/__init__.py says $$version, and the tag is $(TAG): tag the commit that sets the version." >&2; \
		exit 2; fi
	@rm -rf $(DIST) && $(BIN)/python -m hatchling build -d $(DIST)

hooks: dev ## check each commit before it is made: format, lint, subject
	@$(BIN)/pre-commit install --install-hooks -t pre-commit -t commit-msg

bench: dev ## measure what has a budget
	@$(BIN)/python -m benchmarks

lock: runtime ## resolve pyproject.toml into the lock files; U=--upgrade takes newer versions
	@set -e; resolve() { \
		UV_CUSTOM_COMPILE_COMMAND='make lock' \
		$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links $(U) pyproject.toml "$$@"; \
	}; \
	resolve --group build -o requirements.lock; \
	resolve --group dev -c requirements.lock -o requirements-dev.lock; \
	{ cat $(KNOWN_LOCKS); git hash-object --no-filters requirements.lock $(UV_LOCK); } | \
		sort -u -o $(KNOWN_LOCKS)

clean: ## remove what make made
	rm -rf $(VENV) $(CACHE) dist
	find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# ---------------------------------------------------------------- set-up
# .venv is right when it was made here, from these lock files, and no install was cut short.
# Otherwise it is made anew, so that nothing stays in it which a lock file no longer names.

.PHONY: runtime dev anew

# One set-up at a time, however many makes are started in this worktree.
ALONE = mkdir -p $(CACHE) && $(shell command -v flock >/dev/null && echo flock $(CACHE)/set-up)

runtime:
	@$(ALONE) $(MAKE) -s $(VENV)/.runtime $(VENV)/.tool

dev:
	@$(ALONE) $(MAKE) -s $(VENV)/.dev $(VENV)/.tool

SOUND = $(shell test "$$(cat $(VENV)/.made-in 2>/dev/null)" = '$(CURDIR)' && test ! -e $(VENV)/.unfinished \
	&& $(BIN)/python -c '' 2>/dev/null && echo yes)

ifneq ($(filter $(VENV)/%,$(MAKECMDGOALS)),)
$(VENV)/.made-in: $(if $(SOUND),,anew)
endif

FIND_PYTHON = for python in $(PYTHON) ''; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	done; \
	if [ -z "$$python" ]; then \
	echo 'No Python 3.11 or newer with venv among: $(PYTHON).' >&2; \
	echo 'Install one (Debian: python3 and python3-venv), or name it: make PYTHON=...' >&2; exit 1; fi

$(VENV)/.made-in: requirements.lock requirements-dev.lock $(UV_LOCK)
	@$(FIND_PYTHON); \
	echo "set-up: $(VENV), by $$("$$python" -V)"; \
	rm -rf $(VENV) && "$$python" -m venv $(VENV) && \
	$(BIN)/python -m pip --disable-pip-version-check --no-input install -q --require-hashes -r $(UV_LOCK) && \
	echo '$(CURDIR)' >$@

# uv installs in a tenth of pip's time. It trusts what the system trusts, such as a company's proxy.
UV := UV_SYSTEM_CERTS=true $(BIN)/uv
INSTALL := $(UV) pip install -q --python $(BIN)/python --no-deps

# Wheels only: building an sdist would fetch build tools that no hash vouches for.
define install
	@echo "set-up: $(1)"
	@touch $(VENV)/.unfinished
	@$(INSTALL) --require-hashes --only-binary :all: --compile-bytecode -r $(1)
	@rm $(VENV)/.unfinished
endef

$(VENV)/.runtime: $(VENV)/.made-in
	$(call install,requirements.lock)
	@touch $@

# Names everything that the runtime lock file names, in the same versions.
$(VENV)/.dev: $(VENV)/.made-in
	$(call install,requirements-dev.lock)
	@test -e $(VENV)/.runtime || touch $(VENV)/.runtime
	@touch $@

$(VENV)/.tool: $(VENV)/.runtime pyproject.toml
	@echo 'set-up: rollout, editable'
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@
