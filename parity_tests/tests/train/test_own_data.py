"""Runs on one's own data: trained by a path, and opened where the data is what it was."""

import io
import json
import shutil
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from rich.console import Console

import train
from data import DataError
from data.sets import own
from data.tokenizers.files import save_tokenizer
from data.tokenizers.word_piece import train_tokenizer
from jax_impl.config import BertConfig, ClassifierConfig, GPTConfig
from parity_tests.tests.data.datasets_stand_in import Part, installed
from train.config import SETS, Config, ConfigError, Text
from train.evaluate import evaluate
from train.loops.fit import lengths
from train.paths import find_data
from train.recipes import recipe_of
from train.resume import resume
from train.runs.hugging_face import export_run
from train.runs.load import load
from train.start import train as train_run
from train.tasks.task import prepare
from twinformer.cli import parse

SIZES: dict[str, Any] = {"max_positions": 16, "embed": 8, "heads": 2, "mlp": 8, "layers": 1}
MODELS: dict[str, Any] = {
    "classifier": ClassifierConfig(**SIZES, vocab=200),
    "gpt": GPTConfig(**SIZES, vocab=300),
    "bert": BertConfig(**SIZES, vocab=200),
}
WORDS = ("sea", "rest", "heat", "noon", "wind", "hill", "star", "leaf", "road", "lamp")


def text(number: int) -> str:
    return " ".join(WORDS[(number * step) % 10] for step in (1, 3, 7, 9)) + f" {number}"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "here" / "mine.csv"
    path.parent.mkdir()
    rows = (f"{text(n)},{'calm' if n % 2 else 'wild'}\n" for n in range(120))
    path.write_text("text,label\n" + "".join(rows) + "a row without label,\n")
    return path


def config(path: Path, family: str = "classifier", **changes: Any) -> Config:
    return Config(**{"data": str(path), "model": MODELS[family], "text": Text(batch=8), "steps": 4} | changes)


def trained(path: Path, out: Path, family: str = "classifier", **changes: Any) -> str:
    console = Console(file=io.StringIO(), width=200)
    train_run(config(path, family, **changes), ["torch"], out, None, True, console)
    return console.file.getvalue()


