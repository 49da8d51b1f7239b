"""Text from a trained GPT: prompts in, continuations out, in either framework."""

from pathlib import Path

from train.config import Framework
from train.runs.files import check_writes, read_model
from train.runs.load import load
from train.runs.sampling import Sampling, check_prompts


def generate(folder: Path, prompts: list[str], sampling: Sampling, framework: Framework) -> list[str]:
    """`train.runs.load.Run.generate` of the run in ``folder``; raises what it and `load` raise."""
    sampling.check()
    check_prompts(prompts)
    check_writes(folder, read_model(folder)[0])
    return load(folder, framework).generate(prompts, **vars(sampling))
