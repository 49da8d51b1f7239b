"""Every draw of a forward, by name: what is dropped, which key it has, and its shape, in both frameworks.

Parity cannot see a place that neither twin drops at, nor a key that both use twice.
"""

from functools import cache, partial
from inspect import signature
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from parity_tests.tests.twins.places import SEED, key_of, recorded_draws
from parity_tests.twins.check import find_twins
from parity_tests.twins.registry import MODELS
from torch_impl import block, random
from torch_impl.initializers import initialise

# Each size another, so that an axis in another's place shows.
AXES = {"batch": 2, "heads": 3, "position": 5, "key": 7, "embed": 12, "one": 1}
SETTINGS = {"vocab": 11, "max_positions": 8, "embed": 12, "heads": 3, "mlp": 16, "layers": 2, "dropout": 0.5}
STREAM, WEIGHTS = "batch position embed", "batch heads position position"
SOURCE, SOURCE_WEIGHTS, CROSS = "batch key embed", "batch heads key key", "batch heads position key"

# What is dropped, by the tap before: what is folded into the forward's key, and the axes. In this order.
EMBEDDINGS = {"embeddings/output": ((0,), STREAM)}
BLOCKS = {
    "blocks.0/attention/weights": ((1, 0), WEIGHTS),
    "blocks.0/attention/output": ((1, 1), STREAM),
    "blocks.0/feed_forward/output": ((1, 2), STREAM),
    "blocks.1/attention/weights": ((2, 0), WEIGHTS),
    "blocks.1/attention/output": ((2, 1), STREAM),
    "blocks.1/feed_forward/output": ((2, 2), STREAM),
}
STACK = EMBEDDINGS | BLOCKS
POOLED = {"pooled": ((3,), "batch embed")}
NGRAMS = {"ngrams/sum": ((4,), "batch one")}
ENCODER_DECODER = {
    "source_embeddings/output": ((0, 0), SOURCE),
    "encoder.0/attention/weights": ((0, 1, 0), SOURCE_WEIGHTS),
    "encoder.0/attention/output": ((0, 1, 1), SOURCE),
    "encoder.0/feed_forward/output": ((0, 1, 2), SOURCE),
    "encoder.1/attention/weights": ((0, 2, 0), SOURCE_WEIGHTS),
    "encoder.1/attention/output": ((0, 2, 1), SOURCE),
    "encoder.1/feed_forward/output": ((0, 2, 2), SOURCE),
    "target_embeddings/output": ((1, 0), STREAM),
    "decoder.0/attention/weights": ((1, 1, 0), WEIGHTS),
    "decoder.0/attention/output": ((1, 1, 1), STREAM),
    "decoder.0/cross_attention/weights": ((1, 1, 2), CROSS),
    "decoder.0/cross_attention/output": ((1, 1, 3), STREAM),
    "decoder.0/feed_forward/output": ((1, 1, 4), STREAM),
    "decoder.1/attention/weights": ((1, 2, 0), WEIGHTS),
    "decoder.1/attention/output": ((1, 2, 1), STREAM),
    "decoder.1/cross_attention/weights": ((1, 2, 2), CROSS),
    "decoder.1/cross_attention/output": ((1, 2, 3), STREAM),
    "decoder.1/feed_forward/output": ((1, 2, 4), STREAM),
}


def within(scope, ledger):
    return {f"{scope}/{name}": row for name, row in ledger.items()}


LEDGERS = {
    "classifier": STACK | POOLED,
    "bert": STACK,
    "bert_model": within("bert", STACK),
    "bert_for_masked_lm": within("bert", STACK),
    "bert_pretraining": within("bert", STACK),
    "bert_classifier": within("bert", STACK) | POOLED,
    "gpt": STACK,
    "gpt_classifier": within("gpt", STACK) | POOLED,
    "encoder_decoder": ENCODER_DECODER,
}
VARIANTS = {
    "classifier": {"norm_position": "post", "position_encoding": "sinusoidal"},
    "bert_classifier": {"pooling": "mean", "segments": 0, "position_offset": 2},
    "gpt": {"norm_position": "post", "window": 2, "tied": False},
    "gpt_classifier": {"norm": "rms", "gated": True, "use_bias": False, "kv_heads": 1, "qk_norm": True}
    | {"position_encoding": "rotary"},
}
WITH_NGRAMS = [(name, {"ngram_buckets": 13}) for name, ledger in LEDGERS.items() if "pooled" in ledger]
CASES = [(name, {}) for name in LEDGERS] + list(VARIANTS.items()) + WITH_NGRAMS
CASE = pytest.mark.parametrize(("name", "changes"), CASES, ids=lambda value: str(value))


