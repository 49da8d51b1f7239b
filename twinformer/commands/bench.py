"""``twinformer bench``."""

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from train.config import SEEDS, ConfigError
from train.paths import check_folder


@dataclass(frozen=True)
class Bench:
    """Measure speed and memory, ours beside others', each in a process of its own, in shuffled rounds.

    How, and what it came to: docs/speed.md. The machine should have nothing else to do.

    twinformer bench gpt_a generate_1 --against hf-torch,nnx
    """

    workloads: tyro.conf.Positional[tuple[str, ...]] = ("all",)
    """Which: gpt_a, gpt_b, gpt_c, mlm_b, classifier_train, classifier_inference, generate_1, generate_8,
    generate_vocab; or all."""
    against: str = "all"
    """Peers, with commas between: torch, hf-torch, hf-torch-compiled, plain-torch, torch-encoder, nnx,
    keras-hub; or all. torch is ours in PyTorch; ours in JAX always takes part."""
    rounds: int = 5
    """Samples of each contestant."""
    seed: int = 0
    """Of batches and of the order in rounds."""
    out: Path = Path("benchmarks/results")
    """The folder for the records, WORKLOAD.json each."""

    def carry_out(self, console: Console) -> int:
        from benchmarks.contestants import PEERS
        from benchmarks.workloads import WORKLOADS

        workloads = chosen("workloads", self.workloads, list(WORKLOADS))
        peers = chosen("against", tuple(self.against.split(",")), PEERS)
        if self.rounds < 1:
            raise ConfigError(f"rounds={self.rounds}: give 1 or more")
        if self.seed not in SEEDS:
            raise ConfigError(f"seed={self.seed}: give a whole number from 0 to 2^32 - 1")
        check_folder("out", self.out)

        from benchmarks.bench import bench

        bench([WORKLOADS[name] for name in workloads], peers, self.rounds, self.seed, self.out, console)
        return 0


def chosen(setting: str, asked: tuple[str, ...], known: list[str]) -> list[str]:
    """The names that were asked for, each once. Raises ConfigError on one that there is not."""
    if asked == ("all",):
        return known
    for name in asked:
        if name not in known:
            raise ConfigError(f"{setting}: there is no {name!r}; choose all, {', '.join(known)}")
    if not asked:
        raise ConfigError(f"{setting}: none were given; choose all, {', '.join(known)}")
    return list(dict.fromkeys(asked))
