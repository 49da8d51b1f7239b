"""Labels by log-probability, with and without examples before (Brown et al. 2020, section 2.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from rich.console import Console

import data
from study.play.few_shot import interval, refuse_too_long
from study.play.language import Language
from study.play.log_probs import Scored, log_probs
from train.runs.load import Run

# Zhao et al. 2021, section 5: they calibrate with the mean of these three.
CONTENT_FREE = ("N/A", "[MASK]", "")


@dataclass(frozen=True)
class Accuracy:
    """The share of texts whose label is the likeliest, in one way of asking."""

    examples: int
    """Before each text."""
    shuffled: bool
    """Whether the examples' labels are those of other texts: the control (Min et al. 2022, section 4)."""
    calibrated: bool
    right: int
    texts: int

    @property
    def share(self) -> float:
        return self.right / self.texts

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share: 95 %, over texts and the draws of their examples."""
        return interval(self.right, self.texts)


@dataclass(frozen=True, eq=False)
class Asked:
    """Texts to label, each with examples of its own, drawn from the training split."""

    classes: tuple[str, ...]
    texts: tuple[str, ...]
    labels: Int[np.ndarray, "example"]
    examples: list[list[tuple[str, str, str]]]
    """Of each text: (text, its label, another training text's label), as many as the largest k."""


def draw(found: data.LabelledText, texts: int, k: int, words: int, seed: int) -> Asked:
    """Texts of the test split and ``k`` training examples for each, cut to their first ``words`` words."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(found.test), min(texts, len(found.test)), replace=False)
    shuffled = rng.permutation(found.train.labels)

    def first_words(text: str) -> str:
        return " ".join(text.split()[:words])

    def example(row: int) -> tuple[str, str, str]:
        names = (found.classes[labels[row]] for labels in (found.train.labels, shuffled))
        return first_words(found.train.texts[row]), *names

    rows = [rng.choice(len(found.train), k, replace=False).tolist() for _ in chosen]
    examples = [[example(row) for row in own] for own in rows]
    asked = tuple(first_words(found.test.texts[row]) for row in chosen)
    return Asked(found.classes, asked, found.test.labels[chosen], examples)


def prompt(examples: Sequence[tuple[str, str]], text: str) -> str:
    """Examples with their labels, then a text without."""
    return "".join(f"{one}\nTopic: {label}\n\n" for one, label in examples) + f"{text}\nTopic:"


def prompts(asked: Asked, k: int, shuffled: bool) -> list[str]:
    """For each text: itself, then each of `CONTENT_FREE`, after the same examples."""
    return [
        prompt([(one, other if shuffled else own) for one, own, other in examples[:k]], each)
        for text, examples in zip(asked.texts, asked.examples, strict=True)
        for each in (text, *CONTENT_FREE)
    ]


def answers(asked: Asked) -> list[str]:
    """What may stand behind a prompt."""
    return [f" {name}" for name in asked.classes]


def check_length(language: Language, asked: Asked, k: int) -> None:
    """Raise ConfigError where k examples do not fit; it says how many do."""
    refuse_too_long(
        language, k, lambda fit: prompts(asked, fit, False) + prompts(asked, fit, True), answers(asked)
    )


def score(
    run: Run, language: Language, asked: Asked, k: int, shuffled: bool, console: Console
) -> list[Accuracy]:
    """How often the likeliest label is right: as it is, and calibrated."""
    labels, texts = language.encode(answers(asked)), prompts(asked, k, shuffled)
    once = list(dict.fromkeys(texts))  # without examples, what has no content is always the same
    rows = [Scored(before, label) for before in language.prompts(once) for label in labels]
    doing = f"{k} examples{', labels shuffled' if shuffled else ''}"
    sums = np.array([row.sum() for row in log_probs(run, rows, console, doing)]).reshape(len(once), -1)
    places = {text: place for place, text in enumerate(once)}
    each = sums[[places[text] for text in texts]].reshape(len(asked.texts), -1, len(labels))
    plain = each[:, 0]
    right = [int((guess.argmax(axis=1) == asked.labels).sum()) for guess in (plain, calibrated(each))]
    return [
        Accuracy(k, shuffled, how, n, len(asked.texts)) for how, n in zip((False, True), right, strict=True)
    ]


def calibrated(each: Float[np.ndarray, "example prompt classes"]) -> Float[np.ndarray, "example classes"]:
    """Scores of the texts, the first of each row's prompts, over those of what has no content (the others).

    Zhao et al. 2021, section 5: q = diag(p_cf)^-1 p, with p and p_cf normalised over the labels and p_cf a
    mean over the content-free inputs. Normalising p changes no order. In logarithms.
    """
    free = each[:, 1:] - np.logaddexp.reduce(each[:, 1:], axis=-1, keepdims=True)
    return each[:, 0] - np.logaddexp.reduce(free, axis=1)
