"""A recurrent network and a transformer of as many parameters, within two percent."""

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
