"""Readings and isolations as one HTML page that needs nothing else: no script, no font, no image."""

import math
from collections.abc import Sequence
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from parity_tests.core.compare import BFLOAT16_FACTOR, CHECKS, Reading, all_passed, first_divergence
from parity_tests.core.isolate import Isolation
from parity_tests.core.report import PRICES, allowed, models, price, sentence, summary, worst

TEMPLATE = Path(__file__).with_name("page.html.jinja")
FRAMEWORKS = ("jax", "flax", "torch", "numpy")
SCALE = (1e-18, 1e2)  # the errors that bars show


def page(readings: list[Reading], isolations: Sequence[Isolation] = ()) -> str:
    """The page: a table of all models, then each that failed tap by tap, then each that passed.

    A model's taps have bars where its isolation is given; else it shows its readings alone.
    """
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    found = {(isolation.model, isolation.dtype): isolation for isolation in isolations}
    sections = [
        {"id": f"m{number}", "isolation": found.get((group[0].model, group[0].dtype)), **_section(group)}
        for number, group in enumerate(models(readings))
    ]
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        summary=summary(readings),
        passed=all_passed(readings),
        versions=", ".join(f"{name} {version(name)}" for name in FRAMEWORKS),
        bounds=" and ".join(_bounds(readings)),
        dtypes=[(dtype, list(group)) for dtype, group in groupby(sections, lambda section: section["dtype"])],
        sections=sections,
        prices=PRICES if price(readings) else (),
        percent=percent,
        scale=SCALE,
        inf=math.inf,
    )


def _bounds(readings: list[Reading]) -> list[str]:
    """What was allowed: the smallest to the largest bound, and the factor of bfloat16."""
    bounds = sorted({reading.bound for reading in readings if reading.ratios is None})
    ends = " to ".join(f"{bound:.0e}" for bound in dict.fromkeys((*bounds[:1], *bounds[-1:])))
    factor = f"a factor {BFLOAT16_FACTOR} between the twins' errors in bfloat16"
    in_bfloat16 = any(reading.ratios for reading in readings)
    return [ends] * bool(ends) + [factor] * in_bfloat16


def _section(readings: list[Reading]) -> dict[str, Any]:
    """What the template shows of one model."""
    checks = [(check, list(found)) for check, found in groupby(readings, lambda reading: reading.check)]
    divergence = first_divergence(readings)
    return {
        "model": readings[0].model,
        "dtype": readings[0].dtype,
        "count": len(readings),
        "bound": min(reading.bound for reading in readings),
        "allowed": allowed(readings),
        "price": price(readings),
        "passed": divergence is None,
        "sentence": sentence(divergence) if divergence else "",
        "worst": [worst(readings, check) for check in CHECKS],
        "checks": checks,
        "gradients": [(check, found) for check, found in checks if "gradient" in check],
    }


def percent(error: float) -> int:
    """How much of a bar an error fills, on a logarithmic scale."""
    low, high = SCALE
    within = min(max(error, low), high)
    return round(100 * math.log(within / low) / math.log(high / low))
