"""``twinformer map``: the table as code, from one file, from two, and of a checkpoint by its folder."""

from pathlib import Path

import pytest
import torch
import transformers

from parity_tests.tests.map.pairs import GPT2, noisy
from twinformer import cli

ORIGINAL = """
import numpy as np, torch

class Original(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 3)
    def forward(self, x):
        return self.fc(x)

reference = model = Original()
inputs = {"x": np.random.default_rng(0).standard_normal((2, 4))}
"""
PORT = """
from flax import linen

class Port(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dense(3, name="output")(x)

candidate = mine = Port()
"""
TABLE = """\
TABLE = (
    Row("output/kernel", "fc.weight", "a b -> b a"),
    Row("output/bias", "fc.bias", "a -> a"),
)
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("one", ORIGINAL + PORT), ("original", ORIGINAL), ("port", PORT)):
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        ["one.py"],
        ["original.py", "port.py", "--inputs", "original.py"],
        ["original.py:model", "port.py:mine", "--inputs", "original.py:inputs"],
    ],
)
def test_the_table_is_printed_as_code(
    files: Path, line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.status(["map", *line]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# table found: 2 rows, all proven by runs\n") and printed.endswith(TABLE)
    exec(printed, names := {})
    assert len(names["TABLE"]) == 2


def test_a_checkpoint_is_a_reference(
    files: Path, capsys: pytest.CaptureFixture[str], unchecked: None
) -> None:
    config = transformers.GPT2Config(**GPT2)
    noisy(transformers.GPT2LMHeadModel(config)).save_pretrained(files / "gpt2")
    (files / "gpt.py").write_text(
        "import numpy as np\n"
        "from jax_impl.config import GPTConfig\n"
        "from jax_impl.gpt import GPT\n"
        "candidate = GPT(GPTConfig(vocab=40, max_positions=16, embed=12, heads=3, mlp=20, layers=2))\n"
        "inputs = {'ids': np.arange(12).reshape(2, 6)}\n",
        "utf-8",
    )
    assert cli.status(["map", "gpt2", "gpt.py"]) == 0
    printed = capsys.readouterr().out
    assert (
        'Row("blocks_#/feed_forward/up/kernel", "transformer.h.#.mlp.c_fc.weight", "a b -> a b")' in printed
    )


@pytest.mark.parametrize(
    "line, words",
    [
        (["no.py"], "there is no file no.py"),
        (["original.py"], "original.py defines no candidate: give original.py:NAME"),
        (["one.py", "port.py"], "port.py defines no inputs"),
        (["one.py:them"], "one.py defines no them"),
        (["one.py", "port.txt"], "candidate 'port.txt' is no file: give FILE.py, or FILE.py:NAME"),
        (["nowhere", "one.py"], "nowhere is no file: make it by record"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(
    files: Path, line: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    assert cli.status(["map", *line]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
