"""``twinformer parity``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console

from parity_tests.twins.names import check_name, names_of
from train.config import SEEDS, ConfigError
from train.paths import check_file
from train.recipes import DATA

PICTURES = (".png", ".pdf", ".svg", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Parity:
    """Compare the twins: outputs, taps and gradients; and both with third-party implementations.

    With --steps, train them side by side instead, and compare them after every step. With --defects, inject
    mistakes in PyTorch's twins, and show which are found, and where.
    """

    name: tyro.conf.Positional[str] = "all"
    """A model or block, or all. With --steps: classifier, bert, gpt or seq2seq, or all."""
    dtype: tuple[Literal["float64", "float32", "bfloat16"], ...] = ("float64",)
    """Precisions of the comparison; each has its own bound."""
    seed: int = 0
    """Of weights, inputs and dropout."""
    steps: int | None = None
    """Train a small model so many steps in both frameworks."""
    switch: int | None = None
    """With --steps: the run that is held against JAX's changes framework every so many steps."""
    defects: tyro.conf.FlagCreatePairsOff[bool] = False
    """Inject every defect of the catalogue."""
    field: tyro.conf.FlagCreatePairsOff[bool] = False
    """With --defects: those of the models, by other projects' bounds beside ours; --json is a record then."""
    again: tyro.conf.FlagCreatePairsOff[bool] = False
    """Compute what passed before; else it is remembered for the same code, libraries and machine."""
    json: Path | None = None
    """Write the checks to this file too."""
    html: Path | None = None
    """Write them as a page to this file too, with bars for each tap of the models that diverge."""
    plot: Path | None = None
    """With --steps: draw the losses and how far the twins are apart. With --field: the defects' errors."""

    def check(self) -> None:
        """Raise ConfigError on options that do not go together, or of no use."""
        if not self.dtype:
            raise ConfigError("dtype=(): give one or more of float64, float32, bfloat16")
        if self.seed not in SEEDS:
            raise ConfigError(f"seed={self.seed}: give a whole number from 0 to 2^32 - 1")
        for name, suffixes in (("json", ()), ("html", ()), ("plot", PICTURES)):
            check_file(name, getattr(self, name), suffixes)
        if self.defects:
            self._check_alone()
            return
        if self.field:
            raise ConfigError("field=True: goes with --defects only")
        if self.steps is None:
            check_name(self.name)
            for name in ("switch", "plot"):
                if getattr(self, name) is not None:
                    raise ConfigError(f"{name}={getattr(self, name)}: goes with --steps only")
            return
        if self.name not in ("all", *DATA):
            raise ConfigError(f"{self.name!r} is not trained: with --steps, choose all, {', '.join(DATA)}")
        if "bfloat16" in self.dtype:
            raise ConfigError("dtype=bfloat16: runs are compared step by step in float64 and float32")
        if self.html is not None:
            raise ConfigError(f"html={self.html}: trajectories have --plot and --json")
        if self.steps < 2:
            raise ConfigError(f"steps={self.steps}: give 2 or more; the loss has to fall")
        if self.switch is not None and not 1 <= self.switch < self.steps:
            raise ConfigError(f"switch={self.switch}: give 1 or more, and less than steps={self.steps}")

    def _check_alone(self) -> None:
        """Raise ConfigError on an option that --defects has no use for."""
        kept = {"defects", "field", "json"} | ({"plot"} if self.field else set())
        said = "--field goes with --json and --plot" if self.field else "--defects goes with --json"
        for name, default in vars(Parity()).items():
            if name not in kept and getattr(self, name) != default:
                raise ConfigError(f"{name}={getattr(self, name)}: {said} only")

    def carry_out(self, console: Console) -> int:
        self.check()
        if self.field:
            from study.bounds.study import study

            return study(self.json, self.plot, console)

        if self.steps is None and not self.defects:
            from train.proof.comparison import compare_twins
            from twinformer.processes import mapped_by, useful

            options = (self.name, self.dtype, self.seed, self.json, self.html, console, self.again)
            with mapped_by(useful(len(names_of(self.name)) * len(self.dtype))) as mapped:
                return compare_twins(*options, mapped)

        from train.proof import parity

        if self.steps is None:
            return parity.inject_defects(self.json, console)
        families = list(DATA) if self.name == "all" else [self.name]
        return parity.compare_trajectories(
            families, self.dtype, self.steps, self.switch, self.seed, self.json, self.plot, console
        )