def settings(name, changes):
    return SETTINGS | ({"classes": 4} if "classifier" in name else {}) | changes


def inputs(called):
    """What a model takes, all of it real tokens."""
    batch, position, key = AXES["batch"], AXES["position"], AXES["key"]
    everything = {
        "ids": np.ones((batch, position), np.int32),
        "mask": np.ones((batch, position), bool),
        "masked_positions": np.ones((batch, 3), np.int32),
        "source": np.ones((batch, key), np.int32),
        "target": np.ones((batch, position), np.int32),
        "source_mask": np.ones((batch, key), bool),
    }
    return {name: array for name, array in everything.items() if name in signature(called).parameters}


class Taps:
    """Remembers the last tap."""

    last = "none"

    def __call__(self, name, value, axes):
        self.last = name
        return value


@cache
def torch_model(name, changes):
    model = MODELS[name].build("torch_impl", settings(name, dict(changes)))
    initialise(model, random.key(0))
    return model


def torch_draws(name, changes, seed=SEED):
    """Place, key and shape of every draw of a forward in PyTorch, in order; and the bits."""
    model, tap, places = torch_model(name, tuple(changes.items())), Taps(), []
    arguments = {n: torch.tensor(array) for n, array in inputs(model.forward).items()}
    with recorded_draws(lambda: places.append(tap.last)) as draws:
        model(**arguments, rng=None if seed is None else random.key(seed), tap=tap)
    rows = [(place, draw.key, tuple(draw.bits.shape)) for place, draw in zip(places, draws, strict=True)]
    return rows, [draw.bits for draw in draws]


def jax_draws(name, changes):
    """Place, path and shape of every draw of a forward in JAX, where shapes alone are computed."""
    model = MODELS[name].build("jax_impl", settings(name, changes))
    tap, rows = Taps(), []

    def bits(rng, shape, dtype):
        rows.append((tap.last, rng, shape))
        return jnp.zeros(shape, dtype)

    arguments = {n: jnp.asarray(array) for n, array in inputs(type(model).__call__).items()}
    weights = jax.eval_shape(partial(model.init, jax.random.key(0)), **arguments)
    with (
        mock.patch.object(jax.random, "fold_in", lambda rng, number: (*rng, number)),
        mock.patch.object(jax.random, "bits", bits),
    ):
        jax.eval_shape(lambda weights: model.apply(weights, **arguments, rng=(), tap=tap), weights)
    return rows


def expected(name, changes):
    ledger = LEDGERS[name] | (NGRAMS if "ngram_buckets" in changes else {})
    return [
        (place, path, tuple(AXES[axis] for axis in axes.split())) for place, (path, axes) in ledger.items()
    ]


def test_every_model_has_a_ledger_where_no_key_is_twice():
    assert LEDGERS.keys() == MODELS.keys()
    for ledger in LEDGERS.values():
        assert len({path for path, _ in ledger.values()}) == len(ledger) >= 7


@CASE
def test_pytorch_draws_what_is_in_the_ledger_and_nothing_else(name, changes):
    rows, bits = torch_draws(name, changes)
    assert rows == [(place, key_of(path), shape) for place, path, shape in expected(name, changes)]
    _, others = torch_draws(name, changes, SEED + 1)
    masks = [(array < 0).flatten()[:24].numpy().tobytes() for array in (*bits, *others)]
    assert len(set(masks)) == 2 * len(rows)  # at no place as at another, or as at another step
    assert torch_draws(name, changes, None) == ([], [])


@CASE
def test_jax_draws_what_is_in_the_ledger_and_nothing_else(name, changes, unchecked):
    assert jax_draws(name, changes) == expected(name, changes)


def test_attention_by_itself_drops_its_weights():
    (twin,) = find_twins("single_head")
    model, tap = twin.build("torch_impl"), Taps()
    initialise(model, random.key(0))
    x = torch.ones(2, 5, twin.arguments["embed"])
    with recorded_draws() as draws:
        model(x, x, rng=key_of(()), tap=tap)
    assert [(draw.key, tuple(draw.bits.shape)) for draw in draws] == [(key_of(()), (2, 5, 5))]


def test_nothing_is_drawn_to_drop_nothing():
    assert torch_draws("gpt", {"dropout": 0.0}) == ([], [])


def test_a_place_that_is_left_out_is_noticed(monkeypatch):
    left_out, original = key_of((2, 2)), block.dropout
    monkeypatch.setattr(
        block, "dropout", lambda x, rate, rng: x if rng == left_out else original(x, rate, rng)
    )
    rows, _ = torch_draws("gpt", {})
    assert [key for _, key, _ in rows] == [
        key_of(path) for _, path, _ in expected("gpt", {}) if path != (2, 2)
    ]
