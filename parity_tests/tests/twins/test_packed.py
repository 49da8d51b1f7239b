"""Texts that share rows: their logits, loss and gradients are those of rows of their own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from data import pack
from data.batches.text import TextBatch
from jax_impl.objectives import classifier_loss
from parity_tests.twins.catalogue import _CLASSIFIER
from parity_tests.twins.registry import MODELS
from torch_impl import convert
from torch_impl.objectives import classifier_loss as torch_classifier_loss

LENGTHS = [7, 3, 4, 1, 5, 2, 2, 6]


def texts():
    rng = np.random.default_rng(0)
    mask = np.arange(7)[None] < np.array(LENGTHS)[:, None]
    ids = np.where(mask, rng.integers(1, 31, mask.shape), 0).astype(np.int32)
    labels = rng.integers(0, 4, len(LENGTHS)).astype(np.int32)
    return TextBatch(ids, mask, labels, np.arange(len(LENGTHS), dtype=np.int32))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"position_encoding": "sinusoidal"},
        {"norm_position": "post"},
        {"norm_position": "post", "position_encoding": "sinusoidal"},
        {"ngram_buckets": 13},
    ],
    ids=str,
)
def test_loss_and_gradients_are_those_of_texts_in_rows_of_their_own(changes):
    settings = _CLASSIFIER | changes
    plain = texts()
    packed = pack(plain)
    assert len(packed.ids) < len(plain.ids)
    model = MODELS["classifier"].build("jax_impl", settings)
    with jax.enable_x64(True):
        params = jax.jit(model.init)(jax.random.key(0), plain.ids, plain.mask)["params"]
        rng = np.random.default_rng(1)  # beside what is drawn, as weights of n-grams are zero
        params = jax.tree.map(lambda a: a.astype("float64") + 0.1 * rng.standard_normal(a.shape), params)

        def loss(params, batch):
            return classifier_loss(model, params, batch, None, 0.1)[0]

        gradient = jax.jit(jax.value_and_grad(loss))
        (one, ours), (other, theirs) = (gradient(params, batch) for batch in (plain, packed))
    np.testing.assert_allclose(one, other, rtol=1e-12)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), ours, theirs)
    twin = MODELS["classifier"].build("torch_impl", settings).double()
    convert.load(
        twin, {"/".join(k.key for k in path): np.asarray(a) for path, a in jax.tree.leaves_with_path(params)}
    )
    tensors = type(packed)(
        *(torch.from_numpy(a.astype(np.int64) if a.dtype == np.int32 else a) for a in packed)
    )
    np.testing.assert_allclose(torch_classifier_loss(twin, tensors, None, 0.1)[0].item(), one, rtol=1e-12)


@pytest.mark.parametrize("buckets", [0, 13])
@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
def test_a_text_knows_nothing_of_its_neighbours(package, buckets):
    model = MODELS["classifier"].build(package, _CLASSIFIER | {"ngram_buckets": buckets})
    batch = texts()
    other = batch._replace(ids=batch.ids.copy())
    other.ids[1, :3] = [9, 8, 7]  # another second text
    if package == "torch_impl":
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter)
    rows = []
    for each in (batch, other):
        inputs = {k: a for k, a in pack(each)._asdict().items() if k not in ("labels", "rows")}
        if package == "jax_impl":
            inputs = jax.tree.map(jnp.asarray, inputs)
            params = jax.jit(model.init)(jax.random.key(0), inputs["ids"], inputs["mask"])
            params = jax.tree.map(
                lambda a: a + jnp.arange(a.size, dtype=a.dtype).reshape(a.shape) % 0.7, params
            )
            rows.append(np.asarray(jax.jit(model.apply)(params, **inputs)))
        else:
            rows.append(model(**{k: torch.from_numpy(a) for k, a in inputs.items()}).detach().numpy())
    changed = np.abs(rows[0] - rows[1]).max(axis=1) > 1e-6
    assert list(np.flatnonzero(changed)) == [1]
