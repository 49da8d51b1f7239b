"""The model of the question: which skip connections it has, and how its weights begin."""

from dataclasses import dataclass
from typing import Literal

from study.questions.settings import DecoderConfig

Skips = Literal["both", "attention's", "feed-forward's", "none"]
Norm = Literal["pre", "post"]
Start = Literal["xavier", "gpt-2"]


@dataclass(frozen=True, kw_only=True)
class SkipConfig(DecoderConfig):
    """A GPT whose blocks may lack skip connections."""

    skips: Skips = "both"
    """Those that are there."""
    start: Start = "xavier"
    """How matrices begin: GPT-2's deviation of 0.02 shrinks what passes through many of them."""

    @property
    def kernel_std(self) -> float | None:
        """Of all matrices."""
        return None if self.start == "xavier" else super().kernel_std

    @property
    def residual_std(self) -> float | None:
        """Of those that write the residual stream."""
        return None if self.start == "xavier" else super().residual_std
