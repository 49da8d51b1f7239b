"""The user's own files that have the names of our packages, and come first."""

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("jax_impl", "torch_impl", "parity_tests", "train", "data", "study", "benchmarks")
ROOT = Path(__file__).parents[1]


def refuse_shadows() -> None:
    """Raise ImportError where Python would find another file than ours; none is imported for it."""
    for name in PACKAGES:
        spec = find_spec(name)
        found = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if found != (ROOT / name / "__init__.py").resolve():
            raise ImportError(
                f"{found or name} hides twinformer's package {name!r}: rename it, or run in another folder"
            )
