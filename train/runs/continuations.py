"""Prompts in, continuations out, in either framework."""

from typing import Any

import numpy as np
from tokenizers import Tokenizer

from train.config import ConfigError
from train.loops.backend import Arrays, Backend
from train.runs.sampling import Sampling, check_prompts
from train.runs.their_settings import Ends
from train.sizes import refuse_too_many

NEW = 64  # tokens to write where no number is given


def continuations(
    loop: Backend,
    model: Any,
    params: Arrays,
    tokenizer: Tokenizer,
    prompts: list[str],
    sampling: Sampling,
    ends: Ends,
) -> list[str]:
    """The continuations of each prompt, ``sampling.num`` of the first one, then of the next.

    An empty prompt begins a new text. The last token that fits needs no position: nothing comes after it.
    Raises ConfigError: no prompt, too long a one, or a setting of no use.
    """
    sampling.check()
    check_prompts(prompts)
    positions = model.config.max_positions
    encoded = [tokenizer.encode(prompt).ids or _beginning(ends) for prompt in prompts]
    left = positions + 1 - max(map(len, encoded))
    if sampling.new is None and left < 1:
        raise ConfigError(
            f"a prompt of {positions + 1 - left} tokens leaves nothing to write: the model has {positions} "
            "positions; shorten the prompt"
        )
    new = sampling.new or min(NEW, left)
    refuse_too_many(sampling.num, len(prompts), model.config)
    tokens = [row for row in encoded for _ in range(sampling.num)]
    lengths = [len(row) for row in tokens]
    ids = np.zeros((len(tokens), max(lengths)), np.int32)
    for row, own in zip(ids, tokens, strict=True):
        row[: len(own)] = own
    limits = sampling.temperature, sampling.top_k, sampling.top_p, ends.ends
    try:
        written, stops = loop.generate(
            model, params, ids, lengths, new, sampling.seed, *limits, compiled=sampling.compiled
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
    rows = zip(written.tolist(), lengths, stops.tolist(), strict=True)
    return [tokenizer.decode(_until(row[length:stop], ends)) for row, length, stop in rows]


def _beginning(ends: Ends) -> list[int]:
    if ends.begin is None:
        raise ConfigError("an empty prompt: nothing says which token begins a text of this model; write one")
    return [ends.begin]


def _until(tokens: list[int], ends: Ends) -> list[int]:
    """What is written before the first token that ends a text."""
    return tokens[: next((place for place, token in enumerate(tokens) if token in ends.ends), None)]
