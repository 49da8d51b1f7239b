"""The page about one's own data: its lines run as they stand, top to bottom."""

import re
import shlex
from pathlib import Path

import pytest

from data.sets.own import Reading, load_documents, load_labelled
from twinformer import cli

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
BLOCKS = re.findall(r"```(python|sh)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
LINES = [shlex.split(line) for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]


def run(code: str) -> None:
    exec(compile(code, PAGE.name, "exec"), {})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TWINFORMER_DATA", raising=False)
    return tmp_path


def test_its_lines_are_commands_and_its_data_can_be_read(here: Path) -> None:
    assert len(LINES) == 10
    for program, *arguments in LINES:
        assert program == "twinformer" and cli.parse(arguments)
    run(BLOCKS[0][1])
    texts, found = load_labelled(here / "mine.csv", Reading())
    assert len(texts.train) > 300 and not found.findings
    assert found.read.startswith("text in 'paragraph', label in 'package'; utf-8; splits by a hash")
    assert len(load_documents(here / "texts", Reading())[0].train) == 24


@pytest.mark.slow
def test_its_lines_run(here: Path, capsys: pytest.CaptureFixture[str], unchecked: None) -> None:
    for kind, block in BLOCKS:
        if kind == "python":
            run(block)
            continue
        for line in block.splitlines():
            assert cli.status(shlex.split(line)[1:]) == 0, capsys.readouterr()
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("text in 'paragraph', label in 'package'; utf-8; splits by a hash of the text") == 2
    assert said.count("tf-idf + logistic") == 4  # trained, two evaluations, the tuned one
    for name in ("gpt", "classifier"):
        assert (here / "exported" / name / "model.safetensors").is_file()
    assert (here / "exported" / "program" / "README.md").is_file()
