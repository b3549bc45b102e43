# Two commands on a fresh machine: `make demo` and `make test`. Everything they need goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Torch's CPU build where there is no GPU: an unpinned one pulls gigabytes of CUDA.
STAMP := $(VENV)/.installed
REQUIREMENTS := requirements-dev.txt

.PHONY: help demo test lint test-slow test-engines test-slurm truth truth-quick clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/'

$(STAMP): setup.py constraints.txt $(REQUIREMENTS)
	@PYTHON="$(PYTHON)" sh tools/install.sh $(VENV) $(REQUIREMENTS)
	@touch $@

demo: $(STAMP)  ## evaluate the shipped demo models end to end
	$(BIN)/python run.py configs/eval_demo.py

test: $(STAMP)  ## the fast tests
	$(BIN)/python -m pytest -n auto --dist loadgroup

lint: $(STAMP)  ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-slow: $(STAMP)  ## the slower tests
	$(BIN)/python -m pytest -m "slow and not slurm and not engines and not truth" -n auto --dist loadgroup -rs

.venv-%/.installed: tools/side/%.txt tools/side_env.sh tools/install.sh
	@PYTHON="$(PYTHON)" sh tools/side_env.sh $*

test-engines: $(STAMP) .venv-vllm/.installed .venv-lmeval/.installed  ## vLLM on a CPU, its server, transformers serve, lm-eval: the same answers
	$(BIN)/python -m pytest -m engines -n 2 --dist loadgroup -rs

# They wait more than they work: four at a time, each with a cluster of its own.
test-slurm: $(STAMP)  ## faults of every kind on real SLURM clusters
	$(BIN)/python -m pytest -m slurm -n 4 --dist worksteal -rs

truth: $(STAMP)  ## published answers against published verdicts, and the references of the benchmarks
	$(BIN)/python -m pytest -m truth -n auto --dist loadgroup -rs

truth-quick: $(STAMP)  ## the same without what takes very long
	$(BIN)/python -m pytest -m "truth and not slow" -n auto --dist loadgroup -rs

clean:  ## remove what can be made again
	rm -rf $(VENV) .venv-vllm .venv-lmeval .venv-bigcodebench .venv-ds1000 .venv-evalplus build dist *.egg-info
