"""The command that lets a trained GPT write: the same text in both frameworks."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

import data
import train
from jax_impl.config import CONFIGS
from train.architecture import Architecture
from train.config import ConfigError
from train.loops.backend import backend
from train.runs import checkpoint, folder
from train.runs.files import RunError
from train.runs.generate import generate
from train.runs.sampling import Sampling
from twinformer.cli import main

TEXTS = ["the cat sat on the mat", "a dog ran after the ball", "rain, and no sun"]
SIZES: dict[str, Any] = {"max_positions": 24, "embed": 16, "heads": 2, "mlp": 16, "layers": 1}
SAMPLING = Sampling(new=6, temperature=0.8, top_k=50, top_p=0.95, num=2, seed=3)


def save(out: Path, name: str, extra: dict[str, Any]) -> Path:
    tokenizer = data.train_bpe(TEXTS, 270)
    settings = SIZES | {"vocab": tokenizer.get_vocab_size()} | extra
    model = Architecture(name, CONFIGS[name](**settings))
    folder.create(out, model, ("cats", "dogs")[: extra.get("classes", 0)], tokenizer)
    params = backend("torch").initial_params(model, 5)
    checkpoint.save(
        out, {"params": {name: 10 * array for name, array in params.items()}}, {"files": folder.parts(out)}
    )
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("runs") / "gpt", "gpt", {})


def test_both_frameworks_write_the_same_and_go_on_from_each_prompt(run: Path) -> None:
    prompts = ["the cat", "a dog ran after", ""]
    ours, theirs = (generate(run, prompts, SAMPLING, framework) for framework in ("jax", "torch"))  # type: ignore[arg-type]
    assert ours == theirs and len(ours) == 6
    assert len(set(ours)) > 3
    greedy = generate(run, ["the cat"], replace(SAMPLING, temperature=0.0), "torch")
    assert greedy[0] == greedy[1]
    opened = train.load(run, "torch")
    ids = opened.tokenizer.encode("the cat").ids
    for _ in range(6):
        ids.append(int(opened.outputs(np.array([ids], np.int32))[0, -1].argmax()))
    assert greedy[0] == opened.tokenizer.decode(ids[-6:])


def test_the_seed_is_the_seed(run: Path) -> None:
    one, two, other = (generate(run, ["the"], replace(SAMPLING, seed=seed), "torch") for seed in (1, 1, 2))
    assert one == two != other


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"new": 22}, r"prompts of 4 tokens and new=22 need more than the model's max_positions=24"),
        ({"new": 0}, "new=0"),
        ({"num": 0}, "num=0"),
        ({"temperature": -1.0}, r"temperature=-1\.0"),
        ({"top_k": 0}, "top_k=0"),
        ({"top_p": 1.5}, r"top_p=1\.5"),
    ],
)
def test_settings_of_no_use_are_named(run: Path, changes: dict[str, Any], words: str) -> None:
    prompt = train.load(run).tokenizer.decode([40, 41, 42, 43])
    for framework in ("jax", "torch"):
        with pytest.raises(ConfigError, match=words):
            generate(run, [prompt], replace(SAMPLING, **changes), framework)  # type: ignore[arg-type]


def test_no_prompt_is_refused(run: Path) -> None:
    with pytest.raises(ConfigError, match="no prompt: give at least one text"):
        generate(run, [], SAMPLING, "jax")


def test_what_does_not_write_is_refused(tmp_path: Path) -> None:
    sizes = {"classes": 2}
    classifier = save(tmp_path / "run", "classifier", sizes)
    with pytest.raises(RunError, match=r"holds a classifier, which writes no text"):
        generate(classifier, ["the"], SAMPLING, "jax")


def test_the_command_prints_prompt_and_continuation(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["twinformer", "generate", str(run), "the cat", "--new", "3", "--framework", "torch"]
    with mock.patch("sys.argv", words), pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    (text,) = generate(run, ["the cat"], Sampling(new=3), "torch")
    assert "".join(f"the cat{text}".split()) == "".join(capsys.readouterr().out.split())
