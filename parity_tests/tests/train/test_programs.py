"""A run as a program: it computes what the run does, without us, or it is not there."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from scipy.special import softmax
from tokenizers import Tokenizer

import data
from jax_impl.config import CONFIGS, from_json
from parity_tests.tests.annotations import annotations_unchecked
from train.architecture import Architecture
from train.config import FRAMEWORKS
from train.loops import torch_loop
from train.programs import check, export
from train.programs.about import OUTPUTS
from train.programs.export import export_program
from train.runs import checkpoint, folder
from train.runs.durable import write_json
from train.runs.errors import RunError
from train.runs.load import load
from train.runs.their_settings import KEPT
from twinformer import cli

TEXTS = ["The cat sat on the mat.", "", "A dog", "the dog sat on the cat " * 9]
SMALL: dict[str, Any] = {"max_positions": 24, "embed": 8, "heads": 2, "mlp": 8, "layers": 2, "dropout": 0.1}
LLAMA = {"position_encoding": "rotary", "norm": "rms", "gated": True, "use_bias": False, "kv_heads": 1}
SINES = {"position_encoding": "sinusoidal"}
FILES = {"README.md", "export.json", "tokenizer.json", "model.pt2", "model.stablehlo", "weights.npz"}

# A model by name, and settings beside the small ones.
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "classifier": ("classifier", {"classes": 3}),
    "classifier, fused": ("classifier", {"classes": 2, "fused": True, "position_encoding": "learned"}),
    "classifier, sines": (
        "classifier",
        {"classes": 2, "norm_position": "post", "position_encoding": "sinusoidal"},
    ),
    "classifier, n-grams": ("classifier", {"classes": 3, "ngram_buckets": 13}),
    "bert, mean": ("bert_classifier", {"classes": 3, "pooling": "mean"}),
    "bert, first": ("bert_classifier", {"classes": 3, "pooling": "first", "lean": True}),
    "words": ("bert_for_masked_lm", {"lean": True}),
    "bert": ("bert", {"position_offset": 2}),
    "gpt": ("gpt", {"window": 3}),
    "llama": ("gpt", LLAMA),
    "gpt to classify": ("gpt_classifier", {"classes": 3}),
    "one position": ("classifier", {"classes": 2, "max_positions": 1}),
}


def make(out: Path, name: str, settings: dict[str, Any], seed: int = 5) -> Path:
    """A run of a model that was not trained: of its size, with drawn weights."""
    words = name.startswith("gpt") and name != "gpt_classifier"
    tokenizer = data.train_bpe(TEXTS, 262) if words else data.train_tokenizer(TEXTS, 60)
    fields = SMALL | {"vocab": tokenizer.get_vocab_size()} | settings
    architecture = Architecture(name, from_json(CONFIGS[name], fields))
    classes = tuple(f"class {number} `|" for number in range(settings.get("classes", 0)))
    folder.create(out, architecture, classes, tokenizer)
    params = torch_loop.initial_params(architecture, seed)
    drawn = np.random.default_rng(seed)  # biases are not zero
    params = {path: a + drawn.normal(size=a.shape).astype(a.dtype) / 5 for path, a in params.items()}
    checkpoint.save(out, {"params": params}, {"files": folder.parts(out)})
    return out


@pytest.fixture(scope="module", autouse=True)
def traced() -> Iterator[None]:
    """Sizes that are traced are no int, as annotations have them."""
    with annotations_unchecked():
        yield


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("runs") / "my [run]", *MODELS["classifier"])


@pytest.fixture(scope="module")
def exported(classifier: Path) -> Path:
    out = classifier.parent / "deep" / "er"
    export_program(classifier, out)
    return out


def in_a_process(code: str, cwd: Path, *hidden: str) -> str:
    """What Python prints where these modules, and ours, cannot be imported."""
    ours = ("twinformer", "train", "data", "jax_impl", "torch_impl", "parity_tests", "study", "benchmarks")
    begin = f"import sys; sys.modules.update(dict.fromkeys({[*ours, *hidden]}))\n"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", begin + code],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    ("title", "hidden"),
    [("PyTorch", ("jax", "flax", "safetensors")), ("JAX", ("torch", "flax", "safetensors"))],
)
def test_the_lines_of_its_page_run_without_us_and_say_what_the_run_says(
    title: str, hidden: tuple[str, ...], exported: Path, classifier: Path
) -> None:
    page = (exported / "README.md").read_text("utf-8")
    (block,) = re.findall(rf"## In {title}\n.*?```python\n(.*?)```", page, re.DOTALL)
    ask = f"print(json.dumps([[float(x) for x in row] for row in outputs(*read({TEXTS!r}))]))\n"
    *shown, logits = in_a_process(block + ask, exported, *hidden).splitlines()
    run = load(classifier, "torch")
    for line, found in zip(shown, run.predict(["A text.", "Another text, which is longer."]), strict=True):
        match = re.fullmatch(rf"{re.escape(found.label)} ([0-9.]+) {re.escape(found.text)}", line)
        assert match and float(match[1]) == pytest.approx(found.probabilities[found.label], rel=1e-4)
    for row, found in zip(json.loads(logits), run.predict(TEXTS), strict=True):
        assert found.probabilities == pytest.approx(
            dict(zip(run.classes, softmax(row), strict=True)), rel=1e-4
        )


def test_the_folder_has_all_of_its_files_and_nothing_else(exported: Path, classifier: Path) -> None:
    assert {path.name for path in exported.iterdir()} == FILES
    about = json.loads((exported / "export.json").read_text())
    assert about["classes"] == ["class 0 `|", "class 1 `|", "class 2 `|"] and about["model"] == "classifier"
    assert about["weights"] == "checkpoint.safetensors" and about["run"] == "my [run]"
    for path in exported.iterdir():  # no path of the machine that wrote it
        assert str(Path(export.__file__).parents[2]).encode() not in path.read_bytes(), path


QUICK = ("llama",)  # it has the shapes that are hardest to export


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in MODELS]
)
def test_every_model_is_a_program(name: str, tmp_path: Path) -> None:
    run = make(tmp_path / "run", *MODELS[name])
    export_program(run, tmp_path / "out")  # which compares
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES


def test_every_model_that_can_be_one_is_tried() -> None:
    assert {name for name, _ in MODELS.values()} == set(OUTPUTS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "shown"), [("multi_label_classification", "sigmoid"), ("regression", "shape")]
)
def test_an_imported_classifier_keeps_its_marks_and_what_its_numbers_mean(
    problem: str, shown: str, tmp_path: Path
) -> None:
    run = make(tmp_path / "run", *MODELS["bert, first"])
    write_json(run / KEPT, {"problem_type": problem})
    params = load(run, "torch").params
    checkpoint.save(run, {"params": params}, {"files": folder.parts(run)})
    export_program(run, tmp_path / "out")
    assert shown in (tmp_path / "out" / "README.md").read_text()
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert tokenizer.encode("").ids == [data.CLS_ID, data.SEP_ID]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_program_that_computes_something_else_is_refused(
    framework: str, exported: Path, classifier: Path
) -> None:
    run = load(classifier)
    other = replace(run, params=run.params | {"head/bias": run.params["head/bias"] + np.float32(1e-2)})
    with mock.patch.object(check, "FRAMEWORKS", (framework,)):
        check.check(run, exported)
        words = rf"my \[run\]: as a program of {framework} it does not compute the same"
        with pytest.raises(RunError, match=words):
            check.check(other, exported)


def test_a_tokenizer_that_reads_otherwise_is_refused(
    exported: Path, classifier: Path, tmp_path: Path
) -> None:
    run = load(classifier)
    shutil.copytree(exported, tmp_path / "out")
    data.save_tokenizer(run.tokenizer, tmp_path / "out" / "tokenizer.json")  # which does not cut
    with pytest.raises(RunError, match=r"my \[run\]: its tokenizer.json reads texts otherwise"):
        check.check(run, tmp_path / "out")


def test_what_is_refused_leaves_nothing(classifier: Path, tmp_path: Path) -> None:
    with (
        mock.patch.object(export, "FRAMEWORKS", ()),
        mock.patch.object(export, "check", side_effect=RunError("no")),
        pytest.raises(RunError),
    ):
        export_program(classifier, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_compared_has_every_length() -> None:
    architecture = Architecture(
        "classifier", from_json(CONFIGS["classifier"], SMALL | {"vocab": 9, "classes": 2})
    )
    sizes = {ids.shape for ids, mask in check._drawn(architecture)}
    assert sizes == {(1, 1), (1, 24), (3, 13)}


def status(*words: Any) -> int:
    return cli.status([str(word) for word in words])


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda run, out: (run / "tokenizer.json").unlink(), "tokenizer.json"),
        (lambda run, out: (run / "model.json").unlink(), "is no trained run: cannot read"),
        (
            lambda run, out: (run / "checkpoint.safetensors").write_bytes(b"no"),
            "checkpoint.safetensors is damaged",
        ),
        (lambda run, out: out.write_text("a file"), "out is no folder"),
        (lambda run, out: (out / "mine").mkdir(parents=True), "is not empty, and no run"),
    ],
)
def test_what_cannot_be_exported_is_told_in_one_line(
    harm: Any, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make(tmp_path / "run", *MODELS["classifier"])
    harm(run, tmp_path / "out")
    before = sorted(tmp_path.rglob("*"))
    assert status("export", run, tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert words in told.replace("\n", "") and told.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "form", "words"),
    [
        ("encoder_decoder", [], "encoder_decoder: it writes token by token"),
        (
            "bert_model",
            ["--as", "program"],
            "bert_model: it has several outputs; export it with --as hugging-face",
        ),
        ("classifier", ["--as", "hugging-face"], "no model at Hugging Face computes this classifier"),
    ],
)
def test_a_model_that_is_none_is_refused(
    name: str, form: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make(tmp_path / "run", name, {"classes": 2} if name == "classifier" else {})
    assert status("export", run, tmp_path / "out", *form) == 2
    assert words in capsys.readouterr().err.replace("\n", "")
    assert not (tmp_path / "out").exists()


def test_the_command_writes_what_there_is(
    classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hugging Face's folder where there is a counterpart, else a program; or what was asked for."""
    gpt, called = make(tmp_path / "gpt", "gpt", {}), []
    with mock.patch.object(export, "export_program", lambda run, out: called.append(out.name)):
        assert status("export", classifier, tmp_path / "one") == 0
        assert "no model at Hugging Face computes this classifier, so" in capsys.readouterr().out.replace(
            "\n", " "
        )
        assert status("export", gpt, tmp_path / "two", "--as", "program") == 0
        assert status("export", gpt, tmp_path / "three") == 0
    assert called == ["one", "two"] and (tmp_path / "three" / "config.json").is_file()
