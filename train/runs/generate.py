"""Text from a trained GPT: prompts in, continuations out, in either framework."""

from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch

import data
import jax_impl.generate
import torch_impl.generate
from torch_impl import random
from train.config import ConfigError, Framework
from train.runs.folder import RunError
from train.loops.jax_loop import variables
from train.runs.load import Run, load


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn, and how many."""

    new: int = 64
    """Tokens to write, at most: the end of a text ends it."""
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


def generate(folder: Path, prompts: list[str], sampling: Sampling, framework: Framework) -> list[str]:
    """The continuations of each prompt, ``sampling.num`` of the first one, then of the next.

    An empty prompt begins a new text.

    Raises:
        RunError: the run is no GPT.
        ConfigError: a prompt is too long, or a setting of no use.
    """
    run = load(folder, framework)
    if run.architecture.name != "gpt":
        raise RunError(f"{folder} holds a {run.architecture.name}, which writes no text: give a run of gpt")
    if not prompts:
        raise ConfigError('no prompt: give at least one text to go on from; "" begins a new one')
    if sampling.num < 1:
        raise ConfigError(f"num={sampling.num}: give 1 or more")
    end = data.end_id(run.tokenizer)
    tokens = [run.tokenizer.encode(prompt).ids or [end] for prompt in prompts for _ in range(sampling.num)]
    lengths = [len(row) for row in tokens]
    ids = np.zeros((len(tokens), max(lengths)), np.int32)
    for row, own in zip(ids, tokens, strict=True):
        row[: len(own)] = own
    try:
        written, ends = _write(run, ids, lengths, sampling, end, framework)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    rows = zip(written.tolist(), lengths, ends.tolist(), strict=True)
    return [run.tokenizer.decode(row[length:stop]) for row, length, stop in rows]


def _write(
    run: Run, ids: np.ndarray, lengths: list[int], sampling: Sampling, end: int, framework: Framework
) -> tuple[np.ndarray, np.ndarray]:
    """Prompts with what follows them, and where each row ends."""
    limits = sampling.temperature, sampling.top_k, sampling.top_p, end
    if framework == "jax":
        model, rng = run.model.bind(variables(run.params)), jax.random.key(sampling.seed)
        found = jax_impl.generate.generate(model, jnp.asarray(ids), lengths, sampling.new, rng, *limits)
        return np.asarray(found[0]), np.asarray(found[1])
    prompts = torch.tensor(ids, device=run.model.table().device)
    rows, ends = torch_impl.generate.generate(
        run.model, prompts, lengths, sampling.new, random.key(sampling.seed), *limits
    )
    return rows.cpu().numpy(), ends.cpu().numpy()
