# `make help` lists the commands. Each sets up what it needs by itself.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE := 1
export PYTHONUTF8 := 1
ifneq ($(shell test -d "$$TMPDIR" && echo there),there)
unexport TMPDIR
endif

# A variable that a command does not take would be ignored without a word; it is refused, with the right form, before anything is set up.
takes.figure := FIG SET OUT
takes.notebook := NAME SET OUT
takes.sweep := FIG GRID OUT WORKERS POINTS SCHEDULER
takes.compare := A B OUT
takes.claims := SET OUT
takes.lab := ARGS
takes.browser-test := CHROMIUM
takes.bench := QUICK
goals := $(or $(MAKECMDGOALS),help)
typed := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
strange := $(sort $(filter-out PYTHON SHELL MAKE% $(foreach goal,$(goals),$(takes.$(goal))),$(typed)))
# Taken as they were typed: make itself would run a $(shell) in them and drop a $.
override FIG := $(value FIG)
override NAME := $(value NAME)
override SET := $(value SET)
override OUT := $(value OUT)
override GRID := $(value GRID)
override WORKERS := $(value WORKERS)
override POINTS := $(value POINTS)
override A := $(value A)
override B := $(value B)
override SCHEDULER := $(value SCHEDULER)
override ARGS := $(value ARGS)
override PYTHON := $(value PYTHON)
export FIG NAME SET OUT GRID WORKERS POINTS SCHEDULER A B ARGS PYTHON
# Not handed on a second time, all in one string: Linux starts no command with a string of more than 128 kB.
MAKEOVERRIDES :=

ifneq ($(strange),)
known := $(patsubst "%":,%,$(filter "%":,$(file <adage_repro/parameters.py)))
pairs := $(strip $(SET) $(foreach name,$(filter $(known),$(strange)),$(name)=$(value $(name))))
comma := ,
form.figure := make figure FIG=$(or $(FIG),number) SET="$(or $(pairs),name=value …)" $(if $(OUT),OUT=$(OUT),[OUT=folder])
form.notebook := make notebook NAME=$(or $(NAME),name) SET="$(or $(pairs),name=value …)" $(if $(OUT),OUT=$(OUT),[OUT=folder])
form.sweep := make sweep FIG=$(or $(FIG),number) GRID="$(or $(GRID),name=value$(comma)value name=start:stop:count …)" [OUT=folder] [WORKERS=2]
form.compare := make compare A=$(or $(A),folder) B=$(or $(B),folder) [OUT=folder]
form.claims := make claims SET="$(or $(pairs),name=value …)" $(if $(OUT),OUT=$(OUT),[OUT=folder])
form.lab := make lab ARGS="--port 9999"
goal := $(firstword $(goals))
$(error $(firstword $(strange)) is not a variable of make $(goal): write $(or $(form.$(goal)),make $(goal)$(if $(filter FIG SET OUT $(known),$(strange)), or $(form.figure))))
endif

export JUPYTER_PLATFORM_DIRS := 1
# One thread a notebook, since they run side by side, and what XLA has compiled once is kept.
export OMP_NUM_THREADS := 1
export JAX_COMPILATION_CACHE_DIR := $(CURDIR)/.cache/jax
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS := 0
export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES := -1

.PHONY: help figures figure notebook sweep compare claims docs gallery test browser-test lab lint clean contact-sheet bench refresh lock

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 15

# The Python on the PATH if this clone and all that is locked are installed in it (an activated environment, conda, Binder), otherwise .venv's.
ifneq ($(filter-out help clean,$(MAKECMDGOALS)),)
FOUND := $(shell for python in "$$(command -v python)" .venv/bin/python; do \
  reason=$$("$$python" -I environment.py fits '$(PYTHON)' 2>/dev/null) && dirname "$$python" && break; \
  test "$$reason" = "$$said" || echo "$$reason" >&2; said=$$reason; \
done)
endif
BIN := "$(or $(FOUND),.venv/bin)"

