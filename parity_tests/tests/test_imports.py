"""Imports point down, in no circle, and no framework is used where the other is; read off the sources."""

import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from parity_tests.tests.import_graph import (
    ROOT,
    Import,
    folder_graph,
    imports,
    module_graph,
    module_of,
    sources,
)

FILES = sources()

# What a package or module may import of the others, besides itself. The longest name that fits counts.
TRAIN = ("data", "parity_tests", "jax_impl", "torch_impl")
ARROWS: dict[str, tuple[str, ...]] = {
    "jax_impl": (),
    "torch_impl": (),
    "data": (),
    "parity_tests": (),
    "parity_tests.core": (),
    "parity_tests.compare": ("parity_tests.core",),
    "parity_tests.runners": ("parity_tests.core",),
    "parity_tests.diagnosis": (),
    "parity_tests.map": (
        "parity_tests.core",
        "parity_tests.pair_arguments",
        "parity_tests.pair_taps",
        "parity_tests.runners.calls",
        "torch_impl.convert",
    ),
    "parity_tests.pair": (
        "parity_tests.diagnosis",
        "parity_tests.map",
        "parity_tests.pair_places",
        "parity_tests.pair_named",
        "parity_tests.pair_arguments",
        "parity_tests.pair_record",
        "parity_tests.pair_sides",
        "parity_tests.pair_taps",
        "parity_tests.record",
        "parity_tests.core",
        "parity_tests.runners",
        "torch_impl.convert",
    ),
    "parity_tests.pair_arguments": ("parity_tests.core", "torch_impl.convert"),
    "parity_tests.pair_file": (
        "parity_tests.pair",
        "parity_tests.pair_named",
        "parity_tests.map",
        "parity_tests.core",
    ),
    "parity_tests.pair_named": ("parity_tests.pair_sides", "parity_tests.runners"),
    "parity_tests.pair_places": (
        "parity_tests.core",
        "parity_tests.diagnosis",
        "parity_tests.pair_taps",
        "torch_impl.convert",
    ),
    "parity_tests.pair_record": (
        "parity_tests.pair_arguments",
        "parity_tests.pair_sides",
        "parity_tests.record",
        "parity_tests.core",
        "parity_tests.runners",
        "torch_impl.convert",
    ),
    "parity_tests.pair_sides": ("parity_tests.core", "parity_tests.runners"),
    "parity_tests.pair_taps": ("parity_tests.core", "torch_impl.convert"),
    "parity_tests.plugin": ("parity_tests.pair",),
    "parity_tests.record": ("parity_tests.core", "parity_tests.runners", "torch_impl.convert"),
    "parity_tests.twins": ("parity_tests.core", "parity_tests.runners", "jax_impl", "torch_impl"),
    "train": TRAIN,
    "study": ("train", *TRAIN),
    "benchmarks": ("study", "train", *TRAIN),
    "twinformer": ("study", "benchmarks", "train", *TRAIN),
}

# Files that must not import a framework, nor our implementation in it.
JAX, TORCH = {"jax", "jaxlib", "flax", "optax", "jax_impl"}, {"torch", "torchvision", "torch_impl"}
FORBIDDEN = {
    "jax_impl/**": TORCH,
    "torch_impl/**": JAX,
    "data/**": JAX | TORCH,
    "parity_tests/core/*": JAX | TORCH,
    "parity_tests/plugin.py": JAX | TORCH,
    "parity_tests/diagnosis/*": JAX | TORCH,
    "parity_tests/map/*": JAX | {"torch"},
    "parity_tests/pair*.py": JAX | {"torch"},
    "parity_tests/record/*": JAX | {"torch"},
    "parity_tests/runners/jax_*": TORCH,
    "parity_tests/runners/torch_*": JAX,
    "parity_tests/runners/[!jt]*": JAX | TORCH,
    "study/**/jax_*": TORCH,
    "study/**/torch_*": JAX,
    "train/loops/jax_*": TORCH,
    "train/loops/torch_*": JAX,
    "train/programs/jax_*": TORCH,
    "train/programs/torch_*": JAX,
}
NUMPY_ONLY = {"numpy", "rich", "jinja2"}  # what `parity_tests.core` may use of others


def lies_in(module, name):
    return f"{module}.".startswith(f"{name}.")


def upward(module, targets):
    """The targets that a module must not import."""
    package = max((name for name in ARROWS if lies_in(module, name)), key=len)
    allowed = (package, *ARROWS[package])
    return {target for target in targets if not any(lies_in(target, name) for name in allowed)}


