"""Attention of a model of one's own: weights of any framework are drawn, what is none is refused."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch
import transformers

import twinformer as tw
from train.config import ConfigError

RNG = np.random.default_rng(0)
WORDS = ["the", "cat", "<b>", "$5"]


def drawn(*axes: int) -> np.ndarray:
    found = RNG.random(axes)
    return found / found.sum(axis=-1, keepdims=True)


def on_the_page(path: Path) -> Any:
    return json.loads(path.read_text().partition("const known = ")[2].partition(";\n")[0])["parts"][0]


WEIGHTS = drawn(2, 3, 4, 4)


@pytest.mark.parametrize(
    "given",
    [
        WEIGHTS,
        jnp.asarray(WEIGHTS, jnp.float32),
        torch.tensor(WEIGHTS, requires_grad=True),
        list(WEIGHTS),
        tuple(torch.tensor(one)[None] for one in WEIGHTS),
        [jnp.asarray(one[None], jnp.float32) for one in WEIGHTS],
        torch.tensor(WEIGHTS).bfloat16(),
    ],
    ids=["numpy", "jax", "torch", "list", "batches of torch", "batches of jax", "bfloat16"],
)
def test_any_framework_s_arrays_are_drawn(given: Any, tmp_path: Path) -> None:
    each = tw.draw_attention(given, WORDS, tmp_path / "heads.html")
    found = on_the_page(tmp_path / "heads.html")
    exact = getattr(given, "dtype", None) != torch.bfloat16
    np.testing.assert_allclose(found["weights"], WEIGHTS, atol=1.01e-4 if exact else 4e-3)
    assert (
        found["keys"] == WORDS and found["itself"] and [(row.layer, row.head) for row in each][-1] == (1, 2)
    )
    assert each[0].first == pytest.approx(WEIGHTS[0, 0, 1:, 0].mean(), abs=2e-3)


def test_what_transformers_gives_is_drawn(tmp_path: Path) -> None:
    config = transformers.GPT2Config(vocab_size=9, n_embd=12, n_head=3, n_layer=2, n_positions=8)
    model = transformers.GPT2LMHeadModel(config).eval()
    model.set_attn_implementation("eager")
    given = model(torch.tensor([[1, 2, 3, 4], [4, 3, 2, 1]]), output_attentions=True).attentions
    tw.draw_attention(given, WORDS, str(tmp_path / "heads.html"), mask=np.tri(4), row=1)
    found = on_the_page(tmp_path / "heads.html")
    np.testing.assert_allclose(found["weights"][1], given[1][1].detach().numpy(), atol=1e-4)
    assert found["seen"][0] == [1, 0, 0, 0]


def test_other_words_may_be_looked_at_and_pictures_are_pictures(tmp_path: Path) -> None:
    for name, more in {"a.png": {}, "b.svg": {"layer": 0, "head": 1}}.items():
        each = tw.draw_attention(drawn(1, 2, 4, 3), WORDS, tmp_path / name, keys=["x", "y", "z"], **more)
        assert each[0].previous is None and (tmp_path / name).stat().st_size > 1000
    blind = np.concatenate([np.zeros((1, 2, 1, 4)), drawn(1, 2, 3, 4)], axis=2)
    mask = np.array([[0] * 4, *[[1] * 4] * 3])
    tw.draw_attention(blind, WORDS, tmp_path / "c.html", mask=mask)
    padded = WEIGHTS * [1, 1, 1, 0]
    padded /= padded.sum(axis=-1, keepdims=True)
    tw.draw_attention(padded, WORDS, tmp_path / "d.html", mask=torch.tensor([[1, 1, 1, 0]]))
    assert on_the_page(tmp_path / "d.html")["seen"] == [[1, 1, 1, 0]] * 4


@pytest.mark.parametrize(
    ("weights", "more", "said"),
    [
        (WEIGHTS, {"words": WORDS[:3]}, "words: 3, but the weights have 4 along the axis query"),
        (WEIGHTS, {"words": "the cat"}, "words='the cat': give a list of texts"),
        (WEIGHTS, {"words": None}, "words=None: give a list of texts"),
        (WEIGHTS, {"words": [1, 2, 3, 4]}, "give a list of texts, one a token"),
        (drawn(1, 2, 4, 3), {}, "words: 4, but there are 3 keys; name them with keys="),
        (WEIGHTS, {"keys": ["x"]}, "keys: 1, but the weights have 4 along the axis key"),
        (2 * WEIGHTS, {}, "layer 0, head 0: the row of query 0 sums to 2.000, not to one"),
        (WEIGHTS - 1.0, {}, "goes below zero: give the weights after the softmax"),
        (
            np.where(WEIGHTS[1, 2, 3, 0] == WEIGHTS, np.nan, WEIGHTS),
            {},
            "layer 1, head 2: the row of query 3 holds",
        ),
        ([drawn(5, 3, 4, 4)], {}, r"weights\[0\] holds 5 rows: say which with row=, from 0 to 4"),
        ([drawn(5, 3, 4, 4)], {"row": 5}, r"row=5: weights\[0\] holds 5"),
        (WEIGHTS, {"row": 0}, "row=0: goes with a list of arrays"),
        ([drawn(3, 4, 4)], {"row": 0}, "has no batch to choose from"),
        ([drawn(3, 4, 4), drawn(2, 4, 4)], {}, r"weights\[1\] is \(2, 4, 4\), but weights\[0\] \(3, 4, 4\)"),
        (None, {}, "attn_implementation='eager'"),
        ((None, None), {}, r"weights\[0\] is None: .*'eager'"),
        ([], {}, "there are none"),
        ({"layer": WEIGHTS}, {}, "weights is no array but dict"),
        ([(WEIGHTS[0], None)], {}, r"weights\[0\] is no array but tuple"),
        (drawn(4, 4), {}, r"weights of shape \(4, 4\): give"),
        (WEIGHTS, {"mask": np.tri(4)}, "looks at what the mask hides"),
        (WEIGHTS, {"mask": np.where(np.tri(4), 0.0, -1e9)}, "mask holds other numbers than 0 and 1"),
        (WEIGHTS, {"mask": np.ones((2, 4, 4))}, r"mask of shape \(2, 4, 4\)"),
        (WEIGHTS, {"layer": 2}, "layer=2: there are 2; give one from 0 to 1"),
        (WEIGHTS, {"head": 0}, "of which layer"),
        (WEIGHTS, {"out": "x.jpeg"}, "give a name that ends with"),
    ],
)
def test_what_is_no_attention_is_refused(
    weights: Any, more: dict, said: str, tmp_path: Path, unchecked
) -> None:
    given = {"words": WORDS, "out": "x.png", **more}
    out = tmp_path / given.pop("out")
    with pytest.raises(ConfigError, match=said):
        tw.draw_attention(weights, out=out, **given)
    assert not any(tmp_path.iterdir())
