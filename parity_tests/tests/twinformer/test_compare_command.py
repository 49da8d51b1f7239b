"""``twinformer compare``: a pair in a file, its exit status, and what is said of files that define none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from twinformer import cli

PAIR = """
import numpy as np, torch
from flax import linen
from torch_impl.convert import Row
from beside import BOUND

class Port(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dense(3, name="fc", use_bias=False)(x) * SCALE

class Original(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 3, bias=False)
    def forward(self, x):
        return self.fc(x)

SCALE = 1.0
reference, candidate = Original(), Port()
inputs = {"x": np.ones((2, 4))}
weights = [Row("fc/kernel", "fc.weight", "i o -> o i")]
bound = BOUND
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("BOUND = 1e-12\n", "utf-8")
    path = tmp_path / "port.py"
    path.write_text(PAIR, "utf-8")
    return path


def test_a_port_that_is_right_ends_with_0_and_leaves_its_report(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["compare", str(file), "--json", str(tmp_path / "r.json"), "--html", str(tmp_path / "r.html")]
    assert cli.status(line) == 0
    assert "all within bounds" in capsys.readouterr().out
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert report["passed"] and report["schema"] == 4 and report["checks"][0]["bound"] == 1e-12
    assert "Parity" in (tmp_path / "r.html").read_text("utf-8")
    assert str(tmp_path) not in sys.path


def test_a_port_that_is_wrong_ends_with_1_and_is_told_to_github(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(PAIR.replace("SCALE = 1.0", "SCALE = 1.001"), "utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert cli.status(["compare", str(file), "--github"]) == 1
    out = capsys.readouterr().out
    assert f"::error file={file},title=parity::Port vs Original (float64) diverges first at" in out
    assert (tmp_path / "summary.md").read_text("utf-8").startswith("### port.py: no parity\n\n```text\n")
    assert cli.status(["compare", str(file)]) == 1
    assert "::error" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "text, words",
    [
        (PAIR.replace("inputs =", "x ="), "port.py defines no inputs: it needs reference, candidate, inputs"),
        (
            PAIR.replace("SCALE = 1.0", "SCALE = 1 / 0"),
            "port.py, line 19: ZeroDivisionError: division",
        ),
        (PAIR + "\n(", "port.py, line 25: SyntaxError"),
        (PAIR.replace("from beside", "from elsewhere"), "port.py, line 5: ModuleNotFoundError"),
        (
            PAIR.replace('"fc.weight"', '"out.weight"'),
            "port.py: torch parameter 'fc.weight' is",
        ),
        (PAIR.replace("((2, 4))", "((2, 4), object)"), "port.py: input 'x'"),
    ],
)
def test_a_file_that_defines_no_pair_is_refused_in_a_line(
    text: str, words: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(text, "utf-8")
    assert cli.status(["compare", str(file)]) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


def test_no_file_is_refused_at_once() -> None:
    code = (
        "import sys; from twinformer import cli; s = cli.status(sys.argv[1:]); print(s, 'jax' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "compare", "nowhere.py"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "2 False\n" and "nowhere.py is no file" in done.stderr
