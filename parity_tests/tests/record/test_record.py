"""`record`: what comes back from the file is what the reference itself would say."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file

from parity_tests.pair import JaxModel, Row, TorchModel, compare, record
from parity_tests.record.read import read_recorded
from parity_tests.tests.record import in_flax, in_torch
from parity_tests.tests.record.pair import ALIKE, INPUTS, ON_FILE, TABLE

MODELS = {"torch": in_torch.model, "flax": in_flax.model}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reference.safetensors"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mistaken", [False, True], ids=["right", "mistaken"])
@pytest.mark.parametrize("candidate", MODELS)
@pytest.mark.parametrize("reference", MODELS)
def test_the_report_is_that_of_the_reference_itself(reference, candidate, mistaken, dtype, path):
    model, other = MODELS[reference](), MODELS[candidate](mistaken)
    table = ALIKE if reference == candidate else TABLE
    alive = compare(model, other, INPUTS, table, dtype=dtype)
    record(model, INPUTS, path, table, dtype=dtype)
    on_file = compare(path, other, dtype=dtype)
    assert on_file.passed == alive.passed != mistaken
    assert on_file.checks == alive.checks
    assert on_file.isolations == alive.isolations
    assert on_file.to_json() == alive.to_json()
    assert str(on_file) == str(alive)


@pytest.mark.parametrize("framework", MODELS)
def test_those_on_file_are_what_is_recorded_today(framework, path):
    """But for roundings, which differ between machines, and versions."""
    record(MODELS[framework](), INPUTS, path, TABLE)
    (then, before), (now, after) = (
        (read_recorded(one).contract, load_file(one)) for one in (ON_FILE[framework], path)
    )
    assert (then.names, then.reads, then.axes, then.table) == (now.names, now.reads, now.axes, now.table)
    assert then.digests == now.digests and then.seeds == now.seeds
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_allclose(array, after[name], rtol=0, atol=1e-13, err_msg=name)


def test_the_same_run_makes_the_same_file_which_all_may_read(path):
    first = record(in_torch.model(), INPUTS, path, TABLE).read_bytes()
    assert record(in_torch.model(), INPUTS, path, TABLE).read_bytes() == first
    path.with_name("other").touch()
    assert path.stat().st_mode == path.with_name("other").stat().st_mode


def test_versions_and_seeds_are_on_file(path):
    contract = read_recorded(record(in_flax.model(), INPUTS, path)).contract
    assert {"numpy", "jax", "flax"} <= contract.versions.keys() and "torch" not in contract.versions
    assert contract.seeds == {"cotangent": 0} and contract.table is None


def test_only_the_taps_that_were_asked_for_are_on_file(path):
    record(in_torch.model(), INPUTS, path, TABLE, taps=["*o*", "up"])
    comparison = compare(path, in_flax.Port())
    assert [check.name for check in comparison.checks if check.kind == "tap"] == [
        "tokens",
        "norm",
        "up",
        "down",
    ]
    record(in_torch.model(), INPUTS, path, TABLE, taps=["n*"])
    assert [key for key in load_file(path) if key.startswith(("tap", "read"))] == ["read 0/norm", "tap/norm"]
    with pytest.raises(ValueError, match="taps: 'layers' finds nothing; there are tokens, norm, up, down"):
        record(in_torch.model(), INPUTS, path, taps=["layers"])


def test_another_table_may_be_given_and_one_that_changes_values(path):
    def less(params, ids, mask, x):
        """Keeps the norm's scale as its distance from one."""
        norm = {**params["norm"], "scale": params["norm"]["scale"] + 1}
        return in_flax.Port().apply({"params": {**params, "norm": norm}}, ids, mask, x)

    (norm,) = [row for row in TABLE if row.flax == "norm/scale"]
    changing = [row for row in TABLE if row is not norm] + [norm._replace(change=lambda scale: scale - 1)]
    with pytest.raises(
        ValueError, match="row of 'norm/scale' changes values, by code that no file keeps: leave"
    ):
        record(in_torch.model(), INPUTS, path, changing)
    record(in_torch.model(), INPUTS, path, TABLE)
    candidate = JaxModel(less, in_flax.model().params)
    assert compare(path, candidate, weights=changing).passed
    assert not compare(path, candidate).passed


