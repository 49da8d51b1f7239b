"""Strict settings for all tests, made before the packages are imported."""

import gc
import os
import signal
from collections.abc import Iterator
from unittest import mock

import jax
import pytest
import torch

from parity_tests.tests.annotations import annotations_unchecked, check_annotations

# The tests themselves are free.
PAIR = ("pair", "pair_arguments", "pair_named", "pair_places", "pair_record", "pair_sides", "plugin")
LIBRARY = ("core", "diagnosis", "map", "record", "runners", "twins", *PAIR)  # of parity_tests
CHECKED = [
    "jax_impl",
    "torch_impl",
    "data",
    "train",
    "study",
    "benchmarks",
    *(f"parity_tests.{name}" for name in LIBRARY),
]
check_annotations(CHECKED)

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_default_matmul_precision", "highest")
# Each program runs once or twice: XLA leaves out its costly passes, in the commands that tests start, too.
# With them: `twinformer parity`, `make proof`, what asks for `optimised`.
jax.config.update("jax_disable_most_optimizations", True)
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
if jax.__version_info__[:2] == (0, 10):  # its emitters take half of the time; later ones have no such flag
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_use_fusion_emitters=false"
jax.config.update("jax_enable_compilation_cache", False)
os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "0"  # in the commands that tests start, too
torch.use_deterministic_algorithms(True)
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it a GPU refuses to be deterministic
torch.set_num_threads(1)  # the tests run side by side, and threads that wait for each other cost more
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False


@pytest.fixture(scope="session", autouse=True)
def parity_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Checks that passed are remembered for these tests alone; the user's cache is neither read nor written.

    A defect that a test plants in memory is in no source file, so the cache cannot know of it: a test that
    expects a run to be refused asks for `no_parity_cache` too.
    """
    folder = tmp_path_factory.mktemp("parity_cache")
    with mock.patch("train.proof.cache.folder", lambda: folder):
        yield


@pytest.fixture(scope="session", autouse=True)
def kept_texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nor are the tokenizers and encoded texts that the user's cache has."""
    folder = tmp_path_factory.mktemp("kept_texts")
    corpora = folder / "corpora"
    with (
        mock.patch("train.tasks.entries.folder", lambda: folder),
        mock.patch("train.tasks.token_cache.folder", lambda: corpora),
    ):
        yield


@pytest.fixture
def no_parity_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("no_parity_cache")
    with mock.patch("train.proof.cache.folder", lambda: folder):
        yield


@pytest.fixture
def optimised() -> Iterator[None]:
    """XLA with all its passes, as users have it."""
    jax.config.update("jax_disable_most_optimizations", False)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", True)


@pytest.fixture
def not_ignored() -> Iterator[None]:
    """The signals as a terminal has them: tests that run in the background may begin with Ctrl-C ignored."""
    from train.loops.interrupt import SIGNALS

    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Without the checks of annotations, as users have it: what is refused then, the code itself refuses."""
    with annotations_unchecked():
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The file that takes longest comes first: no worker waits for it at the end."""
    items.sort(key=lambda item: item.path.name != "test_twins.py")


def pytest_collection_finish() -> None:
    """What was imported and collected stays: collecting garbage need not look at it."""
    gc.freeze()
