"""The atlas of shapes: what it says is what the models do, and what XLA counts."""

import json
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data.errors import DataError
from parity_tests.twins.check import find_twins
from parity_tests.twins.names import NAMES, UnknownTwin
from parity_tests.twins.run import initial_params, run_jax, run_torch
from study.shapes.atlas import Atlas, atlas
from study.shapes.flops import stretches
from study.shapes.formula import at, coefficients, variant, variants
from study.shapes.settings import parse
from study.shapes.subject import find
from train.config import ConfigError
from twinformer import cli


@pytest.fixture(scope="module")
def gpt() -> Atlas:
    return atlas(find("gpt", 8, 7, {}))


@pytest.mark.usefixtures("unchecked")  # the twins are checked as they run
@pytest.mark.parametrize("name", NAMES)
def test_every_twin_has_an_atlas_and_xla_counts_the_same(name: str) -> None:
    found = atlas(find(name, None, None, {}))
    assert found.xla is None or found.operations == pytest.approx(found.xla, rel=0.01, abs=10)
    for row in found.taps:
        assert len(row.axes) == len(row.jax) == len(row.torch)
        assert sorted(row.jax) == sorted(row.torch)


@pytest.mark.parametrize("name", ["gpt", "qwen3", "bert_for_masked_lm", "encoder_decoder", "cross_attention"])
def test_its_shapes_are_those_of_a_run(name: str) -> None:
    (twin,) = find_twins(name)
    inputs = twin.inputs(np.random.default_rng(0))
    params = initial_params(twin, inputs, 0)
    runs = run_jax(twin, params, inputs, "float32"), run_torch(twin, params, inputs, "float32")
    found = atlas(find(name, 8, None, {}))
    shown = {row.name: row.jax for row in found.taps}, {row.name: row.torch for row in found.taps}
    for run, shapes in zip(runs, shown, strict=True):
        assert {tap: array.shape for tap, array in run.arrays["tap"].items()} == shapes
        assert list(run.arrays["tap"]) == [row.name for row in found.taps]
    assert {row.jax_name: row.jax for row in found.parameters} == {n: a.shape for n, a in params.items()}
    assert found.parameter_count == sum(array.size for array in params.values())


def test_matmuls_are_counted_by_hand(gpt: Atlas) -> None:
    rows = {row.name: row for row in gpt.taps}
    batch, length, embed, head_dim, mlp, vocab = 8, 7, 24, 8, 40, 31
    assert rows["blocks.0/attention/query"].work.matmul == 2 * batch * length * embed * embed
    assert rows["blocks.0/attention/scores"].work.matmul == 2 * batch * 3 * length * length * head_dim
    assert rows["blocks.1/feed_forward/hidden"].work.matmul == 2 * batch * length * embed * mlp
    assert rows["logits"].work.matmul == 2 * batch * length * embed * vocab
    assert rows["blocks.0/attention/weights"].work.softmax_axis == 3


def test_a_transpose_is_marked_where_there_is_one(gpt: Atlas) -> None:
    turned = {row.jax_name.rpartition("blocks_1/")[2] for row in gpt.parameters if row.transposed}
    kernels = ("query", "key", "value", "output")
    expected = {f"attention/{name}/kernel" for name in kernels} | {"feed_forward/up/kernel"}
    assert {name for name in turned if not name.startswith("blocks_0")} == expected | {
        "feed_forward/down/kernel"
    }


def test_a_function_within_a_function_is_counted() -> None:
    @jax.jit
    def inner(x):
        return x @ x

    jaxpr = jax.make_jaxpr(lambda x: jnp.exp(inner(x)) + 1.0)(jnp.ones((3, 3)))
    (found,) = stretches(jaxpr.jaxpr)
    assert (found.matmul, found.other, found.transcendental, found.contracted) == (54, 9, 9, [3])


