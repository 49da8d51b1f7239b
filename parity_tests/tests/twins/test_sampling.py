"""The next token: temperature, then top-k, then top-p, then one draw; ties go to the first."""

from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import transformers

import jax_impl.generate
import torch_impl.generate
import torch_impl.greedy
from parity_tests.tests.twins.test_generate import CHOICES, logits
from parity_tests.twins.check import find_twins
from torch_impl import random
from torch_impl.initializers import initialise

# So that the order matters: dividing by the temperature moves the nucleus, and so does what top-k leaves.
WARPERS = {
    "temperature": (1.7, transformers.TemperatureLogitsWarper),
    "top_k": (6, transformers.TopKLogitsWarper),
    "top_p": (0.7, transformers.TopPLogitsWarper),
}
SEED, SCORES = 5, logits(300)


def warped(names):
    """The logits after Hugging Face's warpers, in this order; theirs is that of `WARPERS`."""
    scores = torch.tensor(SCORES)
    for name in names:
        value, warper = WARPERS[name]
        scores = warper(value)(None, scores)
    return scores


def drawn(scores):
    """By Gumbel's noise of the seed's key (Maddison et al. 2014, section 2), in numpy."""
    tiny = float(np.finfo(np.float32).tiny)
    noise = random.uniform(random.key(SEED), SCORES.shape, low=tiny).double().numpy()
    return (scores.numpy() - np.log(-np.log(noise))).argmax(axis=-1)


@CHOICES
@pytest.mark.parametrize(
    "names",
    [
        names
        for count in range(1, 4)
        for names in permutations(WARPERS, count)
        if list(names) == sorted(names)
    ],
    ids="-".join,
)
def test_the_draw_is_from_what_hugging_face_s_warpers_leave_in_their_order(names, choose):
    options = {name: WARPERS[name][0] for name in names}
    np.testing.assert_array_equal(choose(SCORES, SEED, **options), drawn(warped(names)))


def test_any_order_in_which_the_nucleus_is_not_last_draws_others():
    expected = drawn(warped(WARPERS))
    for names in permutations(WARPERS):
        assert (names[-1] == "top_p") == np.array_equal(drawn(warped(names)), expected), names


TIED = np.array([[0.0, 2.0, 1.0, 2.0], [3.0, 3.0, 3.0, 3.0], [-1.0, 0.0, 5.0, 5.0]])


@pytest.mark.parametrize("options", [{}, {"temperature": 0.0}], ids=["no key", "temperature 0"])
def test_of_the_likeliest_the_first_is_taken(options):
    keys = (random.key(0), jax.random.key(0)) if options else (None, None)
    ours = torch_impl.generate.next_token(torch.tensor(TIED), keys[0], **options)
    theirs = jax_impl.generate.next_token(jnp.asarray(TIED, jnp.float32), keys[1], **options)
    assert ours.tolist() == theirs.tolist() == [1, 0, 2]


def test_a_translation_is_the_likeliest_token_after_the_first_one_and_those_before():
    """Without a cache: every token from the whole target so far."""
    (twin,) = find_twins("encoder_decoder")
    model, inputs = twin.build("torch_impl"), twin.inputs(np.random.default_rng(0))
    initialise(model, random.key(0))
    source, mask = torch.tensor(inputs["source"]), torch.tensor(inputs["source_mask"])
    target = torch.full_like(source[:, :1], 3)
    for _ in range(6):
        likeliest = model(source, target, mask)[:, -1:].argmax(dim=-1)
        target = torch.cat([target, likeliest.to(target.dtype)], dim=1)
    assert len({row.tobytes() for row in target.numpy()}) > 1
    assert torch.equal(torch_impl.greedy.greedy(model, source, mask, 3, 6), target[:, 1:])
