"""An opened run: what it shows of itself, what it does with texts, and what it refuses."""

import inspect
from typing import Any

import numpy as np
import pytest

import data
import train
from jax_impl.config import CONFIGS
from train.architecture import Architecture
from train.config import FRAMEWORKS
from train.loops.backend import backend
from train.runs import checkpoint, folder
from train.runs.files import RunError
from train.runs.load import Run

TEXTS = ["the cat sat on the mat", "a dog ran after the ball", "rain, and no sun"]
SIZES: dict[str, Any] = {"max_positions": 24, "embed": 16, "heads": 2, "mlp": 16, "layers": 1}
CLASSES = ("<cats>", "dogs", "weather")
NAMES = ["gpt", "classifier", "bert_for_masked_lm", "bert_classifier"]
IDS, MASK = np.array([[5, 6, 7], [8, 9, 10]]), np.ones((2, 3), bool)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Run]:
    """A run of each model, with weights large enough to tell texts apart, opened in each framework."""
    opened = {}
    for name in NAMES:
        out = tmp_path_factory.mktemp("runs") / name
        tokenizer = data.train_bpe(TEXTS, 270) if name == "gpt" else data.train_tokenizer(TEXTS, 60)
        classes = CLASSES if "classifier" in name else ()
        sizes = SIZES | {"vocab": tokenizer.get_vocab_size()} | ({"classes": 3} if classes else {})
        model = Architecture(name, CONFIGS[name](**sizes))
        folder.create(out, model, classes, tokenizer)
        params = backend("torch").initial_params(model, 5)
        checkpoint.save(
            out, {"params": {key: 10 * array for key, array in params.items()}}, {"files": folder.parts(out)}
        )
        opened |= {(name, framework): train.load(out, framework) for framework in FRAMEWORKS}
    return opened


