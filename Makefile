# Each command makes the workbook's own environment first (.venv, by make_env.py), or sees at once that it is there.
# PYTHON=python3.12 chooses another Python, TORCH=cpu a PyTorch without CUDA; both are remembered.

PYTHON ?= python3
PROFILE ?= quick
CHAPTER ?=
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
THIS_PYTHON := $(if $(filter file,$(origin PYTHON)),,--this-python)

.PHONY: help env lab test run results bench grade notebooks clean

help:
	@echo "make lab         open the workbook in JupyterLab"
	@echo "make test        check everything: style, library, notebooks, grading, browser"
	@echo "make run         execute notebooks: CHAPTER=04_recurrent (all without), PROFILE=quick, study or gpu"
	@echo "make results     compute the larger figures that the notebooks plot"
	@echo "make bench       measure speed, as ratios"
	@echo "make grade       grade the notebooks here, or PATHS=\"one.ipynb a_folder\""
	@echo "make notebooks   execute notebooks in place, ready to be committed"
	@echo "make clean       remove what was built and the trained models kept (your answers and progress stay)"

env:
	@$(PYTHON) make_env.py $(THIS_PYTHON)

lab: env
	@$(BIN)/course lab

# One pytest call. Two workers, split by notebook and by test file; every notebook is run as the learner gets it (nbval).
test: env
	$(BIN)/ruff check
	$(BIN)/python -m pytest tests notebooks --nbval --nbval-cell-timeout 120 -n 2 --dist loadscope

run: env
	@$(BIN)/course run $(CHAPTER) --profile $(PROFILE)

results: env
	@$(BIN)/course results

bench: env
	@$(BIN)/python benchmarks/run.py

grade: env
	@$(BIN)/course grade $(or $(PATHS),notebooks)

notebooks: env
	@$(BIN)/course run $(CHAPTER) --in-place

clean:
	rm -rf build .cache .pytest_cache .ruff_cache *.egg-info
	find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
