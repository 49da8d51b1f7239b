"""The guide to porting: its Python runs, top to bottom, and prints what it says."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import jax
import torch

pytest_plugins = ["parity_tests.plugin"]

GUIDE = Path(__file__).parents[2] / "docs" / "porting.md"
BLOCKS = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)


def lines(text):
    """Without spaces at their ends; and of rounding noise in float64 or float32, which some processors have
    none of, only that it is no more than noise."""
    noise = r"\d\.\de-(1[4-9]|0[78])|0\.0e\+00"
    return [re.sub(noise, "noise", line).rstrip() for line in text.strip().splitlines()]


def test_the_guide_says_what_happens(parity, unchecked):
    names = {}
    blocks = BLOCKS.findall(GUIDE.read_text("utf-8"))
    assert len(blocks) > 20
    # Outside of the tests' strict settings, as a reader has it.
    with (
        torch.random.fork_rng(),
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
    ):
        for code, expected in blocks:
            printed = StringIO()
            with redirect_stdout(printed):
                exec(compile(code, GUIDE.name, "exec"), names)
            assert lines(printed.getvalue()) == lines(expected), code
    names["test_port"](parity)
