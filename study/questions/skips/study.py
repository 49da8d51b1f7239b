"""Decoders of several depths, with and without skip connections, trained on digits and their reverse."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions.ask import Planned, ask
from study.questions.fit import Training, Watch, few, fit, loss_and_accuracy, trainer
from study.questions.mask import digits
from study.questions.settings import PLAIN
from study.questions.skips import jax_model, picture, torch_model
from study.questions.skips.measures import gradient_norms, likeness
from study.questions.skips.settings import SkipConfig, Skips, Start
from train.config import Framework

PAIR = Pair(jax_model.SkipGPT, torch_model.SkipGPT)
BATCH, HELD_OUT = 64, 256  # rows
NORMS = ("pre", "post")
CONTROL: tuple[Skips, ...] = ("both", "none")  # tried from GPT-2's weights too


@dataclass(frozen=True)
class Settings:
    """The question's sizes."""

    depths: Sequence[int] = (1, 2, 4, 8, 16)
    count: int = 5
    """Digits in a row, which come twice."""
    steps: int = 300

    def model(self, layers: int, skips: Skips, norm: Any, start: Start) -> SkipConfig:
        return SkipConfig(
            vocab=digits.VOCAB,
            max_positions=2 * self.count,
            embed=64,
            heads=4,
            mlp=256,
            layers=layers,
            norm_position=norm,
            skips=skips,
            start=start,
        )


def study(settings: Settings, framework: Framework, out: Path, console: Console) -> dict[str, Any]:
    """Train each; returns the record."""
    held_out = digits.held_out(settings.count, HELD_OUT)

    def check() -> dict[str, Any]:
        return {
            f"{skips}, {norm}": hold(
                "skips", PAIR, {"ids": held_out.ids[:8]}, {"config": settings.model(2, skips, norm, "xavier")}
            )
            for skips in get_args(Skips)
            for norm in NORMS
        }

    def carry_out(layers: int, skips: Skips, norm: str, start: Start, watch: Watch) -> dict[str, Any]:
        arguments = {"config": settings.model(layers, skips, norm, start)}
        model = trainer(PAIR, arguments, held_out.ids, 0, framework, PLAIN)
        rows = digits.draw(settings.count, BATCH, 0, 0)
        before = {
            "gradients": gradient_norms(model, rows, layers),
            "likeness": likeness(model, rows, layers),
        }
        training = Training(settings.steps, settings.steps, PLAIN)
        draw = partial(digits.draw, settings.count, BATCH, 0)
        look = partial(loss_and_accuracy, rows=held_out)
        run = fit(skips, model, draw, training, look, 0, framework, watch)
        after = gradient_norms(model, rows, layers)
        return {
            "skips": skips,
            "norm": norm,
            "start": start,
            "layers": layers,
            "seconds": run.seconds,
            "loss": few(run.curve["loss"][-1]),
            "accuracy": few(run.curve["accuracy"][-1]),
            **{name: list(map(few, numbers)) for name, numbers in before.items()},
            "gradients_after": list(map(few, after)),
        }

    kinds = [
        (layers, skips, norm, start)
        for start in get_args(Start)
        for norm in NORMS
        for skips in (get_args(Skips) if start == "xavier" else CONTROL)
        for layers in settings.depths
    ]
    planned = [
        Planned(
            f"{layers} layers, skips {skips}, {norm}, {start}",
            settings.steps,
            partial(carry_out, layers, skips, norm, start),
        )
        for layers, skips, norm, start in kinds
    ]
    return ask({**asdict(settings), "optimum": digits.OPTIMUM}, check, planned, picture.draw, out, console)
