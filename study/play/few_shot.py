"""What experiments with examples share: whether the examples fit, and error bars."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from study.play.language import Language
from train.config import SEEDS, ConfigError

MOST = 100_000  # texts, words and lists
EXAMPLES = 100  # before a text, at most


def check_numbers(examples: Sequence[int], seed: int, **numbers: int) -> None:
    """Raise ConfigError where a number is of no use: ``examples`` before each text, and others by name."""
    if not examples or not 0 <= min(examples) <= max(examples) <= EXAMPLES:
        raise ConfigError(f"k={list(examples)}: give one or more numbers of examples, each 0 to {EXAMPLES}")
    for name, number in numbers.items():
        if not 1 <= number <= MOST:
            raise ConfigError(f"{name}={number}: give 1 or more, up to {MOST:,}")
    if seed not in SEEDS:
        raise ConfigError(f"seed={seed}: give a whole number from 0 to 2^32 - 1")


def refuse_too_long(
    language: Language, k: int, prompts: Callable[[int], Iterable[str]], answers: Sequence[str]
) -> None:
    """Raise ConfigError, saying how many examples fit, where a prompt with k of them does not.

    ``prompts`` gives all prompts with so many examples; an answer stands behind each, its last token unread.
    """
    each, known = language.encode(answers), dict[tuple[int, ...], str]()
    for answer, ids in zip(answers, each, strict=True):
        if (other := known.setdefault(tuple(ids), answer)) != answer:
            raise ConfigError(f"{language.folder}: its tokenizer makes the same of {other!r} and {answer!r}")
    room = language.positions + 1 - max(map(len, each))
    for fit in range(k + 1):
        needed = max(map(len, language.prompts(list(prompts(fit)))))
        if needed > room:
            remedy = f"at most {fit - 1} fit" if fit else "none fits, make them shorter"
            raise ConfigError(
                f"k={k}: the longest prompt with {fit} examples has {needed} tokens, and the model room for "
                f"{room}: {remedy}"
            )


def interval(count: int, trials: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share, ``count`` of so many independent trials (Wilson 1927)."""
    share, z = count / trials, 1.96
    middle = share + z**2 / (2 * trials)
    half = z * np.sqrt(share * (1.0 - share) / trials + z**2 / (4 * trials**2))
    low, high = ((middle + sign * half) / (1.0 + z**2 / trials) for sign in (-1.0, 1.0))
    return max(0.0, float(low)), min(1.0, float(high))
