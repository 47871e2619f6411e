# `make run` starts the app, `make serve` the service, `make test` runs everything that checks them. All fill
# .venv first, once.
.PHONY: run serve test lint format hosted-check drawing-check screenshots openapi load fuzz

# The first of these that is a Python 3.11 to 3.13; PYTHON=... overrides.
CANDIDATES = python3.13 python3.12 python3.11 python3 python
PYTHON ?= $(shell for python in $(CANDIDATES); do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
IN_VENV = .venv/bin/python

run: .venv/installed-app
	ALLOW_TRAINING=1 .venv/bin/streamlit run streamlit_app.py

# With API_KEY in the environment, who knows it may train; docs/service.md names the other variables.
serve: export MODELS_DIR ?= output/models
serve: .venv/installed-service
	$(IN_VENV) -m helpers.service

test: lint
	$(IN_VENV) -m pytest --numprocesses 2 --dist loadfile

lint: .venv/installed-dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

# How fast ten hours are drawn in a real browser.
drawing-check: .venv/installed-dev
	$(IN_VENV) -m tests.browser.drawing_check

# Thousands of bad and odd files; docs/reliability.md has the figures.
fuzz: .venv/installed-dev
	$(IN_VENV) -m tests.fuzz.trials

# A fresh environment as on Community Cloud, an hour's call in a real browser, and the memory that it takes.
hosted-check: .venv/installed-dev
	$(IN_VENV) -m tests.browser.hosted_check

# Those of README and docs.
screenshots: .venv/installed-dev
	$(IN_VENV) -m tests.browser.screenshots

# The description of the service, which a test holds against the service.
openapi: .venv/installed-service
	$(IN_VENV) -m helpers.service.document

# The service under 32 clients for five minutes.
load: .venv/installed-service
	$(IN_VENV) -m tests.service.load

format: .venv/installed-dev
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

.venv/installed-app: requirements.txt | .venv/created
	$(IN_VENV) -m pip install --quiet --requirement requirements.txt
	touch $@

.venv/installed-service: requirements-service.txt requirements.txt | .venv/created
	$(IN_VENV) -m pip install --quiet --requirement requirements-service.txt
	touch $@

.venv/installed-dev: requirements-dev.txt requirements-batch.txt requirements-service.txt requirements-train.txt \
		requirements.txt | .venv/created
	$(IN_VENV) -m pip install --quiet --requirement requirements-dev.txt
	touch $@

.venv/created:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed: install one, or set PYTHON."; exit 1; }
	$(PYTHON) -m venv .venv
	touch $@
