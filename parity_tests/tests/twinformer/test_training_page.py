"""docs/training.md: its lines are commands that there are, and its search runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import twinformer
from train.config import Optimizer
from train.fields import walk
from twinformer import cli
from twinformer.messages import option_name

PAGE = (Path(twinformer.__file__).parents[1] / "docs" / "training.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)


def lines() -> list[str]:
    """The commands of the blocks, each in one line, with a value for what a loop gives."""
    shell = "\n".join(text for kind, text in BLOCKS if kind in ("", "sh")).replace("\\\n", " ")
    found = [line.strip().split(" | ")[0] for line in shell.splitlines()]
    given = [line.replace("$seed", "1").replace("$rate", "1e-3") for line in found]
    return [line for line in given if line.startswith("twinformer ")]


@pytest.mark.parametrize("line", lines())
def test_a_line_is_a_command_that_there_is(line: str) -> None:
    command = cli.parse(shlex.split(line)[1:])
    if hasattr(command, "config"):
        command.config.check()


def test_the_page_has_all_settings_of_the_optimizer_with_their_defaults() -> None:
    elsewhere = {"beta1", "beta2", "eps", "fused", "compiled"}
    rows = dict(re.findall(r"^\| `(--optimizer\.[\w-]+)` \| `?([\w.]+|by recipe)`? \|", PAGE, re.MULTILINE))
    for one in walk(Optimizer()):
        if one.path[0] not in elsewhere:
            told, shown = rows.pop(option_name(("optimizer", *one.path))), str(one.value)
            expected = {"False": "off", "0.0": "0", "0.001": "by recipe"}.get(shown, shown)
            assert told == expected, one.path
    assert not rows


@pytest.mark.parametrize("theirs", re.findall(r"`(--optimizer[^`|]*)`", PAGE))
def test_settings_that_stand_together_can_be_given(theirs: str) -> None:
    words = shlex.split(theirs)
    if len(words) > 1:
        cli.parse(["train", "gpt-embedded", *words]).config.check()


def test_the_search_asks_for_runs_that_there_can_be(tmp_path: Path) -> None:
    """Optuna is replaced by one that proposes the middle, the command by one that checks what it is asked."""
    (code,) = [text for kind, text in BLOCKS if kind == "python"]
    (tmp_path / "optuna.py").write_text(
        "from types import SimpleNamespace as N\n"
        "TrialPruned = RuntimeError\n"
        "samplers = N(TPESampler=lambda seed: None)\n"
        "trial = N(number=0, suggest_float=lambda name, low, high, log=False: (low + high) / 2)\n"
        "study = N(optimize=lambda f, n_trials: print('loss', f(trial)), best_params={})\n"
        "create_study = lambda sampler: study\n"
    )
    asked = (
        "import json, subprocess, sys\nfrom twinformer import cli\n"
        "def run(words, **_):\n"
        "    command = cli.parse(words[1:])\n"
        "    getattr(command, 'config', None) and command.config.check()\n"
        "    told = json.dumps({'runs': [{'validation': {'loss': 1.5}}]})\n"
        "    return subprocess.CompletedProcess(words, 0, told)\n"
        "subprocess.run = run\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked + code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout == "loss 1.5\n{}\n"
