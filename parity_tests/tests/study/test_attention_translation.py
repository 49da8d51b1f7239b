"""Where an encoder-decoder looks: its three attentions are the model's, alike in both frameworks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

import data
import train
from jax_impl.config import Seq2SeqConfig
from parity_tests.tests.study.test_attention import made
from study.attention.heads import Heads
from study.attention.statistics import statistics
from study.attention.translation import of_source
from train.runs.load import Run
from twinformer import cli

SOURCE = "3 1 4 1"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("encoder_decoder", Seq2SeqConfig, tmp_path_factory.mktemp("run"), data.symbol_tokenizer(5))


def looked(run: Path, framework: Any) -> tuple[Run, list[Heads]]:
    opened = train.load(run, framework)
    return opened, of_source(opened, SOURCE)


def test_both_frameworks_see_the_same_three(run: Path) -> None:
    (opened, ours), (_, theirs) = (looked(run, framework) for framework in ("jax", "torch"))
    assert [part.kind for part in ours] == ["encoder", "decoder", "cross"]
    for part, other in zip(ours, theirs, strict=True):
        assert (part.queries, part.keys, part.shape) == (other.queries, other.keys, (2, 3))
        np.testing.assert_allclose(part.weights, other.weights, atol=1e-6)
        np.testing.assert_allclose(part.weights.sum(axis=-1), 1.0, atol=1e-6)
        assert part.weights[:, :, ~part.seen].sum() == 0.0
    encoder, decoder, cross = ours
    assert encoder.keys == cross.keys == ("3", "1", "4", "1") and encoder.itself and not cross.itself
    assert decoder.itself and not decoder.seen[0, 1:].any() and encoder.seen.all() and cross.seen.all()
    # What is read is what was written, one place on: the likeliest of the whole model's own logits.
    assert decoder.queries[0] == "<s>"
    steps = [word.split(" → ") for word in cross.queries]
    assert tuple(step[0] for step in steps) == decoder.queries
    ids = [
        np.array([[opened.tokenizer.token_to_id(w) for w in words]]) for words in (encoder.keys, decoder.keys)
    ]
    logits = opened.outputs(*ids, np.ones((1, 4), bool))
    assert [step[1] for step in steps] == [opened.tokenizer.id_to_token(int(n)) for n in logits[0].argmax(-1)]


def test_each_tap_is_in_its_place(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that say where they were tapped come out where they belong."""
    kinds = {"encoder.{}/attention": 1, "decoder.{}/attention": 2, "decoder.{}/cross_attention": 3}

    def planted(run: Run, arrays: Any) -> dict[str, np.ndarray]:
        lengths = {1: (4, 4), 2: (arrays["target"].shape[1],) * 2, 3: (arrays["target"].shape[1], 4)}
        return {
            f"{tap.format(layer)}/weights": np.full((3, *lengths[number]), 10.0 * number + layer)
            for tap, number in kinds.items()
            for layer in (0, 1)
        }

    monkeypatch.setattr("study.attention.translation.tapped", planted)
    _, parts = looked(run, "torch")
    assert [part.weights[:, 0, 0, 0].tolist() for part in parts] == [[10, 11], [20, 21], [30, 31]]


def test_what_crosses_has_no_previous_token() -> None:
    weights = np.eye(3)[None, None, ::-1]
    (row,) = statistics(Heads("", ("a", "b", "c"), ("x", "y", "z"), weights, np.ones((3, 3), bool), "cross"))
    assert (row.kind, row.entropy, row.previous, row.same) == ("cross", 0.0, None, None)
    assert row.first == pytest.approx(1 / 3)  # of the last query's, the first query's counts too


def test_the_command_draws_all_three_or_one(run: Path, tmp_path: Path, capsys) -> None:
    heights = {}
    for name, more in {"all.png": [], "cross.png": ["--which", "cross"]}.items():
        assert cli.status(["attention", str(run), SOURCE, "--out", str(tmp_path / name), *more]) == 0
        heights[name] = imread(tmp_path / name).shape[0]
    assert heights["all.png"] == pytest.approx(3 * heights["cross.png"], abs=3)
    assert "encoder 1.2" in capsys.readouterr().out
    assert cli.status(["attention", str(run), SOURCE, "--out", str(tmp_path / "page.html")]) == 0
    known = json.loads(
        (tmp_path / "page.html").read_text().partition("const known = ")[2].partition(";\n")[0]
    )
    assert [part["kind"].split()[0] for part in known["parts"]] == ["encoder", "decoder", "cross-attention"]
    one = ["--which", "decoder", "--layer", "1", "--head", "0"]
    assert cli.status(["attention", str(run), SOURCE, "--out", str(tmp_path / "one.svg"), *one]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["3 1 9"], "'9' is no symbol of this model: write some of 0 to 4, with spaces"),
        (["3,1"], "'3,1' is no symbol"),
        (["<pad> 1"], "'<pad>' is no symbol"),
        ([" "], "it has no symbols"),
        (["1 " * 32], "the text has 32 symbols, and the model 32 positions, one of which is the end's"),
        (["1", "--layer", "0", "--head", "0"], "of which attention? give --which"),
        (["1", "--which", "both"], "invalid choice"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    words: list[str], said: str, run: Path, tmp_path: Path, capsys
) -> None:
    try:
        status = cli.status(["attention", str(run), *words, "--out", str(tmp_path / "x.png")])
    except SystemExit as stop:
        status = stop.code
    assert status == 2 and said in capsys.readouterr().err and not any(tmp_path.iterdir())
