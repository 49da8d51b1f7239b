"""Text from the folder of a trained GPT."""

from pathlib import Path

from train.config import Framework
from train.runs.load import load
from train.runs.sampling import Sampling


def generate(folder: Path, prompts: list[str], sampling: Sampling, framework: Framework) -> list[str]:
    """`train.runs.load.Run.generate` of the run in ``folder``; raises what it and `load` raise."""
    return load(folder, framework).generate(prompts, **vars(sampling))
