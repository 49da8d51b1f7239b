"""Log-ratios of tokens and pairs of tokens: counted in the training texts, and not trained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.baselines.naive_bayes import ngram_ratios
from jax_impl.config import BertConfig, ClassifierConfig, GPTConfig
from parity_tests.tests.train import marked
from parity_tests.tests.train.marked_tasks import MODELS, task_of
from train.architecture import Architecture
from train.loops.backend import backend
from train.runs import checkpoint, folder

WITH = replace(MODELS["classifier"], ngram_buckets=64)
NAMES = {"ngrams/token_ratios", "ngrams/pair_ratios"}


def counted(task: Any) -> dict[str, np.ndarray]:
    """What naive Bayes says of the training texts."""
    model, labels = task.architecture.config, task.texts.train.labels
    weights = ngram_ratios(task.examples["train"], labels, model.vocab, 64, model.classes)
    return {"ngrams/token_ratios": weights[0], "ngrams/pair_ratios": weights[1]}


def test_they_begin_at_naive_bayes_and_the_rest_is_drawn() -> None:
    task, loop = task_of("classifier", model=WITH), backend("torch")
    plain = task_of("classifier").initial_params(loop)
    params = task.initial_params(loop)
    assert params.keys() - plain.keys() == NAMES == task.begun.keys()
    for name, array in counted(task).items():
        np.testing.assert_array_equal(params[name], array)
        assert array.any()
    for name, array in plain.items():
        np.testing.assert_array_equal(params[name], array)


def test_held_out_texts_are_not_counted() -> None:
    task = task_of("classifier", model=WITH)
    apart = {ids.item() for example in task.examples["test"] for ids in example}
    apart -= {ids.item() for example in task.examples["train"] for ids in example}
    assert apart
    assert not task.begun["ngrams/token_ratios"][sorted(apart)].any()


@pytest.mark.parametrize(("family", "kind"), [("bert", BertConfig), ("gpt", GPTConfig)])
def test_a_model_that_is_begun_with_another_run_has_them_too(family: str, kind: Any, tmp_path: Any) -> None:
    source = task_of(family)
    folder.create(tmp_path, source.architecture, (), source.tokenizer)
    loop = backend("torch")
    params = loop.initial_params(source.architecture, 0)
    checkpoint.save(tmp_path, {"params": params}, {"files": folder.parts(tmp_path)})
    task = task_of("classifier", init=str(tmp_path), model=WITH)
    assert isinstance(source.architecture, Architecture) and isinstance(source.architecture.config, kind)
    assert task.begun.keys() >= NAMES
    for name, array in counted(task).items():
        np.testing.assert_array_equal(task.initial_params(loop)[name], array)


@pytest.mark.parametrize("numbers", [10**9, 96])
def test_many_classes_have_a_table_no_larger(
    numbers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.tasks.ngrams.LARGEST", numbers)
    source, loop = task_of("bert"), backend("torch")
    folder.create(tmp_path, source.architecture, (), source.tokenizer)
    params = loop.initial_params(source.architecture, 0)
    checkpoint.save(tmp_path, {"params": params}, {"files": folder.parts(tmp_path)})
    for init in (None, str(tmp_path)):
        task = task_of("classifier", init=init, model=WITH)
        rows = min(64, numbers // len(marked.CLASSES))
        assert task.architecture.config.ngram_buckets == rows
        assert task.initial_params(loop)["ngrams/pair_ratios"].shape == (rows, len(marked.CLASSES))


@pytest.mark.parametrize("framework", ["jax", "torch"])
@pytest.mark.parametrize("packed", [False, True])
def test_training_leaves_them_as_they_are(framework: Any, packed: bool) -> None:
    """Weight decay too, which draws kernels and embeddings to zero."""
    base = task_of("classifier")
    task = task_of("classifier", model=WITH, text=replace(base.config.text, packed=packed))
    loop = backend(framework)
    begun = task.initial_params(loop)
    stream = lambda step: loop.to_device(task.batch(step))  # noqa: E731
    trainer = loop.Trainer("classifier", task.architecture, begun, stream, task.config.optimizer, 4, 0)
    for step in range(4):
        trainer.step(step)
    after = trainer.params()
    assert {name for name in begun if np.array_equal(after[name], begun[name])} == NAMES


def test_unbalanced_classes_do_not_tip_what_was_never_seen() -> None:
    task = task_of("classifier", model=WITH)
    unseen = np.ones(task.architecture.config.vocab, bool)
    unseen[np.unique(np.concatenate(task.examples["train"]))] = False
    assert not task.begun["ngrams/token_ratios"][unseen].any()
    assert len(marked.CLASSES) == task.architecture.config.classes


@pytest.mark.parametrize(("name", "value"), [("ngram_buckets", -1), ("ngram_dropout", 1.0)])
def test_a_setting_that_cannot_be_is_refused(name: str, value: Any) -> None:
    settings: dict[str, Any] = {"vocab": 9, "max_positions": 4, "embed": 8, "heads": 2, "mlp": 8, "layers": 1}
    with pytest.raises(ValueError, match=f"{name}={value}: give a"):
        ClassifierConfig(**settings, **{name: value})
