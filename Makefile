# make demo   set up .venv and write talking.mp4
# make test   set up .venv and run every check
# make system install Debian's OpenGL without a screen (as root), for synthetic people; their tests are skipped without it
# Another interpreter: make PYTHON=python3.12 demo. The set-up at full length: make PIP_FLAGS= demo.

PYTHON ?= python3
PIP_FLAGS ?= --quiet
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt
SOURCES := src tests $(wildcard tools benchmarks)
PACKAGE_STAMP := $(VENV)/.stamp-package
TOOLS_STAMP := $(VENV)/.stamp-tools

# The package and its tests do without; `orate prepare synthetic` does not.
SYSTEM_PACKAGES := libegl1 libgl1-mesa-dri

.PHONY: demo test system lint format types unit benchmark clean
.DELETE_ON_ERROR:

demo: $(PACKAGE_STAMP)
	$(BIN)/orate animate examples/portrait.jpg examples/speech.wav -o talking.mp4
	@echo "The video is in $(CURDIR)/talking.mp4"

# Cheap checks first. The recipe is one sub-make so that `make -j` keeps the order.
test: $(TOOLS_STAMP)
	@$(MAKE) --no-print-directory -j1 lint types unit

lint: $(TOOLS_STAMP)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(TOOLS_STAMP)
	$(BIN)/mypy

# One thread a worker: the workers share the cores, and several threads in each would only wait for one another.
unit: $(TOOLS_STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS)

format: $(TOOLS_STAMP)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

benchmark: $(TOOLS_STAMP)
	$(BIN)/python benchmarks/generator.py
	$(BIN)/python benchmarks/layers.py
	$(BIN)/python benchmarks/long_audio.py
	$(BIN)/python benchmarks/loader.py
	$(BIN)/python benchmarks/training.py paper-small --steps 1

system:
	apt-get update -q
	apt-get install -y -q --no-install-recommends $(SYSTEM_PACKAGES)

clean:
	rm -rf $(VENV) dist talking.mp4 .mypy_cache .ruff_cache .pytest_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "orate needs Python 3.11 or newer as '$(PYTHON)'; name another one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments; on Debian and Ubuntu install the package python3-venv." >&2; exit 1; }
	@echo "Setting up $(VENV); this is done once and takes some minutes."
	$(PYTHON) -m venv $(VENV)

$(PACKAGE_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP_INSTALL) --upgrade pip
	$(PIP_INSTALL) --build-constraint constraints.txt --editable .
	@touch $@

$(TOOLS_STAMP): $(PACKAGE_STAMP)
	$(PIP_INSTALL) --build-constraint constraints.txt --editable '.[ray,study,synthetic,train]' --group dev
	@touch $@