@pytest.fixture(params=list(FRAMEWORKS))
def framework(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("name", NAMES)
def test_a_run_says_in_one_line_what_it_is(runs, framework: str, name: str) -> None:
    run = runs[name, framework]
    size = sum(array.size for array in run.params.values())
    shown = repr(run)
    assert shown.startswith(f"<run {run.folder}: {run.architecture.name}, {size:,} parameters")
    assert shown.endswith(f"in {framework}>") and "\n" not in shown and len(shown) < 250
    assert ("3 classes" in shown) == ("classifier" in name)


def test_a_notebook_shows_a_small_table_of_it(runs) -> None:
    shown = runs["classifier", "jax"]._repr_html_()
    assert shown.startswith("<table><tr><th>run</th>") and shown.endswith("</table>") and len(shown) < 600
    assert "<td>classifier</td>" in shown and "<cats>" not in shown


@pytest.mark.parametrize("name", ["classifier", "bert_classifier"])
def test_predict_gives_each_text_its_classes(runs, framework: str, name: str) -> None:
    run = runs[name, framework]
    texts = [*TEXTS, "", " ".join(TEXTS * 9)] * 15  # more than a batch; one of nothing, one too long
    found = run.predict(texts)
    assert [one.text for one in found] == texts
    for one, again in zip(found, found[5:], strict=False):
        np.testing.assert_allclose([*one.probabilities.values()], [*again.probabilities.values()], atol=1e-6)
    assert len({one.label for one in found}) > 1
    for one in found[:5]:
        assert sum(one.probabilities.values()) == pytest.approx(1.0)
        assert one.probabilities[one.label] == max(one.probabilities.values())
        assert set(one.probabilities) == set(CLASSES)
    marked = name == "bert_classifier"
    ids = data.encode(run.tokenizer, TEXTS[:1], 24, marked).examples[0][None]
    logits = run.outputs(ids, ids >= 0)[0].astype(float)
    shares = np.exp(logits) / np.exp(logits).sum()
    for number, label in enumerate(CLASSES):
        assert found[0].probabilities[label] == pytest.approx(shares[number], abs=1e-5)
    assert run.predict(TEXTS[0])[0].label == found[0].label and run.predict([]) == []


def test_both_frameworks_predict_the_same(runs) -> None:
    ours, theirs = (runs["classifier", framework].predict(TEXTS) for framework in FRAMEWORKS)
    for one, other in zip(ours, theirs, strict=True):
        assert list(one.probabilities) == list(other.probabilities)
        np.testing.assert_allclose([*one.probabilities.values()], [*other.probabilities.values()], atol=1e-5)


def test_generate_takes_one_prompt_or_many(runs) -> None:
    settings = {"temperature": 0.8, "new": 5, "seed": 3}
    ours, theirs = (runs["gpt", framework] for framework in FRAMEWORKS)
    many = ours.generate(["the cat", "a dog"], **settings)
    assert many == theirs.generate(["the cat", "a dog"], **settings) and len(many) == 2
    assert ours.generate("the cat", **settings) == many[:1]


def test_without_a_number_of_tokens_generate_writes_what_fits(runs) -> None:
    run = runs["gpt", "torch"]
    (text,) = run.generate("the cat", temperature=0.0)
    fits = 25 - len(run.tokenizer.encode("the cat").ids)
    assert [text] == run.generate("the cat", temperature=0.0, new=fits)
    with pytest.raises(ValueError, match=f"new={fits + 1} need more"):
        run.generate("the cat", new=fits + 1)
    with pytest.raises(ValueError, match=r"a prompt of .* shorten the prompt"):
        run.generate("the cat sat on a mat " * 9)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temperature": float("nan")}, "temperature=nan"),
        ({"temperature": float("inf")}, "temperature=inf"),
        ({"seed": -1}, "seed=-1: give a whole number from 0"),
        ({"seed": 2**32}, "seed=4294967296"),
    ],
)
def test_sampling_that_means_nothing_is_refused(runs, framework: str, settings: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        runs["gpt", framework].generate("the cat", new=2, **settings)


def test_fill_mask_gives_the_likeliest_tokens(runs) -> None:
    text = "the [MASK] sat on a [MASK]"
    ours, theirs = (runs["bert_for_masked_lm", framework].fill_mask(text, top=3) for framework in FRAMEWORKS)
    assert [list(one) for one in ours] == [list(other) for other in theirs]
    assert len(ours) == 2
    for one in ours:
        shares = list(one.values())
        assert len(one) == 3 and shares == sorted(shares, reverse=True) and 0 < sum(shares) <= 1
    with pytest.raises(ValueError, match=r"'the cat' has no \[MASK\]"):
        runs["bert_for_masked_lm", "jax"].fill_mask("the cat")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_model_cannot_do_is_refused(runs, framework: str, name: str) -> None:
    run = runs[name, framework]
    doings = {
        "tells no classes apart": (run.predict, ("gpt", "bert_for_masked_lm")),
        "writes no text": (run.generate, ("classifier", "bert_for_masked_lm", "bert_classifier")),
        "fills no masks in": (run.fill_mask, ("gpt", "classifier", "bert_classifier")),
    }
    for words, (method, unable) in doings.items():
        if name in unable:
            with pytest.raises(RunError, match=f"holds a {run.architecture.name}, which {words}"):
                method("the cat")


@pytest.mark.parametrize("given", [3, [3], ["the cat", None], [["the cat"]]])
def test_what_is_no_text_is_refused(runs, given: Any) -> None:
    for name, method in (("classifier", "predict"), ("gpt", "generate")):
        with pytest.raises((ValueError, TypeError), match="give a text or a list of texts; got "):
            unchecked = inspect.unwrap(getattr(Run, method))  # a user's session has no checks of types
            unchecked(runs[name, "torch"], given)


ROW = r"ids: \(batch, position\) whole numbers; got "


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (
            (),
            r"0 given, but the inputs are ids: \(batch, position\) whole numbers; mask: \(b",
        ),
        ((IDS,), "1 given"),
        ((IDS, MASK, MASK), "3 given"),
        ((IDS[0], MASK), ROW + r"shape \(3,\): for one row write ids\[None\]"),
        ((IDS, MASK[0]), r"mask: \(batch, position\) True or False; got shape \(3,\): .* mask\[None\]"),
        ((IDS[None], MASK), ROW + r"shape \(1, 2, 3\)"),
        ((5, MASK), ROW + r"shape \(\)"),
        ((IDS[:, :0], MASK), ROW + r"shape \(2, 0\)"),
        (("the cat", MASK), ROW + "text: the run's tokenizer"),
        ((TEXTS, MASK), ROW + "text"),
        ((IDS.astype(float), MASK), ROW + "float64"),
        ((MASK, MASK), ROW + "bool"),
        ((None, MASK), ROW + "NoneType"),
        (([[5, 6, 7], [8]], MASK), ROW + "rows of unequal lengths"),
        ((IDS, MASK.astype(int)), r"mask: .* got int64: write mask > 0"),
        ((IDS, MASK[:1]), r"mask: .* got shape \(1, 3\), but ids has batch 2"),
        ((IDS, MASK[:, :2]), r"mask: .* got shape \(2, 2\), but ids has position 3"),
        ((IDS + 1000, MASK), "token id 1005 is outside 0 to"),
        ((-IDS, MASK), "token id -5 is outside 0 to"),
        ((IDS + 2**32, MASK), ROW + "4294967306, which is no int32"),
        ((np.zeros((1, 25), int), np.ones((1, 25), bool)), "25 tokens in a row"),
    ],
)
def test_inputs_of_another_shape_are_named_with_their_axes(
    runs, framework: str, inputs: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        runs["classifier", framework].outputs(*inputs)


def test_each_model_names_its_own_inputs(runs, framework: str) -> None:
    with pytest.raises(ValueError, match=r"the inputs are ids: .*; \[mask: "):
        runs["gpt", framework].outputs()
    with pytest.raises(ValueError, match=r"the inputs are ids: .*masked\) whole numbers; \[segment_ids: "):
        runs["bert_for_masked_lm", framework].outputs(IDS)


def test_lists_and_narrow_numbers_are_inputs_too(runs, framework: str) -> None:
    outputs = runs["classifier", framework].outputs
    expected = outputs(IDS, MASK)
    for ids in (IDS.tolist(), IDS.astype(np.uint8), IDS.astype(np.int32)):
        np.testing.assert_array_equal(outputs(ids, MASK.tolist()), expected)
    short = np.array([[5, 6]]), np.ones((1, 2), bool)
    assert outputs(*short).shape == (1, 3)
