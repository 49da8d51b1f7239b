"""Both twins write the same text: what they would write without a cache, and each prompt alone."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import transformers
from flax.traverse_util import unflatten_dict

import jax_impl.generate
import torch_impl.generate
from parity_tests.twins.check import find_twins
from parity_tests.twins.run import initial_params
from torch_impl import convert, random
from torch_impl.convert.hugging_face import to_hugging_face

NAMES = ["gpt", "gpt1", "gpt3", "llama", "qwen3"]
POSITIONS, NEW = 20, 12
PROMPTS = np.random.default_rng(0).integers(0, 31, (3, 8), dtype=np.int32)
LENGTHS = [5, 8, 3]
SAMPLING = [
    {"temperature": 0.7},
    {"top_k": 5},
    {"temperature": 1.5, "top_p": 0.8},
    {"temperature": 1.2, "top_k": 9, "top_p": 0.9},
]


@cache
def twin(name):
    """A model with room for some text, and weights so large that it does not repeat one token."""
    (found,) = find_twins(name)
    found = replace(found, arguments={**found.arguments, "max_positions": POSITIONS})
    rng = np.random.default_rng(1)
    params = initial_params(found, found.inputs(rng), 0)
    return found, {n: array + 0.3 * rng.standard_normal(array.shape) for n, array in params.items()}


def jax_model(name, dtype):
    found, params = twin(name)
    tree = unflatten_dict({n: jnp.asarray(a, dtype) for n, a in params.items()}, sep="/")
    return found.build("jax_impl").bind({"params": tree})


@cache
def torch_model(name, dtype):
    found, params = twin(name)
    model = found.build("torch_impl")
    convert.load(model, params)
    return model.to(getattr(torch, dtype))


def in_jax(name, prompts, lengths, new, seed=None, dtype="float64", **options):
    with jax.enable_x64(dtype == "float64"):
        rng = None if seed is None else jax.random.key(seed)
        ids, ends = jax_impl.generate.generate(
            jax_model(name, dtype), jnp.asarray(prompts), lengths, new, rng, **options
        )
        assert ids.dtype == ends.dtype == jnp.int32
        return np.asarray(ids), np.asarray(ends)


def in_torch(name, prompts, lengths, new, seed=None, dtype="float64", **options):
    rng = None if seed is None else random.key(seed)
    ids, ends = torch_impl.generate.generate(
        torch_model(name, dtype), torch.tensor(prompts), lengths, new, rng, **options
    )
    return ids.numpy(), ends.numpy()


@cache
def naive(name, seed=None, options=()):
    """The continuations of PROMPTS, every token from the whole text before it."""
    rng = None if seed is None else random.key(seed)
    ids = np.pad(PROMPTS, ((0, 0), (0, NEW)))
    for position in range(min(LENGTHS), ids.shape[1]):
        logits = torch_model(name, "float64")(torch.tensor(ids[:, :position])).detach()[:, -1]
        drawn = torch_impl.generate.next_token(logits, random.fold_in(rng, position), **dict(options))
        ids[:, position] = np.where(np.less_equal(LENGTHS, position), drawn, ids[:, position])
    return np.where(np.arange(ids.shape[1]) < np.array(LENGTHS)[:, None] + NEW, ids, 0)


RUNS = pytest.mark.parametrize("run", [in_jax, in_torch], ids=["jax", "torch"])


@RUNS
@pytest.mark.parametrize("name", NAMES)
def test_the_cache_changes_nothing(name, run):
    expected = naive(name, 3)
    ids, ends = run(name, PROMPTS, LENGTHS, NEW, 3)
    np.testing.assert_array_equal(ids, expected)
    assert list(ends) == [length + NEW for length in LENGTHS]


@RUNS
@pytest.mark.parametrize("options", SAMPLING, ids=str)
def test_all_ways_to_choose_are_the_same_in_both_frameworks(options, run):
    expected = naive("gpt1", 3, tuple(options.items()))
    np.testing.assert_array_equal(run("gpt1", PROMPTS, LENGTHS, NEW, 3, **options)[0], expected)


def test_every_way_to_choose_and_every_key_writes_another_text():
    texts = [naive("gpt1", 3, tuple(options.items())) for options in SAMPLING]
    texts += [naive("gpt1"), naive("gpt1", 3), naive("gpt1", 4)]
    assert len({text.tobytes() for text in texts}) == len(texts)


@pytest.mark.parametrize("name", NAMES)
def test_the_logits_behind_each_token_are_those_of_the_whole_text(name, monkeypatch):
    model, seen = torch_model(name, "float64"), []
    step = model.step
    monkeypatch.setattr(model, "step", lambda ids, cache: trace(seen, step(ids, cache)))
    ids, _ = in_torch(name, PROMPTS[:1], [8], NEW)
    whole = model(torch.tensor(ids)).detach()[:, :-1]
    assert [logits.shape[1] for logits in seen] == [7] + [1] * NEW  # the prompt at once
    assert (torch.cat(seen, dim=1) - whole).abs().max() <= 1e-11 * whole.abs().max()


def trace(seen, result):
    seen.append(result[0])
    return result


@RUNS
def test_a_prompt_alone_is_continued_as_among_others(run):
    together, _ = run("llama", PROMPTS, LENGTHS, NEW, 3)
    alone, _ = run("llama", PROMPTS[:1, : LENGTHS[0]], LENGTHS[:1], NEW, 3)
    np.testing.assert_array_equal(alone[0], together[0, : LENGTHS[0] + NEW])


@RUNS
def test_what_stands_behind_a_prompt_does_not_matter(run):
    garbage = np.where(np.arange(8) < np.array(LENGTHS)[:, None], PROMPTS, 30).astype(np.int32)
    assert not np.array_equal(garbage, PROMPTS)
    first, second = (run("gpt1", prompts, LENGTHS, NEW, 3)[0] for prompts in (PROMPTS, garbage))
    np.testing.assert_array_equal(first, second)


@RUNS
def test_a_prompt_of_one_token_and_one_new_token(run):
    ids, ends = run("gpt1", PROMPTS[:, :1], [1, 1, 1], 1)
    logits = torch_model("gpt1", "float64")(torch.tensor(PROMPTS[:, :1]))[:, 0]
    np.testing.assert_array_equal(ids[:, 1], logits.argmax(dim=-1))
    assert list(ends) == [2, 2, 2]


@RUNS
def test_a_row_stops_at_the_end_token_that_it_writes(run):
    free = naive("gpt1", 3)
    read = PROMPTS[1, min(LENGTHS) :]  # by row 1 while row 2 writes already; there it ends nothing
    end = int(next(token for token in (*free[0, LENGTHS[0] :], *free[2, LENGTHS[2] :]) if token in read))
    ids, ends = run("gpt1", PROMPTS, LENGTHS, NEW, 3, ends=(end,))
    for row, length in enumerate(LENGTHS):
        written = list(free[row, length : length + NEW])
        count = length + (written.index(end) + 1 if end in written else NEW)
        assert ends[row] == count
        np.testing.assert_array_equal(ids[row, :count], free[row, :count])
        assert not ids[row, count:].any()
    assert ends[1] > LENGTHS[1] and sum(ends) < sum(LENGTHS) + 3 * NEW


@RUNS
def test_a_row_stops_at_whichever_end_token_it_writes(run):
    free = naive("gpt1", 3)
    written = [free[row, length : length + NEW].tolist() for row, length in enumerate(LENGTHS)]
    others = [{token for other in written if other is not tokens for token in other} for tokens in written]
    ends = tuple(
        next(token for token in reversed(tokens) if token not in rest)
        for tokens, rest in zip(written, others, strict=True)
    )
    _, stops = run("gpt1", PROMPTS, LENGTHS, NEW, 3, ends=ends)
    counts = [tokens.index(end) + 1 for tokens, end in zip(written, ends, strict=True)]
    assert list(stops) == [length + count for length, count in zip(LENGTHS, counts, strict=True)]
    assert max(counts[1:]) < NEW


def test_the_loop_stops_with_the_last_row(monkeypatch):
    end = int(naive("gpt")[0, 5])
    model, seen = torch_model("gpt", "float64"), []
    step = model.step
    monkeypatch.setattr(model, "step", lambda ids, cache: trace(seen, step(ids, cache)))
    in_torch("gpt", PROMPTS[:1], [5], NEW, ends=(end,))
    assert len(seen) == 2  # the prompt, and one token


@RUNS
def test_float32_writes_what_float64_does(run):
    narrow, _ = run("gpt1", PROMPTS, LENGTHS, NEW, 3, dtype="float32")
    np.testing.assert_array_equal(narrow, naive("gpt1", 3))


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_the_ids_keep_their_dtype(dtype):
    assert in_torch("gpt", PROMPTS.astype(dtype), LENGTHS, 1)[0].dtype == dtype


def test_a_cache_that_is_one_position_off_would_be_noticed(monkeypatch):
    model = torch_model("gpt", "float64")
    step = model.step

    def late(ids, cache):
        logits, cache = step(ids, cache)
        return logits, cache._replace(length=cache.length + int(ids.shape[1] > 1))

    monkeypatch.setattr(model, "step", late)
    with pytest.raises(IndexError, match="out of bounds"):  # the last token has no place left
        in_torch("gpt", PROMPTS, LENGTHS, NEW - 1)


def test_greedy_text_is_hugging_faces():
    found, params = twin("gpt")
    given = found.arguments
    config = transformers.GPT2Config(
        vocab_size=given["vocab"],
        n_positions=POSITIONS,
        n_embd=given["embed"],
        n_head=given["heads"],
        n_layer=given["layers"],
        n_inner=given["mlp"],
        bos_token_id=None,
        eos_token_id=None,
    )
    theirs = transformers.GPT2LMHeadModel(config).double().eval()
    state = {name: torch.tensor(array) for name, array in to_hugging_face(params, config.to_dict()).items()}
    assert theirs.load_state_dict(state, strict=False).missing_keys == ["lm_head.weight"]  # tied
    theirs.tie_weights()
    prompts = torch.tensor(PROMPTS).long()
    expected = theirs.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        do_sample=False,
        max_new_tokens=NEW,
        pad_token_id=0,
    )
    for run in (in_jax, in_torch):
        np.testing.assert_array_equal(run("gpt", PROMPTS, [8] * 3, NEW)[0], expected.numpy())


def logits(rows, vocab=40):
    return 3.0 * np.random.default_rng(1).standard_normal((rows, vocab))


def keep_in_jax(scores, **options):
    with jax.enable_x64(True):
        return np.asarray(jax_impl.generate.keep_likeliest(jnp.asarray(scores), **options))


def keep_in_torch(scores, **options):
    return torch_impl.generate.keep_likeliest(torch.tensor(scores), **options).numpy()


KEEPS = pytest.mark.parametrize("keep", [keep_in_jax, keep_in_torch], ids=["jax", "torch"])


@KEEPS
@pytest.mark.parametrize("top_k", [None, 1, 7, 100])
@pytest.mark.parametrize("top_p", [None, 1e-6, 0.5, 0.95])
def test_the_kept_tokens_are_hugging_faces(top_k, top_p, keep):
    scores = logits(200)
    expected = torch.tensor(scores) / 0.7
    np.testing.assert_array_equal(
        expected, transformers.TemperatureLogitsWarper(0.7)(None, torch.tensor(scores))
    )
    if top_k is not None:
        expected = transformers.TopKLogitsWarper(top_k)(None, expected)
    if top_p is not None:
        expected = transformers.TopPLogitsWarper(top_p)(None, expected)
    np.testing.assert_array_equal(keep(scores / 0.7, top_k=top_k, top_p=top_p), expected.numpy())


@KEEPS
def test_logits_equal_to_the_smallest_one_kept_are_kept(keep):
    scores = np.log(np.array([[0.1, 0.3, 0.2, 0.2, 0.2]]))
    kept = np.isfinite(scores) & (scores > np.log(0.15))
    for options in ({"top_k": 2}, {"top_p": 0.4}):
        np.testing.assert_array_equal(np.isfinite(keep(scores, **options)), kept)


def choose_in_jax(scores, seed, **options):
    with jax.enable_x64(True):
        key = jax.random.key(seed)
        return np.asarray(jax_impl.generate.next_token(jnp.asarray(scores), key, **options))


def choose_in_torch(scores, seed, **options):
    return torch_impl.generate.next_token(torch.tensor(scores), random.key(seed), **options).numpy()


CHOICES = pytest.mark.parametrize("choose", [choose_in_jax, choose_in_torch], ids=["jax", "torch"])


@CHOICES
@pytest.mark.parametrize(
    "options", [{"temperature": 0.0}, {"temperature": 1e-4}, {"top_k": 1}, {"top_p": 1e-9}], ids=str
)
def test_the_narrowest_draw_is_the_likeliest_token(options, choose):
    scores = logits(100)
    np.testing.assert_array_equal(choose(scores, 0, **options), scores.argmax(axis=-1))
    assert (choose(scores, 0) != scores.argmax(axis=-1)).any()


@CHOICES
@pytest.mark.parametrize("options", [{"temperature": 2.0}, {"temperature": 2.0, "top_k": 4}], ids=str)
def test_tokens_are_as_frequent_as_they_should_be(options, choose):
    """By Pearson's chi-square; those that are not kept are never drawn."""
    scores, draws = logits(1, 10), 20_000
    counts = np.bincount(choose(scores.repeat(draws, axis=0), 0, **options), minlength=10)
    kept = np.exp(scores[0] / 2.0)
    kept[np.argsort(kept)[: 10 - options.get("top_k", 10)]] = 0.0
    expected = draws * kept / kept.sum()
    assert not counts[expected == 0.0].any()
    possible = expected > 0.0
    square = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
    assert square < 27.9  # of 9 degrees of freedom: one key in a thousand is beyond


