"""Training: configuration, the two loops, checkpoints, evaluation, the command line.

``train.load(RUN, framework="jax")`` opens a trained run in either framework.
"""

from train.runs.load import Run, load

__all__ = ["Run", "load"]
