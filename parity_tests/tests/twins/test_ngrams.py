"""Log-ratios of tokens and pairs: summed in plain Python, and left out of training texts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from data.baselines.naive_bayes import pair_buckets
from parity_tests.twins import inputs
from parity_tests.twins.registry import PARTS
from torch_impl import random

VOCAB, CLASSES, BUCKETS = inputs.VOCAB, inputs.CLASSES, inputs.BUCKETS
SETTINGS = {"vocab": VOCAB, "max_positions": 9, "embed": 8, "classes": CLASSES, "ngram_buckets": BUCKETS}
RNG = np.random.default_rng(0)
TOKENS = RNG.standard_normal((VOCAB, CLASSES)).astype(np.float32)
PAIRS = RNG.standard_normal((BUCKETS, CLASSES)).astype(np.float32)


def summed(package, batch, seed=None, **changes):
    """What the module returns for numpy inputs; with dropout where there is a seed."""
    module = PARTS["NGramRatios"].build(package, SETTINGS | changes)
    if package == "jax_impl":
        params = {"token_ratios": jnp.asarray(TOKENS), "pair_ratios": jnp.asarray(PAIRS)}
        rng = None if seed is None else jax.random.key(seed)
        return np.asarray(module.apply({"params": params}, rng=rng, **jax.tree.map(jnp.asarray, batch)))
    with torch.no_grad():
        module.token_ratios.copy_(torch.from_numpy(TOKENS))
        module.pair_ratios.copy_(torch.from_numpy(PAIRS))
        rng = None if seed is None else random.key(seed)
        return module(rng=rng, **{name: torch.from_numpy(array) for name, array in batch.items()}).numpy()


def sums(texts):
    """A text's tokens, then its pairs, one at a time."""
    return [
        sum((TOKENS[token] for token in text), np.zeros(CLASSES))
        + sum((PAIRS[bucket] for bucket in pair_buckets(text, BUCKETS)), np.zeros(CLASSES))
        for text in texts
    ]


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
def test_rows_of_their_own(package):
    batch = inputs.text(np.random.default_rng(1))
    texts = [ids[mask] for ids, mask in zip(batch["ids"], batch["mask"], strict=True)]
    assert {0, 1, 7} <= set(map(len, texts))
    np.testing.assert_allclose(summed(package, batch), sums(texts), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
def test_texts_that_share_rows(package):
    batch = inputs.packed_tokens(np.random.default_rng(1))
    texts = [batch["ids"][batch["text_ids"] == number] for number in range(len(batch["lengths"]))]
    np.testing.assert_allclose(summed(package, batch), sums(texts), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
def test_a_text_goes_without_all_or_keeps_all_as_it_is(package):
    """The kept are not scaled up, as `dropout` does: in evaluation they are as they are too."""
    batch = {"ids": np.full((400, 3), 7, np.int32), "mask": np.ones((400, 3), bool)}
    trained = summed(package, batch, seed=3, ngram_dropout=0.7)
    kept = trained.any(axis=1)
    np.testing.assert_allclose(trained[kept], summed(package, batch)[kept], rtol=1e-6)
    assert 0.2 < kept.mean() < 0.4  # 0.3 within four deviations
