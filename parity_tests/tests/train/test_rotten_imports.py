"""Rotten folders of Hugging Face are refused: in one line, with status 2, in a moment, in little memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from parity_tests.tests.train.rotten import MEGABYTES, SECONDS, TABLE, Answer
from parity_tests.tests.train.test_train_hugging_face import make

ROOT = Path(__file__).parents[3]
BASES = {
    "gpt": "GPT2LMHeadModel",
    "bert": "BertForMaskedLM",
    "sequence": "BertForSequenceClassification",
    "llama": "LlamaForCausalLM",
    "qwen": "Qwen2ForCausalLM",
}
# A process without a framework and without the tests' own: what is measured is the import.
PROGRAM = """
import json, sys
from pathlib import Path
from parity_tests.tests.train.rotten import TABLE, answers
found = dict(answers(Path(sys.argv[1]), Path(sys.argv[2]), list(TABLE)))
print(json.dumps([found, [name for name in ("jax", "torch") if name in sys.modules]]))
"""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    for name, model in BASES.items():
        make(model, folder / name)
    return folder


@pytest.fixture(scope="module")
def found(good: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, good, tmp_path_factory.mktemp("rotten")],
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    answered, frameworks = json.loads(done.stdout.splitlines()[-1])
    assert not frameworks
    return {name: Answer(*answer) for name, answer in answered.items()}


@pytest.mark.parametrize("name", TABLE)
def test_it_is_refused_in_a_line(name: str, found: dict[str, Answer]) -> None:
    status, said, seconds, megabytes = found[name]
    assert status == 2, said
    assert TABLE[name][2] in said
    assert said.startswith("twinformer:") and said.count("\n") == 1 and "Traceback" not in said
    assert said.strip().isprintable() and len(said) < 800
    assert seconds < SECONDS and megabytes < MEGABYTES
