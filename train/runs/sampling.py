"""How a GPT writes on."""

import math
from dataclasses import dataclass

from train.config import SEEDS, ConfigError


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn, how many, and how fast."""

    new: int | None = None
    """Tokens to write, at most: the end of a text ends it. Default: 64, or fewer where the model's length
    leaves no room for so many."""
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
    compiled: bool = False
    """Whether PyTorch compiles its step of one token, for each number of rows and tokens (torch.compile; on a
    CPU that takes a C++ compiler); JAX always does."""

    def check(self) -> None:
        """Raise ConfigError naming a setting of no use, its value and the remedy."""
        for name in ("new", "top_k", "num"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name}={value}: give 1 or more")
        if not 0.0 <= self.temperature < math.inf:
            raise ConfigError(f"temperature={self.temperature}: give 0 (the likeliest token) or more")
        if self.top_p is not None and not 0.0 < self.top_p <= 1.0:
            raise ConfigError(f"top_p={self.top_p}: give a probability above 0 and up to 1")
        if self.seed not in SEEDS:
            raise ConfigError(f"seed={self.seed}: give a whole number from 0 to 2^32 - 1")


def check_prompts(prompts: list[str]) -> None:
    """Raise ConfigError where there is none, or one that is no text."""
    if not prompts:
        raise ConfigError('no prompt: give at least one text to go on from; "" begins a new one')
    for prompt in prompts:
        try:
            prompt.encode()
        except UnicodeEncodeError as error:
            raise ConfigError(f"the prompt {prompt!a} is not UTF-8: {error.reason}") from error
