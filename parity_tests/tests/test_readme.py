"""The README: short, its first example runs and prints what it says, and links lead somewhere."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import jax

from parity_tests.tests.test_porting import lines

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_it_is_a_front_door():
    assert len(README.splitlines()) <= 120


def test_the_port_of_ten_lines_prints_what_it_says():
    code, said = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL)[0]
    printed = StringIO()
    with (
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
        redirect_stdout(printed),
    ):
        exec(compile(code, "README.md", "exec"), {})
    tail = [re.sub(r"\d\.\de-\d\d", "error", line) for line in lines(printed.getvalue())]
    for line in lines(said):  # the weights are drawn anew each time
        assert re.sub(r"\d\.\de-\d\d", "error", line) in tail, line


def test_links_lead_somewhere():
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), (page.name, target)
