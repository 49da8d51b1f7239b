"""Labels and lists after examples: who gets which examples, what calibration does, and who is right."""

from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import binomtest

import data
from parity_tests.tests.study.playing import made, opened
from study.play import shots, sorting
from study.play.few_shot import check_numbers, interval
from train.config import ConfigError

CONSOLE = Console(quiet=True)


def split(name: str, count: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Texts that say their split, number and class, and the classes."""
    labels = (np.arange(count, dtype=np.int32) + len(name)) % 3  # another order in each split
    return tuple(f"{name} {number} is of {label} and so on" for number, label in enumerate(labels)), labels


SETS = data.LabelledText(
    "marked",
    ("red", "green", "blue"),
    *(data.Split(*split(name, 90)) for name in ("train", "validation", "test")),
)
ASKED = shots.draw(SETS, texts=60, k=4, words=5, seed=0)


@pytest.fixture(scope="module")
def gpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [*SETS.train.texts, "Topic: red\n\nTopic: green\n", sorting.TASK, "1 2 ->"]
    return made(tmp_path_factory.mktemp("runs") / "gpt", data.train_bpe(texts, 320), max_positions=96)


def test_texts_are_of_the_test_split_and_examples_of_the_training_split() -> None:
    assert len(set(ASKED.texts)) == 60 and len(ASKED.examples) == 60
    for text, label, examples in zip(ASKED.texts, ASKED.labels, ASKED.examples, strict=True):
        name, _, _, _, number = text.split()
        assert name == "test" and int(number) == label
        assert len({one for one, _, _ in examples}) == 4
        for one, own, _ in examples:
            assert one.startswith("train ") and own == SETS.classes[int(one.split()[-1])]
    pairs = [(own, other) for examples in ASKED.examples for _, own, other in examples]
    assert 0.2 < np.mean([own == other for own, other in pairs]) < 0.47  # a third by chance


def test_a_prompt_shows_the_examples_that_it_should() -> None:
    plain, shuffled = (shots.prompts(ASKED, 2, own)[:: 1 + len(shots.CONTENT_FREE)] for own in (False, True))
    (one, own, other), (two, second, third) = ASKED.examples[7][:2]
    expected = "{}\nTopic: {}\n\n{}\nTopic: {}\n\n{}\nTopic:"
    assert plain[7] == expected.format(one, own, two, second, ASKED.texts[7])
    assert shuffled[7] == expected.format(one, other, two, third, ASKED.texts[7])
    assert shots.prompts(ASKED, 0, False)[:4] == [
        f"{text}\nTopic:" for text in (ASKED.texts[0], "N/A", "[MASK]", "")
    ]


def test_calibration_is_that_of_zhao_et_al() -> None:
    rng = np.random.default_rng(0)
    each = np.log(rng.uniform(0.01, 1.0, (50, 4, 3)))
    each[:, :, 0] += 5.0  # a label that is likely whatever is asked
    found = shots.calibrated(each)
    for row, scores in zip(np.exp(each), found, strict=True):
        shares = row / row.sum(axis=1, keepdims=True)
        weights = np.diag(1.0 / shares[1:].mean(axis=0))
        logits = weights @ shares[0]  # their q, before a softmax that changes no order
        assert scores.argmax() == logits.argmax()
        np.testing.assert_allclose(scores - scores[0], np.log(logits / logits[0]))
    assert (each[:, 0].argmax(axis=1) == 0).all() and (found.argmax(axis=1) == 0).mean() < 0.6


def test_who_is_right_is_counted_and_each_prompt_is_asked_once(gpt: Path, monkeypatch) -> None:
    run, language = opened(gpt)
    asked: list[Any] = []

    def knows(run: Any, rows: Any, *rest: Any) -> list[np.ndarray]:
        """Half of the texts' classes; "red" is likelier by itself, also without a text."""
        asked[:] = rows
        found = []
        for before, tokens in rows:
            text, label = language.decode(before).split("\n")[-2], language.decode(tokens).strip()
            own = text.split()[-1] if text.startswith("test ") and int(text.split()[1]) % 2 else None
            hit = own is not None and SETS.classes[int(own)] == label
            found.append(np.array([2.0 * hit + 3.0 * (label == "red"), 0.0]))
        return found

    monkeypatch.setattr(shots, "log_probs", knows)
    plain, calibrated = shots.score(run, language, ASKED, 0, False, CONSOLE)
    known = np.array([int(text.split()[1]) % 2 == 1 for text in ASKED.texts])
    assert plain.right == (ASKED.labels == 0).sum() and plain.share == plain.right / 60
    assert known.sum() <= calibrated.right < 60
    assert calibrated.right == known.sum() + (~known & (ASKED.labels == 0)).sum()  # the first of equals
    assert len(asked) == (60 + len(shots.CONTENT_FREE)) * 3
    shots.score(run, language, ASKED, 2, True, CONSOLE)
    assert len(asked) == 60 * (1 + len(shots.CONTENT_FREE)) * 3


def test_both_frameworks_score_alike(gpt: Path) -> None:
    few = shots.draw(SETS, texts=5, k=2, words=5, seed=1)
    rows: list[Any] = []
    for framework in ("jax", "torch"):
        run, language = opened(gpt, framework)
        ask = [shots.Scored(before, [5, 6]) for before in language.prompts(shots.prompts(few, 2, False))]
        rows.append(np.concatenate(shots.log_probs(run, ask)))
    np.testing.assert_allclose(*rows, rtol=1e-5)


def test_as_many_examples_fit_as_is_said(gpt: Path) -> None:
    _, language = opened(gpt)
    many = shots.draw(SETS, texts=5, k=40, words=5, seed=1)
    with pytest.raises(ConfigError, match=r"k=40: .* at most \d+ fit") as refused:
        shots.check_length(language, many, 40)
    fit = int(str(refused.value).split()[-2])
    shots.check_length(language, many, fit)
    with pytest.raises(ConfigError, match=f"at most {fit} fit"):
        shots.check_length(language, many, fit + 1)
    longest = max(
        map(len, language.prompts(shots.prompts(many, fit, False) + shots.prompts(many, fit, True)))
    )
    label = max(map(len, language.encode(shots.answers(many))))
    assert longest + label <= 96 + 1
    with pytest.raises(ConfigError, match="none fits, make them shorter"):
        shots.check_length(language, shots.draw(data.LabelledText(**long_texts()), 5, 1, 500, 0), 0)


def test_labels_that_a_tokenizer_does_not_tell_apart_are_refused(tmp_path: Path) -> None:
    _, language = opened(made(tmp_path / "run", data.train_tokenizer(["a b c"] * 9, 60), max_positions=96))
    with pytest.raises(ConfigError, match="its tokenizer makes the same of ' red' and ' green'"):
        shots.check_length(language, ASKED, 0)


def long_texts() -> dict[str, Any]:
    texts, labels = split("long", 6)
    whole = data.Split(tuple(text * 40 for text in texts), labels)
    return {"name": "long", "classes": SETS.classes, "train": whole, "validation": whole, "test": whole}


@pytest.mark.parametrize(("count", "trials"), [(0, 20), (3, 20), (20, 20), (571, 1000)])
def test_the_interval_is_wilsons(count: int, trials: int) -> None:
    theirs = binomtest(count, trials).proportion_ci(0.95, "wilson")
    assert interval(count, trials) == pytest.approx((theirs.low, theirs.high), abs=1e-4)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"examples": [], "seed": 0}, r"k=\[\]: give one or more"),
        ({"examples": [0, -1], "seed": 0}, r"k=\[0, -1\]: give one or more"),
        ({"examples": [101], "seed": 0}, r"k=\[101\]: give one or more numbers of examples, each 0 to 100"),
        ({"examples": [0], "seed": -1}, "seed=-1: give a whole number"),
        ({"examples": [0], "seed": 0, "texts": 0}, "texts=0: give 1 or more"),
        ({"examples": [0], "seed": 0, "words": 10**9}, "words=1000000000: give 1 or more, up to"),
    ],
)
def test_numbers_of_no_use_are_refused(numbers: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_numbers(**numbers)


def test_lists_are_unsorted_and_no_example_gives_the_answer_away() -> None:
    lists = sorting.draw(200, 3, 4, seed=0)
    for asked, examples in zip(lists.asked, lists.examples, strict=True):
        assert list(asked) != sorted(asked) and len(set(asked)) == 3 and len(examples) == 4
        assert all(given != asked and sorted(other) == sorted(given) for given, other in examples)
    right = np.mean([list(other) == sorted(other) for examples in lists.examples for _, other in examples])
    assert right == pytest.approx(1 / 6, abs=0.04)


def test_a_prompt_sorts_its_examples_unless_they_are_shuffled() -> None:
    lists = sorting.Lists([(3, 1, 2)], [[((9, 4, 6), (6, 9, 4))]])
    assert sorting.prompts(lists, 0, False) == [sorting.TASK + "3 1 2 ->"]
    assert sorting.prompts(lists, 1, False) == [sorting.TASK + "9 4 6 -> 4 6 9\n3 1 2 ->"]
    assert sorting.prompts(lists, 1, True) == [sorting.TASK + "9 4 6 -> 6 9 4\n3 1 2 ->"]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("sorts", [True, False])
def test_one_who_sorts_is_told_from_one_who_copies(gpt: Path, sorts: bool, monkeypatch) -> None:
    _, language = opened(gpt)
    lists = sorting.draw(10, 4, 2, seed=0)

    def wanted(prompt: str) -> list[str]:
        given = prompt.split("\n")[-1].removesuffix("->").split()
        return sorted(given) if sorts else given

    def scores(run: Any, rows: Any, *rest: Any) -> list[np.ndarray]:
        assert len(rows) == 10 * len([*permutations(range(4))])
        each = [(wanted(language.decode(before)), language.decode(tokens).split()) for before, tokens in rows]
        return [np.array([sum(a == b for a, b in zip(*pair, strict=True))]) for pair in each]

    monkeypatch.setattr(sorting, "log_probs", scores)
    settings: dict[str, Any] = {}

    def generate(prompts: list[str], **given: Any) -> list[str]:
        settings.update(given)
        return [" " + " ".join(wanted(prompt)) + "\n7" for prompt in prompts]

    run: Any = SimpleNamespace(generate=generate)
    found = sorting.sort(run, language, lists, 2, False, CONSOLE)
    assert (found.written, found.likeliest, found.copied) == ((10, 10, 0) if sorts else (0, 0, 10))
    assert settings["temperature"] == 0.0 and found.lists == 10
