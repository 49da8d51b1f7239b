"""Checks and isolations as one HTML page that needs nothing else: no script, no font, no image."""

import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from parity_tests.core.compare import BFLOAT16_FACTOR, Check, all_passed, first_divergence
from parity_tests.core.isolate import Isolation
from parity_tests.core.report import (
    PRECISION_COLUMNS,
    allowed,
    models,
    precision_errors,
    sentence,
    summary,
    worst,
)
from parity_tests.core.trace import KINDS
from parity_tests.core.versions import installed

TEMPLATE = Path(__file__).with_name("page.html.jinja")
FRAMEWORKS = ("jax", "flax", "torch", "numpy")
SCALE = (1e-18, 1e2)  # the errors that bars show


def page(checks: list[Check], isolations: Sequence[Isolation] = (), likely_causes: Sequence[str] = ()) -> str:
    """The page: a table of all models, then each that failed tap by tap, then each that passed.

    A model's taps have bars where its isolation is given; else it shows its checks alone. ``likely_causes``
    are sentences about the one model that there is.
    """
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    found = {(isolation.model, isolation.dtype): isolation for isolation in isolations}
    sections = [
        {"id": f"m{number}", "isolation": found.get((group[0].model, group[0].dtype)), **_section(group)}
        for number, group in enumerate(models(checks))
    ]
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        summary=summary(checks),
        likely_causes=likely_causes,
        passed=all_passed(checks),
        versions=", ".join(f"{name} {version}" for name, version in installed(FRAMEWORKS).items()),
        bounds=" and ".join(_bounds(checks)),
        dtypes=[(dtype, list(group)) for dtype, group in groupby(sections, lambda section: section["dtype"])],
        sections=sections,
        precision_columns=PRECISION_COLUMNS if precision_errors(checks) else (),
        percent=percent,
        scale=SCALE,
        inf=math.inf,
    )


def _bounds(checks: list[Check]) -> list[str]:
    """What was allowed: the smallest to the largest bound, and the factor of bfloat16."""
    bounds = sorted({check.bound for check in checks if check.ratios is None})
    ends = " to ".join(f"{bound:.0e}" for bound in dict.fromkeys((*bounds[:1], *bounds[-1:])))
    factor = f"a factor {BFLOAT16_FACTOR} between the twins' errors in bfloat16"
    in_bfloat16 = any(check.ratios for check in checks)
    return [ends] * bool(ends) + [factor] * in_bfloat16


def _section(checks: list[Check]) -> dict[str, Any]:
    """What the template shows of one model."""
    kinds = [(kind, list(found)) for kind, found in groupby(checks, lambda check: check.kind)]
    divergence = first_divergence(checks)
    return {
        "model": checks[0].model,
        "dtype": checks[0].dtype,
        "count": len(checks),
        "bound": min(check.bound for check in checks),
        "allowed": allowed(checks),
        "precision_errors": precision_errors(checks),
        "passed": divergence is None,
        "sentence": sentence(divergence) if divergence else "",
        "worst": [worst(checks, kind) for kind in KINDS],
        "kinds": kinds,
        "gradients": [(kind, found) for kind, found in kinds if "gradient" in kind],
    }


def percent(error: float) -> int:
    """How much of a bar an error fills, on a logarithmic scale."""
    low, high = SCALE
    within = min(max(error, low), high)
    return round(100 * math.log(within / low) / math.log(high / low))