def test_a_classifier_is_trained_evaluated_and_opened(mine: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    said = trained(mine, run)
    assert f"{mine}: text in 'text', label in 'label'; utf-8; splits by a hash of the text" in said
    assert "no label" in said and "line 122" in said and "left out" in said
    assert said.index("left out") < said.index("torch: mine.csv")  # before the training
    kept = json.loads((run / "data.json").read_text())
    assert kept["path"] == str(mine) and len(kept["sha256"]) == 64 and kept["counts"]["calm"]["test"] == 6
    report = evaluate(run, "torch", None, Console(quiet=True))
    assert report["trained"] == json.loads((run / "torch" / "report.json").read_text())["trained"]
    assert set(report["tf_idf"]) == {"loss", "accuracy"}
    assert load(run, "torch").predict("sea rest").pop().label in ("calm", "wild")


def test_language_models_are_trained_evaluated_and_exported_and_write(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for n in range(40):
        (folder / f"{n}.txt").write_text(" ".join(text(n + k) for k in range(20)))
    for family in ("gpt", "bert"):
        said = trained(folder, tmp_path / family, family)
        assert "32" in said and "text in 'text'" in said
        assert evaluate(tmp_path / family, "torch", None, Console(quiet=True))["data"] == "mine"
        assert export_run(tmp_path / family, tmp_path / f"{family} exported")
    assert load(tmp_path / "gpt", "torch").generate("sea", new=3)


def test_a_run_says_when_its_data_has_changed_or_lies_elsewhere(mine: Path, tmp_path: Path) -> None:
    run, console = tmp_path / "run", Console(quiet=True)
    trained(mine, run)
    before = evaluate(run, "torch", None, console)
    there = tmp_path / "there"
    shutil.move(mine.parent, there)
    with pytest.raises(Exception, match=r"mine.csv is no file or folder.*--data-dir") as missing:
        evaluate(run, "torch", None, console)
    assert "\n" not in str(missing.value)
    assert evaluate(run, "torch", there, console)["trained"] == before["trained"]
    with (there / "mine.csv").open("a") as out:
        out.write("one more,calm\n")
    with pytest.raises(train.runs.errors.RunError, match=r"is not what .* was trained on: it has changed"):
        evaluate(run, "torch", there, console)


def test_a_run_goes_on_where_its_data_lies_now(mine: Path, tmp_path: Path) -> None:
    run, console = tmp_path / "run", Console(quiet=True)
    trained(mine, run, epochs=2, steps=None)
    (run / "report.json").unlink()  # as if it had been killed
    shutil.move(mine.parent, tmp_path / "there")
    with pytest.raises(Exception, match="is no file or folder"):
        resume(run, None, None, None, None, True, console)
    resume(run, None, None, None, tmp_path / "there", True, console)
    assert (run / "report.json").is_file()
    (tmp_path / "there" / "mine.csv").write_text("text,label\n" + "a text,b\n" * 9)
    (run / "report.json").unlink()
    with pytest.raises(train.runs.errors.RunError, match="has changed since"):
        resume(run, None, None, None, tmp_path / "there", True, console)


def test_a_tokenizer_that_is_there_is_taken(mine: Path, tmp_path: Path) -> None:
    taken = train_tokenizer([text(n) for n in range(20)], 90)
    save_tokenizer(taken, tmp_path / "tokenizer.json")
    task = prepare(config(mine, tokenizer=str(tmp_path / "tokenizer.json")), None)
    assert task.tokenizer.get_vocab() == taken.get_vocab()
    assert task.architecture.config.vocab == taken.get_vocab_size()
    assert prepare(config(mine), None).tokenizer.get_vocab() != taken.get_vocab()


@pytest.mark.parametrize(
    ("changes", "steps"), [({}, 24), ({"least_steps": 30}, 30), ({"least_steps": 9}, 24)]
)
def test_few_texts_are_passed_over_more_often(mine: Path, changes: dict[str, Any], steps: int) -> None:
    """Of 96 training texts a pass is 12 batches."""
    assert lengths(prepare(config(mine, epochs=2, steps=None, **changes), None)) == (12, steps)
    assert lengths(prepare(config(mine, epochs=2, steps=5, **changes), None)) == (12, 5)


def test_long_texts_are_counted_as_cut(mine: Path) -> None:
    model = ClassifierConfig(**SIZES | {"max_positions": 3}, vocab=200)
    task = prepare(config(mine, model=model), None)
    assert [(one.what, one.rows) for one in task.found.findings] == [
        ("no label", 1),
        ("longer than 3 tokens", 120),
    ]


def test_a_path_is_trained_by_the_settings_for_ones_own_data(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mine.parent)
    for family in ("classifier", "bert", "gpt"):
        command = parse(["train", family, "--data", "mine.csv", "--seed", "3"])
        assert command.recipe is recipe_of(family, "own") and command.out == Path("runs") / f"{family}-mine-3"
        assert find_data(command.config, None).data == str(mine)
    assert parse(["train", "gpt", "--data", "."]).out == Path("runs") / "gpt-here-0"
    begun = parse(["train", "classifier", "--data", "mine.csv", "--init", "runs/x"])
    assert begun.recipe.name == "classifier-own-from"
    tuned = parse(["train", "classifier-embedded", "--data", "mine.csv"])
    assert tuned.recipe.name == "classifier-embedded" and find_data(tuned.config, None).data == str(mine)


def test_a_name_wins_over_a_file_and_a_close_one_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "polarity").mkdir()
    assert not parse(["train", "classifier", "--data", "polarity"]).config.own
    assert parse(["train", "classifier", "--data", "./polarity"]).config.own
    with pytest.raises(ConfigError, match=r"data='polarty': no file or folder; did you mean polarity\?"):
        find_data(parse(["train", "classifier", "--data", "polarty"]).config, None)
    with pytest.raises(ConfigError, match="data='own': name the file or the folder"):
        find_data(parse(["train", "classifier-own"]).config, None)


def test_a_data_set_by_name_is_trained_on_and_known_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"text": [text(n) for n in range(120)], "label": ["wild", "calm"] * 60}
    installed(monkeypatch, lambda *names: {"train": Part(rows)})
    command = parse(["train", "classifier", "--data", "hf:someone/mine:small"])
    assert command.recipe is recipe_of("classifier", "own")
    assert command.out == Path("runs") / "classifier-mine-small-0"
    assert parse(["train", "gpt", "--data", "hf:embedded"]).out == Path("runs") / "gpt-hf-embedded-0"
    assert find_data(command.config, None).data == "hf:someone/mine:small"
    assert find_data(parse(["train", "gpt", "--data", "hf:embedded"]).config, None).data == "hf:embedded"
    with pytest.raises(DataError, match="leave --data-dir out"):
        find_data(command.config, tmp_path)
    run, console = tmp_path / "run", Console(quiet=True)
    assert "hf:someone/mine: text in 'text'" in trained(Path("hf:someone/mine"), run)
    before = json.loads((run / "torch" / "report.json").read_text())["trained"]
    for model in ("gpt", "bert"):
        trained(Path("hf:someone/mine"), tmp_path / model, model)
    assert evaluate(run, "torch", None, console)["trained"] == before
    installed(monkeypatch, lambda *names: {"train": Part(rows | {"label": ["calm", "wild"] * 60})})
    with pytest.raises(train.runs.errors.RunError, match=r"hf:someone/mine is not what .* has changed since"):
        evaluate(run, "torch", None, console)


def test_a_file_is_digested_once_by_a_run_that_goes_on(mine: Path, tmp_path: Path) -> None:
    trained(mine, tmp_path / "run")
    digested = []

    def file_digest(file: Any, *rest: Any) -> Any:
        digested.append(file.name)
        return real(file, *rest)

    own._content.cache_clear()
    real = own.file_digest
    with mock.patch.object(own, "file_digest", file_digest):
        evaluate(tmp_path / "run", "torch", None, Console(quiet=True))
    assert digested == [str(mine)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text_column": "x"}, "text_column='x': goes with a file or a folder of yours"),
        ({"encoding": "utf-16"}, "encoding='utf-16': goes with a file"),
        (
            {"label_column": "x", "data": "a.csv", "model": MODELS["gpt"]},
            "label_column='x': gpt reads no labels",
        ),
        ({"tokenizer": "x", "init": "runs/x"}, "tokenizer='x': there is one already"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config(**{"model": MODELS["classifier"]} | changes).check()


def test_the_sets_that_have_names_are_those_that_are_read() -> None:
    from data.sets.datasets import CORPORA, DATASETS

    assert set(SETS) == {*DATASETS, *CORPORA, "reversal"}