LAYOUTS = {
    "columns first": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "every other": np.arange(24.0).reshape(3, 8)[:, ::2],
    "the other end first": np.arange(12.0).reshape(3, 4).astype(">f8"),
    "half": np.arange(12).reshape(3, 4).astype(np.float16),
}


@pytest.mark.parametrize("x", LAYOUTS.values(), ids=LAYOUTS)
def test_numbers_of_any_layout_come_back(x, path):
    """The file's writer takes bytes as they lie."""

    def model(params, x, ids, scalar, nothing):
        return {"y": (x.T @ jnp.ones(3)) * scalar + ids + nothing.sum(), "x": x.T}

    inputs = {
        "x": x,
        "ids": np.arange(4, dtype=">i4"),
        "scalar": np.float32(2.0),
        "nothing": np.zeros((0, 2)),
    }
    module = TorchModel(
        torch.nn.Identity(),
        lambda module, x, ids, scalar, nothing: {
            "y": (x.T @ torch.ones(3)) * scalar + ids + nothing.sum(),
            "x": x.T,
        },
    )
    record(module, inputs, path)
    assert compare(path, JaxModel(model, {}), weights=()).passed


def test_digests_stand_for_weights_that_the_candidate_brings(path):
    record(in_torch.model(), INPUTS, path, TABLE, digests=True)
    with safe_open(path, "numpy") as file:
        assert not [key for key in file.keys() if key.startswith("parameter/")]  # noqa: SIM118
    for candidate in (in_flax.model(), in_flax.model(mistaken=True)):
        alive = compare(in_torch.model(), candidate, INPUTS, TABLE)
        assert compare(path, candidate).checks == alive.checks
    assert compare(path, in_torch.model(), weights=ALIKE).passed
    other = in_torch.model()
    with torch.no_grad():
        other.norm.bias[2] += 1e-6
    with pytest.raises(ValueError, match=r"not those of .*: 'norm\.bias' has another digest; give"):
        compare(path, other, weights=ALIKE)
    with pytest.raises(ValueError, match="Port has no weights: give JaxModel"):
        compare(path, in_flax.Port())
    changing = (Row("norm/scale", "norm.weight", "e -> e", lambda scale: scale), *TABLE)
    with pytest.raises(ValueError, match="from what the row of 'norm/scale' changes there is no way back"):
        compare(path, in_flax.model(), weights=changing)


def test_a_full_disk_leaves_what_was_there(path, monkeypatch):
    before = record(in_torch.model(), INPUTS, path).read_bytes()

    def full(arrays, partial, metadata):
        partial.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("parity_tests.record.write.save_file", full)
    with pytest.raises(OSError, match="No space left"):
        record(in_torch.model(), INPUTS, path, TABLE)
    assert path.read_bytes() == before and [*path.parent.iterdir()] == [path]


class Nan(torch.nn.Module):
    def forward(self, x):
        return x * float("nan")


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"dtype": "bfloat16"}, "dtype 'bfloat16': choose one of float64, float32"),
        ({"path": "nowhere/a.safetensors"}, "cannot be written: give a file, in a folder that is there"),
        ({"path": "."}, "cannot be written: give a file"),
        ({"inputs": {"x": np.ones(2, complex)}}, "input 'x' is complex: give its two parts"),
        ({"inputs": {"x": np.array([1.0, np.nan])}}, "Identity has NaN in input 'x'"),
        ({"reference": Nan()}, "Nan has NaN in forward 'output', to which nothing can be equal"),
        (
            {"taps": "layers.*"},
            r"taps: 'layers\.\*' is one name; give a list of them, such as \['layers\.\*'\]",
        ),
        ({"taps": ["layers"]}, "taps: 'layers' finds nothing; there are none"),
        (
            {"reference": "reference.safetensors"},
            "'reference.safetensors' is no model: only the reference of a",
        ),
        ({"weights": "*"}, r"weights: '\*' is no Row; give a sequence"),
    ],
)
def test_what_cannot_be_recorded_is_refused_in_a_line(changes, words, path, unchecked):
    model = TorchModel(torch.nn.Identity(), lambda module, x: module(x))
    given = {"reference": model, "inputs": {"x": np.ones(2)}, "path": path} | changes
    with pytest.raises((TypeError, ValueError), match=words) as raised:
        record(**given)
    assert "\n" not in str(raised.value) and not path.exists()
