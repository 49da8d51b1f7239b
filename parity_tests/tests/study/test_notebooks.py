"""The notebooks run, say what to watch for and how long they take, and end in an exercise that there is."""

import re
import runpy
import warnings
from collections.abc import Iterator
from pathlib import Path

import jax
import matplotlib
import matplotlib.pyplot as plt
import pytest

import study.notebooks
from study.grade.parts import BY_NAME

FOLDER = Path(study.notebooks.__file__).parent
NOTEBOOKS = sorted(path for path in FOLDER.glob("*.py") if path.stem != "__init__")
LONG = ("bert", "encoder_decoder", "training")  # up to a quarter of a minute each
CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)


@pytest.fixture
def as_a_learner_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unchecked: None) -> Iterator[Path]:
    """An empty folder, no window, no checks of annotations, and JAX's own settings, which are put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    before, backend = jax.config.jax_enable_x64, matplotlib.get_backend()
    plt.switch_backend("agg")
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield tmp_path
    jax.config.update("jax_enable_x64", before)
    plt.close("all")
    plt.switch_backend(backend)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] if path.stem in LONG else []) for path in NOTEBOOKS],
    ids=lambda path: path.stem,
)
def test_it_runs_draws_and_writes_no_file(path, as_a_learner_has_it):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runpy.run_path(str(path), run_name="__main__")
    assert plt.get_fignums()
    assert not list(as_a_learner_has_it.iterdir())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_begins_with_what_to_watch_for_and_ends_in_an_exercise(path):
    before, *pieces = CELL.split(path.read_text("utf-8"))
    kinds, cells = pieces[::2], pieces[1::2]
    assert not before
    assert set(kinds) == {"", " [markdown]"}
    assert kinds[0] == kinds[-1] == " [markdown]"
    assert "Do the shapes feel obvious?" in cells[0].replace("\n# ", " ")
    assert re.search(r"\*\*Time\.\*\* Usually .*(hour|minutes)", cells[0])
    assert "## Exercise" in cells[-1]
    started = re.findall(r"twinformer grade --start (\w+) --framework (?:jax|torch)", cells[-1])
    assert started or "twinformer parity" in cells[-1]
    assert set(started) <= set(BY_NAME)


def test_the_page_lists_them_all():
    page = (FOLDER.parents[1] / "docs" / "study.md").read_text("utf-8")
    listed = re.findall(r"^\| \[(\w+)\.py\]\(\.\./study/notebooks/\1\.py\)", page, re.MULTILINE)
    assert sorted(listed) == [path.stem for path in NOTEBOOKS]
