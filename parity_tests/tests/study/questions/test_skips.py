"""The question of skip connections: what is taken away, the twins, what passes through."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
from matplotlib.image import imread

from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions.fit import trainer
from study.questions.settings import PLAIN
from study.questions.skips import torch_model
from study.questions.skips.measures import gradient_norms, likeness
from study.questions.skips.settings import SkipConfig, Skips
from study.questions.skips.study import PAIR, POSITIONS, VOCAB, Settings, unigram
from study.questions.task import Rows
from torch_impl.gpt import GPT
from train.proof.preflight import ParityError
from twinformer import cli

IDS = np.random.default_rng(0).integers(0, VOCAB, (2, POSITIONS), dtype=np.int32)
ROWS = Rows(IDS, np.roll(IDS, -1, axis=1))
LINE = ["question", "skips", "--depths", "1", "--steps", "1"]


class KeepsThem(torch_model.SkipGPT):
    """A mistake: its blocks have both skip connections, whatever is asked."""

    def __init__(self, config: SkipConfig) -> None:
        super().__init__(config)
        for block in self.blocks:
            block.config = Settings().model(1, "both", "pre", "xavier")


def model(skips: Skips, norm: Any = "pre", layers: int = 2) -> Any:
    arguments = {"config": Settings().model(layers, skips, norm, "xavier")}
    return trainer(PAIR, arguments, IDS, 0, "torch", PLAIN)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_with_both_it_is_the_gpt_that_we_have(norm: Any) -> None:
    ours = model("both", norm)
    theirs = GPT(ours.model.config)
    theirs.load_state_dict(ours.model.state_dict())
    found = theirs(ours._tensor(IDS)).detach().numpy()
    np.testing.assert_array_equal(ours.logits(IDS), found)


def test_each_kind_is_another_function_of_the_same_weights() -> None:
    models = {skips: model(skips) for skips in get_args(Skips)}
    logits = [each.logits(IDS) for each in models.values()]
    weights = [each.params() for each in models.values()]
    for one in range(4):
        for other in range(one):
            assert abs(logits[one] - logits[other]).max() > 1e-3
            assert all((weights[one][name] == weights[other][name]).all() for name in weights[0])


def test_without_skip_connections_a_dead_branch_passes_nothing_on() -> None:
    """Attention's output at zero: with its skip connection the tokens pass by it, without it none do."""
    for skips in get_args(Skips):
        each = model(skips, layers=1)
        for parameter in each.model.blocks[0].attention.output.parameters():
            parameter.data.zero_()
        outputs = each.taps(IDS)["blocks.0/output"]
        passes = bool((outputs[0] != outputs[0, :1]).any())
        assert passes == (skips in ("both", "attention's")), skips


def test_a_skip_connection_in_one_framework_alone_stops_before_training() -> None:
    config = Settings().model(1, "none", "pre", "xavier")
    assert hold("skips", PAIR, {"ids": IDS}, {"config": config})["largest_error"] < 1e-11
    with pytest.raises(ParityError, match="blocks"):
        hold("skips", Pair(PAIR.jax, KeepsThem), {"ids": IDS}, {"config": config})


def test_gradients_are_summed_by_block() -> None:
    each = model("both")
    first, second = gradient_norms(each, ROWS, 2)
    gradients = each.gradients(ROWS)
    blocks = [
        np.concatenate([g.ravel() for n, g in gradients.items() if f"blocks_{i}/" in n]) for i in (0, 1)
    ]
    np.testing.assert_allclose([first, second], [np.linalg.norm(block) for block in blocks], rtol=1e-5)


@pytest.mark.parametrize(("second", "expected"), [([2.0, 0.0], 1.0), ([0.0, 3.0], 0.0), ([-1.0, 0.0], -1.0)])
def test_likeness_is_the_cosine_of_two_positions(second: list[float], expected: float) -> None:
    outputs = np.array([[[1.0, 0.0], second]])
    fake = SimpleNamespace(taps=lambda ids: {"blocks.0/output": outputs})
    assert likeness(fake, ROWS, 1) == pytest.approx([expected])


def test_a_guess_that_looks_at_nothing() -> None:
    tokens = np.repeat(np.arange(VOCAB), 7)
    assert unigram(tokens, ROWS) == pytest.approx(np.log(VOCAB))


def test_the_command_writes_a_record_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, unchecked: None
) -> None:
    monkeypatch.setattr("study.questions.skips.study.hold", lambda *anything: {"checks": 0})
    assert cli.status([*LINE, "--out", str(tmp_path / "out")]) == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))
    assert len(record["runs"]) == 12 and {run["layers"] for run in record["runs"]} == {1}
    assert imread(tmp_path / "out" / "skips.png").shape[2] == 4
    assert cli.status([*LINE, "--out", str(tmp_path / "out")]) == 2
    assert "holds a record.json already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--depths", "0", "2"], "depths=0: give 1 or more"), (["--steps", "-1"], "--steps -1: give 0 or more")],
)
def test_what_cannot_be_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.status(["question", "skips", *words]) == 2
    assert said in capsys.readouterr().err
