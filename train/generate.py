"""Where `train.runs.generate` was up to version 0.1: its names can be imported from here."""

from train.runs.generate import generate
from train.runs.sampling import Sampling

__all__ = ["Sampling", "generate"]
