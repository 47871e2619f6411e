# `make run` starts the app, `make serve` the service, `make test` runs everything that checks them. All fill
# .venv first, once.
.PHONY: run serve test lint format hosted-check drawing-check screenshots openapi load fuzz fuzz-guided soak audit test-all

# The first of these that is a Python 3.11 to 3.13; PYTHON=... overrides.
CANDIDATES = python3.13 python3.12 python3.11 python3 python
PYTHON ?= $(shell for python in $(CANDIDATES); do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)
VENV = .venv
IN_VENV = $(VENV)/bin/python

run: $(VENV)/installed-app
	ALLOW_TRAINING=1 $(VENV)/bin/streamlit run streamlit_app.py

# Threads share two arenas of glibc's memory, instead of up to eight per core that each keep what was freed: a server
# that ten sessions used at once, again and again, held 363 MiB instead of 560.
run serve: export MALLOC_ARENA_MAX ?= 2

# With API_KEY in the environment, who knows it may train; docs/service.md names the other variables.
serve: export MODELS_DIR ?= output/models
serve: $(VENV)/installed-service
	$(IN_VENV) -m helpers.service

# Three processes on two cores, as browsers and servers mostly wait; a thread of BLAS for each: more of them fight for
# the cores. What fails is tried once more, and told as a rerun: browsers, clocks and signals have bad moments on two
# busy cores.
test: lint
	OPENBLAS_NUM_THREADS=1 $(IN_VENV) -m pytest --numprocesses 3 --dist loadfile --reruns 1 --durations=15

# On each Python that is supported, in an environment of its own.
test-all:
	for version in 3.11 3.12 3.13; do \
	$(MAKE) test VENV=.venv-$$version PYTHON=python$$version || exit; done

lint: $(VENV)/installed-dev
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

# How fast ten hours are drawn in a real browser.
drawing-check: $(VENV)/installed-dev
	$(IN_VENV) -m tests.browser.drawing_check

# Thousands of bad and odd files; docs/reliability.md has the figures.
fuzz: $(VENV)/installed-dev
	$(IN_VENV) -m tests.fuzz.trials

# Guided by the coverage of our code, for so many seconds; atheris is there for Python 3.11.
SECONDS = 60
fuzz-guided: $(VENV)/installed-dev
	$(IN_VENV) -m pip install --quiet "atheris>=3,<4"
	$(IN_VENV) -m tests.fuzz.guided -max_total_time=$(SECONDS)

# Twenty sessions at once for so many minutes, and servers that end badly.
MINUTES = 5
soak: $(VENV)/installed-dev
	$(IN_VENV) -m tests.soak.soak --minutes $(MINUTES)

# Known weaknesses of what is installed, and the list of it (CycloneDX).
audit: $(VENV)/installed-dev
	$(IN_VENV) -m pip install --quiet "pip-audit>=2.9,<3" "cyclonedx-bom>=7,<8"
	mkdir -p output
	$(VENV)/bin/cyclonedx-py environment $(VENV) --output-file output/sbom.json
	$(VENV)/bin/pip-audit --strict --requirement requirements.txt

# A fresh environment as on Community Cloud, an hour's call in a real browser, and the memory that it takes.
hosted-check: $(VENV)/installed-dev
	$(IN_VENV) -m tests.browser.hosted_check

# Those of README and docs.
screenshots: $(VENV)/installed-dev
	$(IN_VENV) -m tests.browser.screenshots

# The description of the service, which a test holds against the service.
openapi: $(VENV)/installed-service
	$(IN_VENV) -m helpers.service.document

# The service under 32 clients for five minutes.
load: $(VENV)/installed-service
	$(IN_VENV) -m tests.service.load

format: $(VENV)/installed-dev
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

$(VENV)/installed-app: requirements.txt | $(VENV)/created
	$(IN_VENV) -m pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/installed-service: requirements-service.txt requirements.txt | $(VENV)/created
	$(IN_VENV) -m pip install --quiet --requirement requirements-service.txt
	touch $@

$(VENV)/installed-dev: requirements-dev.txt requirements-batch.txt requirements-service.txt requirements-train.txt \
		requirements.txt | $(VENV)/created
	$(IN_VENV) -m pip install --quiet --requirement requirements-dev.txt
	touch $@

$(VENV)/created:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed: install one, or set PYTHON."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@
