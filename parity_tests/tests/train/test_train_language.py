"""BERT and GPT through the whole of training: their losses, their scores, a small run of each."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from rich.console import Console
from tokenizers import Tokenizer, models

import jax_impl.fused_loss
import jax_impl.objectives
import torch_impl.fused_loss
import torch_impl.gpt
import torch_impl.masks
import torch_impl.objectives
import train
from jax_impl.config import BertConfig, GPTConfig
from train.config import FRAMEWORKS, Config, Text
from train.evaluate import evaluate
from train.loops.backend import backend
from train.proof.preflight import ParityError
from train.start import train as train_run
from train.tasks.next_token import NextTokenTask
from train.tasks.next_token_report import continuations
from train.tasks.task import prepare

FAMILIES: dict[str, Any] = {"bert": BertConfig, "gpt": GPTConfig}
QUIET = Console(quiet=True)


def config(family: Any) -> Config:
    return Config(
        data="embedded",
        text=Text(batch=64),
        model=FAMILIES[family](vocab=400, max_positions=16, embed=16, heads=2, mlp=24, layers=1, dropout=0.1),
        steps=4,
    )


@pytest.fixture(scope="module", params=FAMILIES)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Any]:
    out = tmp_path_factory.mktemp("runs") / request.param
    return request.param, out, train_run(config(request.param), ["jax", "torch"], out, None, False, QUIET)


def test_both_frameworks_agree_and_the_loss_falls(run: tuple[str, Path, Any]) -> None:
    family, out, report = run
    assert json.loads((out / "parity.json").read_text())["passed"] is True
    assert report["largest_gap"]["loss"] < 1e-4
    for figure in ("untrained", "trained"):
        ours, theirs = report["jax"][figure], report["torch"][figure]
        assert ours.keys() == theirs.keys()
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-4)
    assert report["jax"]["trained"]["loss"] < report["jax"]["untrained"]["loss"] - 0.01
    assert ("accuracy" in report["jax"]["trained"]) == (family == "bert")


def test_the_figures_hang_together(run: tuple[str, Path, Any]) -> None:
    report = run[2]["jax"]
    for row in (report["untrained"], report["trained"], *report["baselines"].values()):
        assert row["perplexity"] == pytest.approx(np.exp(row["loss"]))
        bits = row["loss"] / np.log(2) * report["test_tokens"]
        assert row["bits_per_byte"] == pytest.approx(bits / report["test_bytes"])
    assert report["untrained"]["loss"] == pytest.approx(np.log(400), abs=0.3)  # knows nothing: 400 tokens
    assert report["baselines"]["unigram"]["loss"] > min(row["loss"] for row in report["baselines"].values())
    assert not report["learned"]  # four steps are not enough to pass the unigram


def test_the_run_opens_and_evaluates_in_both(run: tuple[str, Path, Any]) -> None:
    family, out, report = run
    for framework in FRAMEWORKS:
        again = evaluate(out, framework, None, QUIET)
        assert again["trained"]["loss"] == pytest.approx(report[framework]["trained"]["loss"], abs=1e-6)
    ids = np.array([[7, 8, 9, 10]], np.int32)
    extra = () if family == "gpt" else (ids > 0, np.array([[1, 3]], np.int32))
    ours, theirs = (train.load(out, framework).outputs(ids, *extra) for framework in FRAMEWORKS)
    assert ours.shape == (1, 4 if family == "gpt" else 2, 400)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.fixture(scope="module")
def task() -> NextTokenTask:
    prepared = prepare(config("gpt"), None)
    assert isinstance(prepared, NextTokenTask)
    return prepared


def test_a_loss_is_the_mean_over_all_tokens_of_a_split(task: NextTokenTask) -> None:
    """From the logits of each window by hand: batches of unequal size must not count alike."""
    loop = backend("torch")
    params = task.initial_params(loop)
    windows = task.windows["validation"]
    assert len(windows) % 32
    outputs = loop.outputs(loop.build_model(task.architecture), params)
    logits = outputs(windows.ids).astype(np.float64)
    normaliser = np.log(np.exp(logits).sum(axis=-1))
    truth = np.take_along_axis(logits, windows.labels[:, :, None].astype(np.int64), axis=-1)[:, :, 0]
    expected = (normaliser - truth).mean()
    assert task.scores(loop, params, "validation")["loss"] == pytest.approx(expected, rel=1e-5)


def test_continuations_see_nothing_of_the_truth() -> None:
    """A model that repeats the token before it: whatever follows the prompt, it writes the prompt's last."""

    words = Tokenizer(models.WordLevel({str(number): number for number in range(50)}, unk_token="0"))

    def repeat(ids: np.ndarray) -> np.ndarray:
        return np.eye(50)[ids]

    ids = np.arange(32, dtype=np.int32).reshape(1, 32)
    (shown,) = continuations(repeat, words, ids)
    assert shown["prediction"].split() == ["15"] * 16
    assert shown["truth"].split() == [str(n) for n in range(16, 32)]
    assert shown["text"].split()[-1] == "15"


@pytest.mark.usefixtures("no_parity_cache")
def test_a_causal_mask_off_by_one_stops_the_run(tmp_path: Path) -> None:
    def ahead(query: int, key: int, start: int, *rest: Any) -> Any:
        return torch_impl.masks.causal_mask(query, key, start + 1, *rest)

    with (
        mock.patch.object(torch_impl.gpt, "causal_mask", ahead),
        pytest.raises(ParityError, match=r"blocks\.0/attention/weights"),
    ):
        train_run(config("gpt"), ["jax"], tmp_path / "run", None, False, QUIET)


@pytest.mark.parametrize(
    ("module", "fused_loss"),
    [(jax_impl.objectives, jax_impl.fused_loss), (torch_impl.objectives, torch_impl.fused_loss)],
)
def test_logits_are_taken_in_chunks_and_the_loss_is_the_same(
    module: Any, fused_loss: Any, task: NextTokenTask
) -> None:
    loop = backend("jax" if module is jax_impl.objectives else "torch")
    params, batches = task.initial_params(loop), [task.batch(0)]

    def loss(dropout: float) -> float:
        """Without dropout, whatever the model's is; another one's program is another."""
        config = replace(task.architecture.config, dropout=dropout)
        model = loop.build_model(replace(task.architecture, config=config))
        (row,) = loop.evaluate("gpt", model, params, batches)
        return row["loss"]

    whole = loss(0.1)
    with mock.patch.object(
        module, "chunked_cross_entropy", side_effect=module.chunked_cross_entropy
    ) as chunked:
        with mock.patch.object(fused_loss, "LOGITS", 10_000):
            assert loss(0.2) == pytest.approx(whole, rel=1e-6)
        chunk = chunked.call_args.args[4]
    assert 1 < chunk < task.batch(0).labels.size
