# The repository's commands; each installs what it lacks, and says so first.
#
#   make demo        a generated service, served: make demo ANSWERS="cache_backend=redis database=mysql"
#   make test        everything: all combinations, installed, checked and served
#   make test-fast   what needs no installing and is done in a minute
#   make test-containers   of `make test`, what runs in Docker; without an engine it is skipped
#   make test-field  of `make test`, other projects' own tests, run against the engine
#   make bench       requests a second, beside the tutorial way and bare Flask: some minutes
#   make lint        ruff and mypy over the suite, the hooks, the template and its engine
#   make sizes       how many lines a generated project has, beside their limits
#   make pictures    the pictures of the README, drawn anew

export PATH := $(PATH):$(CURDIR)/.venv-uv/bin
unexport PYTHONDONTWRITEBYTECODE # what is compiled once need not be compiled a thousand times
# The distribution's Python is built for speed, others often are not: it saves a fifth of the time.
OPTIMIZED := $(shell /usr/bin/python3 -c 'import sys; print("/usr/bin/python3" * (sys.version_info >= (3, 11)))' 2>/dev/null)
ifneq ($(OPTIMIZED),)
export UV_PYTHON ?= $(OPTIMIZED)
endif
.PHONY: help demo test test-fast test-containers test-field bench lint sizes servers browser pictures

help:
	@sed -n 's/^#   make/make/p' Makefile

demo:
	@scripts/bootstrap $(ANSWERS)
	@uv run python -u -m scripts.demo $(ANSWERS)

test: lint servers browser test-containers
	uv run pytest -n 0 -m alone
	uv run pytest

test-fast: lint servers
	uv run pytest -m "not (alone or containers or run or slow)"

test-containers: # in one process: the load needs the processors
	@scripts/bootstrap
	uv run pytest -n 0 -m containers tests/containers

test-field:
	@scripts/bootstrap
	uv run pytest -v tests/field

lint:
	@scripts/bootstrap
	uv run ruff check --config pyproject.toml .  # not the template's
	uv run ruff format --config pyproject.toml --check .
	uv run mypy
	uv run python -m scripts.engine

bench:
	@scripts/bootstrap redis memcached postgresql mysql wrk
	@uv run python -u -m benchmarks.serving

sizes:
	@scripts/bootstrap
	@uv run python -m scripts.sizes

servers:
	@scripts/bootstrap redis memcached mongodb postgresql mysql prometheus

browser:
	@scripts/bootstrap chromium

pictures: browser
	@uv run python -m scripts.pictures
