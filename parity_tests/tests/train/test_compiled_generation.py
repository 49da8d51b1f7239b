"""PyTorch's compiled step writes what the step op by op writes; JAX compiles always."""

from pathlib import Path
from typing import Any

import pytest
import torch

import train
from parity_tests.tests.train.test_train_generate import save
from train.config import ConfigError
from train.runs.load import Run
from twinformer import cli

PROMPTS = ["the cat", "a dog ran after", "rain"]
SETTINGS: dict[str, Any] = {"new": 8, "temperature": 0.8, "top_k": 50, "seed": 3}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return save(tmp_path / "gpt", "gpt", {"kv_heads": 1, "position_encoding": "rotary"})


@pytest.fixture
def lengths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each step had that was compiled, in place of compiling it."""
    seen: list[int] = []

    def pretended(step: Any, dynamic: bool) -> Any:
        assert dynamic is False
        return lambda ids, cache: seen.append(ids.shape[1]) or step(ids, cache)

    monkeypatch.setattr(torch, "compile", pretended)
    return seen


def test_steps_of_one_token_are_compiled_and_no_prompt(run: Path, lengths: list[int]) -> None:
    opened = train.load(run, "torch")
    prompt = opened.tokenizer.decode([40, 41, 42, 43, 44, 45])
    plain = opened.generate(prompt, **SETTINGS)
    assert lengths == []
    assert opened.generate(prompt, compiled=True, **SETTINGS) == plain
    assert lengths == [1] * SETTINGS["new"]
    assert opened.generate(prompt, **SETTINGS) == plain and len(lengths) == SETTINGS["new"]  # and is over


@pytest.mark.slow  # half a minute of compiling: make proof
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's compiler uses what PyTorch calls old
def test_the_compiled_step_writes_the_same_and_is_one_program(run: Path, unchecked: None) -> None:
    opened: Run = train.load(run, "torch")
    plain = opened.generate(PROMPTS, **SETTINGS)
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    for _ in range(2):
        assert opened.generate(PROMPTS, compiled=True, **SETTINGS) == plain
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before + 1
    assert len(set(plain)) == len(PROMPTS)


def test_jax_compiles_with_and_without(run: Path) -> None:
    opened = train.load(run)
    assert opened.generate(PROMPTS, compiled=True, **SETTINGS) == opened.generate(PROMPTS, **SETTINGS)


def test_without_a_compiler_one_line_says_so(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ConfigError, match=r"compiled=True: .*'no-such-compiler'; install one"):
        train.load(run, "torch").generate(PROMPTS, compiled=True, **SETTINGS)
    assert cli.status(["generate", str(run), "the", "--framework", "torch", "--compiled"]) == 2
    assert "--compiled: there is no C++ compiler" in "".join(capsys.readouterr())
