"""A learner's code may hang, print, exit, break and return anything: each time there is a clear word."""

import subprocess
import sys
from pathlib import Path

import pytest

from parity_tests.tests.study.grade import here
from parity_tests.tests.study.grade.mistaken import SOLUTIONS
from study.grade.grade import grade
from study.grade.report import as_text
from twinformer import cli

pytestmark = pytest.mark.usefixtures("unchecked")  # the tests of grades check them

HEAD = "import torch\nfrom torch import nn\n"
MODULE = (
    HEAD
    + """
class MultiHead(nn.Module):
    def __init__(self, embed, heads):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(embed, embed) for _ in range(4))
    def forward(self, x, mask=None):
        {body}
"""
)
BROKEN = {
    "raises while it is read": (
        HEAD + "class MultiHead: pass\nraise KeyError('no')",
        "KeyError: 'no' (line 4",
    ),
    "exits": (HEAD + "class MultiHead: pass\nexit(3)", "SystemExit: 3 (line 4"),
    "no module": (HEAD + "class MultiHead:\n    pass", "is no torch.nn.Module"),
    "unknown size": (
        HEAD + "class MultiHead(nn.Module):\n    def __init__(self, embed, heads, foo): pass",
        "asks for 'foo'",
    ),
    "is overwritten": (HEAD + "class MultiHead(nn.Module): pass\nMultiHead = 3", "MultiHead is int once"),
    "never calls super": (
        HEAD + "class MultiHead(nn.Module):\n    def __init__(self, embed): self.q = nn.Linear(2, 2)",
        "AttributeError",
    ),
    "returns nothing": (MODULE.format(body="self.q(x)"), "it returns NoneType: return one array"),
    "returns a string": (MODULE.format(body="return 'x'"), "it returns str"),
    "returns a list": (MODULE.format(body="return x.tolist()"), "it returns list"),
    "returns another shape": (
        MODULE.format(body="return x[:, 0]"),
        "where (batch, position, embed) is (3, 7, 12)",
    ),
    "returns NaN": (
        MODULE.format(body="return x * float('nan')"),
        "NaN or infinite, first at batch 0, position 0, embed 0",
    ),
    "shapes do not fit": (MODULE.format(body="return x @ self.q(x)"), "line 9: return x @ self.q(x)"),
    "takes no mask": (MODULE.format(body="return x").replace(", mask=None", ""), "it has no argument mask"),
    "changes its input": (MODULE.format(body="x += 1; return self.q(x)"), "outputs"),
    "markup": (MODULE.format(body="raise ValueError('[/x] [bold]')"), "ValueError: [/x] [bold]"),
}


@pytest.mark.parametrize(("source", "said"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_broken_is_said(source: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source, "utf-8")
    found = here.graded(path, "multi_head", "torch")
    assert not found.passed
    assert said in " ".join(as_text(found).split())


def test_what_lies_beside_the_file_is_the_learner_s_alone(tmp_path: Path) -> None:
    for name in ("parity_tests", "study", "data", "train", "torch_impl"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not ours')", "utf-8")
    (tmp_path / "helper.py").write_text("import math\n", "utf-8")
    source = (
        (SOLUTIONS / "in_torch.py").read_text("utf-8").replace("import math\n", "from helper import math\n")
    )
    (tmp_path / "mine.py").write_text(source, "utf-8")
    found = grade(tmp_path / "mine.py", "attention", "torch")
    assert found.passed, as_text(found)


ENDING = {
    "hangs": ("while True: pass", "it took longer than 4 s: is there a loop without an end?"),
    "ends the process": ("import os; os._exit(0)", "the code ended the process with status 0"),
    "is killed": ("import os; os.kill(os.getpid(), 11)", "was ended by SIGSEGV"),
    "leaves a child behind": (
        "import subprocess; subprocess.Popen(['sleep', '60']); import os; os._exit(4)",
        "the code ended the process with status 4",
    ),
    "prints without an end": (
        "[print('x' * 10**6) for _ in range(200)]; raise ValueError('end')",
        "ValueError: end",
    ),
    "takes all memory": ("bytearray(2**36)", "MemoryError"),
}


@pytest.mark.parametrize(("line", "said"), ENDING.values(), ids=list(ENDING))
def test_what_would_take_us_along_does_not(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"import torch\nclass MultiHead: pass\n{line}\n", "utf-8")
    found = grade(path, "multi_head", "torch", seconds=4.0 if line.startswith("while") else 60.0)
    assert not found.passed and found.findings[0].name == "running the file"
    assert said in found.findings[0].said


def test_the_command_and_a_course(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.status(["grade", "--start", "attention", "--framework", "torch"]) == 0
    answer = (SOLUTIONS / "in_torch.py").read_text("utf-8")
    body = answer[answer.index("def attention") : answer.index("class Head")]
    Path("attention_torch.py").write_text(f"import math\nimport torch\n\n{body}", "utf-8")
    capsys.readouterr()
    assert cli.status(["grade", "attention_torch.py"]) == 0
    assert "All that was looked at is right." in capsys.readouterr().out
    Path("test_mine.py").write_text(
        "def test_mine(grade):\n    grade('attention_torch.py', 'single_head')\n", "utf-8"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "study.grade.plugin", "test_mine.py"],
        capture_output=True,
        text=True,
        env=here.environment(),
    )
    assert run.returncode == 1 and "1 failed" in run.stdout and "single_head, torch" in run.stdout


REFUSED = {
    "no file": ([], "give your file"),
    "three files": (["a.py", "b.py", "c.py"], "give your file, or two"),
    "not there": (["missing.py"], "is no file"),
    "a stub without its framework": (["--start", "gpt"], "--framework jax or --framework torch"),
    "not Python": (["broken.py"], "Python cannot read it"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=list(REFUSED))
def test_it_is_refused(
    words: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.py").write_text("class (", "utf-8")
    assert cli.status(["grade", *words]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