def tops(path):
    """The first parts of the names that a file imports."""
    return {found.name.partition(".")[0] for found in imports(path.read_text("utf-8"))}


def circle(graph):
    """The modules of a circle, if there is one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


@pytest.fixture(scope="module")
def graph():
    return module_graph(FILES)


@pytest.mark.parametrize("package", sorted({module.partition(".")[0] for module in FILES}))
def test_imports_point_down(package, graph):
    for module, targets in graph.items():
        if lies_in(module, package):
            assert not upward(module, targets), module


def test_there_is_no_circle_of_imports():
    assert circle(module_graph(FILES, early=True)) is None


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_framework_is_used_where_the_other_is(pattern):
    paths = list(ROOT.glob(pattern if pattern.endswith(".py") else f"{pattern}.py".replace("**.", "**/*.")))
    assert paths
    for path in paths:
        assert not tops(path) & FORBIDDEN[pattern], path


def test_the_core_uses_numpy_alone():
    known = NUMPY_ONLY | {"parity_tests"} | sys.stdlib_module_names
    for path in (ROOT / "parity_tests" / "core").glob("*.py"):
        assert tops(path) <= known, path


def test_a_porters_comparison_loads_none_of_our_twins():
    """Of ours, the converter alone, and what uses no framework."""
    code = "import sys; from parity_tests.pair import JaxModel, TorchModel; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in result.stdout.split() if name in FILES}
    assert "parity_tests.runners.torch_model" in loaded  # the listing works
    assert not [name for name in loaded if lies_in(name, "parity_tests.twins")]
    ours = {name for name in loaded if lies_in(name, "jax_impl") or lies_in(name, "torch_impl")}
    models = {name for name in ours if tops(FILES[name]) & (JAX | TORCH)}
    assert not [name for name in models if not lies_in(name, "torch_impl.convert")]


def test_every_import_is_read_and_those_in_functions_are_late():
    source = (
        "import jax.numpy as jnp, os\nfrom torch.nn import functional\nif TYPE_CHECKING:\n    import rich\n"
        "class A:\n    import numpy\n    def f(self):\n        import flax\n"
    )
    early = {"jax.numpy", "os", "torch.nn.functional", "numpy"}
    assert imports(source) == {Import(name, name in early) for name in (*early, "flax", "rich")}


def test_all_sources_are_read():
    assert {"train", "parity_tests.pair", "parity_tests.runners.jax_runner"} <= set(FILES)
    assert not [module for module in FILES if "tests" in module.split(".")]
    for package in ("jax_impl", "torch_impl", "data", "parity_tests", "train"):
        assert sum(lies_in(module, package) for module in FILES) >= 5


@pytest.mark.parametrize(
    "module, target",
    [
        ("jax_impl.layers", "torch_impl.layers"),
        ("parity_tests.core.compare", "parity_tests.runners.arrays"),
        ("parity_tests.runners.arrays", "parity_tests.twins.inputs"),
        ("parity_tests.pair", "parity_tests.twins.inputs"),
        ("parity_tests.pair", "torch_impl.layers"),
        ("parity_tests.twins.run", "parity_tests.pair"),
        ("parity_tests.twins.run", "data"),
        ("train.config", "twinformer"),
    ],
)
def test_an_arrow_that_points_up_is_found(module, target):
    assert upward(module, {target, module}) == {target}


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) is not None
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) is None


def test_a_name_is_the_module_that_it_lies_in():
    assert module_of("parity_tests.core.trace.Trace", FILES) == "parity_tests.core.trace"
    assert module_of("train.loops.jax_loop", FILES) == "train.loops.jax_loop"
    assert module_of("numpy.linalg", FILES) is None


def test_the_graph_of_folders_as_text():
    assert "train -> data, jax_impl, parity_tests, torch_impl" in folder_graph(FILES, depth=1)
    folders = folder_graph(FILES)
    assert "parity_tests.core -> nothing" in folders
    assert "parity_tests.runners -> parity_tests.core" in folders


def test_the_design_shows_this_graph():
    """After a change: python -m parity_tests.tests.import_graph, into docs/design.md."""
    page = (ROOT / "docs" / "design.md").read_text("utf-8")
    shown = page.partition("<!-- import graph -->\n```text\n")[2].partition("```")[0]
    assert shown.splitlines() == folder_graph(sources())
