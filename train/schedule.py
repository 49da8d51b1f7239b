"""Where `train.loops.schedule` was up to version 0.1: its names can be imported from here."""

from train.loops.schedule import learning_rate

__all__ = ["learning_rate"]
