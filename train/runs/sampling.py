"""Prompts in, continuations out: how a GPT is asked to write."""

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import data
from train.config import ConfigError
from train.runs.checkpoint import Arrays

NEW = 64  # tokens, where nothing is said


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn, and how many."""

    new: int | None = None
    """Tokens to write, at most: the end of a text ends it. Default: 64, or what the model still holds."""
    temperature: float = 1.0
    """Logits are divided by it; 0 takes the likeliest token always."""
    top_k: int | None = None
    """Draw among so many of the likeliest tokens."""
    top_p: float | None = None
    """Draw among the likeliest tokens that have this probability together."""
    num: int = 1
    """Continuations of each prompt."""
    seed: int = 0
    """Of the draws: the same in both frameworks."""

    def check(self) -> None:
        """Raise ConfigError on a setting that the models do not refuse themselves."""
        if self.num < 1:
            raise ConfigError(f"num={self.num}: give 1 or more")
        if not math.isfinite(self.temperature):
            raise ConfigError(f"temperature={self.temperature}: give a number, 0 or more")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"seed={self.seed}: give a number from 0 to 4294967295")


def continuations(
    loop: ModuleType, model: Any, params: Arrays, tokenizer: Tokenizer, prompts: list[str], sampling: Sampling
) -> list[str]:
    """The continuations of each prompt, ``sampling.num`` of the first one, then of the next.

    An empty prompt begins a new text. Raises ConfigError: no prompt, too long a one, or a setting of no use.
    """
    sampling.check()
    if not prompts:
        raise ConfigError('no prompt: give at least one text to go on from; "" begins a new one')
    end = data.end_id(tokenizer)
    tokens = [tokenizer.encode(prompt).ids or [end] for prompt in prompts for _ in range(sampling.num)]
    lengths = [len(row) for row in tokens]
    ids = np.zeros((len(tokens), max(lengths)), np.int32)
    for row, own in zip(ids, tokens, strict=True):
        row[: len(own)] = own
    fits = max(1, min(NEW, model.config.max_positions - max(lengths)))
    new = fits if sampling.new is None else sampling.new
    limits = sampling.temperature, sampling.top_k, sampling.top_p, end
    try:
        written, ends = loop.write(model, params, ids, lengths, new, sampling.seed, *limits)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    rows = zip(written.tolist(), lengths, ends.tolist(), strict=True)
    return [tokenizer.decode(row[length:stop]) for row, length, stop in rows]
