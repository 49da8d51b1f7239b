"""Other functions of queries and keys: none sees ahead, each is its formula, and the twins are one model."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jax_impl.masks import causal_mask
from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions.settings import DecoderConfig
from study.questions.weights import jax_weights, torch_weights
from study.questions.weights import study as weights_study
from torch_impl.initializers import initialise
from torch_impl.random import key as random_key
from train.proof.preflight import ParityError
from twinformer import cli

KINDS = ("Additive", "Cosine", "Bilinear", "LinearAttention")
CONFIG = DecoderConfig(vocab=11, max_positions=6, embed=8, heads=2, mlp=8, layers=1)
LENGTH = 6
SEEN = np.tri(LENGTH, dtype=bool)[None, None]


def built(kind: str) -> Any:
    attention = getattr(torch_weights, kind)(CONFIG)
    initialise(attention, random_key(0))
    return attention.double()


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def weights_of(kind: str, query: torch.Tensor, key: torch.Tensor) -> np.ndarray:
    return built(kind).weights(query, key, torch.from_numpy(SEEN)).detach().numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_what_follows_is_read_in_pytorch(kind: str) -> None:
    attention, x = built(kind), drawn(0, 1, LENGTH, 8).requires_grad_()
    for query in range(LENGTH):
        output = attention(x, x, torch.from_numpy(SEEN))
        (gradient,) = torch.autograd.grad(output[0, query].square().sum(), x)
        assert (gradient[0, query + 1 :] == 0.0).all()
        assert (gradient[0, : query + 1].abs().sum(dim=-1) > 0.0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_what_follows_is_read_in_flax(kind: str) -> None:
    attention = getattr(jax_weights, kind)(CONFIG)
    x = jnp.asarray(np.random.default_rng(0).standard_normal((1, LENGTH, 8)), jnp.float32)
    mask = causal_mask(LENGTH, LENGTH)
    params = attention.init(jax.random.key(0), x, x, mask)

    def read(x: Any) -> Any:
        return attention.apply(params, x, x, mask)[0, 2].sum()

    gradient = np.asarray(jax.grad(read)(x))[0]
    assert (gradient[3:] == 0.0).all() and np.abs(gradient[:3]).sum(axis=-1).all()


def test_linear_attention_is_a_recurrence() -> None:
    """A sum of f(k) v and one of f(k) are all that is kept of the past."""
    query, key, value = (drawn(seed, 1, 2, LENGTH, 4) for seed in range(3))
    weights = torch.from_numpy(weights_of("LinearAttention", query, key))
    kept, total = torch.zeros(1, 2, 4, 4).double(), torch.zeros(1, 2, 4).double()
    for place in range(LENGTH):
        features = torch_weights.features(key[:, :, place])
        kept = kept + features[..., :, None] * value[:, :, place, None, :]
        total = total + features
        asked = torch_weights.features(query[:, :, place])
        read = torch.einsum("bhd,bhdv->bhv", asked, kept) / (asked * total).sum(-1, keepdim=True)
        np.testing.assert_allclose(read, (weights @ value)[:, :, place], rtol=1e-12)


def test_cosines_do_not_depend_on_length() -> None:
    """But for what is added to a squared length, 1e-12."""
    query, key = (drawn(seed, 1, 2, LENGTH, 4) for seed in range(2))
    np.testing.assert_allclose(
        weights_of("Cosine", query, key), weights_of("Cosine", 7 * query, 0.1 * key), rtol=1e-7
    )


def test_bilinear_weights_are_the_scores_over_how_many_keys_are_seen() -> None:
    query, key = (drawn(seed, 1, 2, LENGTH, 4) for seed in range(2))
    weights = weights_of("Bilinear", query, key)
    for place in range(LENGTH):
        expected = (query[0, 1, place] @ key[0, 1, 0]) / 2 / (place + 1)
        np.testing.assert_allclose(weights[0, 1, place, 0], expected, rtol=1e-12)
    assert (weights < 0).any()


def test_additive_scores_are_the_formula() -> None:
    query, key = (drawn(seed, 1, 2, LENGTH, 4) for seed in range(2))
    attention = built("Additive")
    weights = attention.weights(query, key, torch.from_numpy(SEEN)).detach().numpy()[0, 1, 3, :4]
    scores = [
        (attention.score_head.weight[1] @ torch.tanh(query[0, 1, 3] + key[0, 1, place])).item()
        for place in range(4)
    ]
    np.testing.assert_allclose(weights, np.exp(scores) / np.exp(scores).sum(), rtol=1e-12)


def test_a_mistake_in_one_twin_is_caught() -> None:
    pair = Pair(jax_weights.LinearGPT, torch_weights.LinearGPT)
    ids = {"ids": np.arange(6, dtype=np.int32)[None]}
    assert hold("linear", pair, ids, {"config": CONFIG})["largest_error"] < 1e-11
    with (
        mock.patch.object(torch_weights, "features", lambda x: torch.nn.functional.softplus(x)),
        pytest.raises(ParityError, match=r"diverge, so nothing was trained: .*blocks.0/attention/weights"),
    ):
        hold("linear", pair, ids, {"config": CONFIG})


def test_the_command_writes_a_record_and_a_picture(tmp_path: Path, unchecked: None) -> None:
    out, line = tmp_path / "out", ["question", "weights", "--tasks", "digits", "--steps", "2", "--seeds", "1"]
    with mock.patch.object(weights_study, "hold", lambda *_: {"checks": 0, "largest_error": 0.0}):
        assert cli.status([*line, "--out", str(out)]) == 0
    record = json.loads((out / "record.json").read_text("utf-8"))
    assert [run["name"] for run in record["runs"]] == list(weights_study.MODELS) == list(record["parity"])
    assert {path.name for path in out.iterdir()} == {"record.json", "weights.png"}
    for run in record["runs"]:
        weights = np.array(run["weights"])
        assert run["accuracy"] <= 1.0 and (np.triu(weights, 1) == 0.0).all() and weights.any()


def test_what_cannot_be_run_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.status(["question", "weights", "--steps", "0"]) == 2
    assert "--steps 0: give 1 or more" in capsys.readouterr().err
