# What a newcomer needs: `make demo`, `make test` and `make test-all`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
ARGS ?=
LOCALES = de
PIP = $(BIN)/pip install --disable-pip-version-check --require-hashes --progress-bar off
# Installs a list of packages and names each one while it is at it; pip's errors follow.
INSTALL = { $(PIP) -r $(1) 2>$(VENV)/.errors || \
    { grep -v '^WARNING' $(VENV)/.errors >&2; touch $(VENV)/.failed; }; } | \
  while read -r verb package rest; do case "$$verb" in \
    Collecting) echo "  $$package";; Installing) echo "All are here; putting them in place …";; esac; done; \
  rm -f $(VENV)/.errors; ! rm $(VENV)/.failed 2>/dev/null

.PHONY: demo test test-all install test-install lint bench stress screenshots sbom lock messages clean-demo

demo: install
	@$(BIN)/python manage.py demo $(ARGS)

install: $(VENV)/.installed

# On all cores, each with a database and files of its own: all but the slow tests and the browser's.
# ARGS="tests/views -k home" for a part, whatever it holds.
test: test-install
	@$(if $(ARGS),.ci/chromium)
	@echo "Tests on all cores: $(or $(ARGS),all but the slow ones and the browser; make test-all runs them too)"
	@$(BIN)/pytest -n auto --dist worksteal $(or $(ARGS),-m "not slow and not browser")

# The whole suite: stand-in, workers, killed processes and browser included.
test-all: test-install
	@.ci/chromium
	@echo "Tests on all cores, all of them: $(ARGS)"
	@$(BIN)/pytest -n auto --dist worksteal $(ARGS)

test-install: $(VENV)/.test-installed

# ruff, mypy, import contracts and templates: what must hold besides the tests.
lint: test-install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint --quiet --lint templates
	@$(BIN)/python manage.py makemigrations --check --dry-run

$(VENV)/.installed: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 …"; exit 2; }
	@test -x $(BIN)/pip || echo "Making a virtual environment in $(VENV) …"
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Virtual environments need: apt install python3-venv"; exit 2; }
	@echo "Installing the packages of constraints.txt into $(VENV):"
	@$(call INSTALL,constraints.txt)
	@touch $@

$(VENV)/.test-installed: $(VENV)/.installed tests/constraints.txt
	@echo "Installing the packages of tests/constraints.txt into $(VENV):"
	@$(call INSTALL,tests/constraints.txt)
	@touch $@

# Speed, memory and locks, each beside its floor, in one table (some minutes).
bench: test-install
	@$(BIN)/python -m tests.benchmarks $(ARGS)

# Long random histories, faults and kills; every batch accounted for (some minutes to an hour).
stress: test-install
	@$(BIN)/python -m tests.stress $(ARGS)

# A picture of every page, into var/screenshots/; the four of the README into tests/browser/screenshots/
# (ARGS=--readme for those alone).
screenshots: test-install
	@.ci/chromium
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

# The bill of materials of what runs in production, into var/cwexport.cdx.json.
sbom: test-install
	@$(BIN)/python -m tests.supply_chain $(ARGS)

# Renews both files of exact versions from the ranges; needs uv.
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
       --no-annotate --no-header --upgrade
lock:
	$(LOCK) requirements.txt -o constraints.txt
	$(LOCK) -c constraints.txt tests/requirements.txt -o tests/constraints.txt

# Takes new and changed sentences of code and templates into the German catalogue and compiles it.
# The stand-in is left out: it speaks as ConnectWise does. Both files are committed, as
# installations have no gettext.
messages: install
	@command -v xgettext >/dev/null && command -v msgfmt >/dev/null || \
	  { echo "Translations need GNU gettext: apt install gettext"; exit 2; }
	@mkdir -p exports/locale
	@$(BIN)/python manage.py makemessages $(addprefix --locale=,$(LOCALES)) --no-obsolete --no-wrap --add-location=file \
	  --ignore=exports/demo --ignore=tests --ignore=var --ignore=$(VENV)
	@$(BIN)/python manage.py compilemessages $(addprefix --locale=,$(LOCALES)) --ignore=".*" --ignore=var --ignore=$(VENV)

clean-demo:
	rm -rf var/demo
