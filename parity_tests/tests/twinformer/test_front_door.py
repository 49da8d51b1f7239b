"""The package: names at hand when they are used, nothing loaded before; what a wheel has in it."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from unittest import mock

import pytest

import train
import twinformer

ROOT = Path(twinformer.__file__).parents[1]
SLOW = ("jax", "flax", "torch", "matplotlib", "transformers", "pooch", "numpy", "tyro", "rich")


def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", twinformer.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(twinformer, name) is not None
    assert name in dir(twinformer)


def test_the_names_are_those_that_are_known() -> None:
    assert sorted(twinformer.NAMES) == sorted(set(twinformer.__all__) - {"__version__"})
    with pytest.raises(AttributeError, match="no attribute 'compair'"):
        _ = twinformer.compair


@pytest.mark.parametrize(
    "package",
    ["twinformer", "train", "train.recipes", "train.runs.files", "train.runs.listing", "parity_tests.pair"],
)
def test_an_import_loads_no_framework(package: str) -> None:
    slow = SLOW if package in ("twinformer", "train") else SLOW[:6]
    code = f"import sys, {package}, json; print(json.dumps([m for m in {slow} if m in sys.modules]))"
    assert json.loads(python("-c", code).stdout) == []


def test_the_old_door_opens() -> None:
    from train import cli

    with mock.patch("sys.argv", ["twinformer", "--version"]), pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 0
    assert train.load is twinformer.load
    with pytest.raises(AttributeError, match="'train' has no attribute 'spy'"):
        _ = train.spy


def test_python_m_twinformer_is_the_command() -> None:
    assert python("-m", "twinformer", "--version").stdout == f"twinformer {twinformer.__version__}\n"


def test_a_wheel_has_types_and_the_page_and_no_tests() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert build["exclude"] == ["parity_tests/tests"]
    for package in build["packages"]:
        assert (ROOT / package / "py.typed").is_file(), package
        for source in (ROOT / package).rglob("*.py"):
            assert (source.parent / "__init__.py").exists() or "tests" in source.parts, source
    assert (ROOT / "parity_tests/core/page.html.jinja").is_file()


@pytest.mark.parametrize("name", ["train.py", "data.py", "data/__init__.py"])
def test_the_user_s_own_file_that_hides_ours_is_named_and_not_run(name: str, tmp_path: Path) -> None:
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.write_text("raise SystemExit('was run')")
    (tmp_path / "port.py").write_text("import twinformer as tw\ntw.compare")
    package = name.removesuffix(".py").removesuffix("/__init__")
    words = f"{own.resolve()} hides twinformer's package {package!r}: rename it, or run in another folder\n"
    told = python("-m", "twinformer", "parity", "gelu", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (2, f"twinformer: {words}")
    script = python("port.py", cwd=tmp_path)
    assert script.returncode == 1 and script.stderr.endswith(f"ImportError: {words}")


def test_a_folder_of_data_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").touch()
    assert python("-c", "import twinformer as tw; tw.recipes", cwd=tmp_path).returncode == 0
