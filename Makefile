# One command for each need; continuous integration runs the same.
#
#   make setup PYTHON=python3.12    with another Python (3.10 to 3.13)
#   make test VENV=/tmp/venv        with the virtual environment elsewhere
#   make test WORKERS=4             with more tests at a time

PYTHON ?= python3
VENV ?= .venv
RUN := $(abspath $(VENV))/bin/python
STAMP := $(VENV)/.installed
WORKERS ?= 2
# Each test process works in one thread, so that two of them share two cores.
PYTEST := OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(WORKERS) --dist worksteal

# The stamp says what was installed, and where: a checkout that was moved, a setup.py
# that changed, an install that was interrupted are all installed again.
WANTED := $(abspath $(VENV)) $(shell cksum setup.py)
FOUND := $(shell $(RUN) -c '' 2>/dev/null && cat $(STAMP) 2>/dev/null)
ifneq ($(FOUND),$(WANTED))
.PHONY: $(STAMP)
endif

SUPPORTED := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))

.PHONY: help setup demo test check format

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*##/make \1 \t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(STAMP)  ## make the virtual environment .venv and install everything into it

demo: $(STAMP)  ## fetch real speech, train on it, print a table (15 minutes, 2 cores)
	cd recipes/DebianSpeech/ASR && $(RUN) train.py hparams/demo.yaml

test: $(STAMP)  ## all tests that need neither network nor GPU (10 minutes)
	$(PYTEST)

check: $(STAMP)  ## format, lint, layering and all tests: what a change has to pass
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m yamllint --strict .
	$(PYTEST)

format: $(STAMP)  ## put all files into the one format
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

$(STAMP):
	@$(PYTHON) -c '$(SUPPORTED)' || { \
	    echo 'Python 3.10 to 3.13 is needed: make setup PYTHON=python3.12'; exit 1; }
	@{ $(RUN) -c '$(SUPPORTED)' && grep -qF '$(abspath $(VENV))' $(VENV)/bin/activate; \
	} 2>/dev/null || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	@rm -f $(STAMP)
	$(RUN) -m pip install --editable '.[dev]'
	@echo '$(WANTED)' > $(STAMP)
