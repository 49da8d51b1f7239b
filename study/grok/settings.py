"""What a run is: the task, the settings of model and optimizer, and what is refused."""

import math
from dataclasses import dataclass
from typing import Literal

import jax_impl.config
import torch_impl.config
from train.config import ConfigError, Optimizer

Operation = Literal["add", "subtract", "divide"]
EMBED, HEADS, MLP = 128, 4, 512
PRIMES = range(5, 252)  # the logits of all pairs are prime³ numbers


@dataclass(frozen=True, kw_only=True)
class ModelConfig(
    jax_impl.config.AttentionConfig,
    jax_impl.config.FeedForwardConfig,
    jax_impl.config.EmbeddingConfig,
    torch_impl.config.AttentionConfig,
    torch_impl.config.FeedForwardConfig,
    torch_impl.config.EmbeddingConfig,
):
    """The model of "a b =": sizes and initial deviations of Nanda et al. 2023, appendix A, without biases."""

    classes: int
    """The results that it tells apart."""
    max_positions: int = 3
    """a, b and the sign "="."""
    activation: Literal["relu"] = "relu"
    """Of the feed-forward layer."""
    use_bias: bool = False
    """So that all weights decay."""

    @property
    def kernel_std(self) -> float | None:
        """Of the matrices that read or write the residual stream."""
        return 1.0 / math.sqrt(self.embed)

    @property
    def embedding_std(self) -> float:
        """Of tokens and positions."""
        return 1.0 / math.sqrt(self.embed)

    @property
    def head_std(self) -> float:
        """Of the output layer."""
        return 1.0 / math.sqrt(self.classes)


@dataclass(frozen=True)
class Settings:
    """One training, but for its seed."""

    prime: int = 97
    operation: Operation = "add"
    fraction: float = 0.4
    """Of all pairs, those that are trained on."""
    weight_decay: float = 1.0
    batch: int = 512
    """Pairs a step; 0: all training pairs."""
    steps: int = 4000
    every: int = 20
    """Steps between two evaluations."""
    random_labels: bool = False
    """A control: each pair's result is drawn."""

    @property
    def pairs(self) -> int:
        """All there are; nothing is divided by 0."""
        return self.prime * (self.prime - 1 if self.operation == "divide" else self.prime)

    @property
    def trained(self) -> int:
        """How many pairs are trained on."""
        return int(self.fraction * self.pairs)

    def check(self) -> None:
        """Raise ConfigError naming the setting, its value and the remedy."""
        prime = self.prime
        if prime not in PRIMES or any(prime % number == 0 for number in range(2, prime)):
            raise ConfigError(f"prime={prime}: give a prime from {PRIMES[0]} to {PRIMES[-1]}, such as 97")
        if not 0.0 < self.fraction < 1.0:
            raise ConfigError(f"fraction={self.fraction}: give a share between 0 and 1")
        if not prime <= self.trained < self.pairs:
            raise ConfigError(
                f"fraction={self.fraction}: it trains on {self.trained} of {self.pairs} pairs; give a share "
                f"that trains on {prime} or more, and leaves some for the test"
            )
        if not 0.0 <= self.weight_decay < math.inf:
            raise ConfigError(f"weight_decay={self.weight_decay}: give 0 or more")
        if not 0 <= self.batch <= self.trained:
            raise ConfigError(
                f"batch={self.batch}: there are {self.trained} training pairs; give no more, or 0 for all"
            )
        for name in ("steps", "every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)}: give 1 or more")

    def model(self) -> ModelConfig:
        """The model that the task needs."""
        return ModelConfig(vocab=self.prime + 1, classes=self.prime, embed=EMBED, heads=HEADS, mlp=MLP)

    def optimizer(self) -> Optimizer:
        """AdamW at a constant rate, unclipped (Nanda et al. 2023, appendix A)."""
        return Optimizer(
            weight_decay=self.weight_decay,
            clip=math.inf,
            beta1=0.9,
            beta2=0.98,
            learning_rate=1e-3,
            warmup=0.0,
            schedule="constant",
        )