@CHOICES
def test_more_rows_change_no_draw_of_the_rows_before(choose):
    scores = logits(9)
    np.testing.assert_array_equal(choose(scores, 2)[:4], choose(scores[:4], 2))


def test_jax_compiles_once_for_all_prompts_of_a_shape():
    program = jax_impl.generate._generate
    program.clear_cache()
    for seed, lengths in enumerate(([5, 8, 3], [3, 4, 7], [3, 3, 3])):
        in_jax("gpt1", (PROMPTS + seed) % 31, lengths, NEW, seed)
        assert program._cache_size() == 1
    in_jax("gpt1", PROMPTS, [4, 4, 4], NEW, 0)
    assert program._cache_size() == 2  # for another length of what all prompts have


@RUNS
@pytest.mark.parametrize(
    "change, message",
    [
        ({"new": 14}, r"prompts of 8 tokens and new=14 .* max_positions=20: shorten"),
        ({"new": 0}, "new=0"),
        ({"lengths": [5, 8]}, r"lengths=\[5, 8\] of 3 prompts"),
        ({"lengths": [5, 9, 3]}, "1 to 8 tokens"),
        ({"lengths": [5, 8, 0]}, "1 to 8 tokens"),
        ({"temperature": -1.0}, "temperature=-1.0"),
        ({"top_k": 0}, "top_k=0"),
        ({"top_p": 0.0}, "top_p=0.0"),
        ({"top_p": 1.1}, "top_p=1.1"),
    ],
    ids=str,
)
def test_what_cannot_be_written_is_an_error(change, message, run):
    with pytest.raises(ValueError, match=message):
        run("gpt1", **{"prompts": PROMPTS, "lengths": LENGTHS, "new": NEW, "seed": 0} | change)
