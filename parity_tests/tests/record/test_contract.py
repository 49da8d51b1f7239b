"""Files that hold no reference, and references that do not go with what is asked: a line, and the remedy."""

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from parity_tests.pair import JaxModel, TorchModel, compare, record
from parity_tests.record.contract import KEY
from parity_tests.record.recorded import RecordError
from parity_tests.tests.record import in_flax, in_torch
from parity_tests.tests.record.edited import edited
from parity_tests.tests.record.pair import ALIKE, INPUTS, ON_FILE

SOURCE = ON_FILE["torch"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reference.safetensors"


def refused(path, words, candidate=None, **given):
    with pytest.raises(RecordError, match=words) as raised:
        compare(path, in_flax.Port() if candidate is None else candidate, **given)
    message = str(raised.value)
    assert "\n" not in message and len(message) < 500
    assert "record" in message.partition(path.name)[2], "the remedy"


WHOLE = SOURCE.read_bytes()
HEADER = int.from_bytes(WHOLE[:8], "little")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        WHOLE[:5],
        WHOLE[:-1],
        WHOLE[: 8 + HEADER],
        WHOLE[:HEADER],
        WHOLE + b"\0",
        b"PK\3\4 a zip file, as torch.save writes",
        (1 << 62).to_bytes(8, "little") + WHOLE[8:],
        (HEADER + 1).to_bytes(8, "little") + WHOLE[8:],
        (6).to_bytes(8, "little") + b"[[[[[[",
        WHOLE[:8] + WHOLE[8 : 8 + HEADER].replace(b'"F64"', b'"F32"') + WHOLE[8 + HEADER :],
    ],
    ids=[
        *("empty", "five bytes", "truncated", "header alone", "half a header", "longer", "another kind"),
        *("huge header", "header into the arrays", "no JSON", "dtypes of other sizes"),
    ],
)
def test_a_damaged_file_is_refused(content, path):
    path.write_bytes(content)
    refused(path, "is no recorded reference that could be used")


def test_no_file_and_other_files_are_refused(path):
    refused(path, "is no file: make it by record")
    save_file({"weight": np.ones(3)}, path)
    refused(path, "holds tensors, and does not say of what")
    save_file({"weight": np.ones(3)}, path, metadata={"format": "pt"})
    refused(path, "holds tensors, and does not say of what")


@pytest.mark.parametrize(
    "text", ["", "3", "[]", "{}", "[" * 100_000, '{"format": "1"}', '{"format": true}', "{"]
)
def test_a_header_that_is_none_is_refused(text, path):
    save_file({"weight": np.ones(3)}, path, metadata={KEY: text})
    refused(path, "is no recorded reference that could be used")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"format": 2}, "it has format 2, and this version reads up to 1: install a newer twinformer"),
        ({"name": "\x1b[2J"}, "its header's 'name' cannot be used"),
        ({"name": None}, "its header's 'name'"),
        ({"framework": "keras"}, "nobody knows a model of keras in float64"),
        ({"dtype": "float8"}, "nobody knows a model of torch in float8"),
        ({"names": ["x"]}, "its header's 'names'"),
        ({"names": {"tap": {"norm": 1}}}, "its header's 'names'"),
        ({"names": {"tap": ["norm", "elsewhere"]}}, "it names 'tap/elsewhere', which is not there"),
        ({"reads": {"norm": 10**15}}, "it names 'read 1/norm', which is not there"),
        ({"reads": {"norm": -1.5}}, "its header's 'reads'"),
        ({"digests": {}}, "its parameters' shapes and digests are not of the same parameters"),
        ({"names": {"parameter": ["norm.bias"]}}, "it has some of its parameters, and not all"),
        ({"table": {"a": 1}}, "its table is no list of rows"),
        ({"table": [["norm/scale", "norm.weight"]]}, "its table has a row that is none"),
        ({"table": [["norm/scale", 3, "e -> e"]]}, "its table has a row that is none"),
        ({"pickle": "gASVBQAAAAAAAABLAi4="}, "its header's 'pickle' cannot be used"),
    ],
)
def test_a_header_that_says_something_else_is_refused(change, words, path):
    refused(edited(SOURCE, path, lambda header: header.update(change)), words)


