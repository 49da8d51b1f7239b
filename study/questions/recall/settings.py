"""A recurrent network and a transformer of as many parameters, within two percent."""

import math
from dataclasses import dataclass

import jax_impl.config
import torch_impl.config
from study.questions.recall.task import VOCAB
from study.questions.settings import DecoderConfig


@dataclass(frozen=True, kw_only=True)
class RecurrentConfig(jax_impl.config.Config, torch_impl.config.Config):
    """An embedding, an LSTM and an output layer."""

    vocab: int
    """Tokens."""
    hidden: int
    """Width of the state."""

    @property
    def embedding_std(self) -> float:
        """No norm widens what it reads, as in the transformer: at 0.02 it learned ten times as slowly."""
        return 1.0 / math.sqrt(self.embed)


TRANSFORMER = DecoderConfig(
    vocab=VOCAB,
    max_positions=1026,
    embed=32,
    heads=4,
    mlp=64,
    layers=2,
    position_encoding="none",  # the symbol is known by what it is, at any distance
)
LSTM = RecurrentConfig(vocab=VOCAB, embed=32, hidden=49)
