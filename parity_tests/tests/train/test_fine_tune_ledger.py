"""Fine-tuning: each parameter is the pretrained run's or is drawn, by a ledger written out by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

import data
from jax_impl.config import BertClassifierConfig, BertConfig, ClassifierConfig, GPTConfig
from parity_tests.tests.train import marked
from parity_tests.tests.train.marked_tasks import task_of
from train.architecture import Architecture
from train.loops.backend import backend
from train.runs import checkpoint, folder

SIZES: dict[str, Any] = {"embed": 4, "heads": 2, "mlp": 6, "layers": 1}
LENGTHS: dict[str, Any] = {"max_positions": 16, "dropout": 0.1}


def block(place: str) -> set[str]:
    """The parameters of a block with biases and norms."""
    linear = (
        "attention/query",
        "attention/key",
        "attention/value",
        "attention/output",
        "feed_forward/up",
        "feed_forward/down",
    )
    norms = ("attention_norm", "feed_forward_norm")
    names = {f"{name}/{part}" for name in linear for part in ("kernel", "bias")}
    return {
        f"{place}/{name}"
        for name in names | {f"{name}/{part}" for name in norms for part in ("scale", "bias")}
    }


EMBEDDED = {"embeddings/token_embedding/embedding", "embeddings/position_embedding/embedding"}
BERT = (
    {f"bert/{name}" for name in EMBEDDED}
    | block("bert/blocks_0")
    | {
        "bert/embeddings/segment_embedding/embedding",
        "bert/embeddings/norm/scale",
        "bert/embeddings/norm/bias",
    }
)
GPT = (
    {f"gpt/{name}" for name in EMBEDDED}
    | block("gpt/blocks_0")
    | {"gpt/final_norm/scale", "gpt/final_norm/bias"}
)
POOLER, HEAD = {"pooler/dense/kernel", "pooler/dense/bias"}, {"head/kernel", "head/bias"}
# A run's model with its own settings, the classifier's pooling, what is taken, what is drawn.
LEDGER = {
    "masked words, mean": ("bert_for_masked_lm", {}, "mean", BERT, HEAD),
    "masked words, first": ("bert_for_masked_lm", {}, "first", BERT, POOLER | HEAD),
    "features, mean": ("bert_model", {}, "mean", BERT, HEAD),
    "features, first": ("bert_model", {}, "first", BERT | POOLER, HEAD),
    "no head, mean": ("bert", {}, "mean", BERT, HEAD),
    "both tasks, first": ("bert_pretraining", {}, "first", BERT | POOLER, HEAD),
    "classes, first": ("bert_classifier", {"classes": 3}, "first", BERT | POOLER, HEAD),
    "GPT, tied": ("gpt", {}, "mean", GPT, HEAD),
    "GPT, untied": ("gpt", {"tied": False}, "mean", GPT, HEAD),
}  # fmt: skip
CONFIGS: dict[str, Any] = {"gpt": GPTConfig, "bert_classifier": BertClassifierConfig}


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, Tokenizer]:
    texts = marked.texts("train")
    return {"bert": data.train_tokenizer(texts, 200), "gpt": data.train_bpe(texts, 300)}


@pytest.mark.parametrize("name", LEDGER)
def test_every_parameter_is_accounted_for(
    name: str, tokenizers: dict[str, Tokenizer], tmp_path: Path
) -> None:
    model, own, pooling, taken, drawn = LEDGER[name]
    tokenizer = tokenizers["gpt" if model == "gpt" else "bert"]
    kind = CONFIGS.get(model, BertConfig)
    source = Architecture(model, kind(**SIZES, **LENGTHS, vocab=tokenizer.get_vocab_size(), **own))
    loop, rng = backend("torch"), np.random.default_rng(0)
    shapes = loop.parameter_shapes(source)
    weights = {n: rng.standard_normal(shape).astype(np.float32) for n, shape in shapes.items()}
    classes = ("a", "b", "c") if model == "bert_classifier" else ()
    folder.create(tmp_path, source, classes, tokenizer)
    checkpoint.save(tmp_path, {"params": weights}, {"files": folder.parts(tmp_path)})

    smaller = ClassifierConfig(**SIZES | {"embed": 8}, vocab=9, max_positions=12, dropout=0.25)
    task = task_of("classifier", init=str(tmp_path), pooling=pooling, model=smaller, seed=4)
    params, fresh = task.initial_params(loop), loop.initial_params(task.architecture, 4)
    alone = f"{model}/" if model in ("gpt", "bert") else ""
    assert params.keys() == taken | drawn and not taken & drawn
    assert task.begun.keys() == taken
    for parameter in taken:
        assert np.array_equal(params[parameter], weights[parameter.removeprefix(alone)]), parameter
    for parameter in drawn:
        assert np.array_equal(params[parameter], fresh[parameter]), parameter
    assert params["head/kernel"].any() and len(params["head/bias"]) == len(marked.CLASSES)


def test_settings_are_the_run_s_but_for_dropout_classes_and_pooling(
    tokenizers: dict[str, Tokenizer], tmp_path: Path
) -> None:
    """And the texts' length is the configuration's."""
    tokenizer = tokenizers["bert"]
    sizes = SIZES | LENGTHS | {"vocab": tokenizer.get_vocab_size(), "activation": "relu", "eps": 1e-3}
    source = Architecture("bert_for_masked_lm", BertConfig(**sizes))
    folder.create(tmp_path, source, (), tokenizer)
    params = backend("torch").initial_params(source, 0)
    checkpoint.save(tmp_path, {"params": params}, {"files": folder.parts(tmp_path)})
    given = ClassifierConfig(**SIZES | {"embed": 8, "mlp": 9}, vocab=9, max_positions=12, dropout=0.25)
    task = task_of("classifier", init=str(tmp_path), pooling="mean", model=given)
    expected = BertClassifierConfig(**sizes | {"dropout": 0.25}, classes=3, pooling="mean")
    assert task.architecture == Architecture("bert_classifier", expected)
    assert task.tokenizer.to_str() == tokenizer.to_str()
    for split, examples in task.examples.items():
        assert max(map(len, examples)) == 12
        for ids, text in zip(examples, marked.texts(split), strict=True):
            whole = tokenizer.encode(text).ids  # with both marks
            cut = whole if len(whole) <= 12 else [*whole[:11], whole[-1]]
            assert ids.tolist() == cut
