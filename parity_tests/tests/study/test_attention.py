"""Attention drawn: the numbers are the model's, alike in both frameworks, and planted habits are seen."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from matplotlib.image import imread

import data
import train
from jax_impl.config import BertConfig, ClassifierConfig, GPTConfig
from parity_tests.tests.train.test_train_hugging_face import make
from study.attention.heads import Heads, of_ids, read
from study.attention.page import page
from study.attention.picture import habit
from study.attention.statistics import induction, measured, statistics
from train.architecture import Architecture
from train.loops.backend import backend
from train.runs import checkpoint, folder
from train.runs.hugging_face import import_run
from twinformer import cli

TEXTS = ["the cat sat on a mat , and the dog barked <b>", "a cat and a dog sat on the mat again"]
SENTENCE = "the cat sat on the mat"
SIZES: dict[str, Any] = {"max_positions": 32, "embed": 12, "heads": 3, "mlp": 16, "layers": 2}


def made(name: str, config: type, out: Path, tokenizer: Any, **settings: Any) -> Path:
    model = Architecture(name, config(vocab=tokenizer.get_vocab_size(), **SIZES, **settings))
    classes = ("a", "b") if "classes" in settings else ()
    folder.create(out, model, classes, tokenizer)
    checkpoint.save(out, {"params": backend("torch").initial_params(model, 5)}, {"files": folder.parts(out)})
    return out


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("runs")
    pieces, bpe = data.train_tokenizer(TEXTS, 90), data.train_bpe(TEXTS, 280)
    return {
        "gpt": made("gpt", GPTConfig, out / "gpt", bpe),
        "classifier": made("classifier", ClassifierConfig, out / "classifier", pieces, classes=2),
        "bert_for_masked_lm": made("bert_for_masked_lm", BertConfig, out / "bert", pieces),
    }


def self_attention(weights: np.ndarray) -> Heads:
    length = weights.shape[-1]
    return Heads("", ("",) * length, ("",) * length, weights, np.tri(length, dtype=bool))


def heads(run: Path, text: str, framework: Any = "jax") -> Heads:
    opened = train.load(run, framework)
    ids, tokens = read(opened, text)
    return of_ids(opened, ids, tokens, text)


@pytest.mark.parametrize("name", ["gpt", "classifier", "bert_for_masked_lm"])
def test_both_frameworks_see_the_same(runs: dict[str, Path], name: str) -> None:
    ours, theirs = (heads(runs[name], SENTENCE, framework) for framework in ("jax", "torch"))
    assert ours.keys == theirs.keys and ours.itself
    assert ours.shape == (2, 3) and ours.seen.all() == (name != "gpt")
    np.testing.assert_allclose(ours.weights, theirs.weights, atol=1e-6)
    np.testing.assert_allclose(ours.weights.sum(axis=-1), 1.0, atol=1e-6)
    above = np.triu(np.ones(ours.weights.shape[-2:], bool), 1)
    assert (ours.weights[:, :, above].max() == 0.0) == (name == "gpt")
    marked = ours.keys[0] == "[CLS]" and ours.keys[-1] == "[SEP]"
    assert marked == (name == "bert_for_masked_lm")


def test_an_imported_run_looks_where_theirs_does(tmp_path: Path) -> None:
    theirs = make("GPT2LMHeadModel", tmp_path / "source")
    import_run(tmp_path / "source", tmp_path / "run")
    found = heads(tmp_path / "run", "the cat sat")
    ids, _ = read(train.load(tmp_path / "run"), "the cat sat")
    model = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "source", attn_implementation="eager")
    import torch

    with torch.no_grad():
        expected = model.eval()(torch.tensor(ids[None]).long(), output_attentions=True).attentions
    for ours, other in zip(found.weights, expected, strict=True):
        np.testing.assert_allclose(ours, other[0].numpy(), atol=1e-6)
    assert theirs.config.n_layer == found.shape[0]


def test_words_are_readable(runs: dict[str, Path]) -> None:
    found = heads(runs["gpt"], "the cat\nsat")
    assert "".join(found.keys).replace("␣", " ").replace("↵", "\n") == "the cat\nsat"
    assert "Ġ" not in "".join(found.keys)


def test_planted_habits_are_measured() -> None:
    length = 6
    previous = np.eye(length, k=-1)
    previous[0, 0] = 1.0
    first = np.zeros((length, length))
    first[:, 0] = 1.0
    uniform = np.tri(length) / np.arange(1, length + 1)[:, None]
    expected = {"previous": previous, "first": first, "itself": np.eye(length)}
    rows = statistics(self_attention(np.stack([*expected.values(), uniform])[None]))
    assert [habit(row).split()[0] for row in rows] == [*expected, "entropy"]
    assert measured(previous)[1] == measured(first)[2] == measured(np.eye(length))[3] == 1.0
    assert measured(uniform)[0] == pytest.approx(np.log(np.arange(2, length + 1)).mean())
    assert measured(np.eye(length))[0] == 0.0


def test_induction_reads_the_token_after_the_first_appearance(runs: dict[str, Path], monkeypatch) -> None:
    run = train.load(runs["gpt"])
    found = induction(run)
    assert found is not None and found.shape == (2, 3) and (found < 0.3).all()  # untrained: 1 of some 24

    def copies(run: Any, ids: np.ndarray, tokens: Any, title: str) -> Heads:
        """One head that copies, one that looks one place off."""
        half = len(ids) // 2
        assert (ids[:half] == ids[half:]).all() and len(set(ids)) == half
        weights = np.zeros((1, 2, len(ids), len(ids)))
        for query in range(half, len(ids)):
            weights[0, 0, query, query - half + 1] = weights[0, 1, query, query - half] = 1.0
        return self_attention(weights)

    monkeypatch.setattr("study.attention.statistics.of_ids", copies)
    planted = induction(run)
    assert planted is not None and planted.tolist() == [[1.0, 0.0]]
    assert induction(train.load(runs["classifier"])) is None


def test_the_command_draws(runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {}
    ways = {"all.png": [], "layer.png": ["--layer", "1"], "one.png": ["--layer", "1", "--head", "2"]}
    for name, more in ways.items():
        out = tmp_path / "deep" / name
        assert cli.status(["attention", str(runs["gpt"]), SENTENCE, "--out", str(out), *more]) == 0
        sizes[name] = imread(out).shape[0]
    assert sizes["all.png"] > sizes["layer.png"]
    said = capsys.readouterr().out
    assert "induction" in said and "1.2" in said
    out = tmp_path / "page.html"
    assert cli.status(["attention", str(runs["classifier"]), "cat < dog", "--out", str(out)]) == 0
    text = out.read_text("utf-8")
    assert "http" not in text and "cat &lt; dog" in text
    known = json.loads(text.partition("const known = ")[2].partition(";\n")[0])
    expected = heads(runs["classifier"], "cat < dog")
    np.testing.assert_allclose(known["parts"][0]["weights"], expected.weights, atol=1e-4)
    assert known["parts"][0]["keys"] == list(expected.keys)


def test_both_frameworks_give_the_same_page(runs: dict[str, Path]) -> None:
    pages = []
    for framework in ("jax", "torch"):
        found = heads(runs["gpt"], SENTENCE, framework)
        rounded = dataclasses.replace(found, weights=found.weights.round(5))
        pages.append(page([rounded], statistics(rounded), "either", 0, 0))
    numbers = [json.loads(one.partition("const known = ")[2].partition(";\n")[0]) for one in pages]
    ours, theirs = (one["parts"][0]["weights"] for one in numbers)
    np.testing.assert_allclose(ours, theirs, atol=1.01e-4)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["the", "--out", "x.jpeg"], "give a name that ends with"),
        (["the", "--out", "x.png", "--layer", "2"], "--layer 2: there are 2; give one from 0 to 1"),
        (["the", "--out", "x.png", "--which", "cross"], "--which cross: "),
        (["the", "--out", "x.png", "--head", "1"], "of which layer? give --layer too"),
        ([" ", "--out", "x.png"], "it has no tokens"),
        (["the cat " * 40, "--out", "x.png"], "and the model 32 positions: shorten it"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    runs: dict[str, Path], more: list[str], said: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.status(["attention", str(runs["gpt"]), *more]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and not any(tmp_path.iterdir())