NAN = np.array(np.nan)


@pytest.mark.parametrize(
    "name, change, words",
    [
        ("input/x", lambda array: array * NAN, "there is NaN in input 'x'"),
        ("forward/output", lambda array: array * NAN, "there is NaN in forward 'output'"),
        ("parameter gradient/up.bias", lambda array: array * NAN, "NaN in parameter gradient 'up.bias'"),
        (
            "parameter/up.bias",
            lambda array: array + 1,
            "the parameter 'up.bias' is not the one that was recorded",
        ),
        ("tap/norm", lambda array: array.astype(np.complex64), "'tap/norm' is of C64"),
        ("tap/norm", None, "it names 'tap/norm', which is not there"),
        (
            "cotangent/output",
            lambda array: array + 1,
            "gradients along another direction than NumPy .* draws",
        ),
    ],
)
def test_arrays_that_are_not_what_was_recorded_are_refused(name, change, words, path):
    def arrays(tensors):
        array = tensors.pop(name)
        if change is not None:
            tensors[name] = change(array)

    refused(edited(SOURCE, path, arrays=arrays), words)


def test_taps_that_were_changed_are_found_as_if_the_reference_had(path):
    def arrays(tensors):
        tensors["tap/norm"] = tensors["tap/norm"] * NAN

    comparison = compare(edited(SOURCE, path, arrays=arrays), in_flax.Port())
    assert not comparison.passed and "NaN in the reference alone" in str(comparison)


@pytest.mark.parametrize(
    "given, words",
    [
        (
            {"dtype": "float32"},
            "was recorded in float64; compare with dtype='float64', or record it again with",
        ),
        ({"inputs": INPUTS}, "inputs: .* has its own; leave them out, or record it again with these"),
        (
            {"candidate": JaxModel(in_flax.Port(), call=lambda model, ids, mask: model(ids, mask, 0.0))},
            "has the input 'x', which Port does not take: give it a `call` that does, or record",
        ),
        (
            {"candidate": TorchModel(in_torch.model(), lambda model, ids, x: x), "weights": ALIKE},
            "has the input 'mask', which Original does not take",
        ),
        (
            {"candidate": in_torch.model()},
            "parameter 'tokens.weight' is claimed by no row.*; the table is that of .*: give compare",
        ),
    ],
    ids=["dtype", "inputs", "arguments", "arguments in torch", "parameters"],
)
def test_a_changed_contract_says_what_to_record_again(given, words, path):
    path.write_bytes(WHOLE)
    refused(path, words, **given)


def test_a_table_of_one_s_own_is_not_blamed_on_the_file():
    with pytest.raises(KeyError) as raised:
        compare(SOURCE, in_flax.Port(), weights=ALIKE[:0])
    assert raised.value.args[0].endswith("exactly one row must claim it")


def test_of_a_record_without_a_table_it_is_found(path):
    path = edited(SOURCE, path, lambda header: header.update(table=None))
    comparison = compare(path, in_flax.Port())
    assert comparison.passed and len(comparison.table.rows) == 7 and not comparison.table.unproven


def test_a_record_without_weights_asks_for_a_table(path):
    record(in_torch.model(), INPUTS, path, digests=True)
    with pytest.raises(
        RecordError, match=r"has neither weights nor a table: give compare the table as weights"
    ):
        compare(path, in_flax.Port())


def test_a_candidate_on_file_is_no_model():
    with pytest.raises(
        TypeError, match=r"flax\.safetensors' is no model: only the reference of a comparison"
    ):
        compare(SOURCE, str(ON_FILE["flax"]))


def test_a_model_whose_framework_is_not_there_is_named(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "parity_tests.runners.jax_model", None)
    with pytest.raises(TypeError, match=r"Port is no torch\.nn\.Module, and for a model of JAX there is no"):
        compare(SOURCE, in_flax.Port())
