"""What several questions share: a decoder's settings for both frameworks, and how it is trained."""

import math
from dataclasses import dataclass

import jax_impl.config
import torch_impl.config
from train.config import ConfigError, Optimizer


@dataclass(frozen=True, kw_only=True)
class DecoderConfig(jax_impl.config.GPTConfig, torch_impl.config.GPTConfig):
    """A GPT's settings, as either framework takes them."""


PLAIN = Optimizer(learning_rate=1e-3, weight_decay=0.0, warmup=0.05, schedule="cosine")
"""AdamW's steps without decay: rows are drawn, so there is nothing to overfit."""


def check_counts(least: int = 1, **numbers: int) -> None:
    """Raise ConfigError for a number that is below ``least``."""
    for name, value in numbers.items():
        if value < least:
            raise ConfigError(f"{name}={value}: give {least} or more")


def evaluations(steps: int, count: int) -> int:
    """Steps between two of ``count`` evaluations or a few more."""
    return max(1, math.floor(steps / count))
