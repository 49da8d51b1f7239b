"""Text from a trained GPT: prompts in, continuations out, in either framework."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch

import data
import jax_impl.generate
import torch_impl.generate
from jax_impl.config import GPTConfig
from torch_impl import random
from train.config import ConfigError, Framework
from train.loops.jax_loop import variables
from train.runs.files import check_writes
from train.runs.load import Run, load
from train.runs.sampling import Sampling, check_prompts
from train.sizes import refuse_too_many

DEFAULT = 64  # tokens to write where no number is given


def generate(folder: Path, prompts: list[str], sampling: Sampling, framework: Framework) -> list[str]:
    """The continuations of each prompt, ``sampling.num`` of the first one, then of the next.

    An empty prompt begins a new text.

    Raises:
        RunError: the run is no GPT.
        ConfigError: a prompt is too long, or a setting of no use.
    """
    sampling.check()
    check_prompts(prompts)
    check_writes(folder)
    run = load(folder, framework)
    config, end = run.architecture.config, data.end_id(run.tokenizer)
    assert isinstance(config, GPTConfig)
    encoded = [run.tokenizer.encode(prompt).ids or [end] for prompt in prompts]
    room = config.max_positions - max(map(len, encoded))
    if sampling.new is None and room < 1:
        raise ConfigError(
            f"a prompt of {config.max_positions - room} tokens leaves no room to write: the model has "
            f"{config.max_positions} positions; shorten the prompt"
        )
    new = sampling.new or min(DEFAULT, room)
    refuse_too_many(sampling.num, len(prompts), config)
    tokens = [row for row in encoded for _ in range(sampling.num)]
    lengths = [len(row) for row in tokens]
    ids = np.zeros((len(tokens), max(lengths)), np.int32)
    for row, own in zip(ids, tokens, strict=True):
        row[: len(own)] = own
    try:
        written, ends = _write(run, ids, lengths, new, sampling, end, framework)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    rows = zip(written.tolist(), lengths, ends.tolist(), strict=True)
    return [run.tokenizer.decode(row[length:stop]) for row, length, stop in rows]


def _write(
    run: Run,
    ids: np.ndarray,
    lengths: list[int],
    new: int,
    sampling: Sampling,
    end: int,
    framework: Framework,
) -> tuple[np.ndarray, np.ndarray]:
    """Prompts with what follows them, and where each row ends."""
    limits = sampling.temperature, sampling.top_k, sampling.top_p, end
    if framework == "jax":
        model, rng = run.model.bind(variables(run.params)), jax.random.key(sampling.seed)
        found = jax_impl.generate.generate(model, jnp.asarray(ids), lengths, new, rng, *limits)
        return np.asarray(found[0]), np.asarray(found[1])
    prompts = torch.tensor(ids, device=run.model.table().device)
    rows, ends = torch_impl.generate.generate(
        run.model, prompts, lengths, new, random.key(sampling.seed), *limits
    )
    return rows.cpu().numpy(), ends.cpu().numpy()
