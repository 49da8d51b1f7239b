"""The atlas of a checkpoint of Hugging Face: what it says of the file is what the import reads there."""

import json
from pathlib import Path

import numpy as np
import pytest
from einops import rearrange
from safetensors.numpy import load_file

from parity_tests.tests.train.test_train_hugging_face import CLASSIFIERS, MODELS, make
from study.shapes.atlas import atlas
from study.shapes.page import page
from study.shapes.quiz import checkpoints
from study.shapes.subject import find
from torch_impl.convert.hugging_face import from_hugging_face
from train.runs.hugging_face import import_run, judge
from twinformer import cli


@pytest.mark.parametrize("name", [*MODELS, *CLASSIFIERS])
def test_its_part_in_its_layout_is_the_parameter(name: str, tmp_path: Path) -> None:
    make(name, tmp_path)
    judged, subject = judge(tmp_path), find(str(tmp_path), None, None, {})
    tensors = load_file(tmp_path / "model.safetensors")
    params, stored = from_hugging_face(tensors, judged.config), subject.stored()
    made = {name for name in params if name == "head/bias" and judged.architecture.name == "gpt_classifier"}
    prefix = "bert/" if judged.architecture.name == "bert" else ""
    assert {prefix + name for name in stored} == params.keys() - made
    for name, (tensor, shape, part, axes) in stored.items():
        array = params[prefix + name]
        assert tensors[tensor].shape == shape
        kept = eval(f"array{part}", {"array": tensors[tensor]})
        np.testing.assert_array_equal(rearrange(array, axes), kept)


def test_a_transpose_is_marked_where_the_file_has_one(tmp_path: Path, capsys) -> None:
    for name, turned in (("GPT2LMHeadModel", 0), ("LlamaForCausalLM", 14)):  # Conv1D has none, Linear all
        make(name, tmp_path / name)
        found = atlas(find(str(tmp_path / name), None, None, {}), xla=False)
        assert sum(row.stored_transposed for row in found.parameters) == turned
    record = tmp_path / "gpt2.json"
    capsys.readouterr()
    assert cli.status(["shapes", str(tmp_path / "GPT2LMHeadModel"), "--json", str(record)]) == 0
    said = capsys.readouterr().out
    assert "in a checkpoint of Hugging Face (gpt2)" in said and "[:, 24:48]" in said
    rows = {row["jax_name"]: row["stored"] for row in json.loads(record.read_text())["parameters"]}
    assert rows["blocks_1/attention/key/kernel"] == {
        "tensor": "transformer.h.1.attn.c_attn.weight",
        "shape": [24, 72],
        "part": "[:, 24:48]",
        "axes": "embed heads head_dim -> embed (heads head_dim)",
        "transposed": False,
    }


def test_an_imported_run_says_of_which_kind_it_was(tmp_path: Path) -> None:
    make("MistralForCausalLM", tmp_path / "source", sliding_window=None)  # which is a Llama, too
    import_run(tmp_path / "source", tmp_path / "run")
    subject = find(str(tmp_path / "run"), None, None, {})
    assert atlas(subject, xla=False).kind == "mistral"
    assert (
        find(str(tmp_path / "run"), None, None, {"norm": "layer"}).theirs is None
    )  # it is another model then
    assert "self_attn.k_proj.weight" in page(subject, atlas(subject, xla=False))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("gpt", "gpt2"), ("qwen3", "qwen3"), ("classifier", ""), ("encoder_decoder", ""), ("gelu", "")],
)
def test_a_model_by_name_has_the_kind_that_an_export_writes(name: str, kind: str) -> None:
    found = atlas(find(name, None, None, {}), xla=False)
    assert found.kind == kind and all((row.stored is not None) == bool(kind) for row in found.parameters)


def test_the_quiz_asks_for_parts_and_transposes() -> None:
    asked = {one.question: one for one in checkpoints(atlas(find("gpt", None, None, {}), xla=False))}
    part = next(
        one for question, one in asked.items() if question.endswith("is blocks_0/attention/value/kernel?")
    )
    assert part.judge("[:, 48:72]") and part.judge("3") and not part.judge("[:, 24:48]")
    turned = next(one for question, one in asked.items() if "h.0.mlp.c_fc.weight" in question)
    assert turned.judge("no") and not turned.judge("yes")