def test_batch_length_and_settings_are_changed() -> None:
    found = atlas(find("gpt", 3, 40, {"embed": 32, "heads": 4, "mlp": 64}))
    rows = {row.name: row for row in found.taps}
    assert rows["blocks.0/attention/scores"].jax == (3, 4, 40, 40)
    assert rows["blocks.0/feed_forward/hidden"].torch == (3, 40, 64)
    positions = [row for row in found.parameters if row.jax_name.endswith("position_embedding/embedding")]
    assert positions[0].jax == (40, 32)  # more positions, as so many are asked for
    block = atlas(find("cross_attention", 2, 11, {}))
    scores = next(row for row in block.taps if row.name == "scores")
    assert scores.jax == (2, 3, 11, 5)  # the context stays as long as it was


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"heads": 5}, "heads=5"),
        ({"depth": 3}, "depth=3: gpt has no such setting; it has embed, "),
        ({"embed": "wide"}, "gpt"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        find("gpt", None, None, settings)


def test_what_is_typed_is_read() -> None:
    assert parse(["embed=64", "norm=rms", "tied=false", "window=None", "eps=1e-6"]) == {
        "embed": 64,
        "norm": "rms",
        "tied": False,
        "window": None,
        "eps": 1e-6,
    }
    with pytest.raises(ConfigError, match="set=embed: write a setting and its value"):
        parse(["embed"])


@pytest.mark.parametrize("name", ["gpt", "classifier", "encoder_decoder", "feed_forward", "multi_head"])
def test_the_page_reckons_what_a_trace_says(name: str) -> None:
    subject = find(name, None, None, {})
    formula = variant(subject, None)
    expected = atlas(subject.changed(5, 8), xla=False)
    for sizes, row in zip(formula.sizes, expected.taps, strict=True):
        assert tuple(at(size, 5, 8) for size in sizes) == row.jax
    work = [*(row.work.total for row in expected.taps), expected.rest.total]
    assert [at(one, 5, 8) for one in formula.operations] == work


def test_heads_are_varied_where_the_width_has_room() -> None:
    found = variants(find("multi_head", None, None, {}))
    assert [one.heads for one in found] == [1, 2, 3, 4, 6, 8, 12, 24]
    assert len({json.dumps(one.parameters) for one in found}) == 8
    grouped = variants(find("grouped_query_rotary", None, None, {}))
    assert [one.heads for one in grouped] == [6]


def test_what_is_no_polynomial_is_refused() -> None:
    with pytest.raises(ValueError, match="no polynomial"):
        coefficients([1, 2, 4, 1, 2, 4], 2**10)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, record = tmp_path / "deep" / "gpt.html", tmp_path / "gpt.json"
    words = ["shapes", "gpt", "--batch", "3", "--set", "heads=4", "--html", str(page), "--json", str(record)]
    assert cli.status(words) == 0
    said = capsys.readouterr().out
    assert "blocks.1/attention/scores" in said and "batch 3 · heads 4 · query 7 · key 7" in said
    assert "(3, 4, 7, 7)" in said and "transposed" in said and "XLA counts" in said
    fields = json.loads(record.read_text())
    assert fields["schema"] == 1 and fields["parameter_count"] == sum(
        math.prod(row["jax"]) for row in fields["parameters"]
    )
    text = page.read_text("utf-8")
    assert "http" not in text.replace("http-equiv", "") and "blocks.1/attention/scores" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gtp"], "did you mean gpt"),
        (["all"], "one model or block at a time"),
        (["gpt", "--batch", "0"], "--batch 0: give 1 or more"),
        (["gpt", "--set", "heads=7"], "heads"),
        (["gpt", "--html", "."], "--html .: is a folder"),
        (["."], "has neither model.json"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_line(
    words: list[str], said: str, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.status(["shapes", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_folder_that_is_broken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises((DataError, ConfigError, ValueError)):
        find(str(tmp_path), None, None, {})
    with pytest.raises(UnknownTwin):
        find("nonsense", None, None, {})
