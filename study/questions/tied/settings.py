"""The models of the question: what their blocks have in common."""

from dataclasses import dataclass
from typing import Literal

from study.questions.settings import DecoderConfig
from train.config import ConfigError

Shared = Literal["none", "feed-forward", "attention", "both"]
DIFFERENT = "all different"
MLP = 192


@dataclass(frozen=True, kw_only=True)
class TiedConfig(DecoderConfig):
    """A GPT whose blocks may share a branch: its layers, and the norm before them."""

    shared: Shared = "none"
    """What is one for all blocks; both: the same block again and again."""

    @property
    def attentions(self) -> int:
        """Different ones."""
        return 1 if self.shared in ("attention", "both") else self.layers

    @property
    def feed_forwards(self) -> int:
        """Different ones."""
        return 1 if self.shared in ("feed-forward", "both") else self.layers


def check_layers(layers: int) -> None:
    """Raise ConfigError where the feed-forward layer cannot be shared out."""
    if MLP % layers:
        raise ConfigError(f"layers={layers}: a control has mlp={MLP} / layers; give a divisor of {MLP}")


def models(layers: int, vocab: int, positions: int) -> dict[str, TiedConfig]:
    """By name. The last two have as many parameters as the second and the fourth, nearly and exactly."""

    def one(shared: Shared = "none", layers: int = layers, mlp: int = MLP) -> TiedConfig:
        return TiedConfig(
            vocab=vocab, max_positions=positions, embed=48, heads=4, mlp=mlp, layers=layers, shared=shared
        )

    return {
        DIFFERENT: one(),
        "one feed-forward": one("feed-forward"),
        "one attention": one("attention"),
        "one block": one("both"),
        f"all different, mlp / {layers}": one(mlp=MLP // layers),
        "one layer": one(layers=1),
    }
