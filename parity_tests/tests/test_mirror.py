"""The two implementations mirror each other: same files, names, parameters, defaults."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest
import torch
from flax import linen

ROOT = Path(__file__).parents[2]

# What one side has and the other has no use for, with the reason.
TORCH_ONLY = {
    "convert": "weights are converted in one place",
    "threefry.py": "JAX has the generator and its keys",
    "compiled_random.py": "JAX compiles keys as they are",
    "tables.py": "XLA keeps the tables of positions as constants",
    "attention.fused_attention": "XLA fuses the attention that is written out",
    "optimizer.fused_adam": "XLA fuses the update that is written out",
    "random.key": "jax.random.key",
    "random.split": "jax.random.split",
    "random.bits": "jax.random.bits",
    "random.uniform": "jax.random.uniform",
    "random.normal": "jax.random.normal",
    "random.truncated_normal": "jax.random.truncated_normal",
    "random.bernoulli": "jax.random.bernoulli",
    "random.randint": "jax.random.randint",
    "random.permutation": "jax.random.permutation",
    "initializers.parameter": "linen declares parameters with self.param",
    "initializers.initialise": "linen's init",
}
# What only JAX's function takes, because PyTorch's module holds it.
FUNCTIONAL = {"params": ("objectives", "the weights of the model")}
# PyTorch calls a matrix weight and keeps it transposed, Flax calls it kernel.
RENAMED = {"linear": {"weight": "kernel"}}


def names(package):
    return {path.name for path in (ROOT / package).glob("*.py")}


FILES = sorted(names("torch_impl") - {"__init__.py"} - set(TORCH_ONLY))


def public(package, file):
    """The public functions and classes that a file defines."""
    stem = file.removesuffix(".py")
    module = import_module(f"{package}.{stem}")
    return {
        name: value
        for name, value in vars(module).items()
        if callable(value)
        and not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
        and f"{stem}.{name}" not in TORCH_ONLY
    }


def parameters(function, skip=("self", "parent", "name", "device")):
    return [
        (p.name, p.default) for p in inspect.signature(function).parameters.values() if p.name not in skip
    ]


def test_the_same_files():
    assert names("jax_impl") == names("torch_impl") - set(TORCH_ONLY)
    assert len(FILES) >= 9


def test_the_ledger_names_only_what_is_there():
    for entry in TORCH_ONLY:
        if "." not in entry or entry.endswith(".py"):
            assert (ROOT / "torch_impl" / entry).exists()
            continue
        file, name = entry.split(".")
        assert hasattr(import_module(f"torch_impl.{file}"), name), entry
        defined = vars(import_module(f"jax_impl.{file}")).get(name)
        assert defined is None or defined.__module__ != f"jax_impl.{file}", entry


@pytest.mark.parametrize("file", FILES)
def test_the_same_names_in_the_same_order(file):
    theirs, ours = public("jax_impl", file), public("torch_impl", file)
    assert list(theirs) == list(ours)


@pytest.mark.parametrize("file", FILES)
def test_the_same_parameters_with_the_same_defaults(file):
    ours = public("torch_impl", file)
    for name, theirs in public("jax_impl", file).items():
        mirror = ours[name]
        if inspect.isclass(theirs) and issubclass(theirs, linen.Module):
            pairs = [(theirs.__init__, mirror.__init__), (theirs.__call__, mirror.forward)]
            ours_called, theirs_called = methods(mirror, "forward"), methods(theirs, "setup")
            assert list(theirs_called) == list(ours_called), name
            pairs += [(theirs_called[n], ours_called[n]) for n in theirs_called]
        else:
            pairs = [(theirs, mirror)]
        held = tuple(parameter for parameter, (where, _) in FUNCTIONAL.items() if f"{where}.py" == file)
        for one, other in pairs:
            new_names = RENAMED.get(name, {})
            renamed = [(new_names.get(n, n), standing_for(default)) for n, default in parameters(other)]
            expected = [(n, standing_for(default)) for n, default in parameters(one) if n not in held]
            assert expected == renamed, name


def methods(module, own):
    """The public methods that a module's class adds to the framework's ``own``."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and not name.startswith("_") and name != own
    }


def standing_for(default):
    """A function as a default (`no_tap`) or a dtype is the other framework's of the same name."""
    if isinstance(default, torch.dtype):
        return str(default).removeprefix("torch.")
    return getattr(default, "__name__", default)


@pytest.mark.parametrize("file", FILES)
def test_tables_of_names_have_the_same_keys(file):
    stem = file.removesuffix(".py")
    tables = [vars(import_module(f"{package}.{stem}")) for package in ("jax_impl", "torch_impl")]
    for name in set(tables[0]) & set(tables[1]):
        if name.isupper() and isinstance(tables[0][name], dict):
            assert list(tables[0][name]) == list(tables[1][name]), name


@pytest.mark.parametrize("file", ["config.py", "shapes.py"])
def test_what_needs_no_framework_is_the_same_text(file):
    ours, theirs = ((ROOT / package / file).read_text("utf-8") for package in ("jax_impl", "torch_impl"))
    assert ours == theirs
