"""Imports point one way, and no implementation imports the other's framework; read off the sources."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"jax_impl", "torch_impl", "data", "parity_tests", "train", "study"}

# What a package may import of the others, and the frameworks that it must not.
ALLOWED = {
    "jax_impl": {"jax_impl"},
    "torch_impl": {"torch_impl"},
    "data": {"data"},
    "parity_tests": {"parity_tests", "jax_impl", "torch_impl"},
}
JAX, TORCH = {"jax", "jaxlib", "flax", "optax"}, {"torch", "torchvision"}
FORBIDDEN = {"jax_impl": TORCH, "torch_impl": JAX, "data": JAX | TORCH, "parity_tests": set()}


def imported(source):
    """The top-level names of all imports, also of those within functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.add(str(node.module).partition(".")[0])
    return found


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_point_one_way(package):
    sources = [path for path in (ROOT / package).rglob("*.py") if "tests" not in path.parts]
    assert len(sources) >= 5
    for path in sources:
        names = imported(path.read_text("utf-8"))
        assert names & PACKAGES <= ALLOWED[package], path
        assert not names & FORBIDDEN[package], path


def test_the_reader_of_imports_sees_them_all():
    source = "import jax.numpy as jnp, os\nfrom torch.nn import functional\ndef f():\n    import flax\n"
    assert imported(source) == {"jax", "os", "torch", "flax"}
