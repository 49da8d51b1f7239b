"""Prompts in, continuations out, in either framework."""

from typing import Any

import numpy as np
from tokenizers import Tokenizer

import data
from train.config import ConfigError
from train.loops.backend import Arrays, Backend
from train.runs.sampling import Sampling, check_prompts
from train.sizes import refuse_too_many

NEW = 64  # tokens to write where no number is given


def continuations(
    loop: Backend, model: Any, params: Arrays, tokenizer: Tokenizer, prompts: list[str], sampling: Sampling
) -> list[str]:
    """The continuations of each prompt, ``sampling.num`` of the first one, then of the next.

    An empty prompt begins a new text. Raises ConfigError: no prompt, too long a one, or a setting of no use.
    """
    sampling.check()
    check_prompts(prompts)
    end, positions = data.end_id(tokenizer), model.config.max_positions
    encoded = [tokenizer.encode(prompt).ids or [end] for prompt in prompts]
    left = positions - max(map(len, encoded))
    if sampling.new is None and left < 1:
        raise ConfigError(
            f"a prompt of {positions - left} tokens leaves nothing to write: the model has {positions} "
            "positions; shorten the prompt"
        )
    new = sampling.new or min(NEW, left)
    refuse_too_many(sampling.num, len(prompts), model.config)
    tokens = [row for row in encoded for _ in range(sampling.num)]
    lengths = [len(row) for row in tokens]
    ids = np.zeros((len(tokens), max(lengths)), np.int32)
    for row, own in zip(ids, tokens, strict=True):
        row[: len(own)] = own
    limits = sampling.temperature, sampling.top_k, sampling.top_p, end
    try:
        written, ends = loop.generate(model, params, ids, lengths, new, sampling.seed, *limits)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    rows = zip(written.tolist(), lengths, ends.tolist(), strict=True)
    return [tokenizer.decode(row[length:stop]) for row, length, stop in rows]
