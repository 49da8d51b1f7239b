"""The catalogue of mistakes: named right in PyTorch, linen and nnx, and never wrongly."""

from pathlib import Path

import pytest

from parity_tests.tests.diagnosis.catalogue import MISTAKES, named, run

# Between two models of PyTorch with the same names, statistics pass with the weights.
PASSING = ("batch norm: new statistics", "torch")
CASES = [
    (mistake, framework)
    for mistake in MISTAKES
    for framework in ("torch", "linen", "nnx")
    if not (mistake.table and framework == "torch") and (mistake.name, framework) != PASSING
]
# Of each framework of JAX a few are tried at once, the rest with the slow tests.
QUICK = {
    "linen": {"tanh GELU", "mask inverted", "flatten order"},
    "nnx": {"eps 1e-6", "batch norm: training"},
}


def case(mistake, framework):
    quick = framework == "torch" or mistake.name in QUICK[framework]
    marks = () if quick else pytest.mark.slow
    return pytest.param(mistake, framework, marks=marks, id=f"{mistake.name}, {framework}")


@pytest.mark.parametrize("mistake, framework", [case(*pair) for pair in CASES])
def test_a_mistake_is_named(mistake, framework):
    comparison = run(mistake, framework)
    assert not comparison.passed
    assert named(mistake, comparison) == "right", str(comparison)


def test_the_guide_says_how_many():
    guide = " ".join((Path(__file__).parents[3] / "docs" / "porting.md").read_text("utf-8").split())
    frameworks = [framework for _, framework in CASES]
    linen, nnx, torch = (frameworks.count(name) for name in ("linen", "nnx", "torch"))
    assert linen == nnx == len(MISTAKES)
    assert f"All {linen} are named right in linen and in nnx; so are the {torch} in PyTorch" in guide
