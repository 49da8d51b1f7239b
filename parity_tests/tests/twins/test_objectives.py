"""What a batch's loss and metrics are, and what the model is asked: by stubs that return given logits."""

from inspect import signature
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from torch.nn import functional as F

from jax_impl import fused_loss as jax_fused_loss
from jax_impl import objectives as jax_objectives
from torch_impl import fused_loss as torch_fused_loss
from torch_impl import objectives as torch_objectives
from torch_impl.models import MODELS

SMOOTHING, KEY = 0.3, object()
RNG = np.random.default_rng(0)
LOGITS, LABELS = 2.0 * RNG.standard_normal((5, 4)), np.array([3, 0, 0, 2, 1], np.int32)
WORDS, WORD_LABELS = 2.0 * RNG.standard_normal((3, 4, 9)), RNG.integers(0, 9, (3, 4), dtype=np.int32)
REAL = np.array([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]], np.float64)
HIDDEN, TABLE = RNG.standard_normal((3, 4, 6)), RNG.standard_normal((9, 6))
IDS, MASK = RNG.integers(0, 9, (3, 4), dtype=np.int32), REAL.astype(bool)

pytestmark = pytest.mark.usefixtures("unchecked")  # a stub is no model, and an object no key


class Stub:
    """A model that returns these logits (or hidden vectors and a table) and remembers what it was given."""

    def __init__(self, name, arrays):
        self.arrays, self.forward = arrays, signature(MODELS[name].forward)

    def remember(self, *arguments, **keywords):
        self.given = dict(self.forward.bind(None, *arguments, **keywords).arguments)
        self.given.pop("self")

    def __call__(self, *arguments, **keywords):
        self.remember(*arguments, **keywords)
        return self.arrays["logits"]

    def hidden(self, *arguments):
        self.remember(*arguments)
        return self.arrays["hidden"]

    def table(self):
        return self.arrays["table"]

    def apply(self, variables, *arguments, method="__call__", **keywords):
        assert variables == {"params": "weights"}
        return getattr(self, method)(*arguments, **keywords)


def run(framework, family, name, arrays, batch):
    """Loss and metrics, and what the model was given."""
    with jax.enable_x64(framework == "jax"):
        convert = jnp.asarray if framework == "jax" else torch.tensor
        stub = Stub(name, {n: convert(array) for n, array in arrays.items()})
        fields = SimpleNamespace(**{n: convert(array) for n, array in batch.items()})
        if framework == "jax":
            loss, metrics = jax_objectives.OBJECTIVES[family](stub, "weights", fields, KEY, SMOOTHING)
        else:
            loss, metrics = torch_objectives.OBJECTIVES[family](stub, fields, KEY, SMOOTHING)
        given = {n: v if v is None or v is KEY else np.asarray(v) for n, v in stub.given.items()}
        return float(loss), {n: float(value) for n, value in metrics.items()}, given


def pytorch_s(logits, labels, smoothing, real=None):
    """PyTorch's loss, which ignores -100."""
    wanted = labels if real is None else np.where(real, labels, -100)
    flat = torch.tensor(logits).reshape(-1, logits.shape[-1])
    return float(F.cross_entropy(flat, torch.tensor(wanted).long().flatten(), label_smoothing=smoothing))


def optax_s(logits, labels, smoothing, real=None):
    """optax's loss, mean over what is real."""
    with jax.enable_x64(True):
        smooth = optax.smooth_labels(jax.nn.one_hot(jnp.asarray(labels), logits.shape[-1]), smoothing)
        each = np.asarray(optax.softmax_cross_entropy(jnp.asarray(logits), smooth))
    return float(np.average(each, weights=real))


def assert_given(given, expected):
    assert given.keys() == expected.keys()
    for name, value in expected.items():
        assert value is given[name] if value is None or value is KEY else np.array_equal(value, given[name])


FRAMEWORKS = pytest.mark.parametrize("framework", ["jax", "torch"])
THEIRS = pytest.mark.parametrize("theirs", [pytorch_s, optax_s])


@FRAMEWORKS
@THEIRS
@pytest.mark.parametrize("name", ["classifier", "bert_classifier", "gpt_classifier"])
def test_a_classifier_s_loss_is_smoothed_as_theirs(framework, theirs, name):
    batch = {"ids": IDS, "mask": MASK, "labels": LABELS}
    loss, metrics, given = run(framework, "classifier", name, {"logits": LOGITS}, batch)
    assert loss == pytest.approx(theirs(LOGITS, LABELS, SMOOTHING), rel=1e-12)
    assert loss != pytest.approx(theirs(LOGITS, LABELS, 0.0), rel=1e-3)
    assert metrics == {"accuracy": pytest.approx((LOGITS.argmax(axis=-1) == LABELS).mean())}
    assert_given(given, {"ids": IDS, "mask": MASK, "rng": KEY})


@FRAMEWORKS
@THEIRS
def test_masked_words_have_a_smoothed_loss_over_those_that_count(framework, theirs):
    places = RNG.integers(0, 4, (3, 4), dtype=np.int32)
    batch = {"ids": IDS, "masked_positions": places, "labels": WORD_LABELS, "weights": REAL}
    loss, metrics, given = run(framework, "bert", "bert_for_masked_lm", {"logits": WORDS}, batch)
    assert loss == pytest.approx(theirs(WORDS, WORD_LABELS, SMOOTHING, REAL), rel=1e-12)
    assert loss != pytest.approx(theirs(WORDS, WORD_LABELS, 0.0, REAL), rel=1e-3)
    right = np.average(WORDS.argmax(axis=-1) == WORD_LABELS, weights=REAL)
    assert metrics == {"accuracy": pytest.approx(right)}
    everywhere, segments = np.ones_like(MASK), None
    expected = {"ids": IDS, "mask": everywhere, "masked_positions": places, "segment_ids": segments}
    assert_given(given, expected | {"rng": KEY})


@FRAMEWORKS
@THEIRS
def test_translations_have_a_smoothed_loss_over_real_tokens(framework, theirs):
    source, source_mask = IDS[:, :3], MASK[:, :3]
    batch = {"source": source, "source_mask": source_mask, "target": IDS}
    batch |= {"labels": WORD_LABELS, "weights": REAL}
    loss, metrics, given = run(framework, "seq2seq", "encoder_decoder", {"logits": WORDS}, batch)
    assert loss == pytest.approx(theirs(WORDS, WORD_LABELS, SMOOTHING, REAL), rel=1e-12)
    right = np.average(WORDS.argmax(axis=-1) == WORD_LABELS, weights=REAL)
    assert metrics == {"accuracy": pytest.approx(right)}
    assert_given(given, {"source": source, "target": IDS, "source_mask": source_mask, "rng": KEY})


@FRAMEWORKS
@THEIRS
@pytest.mark.parametrize("logits", [1, 80, 2**24], ids=["a token", "eight of twelve tokens", "at once"])
def test_next_tokens_have_the_plain_loss_of_all(framework, theirs, logits, monkeypatch):
    for module in (jax_fused_loss, torch_fused_loss):
        monkeypatch.setattr(module, "LOGITS", logits)
    arrays = {"hidden": HIDDEN, "table": TABLE}
    loss, metrics, given = run(framework, "gpt", "gpt", arrays, {"ids": IDS, "labels": WORD_LABELS})
    assert loss == pytest.approx(theirs(HIDDEN @ TABLE.T, WORD_LABELS, 0.0), rel=1e-12)
    assert metrics == {}
    assert_given(given, {"ids": IDS, "mask": None, "rng": KEY})
