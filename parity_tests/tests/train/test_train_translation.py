"""The encoder-decoder through the whole of training: its task, its report, a run that opens and goes on."""

from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from rich.console import Console

import train
from data import Seq2SeqBatch
from data.sets.reversal import reversal_evaluation
from train.config import ConfigError
from train.evaluate import evaluate
from train.loops.backend import backend
from train.loops.saving import Saving
from train.recipes import recipe_of
from train.resume import resume
from train.start import train as train_run
from train.tasks.seq2seq_report import baseline, learned_report, right_tokens
from train.tasks.task import prepare

RECIPE = recipe_of("seq2seq").config
CONFIG = replace(RECIPE, model=replace(RECIPE.model, embed=8, heads=2, mlp=8), steps=4)
QUIET = Console(quiet=True)


def test_a_run_opens_evaluates_and_goes_on(tmp_path: Path) -> None:
    step = backend("torch").Trainer.step

    def until_the_third(self, number):
        if number == 2:
            raise KeyboardInterrupt
        return step(self, number)

    whole = train_run(CONFIG, ["torch"], tmp_path / "whole", None, True, QUIET)["torch"]
    stopped = mock.patch.object(backend("torch").Trainer, "step", until_the_third)
    with stopped, pytest.raises(KeyboardInterrupt):
        train_run(CONFIG, ["torch"], tmp_path / "cut", None, True, QUIET, saving=Saving("1"))
    resumed = resume(tmp_path / "cut", tmp_path / "new", None, None, None, True, QUIET)["torch"]
    again = evaluate(tmp_path / "new", "torch", None, QUIET)
    for report in (resumed, again):
        assert report["trained"]["loss"] == pytest.approx(whole["trained"]["loss"], abs=1e-6)
    run = train.load(tmp_path / "whole", "torch")
    ids = run.tokenizer.encode("3 1 4").ids
    assert run.tokenizer.decode(ids) == "3 1 4"
    source = np.array([ids], np.int32)
    assert run.outputs(source, source, source > 0).shape == (1, 3, 13)


def batch() -> Seq2SeqBatch:
    (found,) = reversal_evaluation(10, 3, 6, 20, 20)
    return found


def test_what_stands_behind_the_end_counts_as_right() -> None:
    held_out = batch()
    wrong = np.where(held_out.weights == 1, held_out.labels, 9)
    assert right_tokens(wrong.astype(np.int32), held_out).all()
    wrong[0, 0] += 1
    assert right_tokens(wrong.astype(np.int32), held_out).all(axis=1).sum() == 19


def test_the_report_against_figures_by_hand() -> None:
    held_out, task = batch(), prepare(CONFIG, None)
    real = held_out.labels[held_out.weights == 1]
    shares = np.bincount(real) / len(real)
    expected = -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
    found = baseline([held_out], held_out)
    assert found["loss"] == pytest.approx(expected) and found["accuracy"] == pytest.approx(shares.max())
    for share, learned in ((0.0, False), (0.04, False), (0.5, True)):
        before, after = ({"sequence_accuracy": x} for x in (0.0, share))
        report = learned_report(
            "reversal", [held_out], held_out, held_out.labels, task.tokenizer, before, after
        )
        assert report["learned"] is learned
        shown = report["first_batch"][0]
        assert shown["truth"] == shown["prediction"] == " ".join(reversed(shown["source"].split()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"vocab": 4}, "vocab=4: pad, begin, end and two symbols"), ({"max_positions": 3}, "max_positions=3")],
)
def test_sizes_that_make_no_sequences_are_refused(changes: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        prepare(replace(CONFIG, model=replace(CONFIG.model, **changes)), None)


def test_data_and_family_go_together() -> None:
    with pytest.raises(ConfigError, match="data='embedded': seq2seq learns from reversal"):
        replace(CONFIG, data="embedded").check()
    with pytest.raises(ConfigError, match="data='reversal': gpt learns from texts"):
        replace(recipe_of("gpt").config, data="reversal").check()