.PHONY: .venv/.ready
ifneq ($(FOUND),)
.venv/.ready: ;
else
.venv/.ready:
	@if test -n "$$PYTHON"; then set -- "$$PYTHON"; else set -- python3.11 python3.12 python3.13 python3.14 python3; fi; \
	for python; do \
	  version=$$("$$python" -c 'import platform; print(platform.python_version())' 2>/dev/null) || { test -z "$$PYTHON" || found="nothing that runs as $$PYTHON"; continue; }; \
	  if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'; then \
	    if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	      echo "setting up .venv from requirements.lock with Python $$version"; \
	      "$$python" -m venv --clear .venv; exit; \
	    fi; \
	    version="$$version without ensurepip, which Debian has in python3-venv"; \
	  fi; \
	  found="$${found:+$$found, }$$python ($$version)"; \
	done; \
	echo "set-up needs Python 3.11, 3.12, 3.13 or 3.14, found $${found:-none}; one comes with: uv python install 3.11; another is used with: make PYTHON=path/to/python" >&2; exit 1
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[0-9.]*' requirements.lock)"
	@$(BIN)/python -m uv pip install --python .venv --quiet --compile-bytecode -r requirements.lock
	@$(BIN)/python -m uv pip install --python .venv --quiet --no-deps --no-build-isolation --editable .
endif

figures: .venv/.ready ## make the figures that have changed, into figures/
	@$(BIN)/python -m adage_repro figures

figure: .venv/.ready ## make one figure with other parameters: make figure FIG=4 SET="capacity=0.8" [OUT=folder]
	@$(BIN)/python -m adage_repro figure "$$FIG" "$$SET" "$$OUT"

notebook: .venv/.ready ## run any notebook with other parameters: make notebook NAME=fig04_policy SET="capacity=0.8" [OUT=folder]
	@$(BIN)/python -m adage_repro notebook "$$NAME" "$$SET" "$$OUT"

sweep: .venv/.ready ## make one figure at each point of a grid: make sweep FIG=5 GRID="capacity=0.2:1.0:5 seed=0,1,2" [WORKERS=2]
	@$(BIN)/python -m adage_repro sweep "$$FIG" "$$GRID" "$$OUT" "$$WORKERS" "$$POINTS" "$$SCHEDULER"

compare: .venv/.ready ## show what differs between two runs of a figure, and both pictures on one page: make compare A=folder B=figures
	@$(BIN)/python -m adage_repro compare "$$A" "$$B" "$$OUT"

claims: .venv/.ready ## measure every claim under every reading, into figures/ and docs/; elsewhere: make claims SET="capacity=0.4"
	@$(BIN)/python -m adage_repro claims "$$SET" "$$OUT"

docs: .venv/.ready ## write the tables of the README and docs/, and the notebooks' parameters cells, from the code
	@$(BIN)/python -m adage_repro docs

gallery: .venv/.ready ## make a site of the figures, claims, notebooks and docs, into build/site/
	@$(BIN)/python -m adage_repro gallery

test: .venv/.ready ## run pytest on the library and nbval on the notebooks
	@out=$$(mktemp -d); trap 'rm -rf "$$out"' EXIT; \
	ADAGE_REPRO_OUT="$$out" JAX_TRACEBACK_IN_LOCATIONS_LIMIT=0 $(BIN)/python -m pytest -p tests.quick tests notebooks/fig*.ipynb notebooks/beyond*.ipynb --nbval-lax --nbval-kernel-name python3 -n auto --dist loadfile --no-loadscope-reorder

browser-test: .venv/.ready ## run the tests that need a real browser, which is not locked: it says what is missing
	@$(BIN)/python -m pytest tests/browser

lab: .venv/.ready ## open the notebooks in JupyterLab, with its options in ARGS: make lab ARGS="--port 9999"
	@$(BIN)/python -m adage_repro lab "$$ARGS"

lint: .venv/.ready ## run ruff on code, tests and notebooks
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

contact-sheet: .venv/.ready ## draw each figure at extreme parameters, one page per figure, into build/contact-sheet/
	@$(BIN)/python -m adage_repro.contact_sheet

bench: .venv/.ready ## time the library beside NumPy, numba, PyTorch, Mesa and AgentTorch, into benchmarks/; a few sizes only, to look at: make bench QUICK=1
	@$(BIN)/python benchmarks/bench.py $(if $(QUICK),quick)
	@$(if $(QUICK),,$(BIN)/python -m adage_repro docs)

refresh: .venv/.ready ## run all notebooks and store their outputs in them
	@$(BIN)/python -m adage_repro refresh

lock: .venv/.ready ## resolve pyproject.toml again, into requirements.lock and environment.yml
	@$(BIN)/python -m uv pip compile pyproject.toml --quiet --upgrade --extra dev --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements.lock
	@$(BIN)/python environment.py conda

clean: ## remove the environment, caches and reruns, but not figures/
	@rm -rf .venv .cache .pytest_cache .ruff_cache figures/runs *.egg-info build
	@find . \( -name __pycache__ -o -name .ipynb_checkpoints -o -name '.staging-*' \) -prune -exec rm -rf {} +
