"""Fine-tuning: a classifier begins with the weights of a trained BERT or GPT, in both frameworks alike."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import data
import train
from jax_impl.config import BertConfig, ClassifierConfig, GPTConfig
from train.architecture import Architecture
from train.config import FRAMEWORKS, Config, ConfigError, Text
from train.evaluate import evaluate
from train.loops.backend import backend
from train.runs import checkpoint, folder
from train.runs.files import RunError
from train.start import train as train_run
from train.tasks.task import prepare

QUIET = Console(quiet=True)
TEXT = Text(batch=32, buckets=1)
SIZES: dict[str, Any] = {"max_positions": 16, "embed": 16, "heads": 2, "mlp": 16, "layers": 1, "dropout": 0.1}


def language(family: str, out: Path) -> Path:
    """A run as training leaves it, with the weights of a seed."""
    texts = data.load("embedded", None).train.texts
    if family == "bert":
        tokenizer = data.train_tokenizer(texts, 600)
        model = Architecture("bert_for_masked_lm", BertConfig(**SIZES, vocab=tokenizer.get_vocab_size()))
    else:
        tokenizer = data.train_bpe(texts, 600)
        config = GPTConfig(**SIZES, vocab=tokenizer.get_vocab_size(), tied=False)
        model = Architecture("gpt", config)
    folder.create(out, model, (), tokenizer)
    checkpoint.save(out, {"params": backend("torch").initial_params(model, 5)}, {"files": folder.parts(out)})
    return out


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("runs")
    return {family: language(family, place / family) for family in ("bert", "gpt")}


def tuned(source: Path, **changes: Any) -> Config:
    model = ClassifierConfig(**SIZES | {"dropout": 0.2}, vocab=600)
    return Config(
        **{"data": "embedded", "text": TEXT, "model": model, "init": str(source), "steps": 5} | changes
    )


@pytest.mark.parametrize(
    ("family", "pooling", "drawn"),
    [
        ("bert", "mean", {"head/kernel", "head/bias"}),
        ("bert", "first", {"head/kernel", "head/bias", "pooler/dense/kernel", "pooler/dense/bias"}),
        ("gpt", "mean", {"head/kernel", "head/bias"}),
    ],
)
def test_it_begins_with_the_runs_weights(
    runs: dict[str, Path], family: str, pooling: str, drawn: set[str]
) -> None:
    task = prepare(tuned(runs[family], pooling=pooling), None)
    source = train.load(runs[family]).params
    base = "gpt/" if family == "gpt" else ""
    ours, theirs = (task.initial_params(backend(name)) for name in FRAMEWORKS)
    assert ours.keys() == theirs.keys()
    assert all((ours[name] == theirs[name]).all() for name in ours)
    taken = ours.keys() - drawn
    assert all((ours[name] == source[name.removeprefix(base)]).all() for name in taken)
    assert len(taken) > 10 and drawn <= ours.keys()
    assert all(np.abs(ours[name]).max() > 0 for name in drawn if name.endswith("kernel"))
    assert task.architecture.config.dropout == 0.2
    marked = [task.tokenizer.token_to_id(mark) for mark in ("[CLS]", "[SEP]")]
    ids, mask = task.batch(0).ids, task.batch(0).mask
    ends = [ids[0, 0], ids[0, mask[0].sum() - 1]]
    assert (ends == marked) == (family == "bert")


@pytest.mark.parametrize("family", ["bert", "gpt"])
def test_both_frameworks_train_alike_and_evaluate_again(
    runs: dict[str, Path], family: str, tmp_path: Path
) -> None:
    skip_parity = family == "gpt"  # its twin is tested, and takes long to compile
    report = train_run(tuned(runs[family]), ["jax", "torch"], tmp_path / "run", None, skip_parity, QUIET)
    assert report["largest_gap"]["loss"] < 1e-4
    assert report["jax"]["trained"]["loss"] != report["jax"]["untrained"]["loss"]
    again = evaluate(tmp_path / "run", "torch", None, QUIET)
    for figure in ("untrained", "trained"):
        assert again[figure]["loss"] == pytest.approx(report["torch"][figure]["loss"], abs=1e-6)
    assert len(train.load(tmp_path / "run").classes) == 7


def test_what_cannot_be_begun_with_is_named(runs: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no-such-run is no trained run"):
        prepare(tuned(Path("no-such-run")), None)
    with pytest.raises(ConfigError, match=r"positions=17: the model of init=.* has 16"):
        longer = ClassifierConfig(**SIZES | {"max_positions": 17}, vocab=600)
        prepare(tuned(runs["bert"], model=longer), None)
    scratch = Config(data="embedded", text=TEXT, model=ClassifierConfig(**SIZES, vocab=600), steps=1)
    train_run(scratch, ["torch"], tmp_path / "scratch", None, True, QUIET)
    with pytest.raises(ConfigError, match=r"holds a classifier: give a run of bert or gpt"):
        prepare(tuned(tmp_path / "scratch"), None)
