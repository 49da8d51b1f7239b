"""Folders of Hugging Face in all the forms that there are: they open, with the numbers of `transformers`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn

import data
import train
from jax_impl.config import GPTClassifierConfig
from parity_tests.tests.train.test_train_hugging_face import TEXTS, make, theirs
from torch_impl import convert
from torch_impl.convert.kinds import ACTIVATIONS, KINDS
from train.architecture import Architecture
from train.loops.backend import backend
from train.runs import checkpoint, folder
from train.runs.errors import RunError
from train.runs.hugging_face import export_run, import_run

BOUND = 1e-11
WEIGHTS = "model.safetensors"
Edit = Callable[[Path], Any]
LLAMA3 = {"factor": 4.0, "low_freq_factor": 0.25, "high_freq_factor": 2.0}
LLAMA3 |= {"original_max_position_embeddings": 8}


def config(**changes: Any) -> Edit:
    """Settings changed; ... takes one out."""

    def edit(folder: Path) -> None:
        fields = json.loads((folder / "config.json").read_text()) | changes
        kept = {name: value for name, value in fields.items() if value is not ...}
        (folder / "config.json").write_text(json.dumps(kept))

    return edit


def tensors(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Edit:
    def edit(folder: Path) -> None:
        changed = change(load_file(folder / WEIGHTS))
        save_file({name: tensor.contiguous() for name, tensor in changed.items()}, folder / WEIGHTS)

    return edit


def without(prefix: str) -> Edit:
    return tensors(lambda state: {name.removeprefix(prefix): tensor for name, tensor in state.items()})


def pickled(wrap: Callable[[torch.Tensor], torch.Tensor], new: bool = True) -> Edit:
    def edit(folder: Path) -> None:
        state = {name: wrap(tensor) for name, tensor in load_file(folder / WEIGHTS).items()}
        torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=new)
        (folder / WEIGHTS).unlink()

    return edit


def beside(folder: Path) -> None:
    """The older form of a tokenizer that had a token added since."""
    tokenizer = data.load_tokenizer(folder / "tokenizer.json")
    words = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    tokenizer.add_tokens(["<new>"])
    tokenizer.save(str(folder / "tokenizer.json"))


def all_of(*edits: Edit) -> Edit:
    return lambda folder: [edit(folder) for edit in edits]


def more(**added: Callable[[dict[str, torch.Tensor]], torch.Tensor]) -> Edit:
    """Tensors more; a "__" of a name is a dot."""
    return tensors(
        lambda state: state | {name.replace("__", "."): made(state) for name, made in added.items()}
    )


def unchanged(folder: Path) -> None:
    pass


POOLER = {
    "bert__pooler__dense__weight": lambda state: torch.ones(24, 24),
    "bert__pooler__dense__bias": lambda state: torch.ones(24),
}
BARE_BERT = config(architectures=..., layer_norm_eps=..., hidden_act=..., type_vocab_size=...)
ROPE = {"rope_parameters": ..., "rope_theta": 500.0}
PADDED = {"pad_token_id": 0}
GPT2, BERT, LLAMA = "GPT2LMHeadModel", "BertForMaskedLM", "LlamaForCausalLM"
# Their class, settings of it, what is done to the folder, and our model.
TABLE: dict[str, tuple[str, dict[str, Any], Edit, str]] = {
    **{f"gpt2: {name}": (GPT2, {"activation_function": name}, unchanged, "gpt") for name in ACTIVATIONS},
    **{
        f"bert: {name}": ("BertForMaskedLM", {"hidden_act": name}, unchanged, "bert_for_masked_lm")
        for name in ("gelu_fast", "relu")
    },
    **{
        f"distilbert: {name}": (
            "DistilBertForMaskedLM",
            {"activation": name},
            unchanged,
            "bert_for_masked_lm",
        )
        for name in ("gelu_fast", "silu")
    },
    **{
        f"gpt: {name}": ("OpenAIGPTLMHeadModel", {"afn": name}, unchanged, "gpt")
        for name in KINDS["openai-gpt"].activations
    },
    "roberta: gelu_python": (
        "RobertaForMaskedLM",
        {"hidden_act": "gelu_python"},
        unchanged,
        "bert_for_masked_lm",
    ),
    "llama: swish": (LLAMA, {"hidden_act": "swish"}, unchanged, "gpt"),
    "qwen2: gelu_accurate": ("Qwen2ForCausalLM", {"hidden_act": "gelu_accurate"}, unchanged, "gpt"),
    "gpt2: no model_type": (GPT2, {}, config(model_type=...), "gpt"),
    "gpt2: no model_type, no class": (GPT2, {}, config(model_type=..., architectures=...), "gpt"),
    "gpt2: bare": (GPT2, {}, all_of(config(architectures=...), without("transformer.")), "gpt"),
    "gpt2: defaults": (GPT2, {}, config(activation_function=..., layer_norm_epsilon=..., n_inner=...), "gpt"),
    "gpt2: parameters pickled": (GPT2, {}, pickled(nn.Parameter), "gpt"),
    "gpt2: parameters pickled as before": (GPT2, {}, pickled(nn.Parameter, new=False), "gpt"),
    "gpt2: float64 pickled": (GPT2, {}, pickled(torch.Tensor.double), "gpt"),
    "gpt2: classifier": ("GPT2ForSequenceClassification", PADDED, unchanged, "gpt_classifier"),
    "gpt2: classifier, no class": (
        "GPT2ForSequenceClassification",
        PADDED,
        config(architectures=...),
        "gpt_classifier",
    ),
    "gpt: no model_type, no class": (
        "OpenAIGPTLMHeadModel",
        {},
        config(model_type=..., architectures=...),
        "gpt",
    ),
    "gpt: defaults": ("OpenAIGPTLMHeadModel", {}, config(afn=..., layer_norm_epsilon=...), "gpt"),
    "gpt: classifier": ("OpenAIGPTForSequenceClassification", PADDED, unchanged, "gpt_classifier"),
    "bert: leftover pooler": (BERT, {}, more(**POOLER), "bert_for_masked_lm"),
    "bert: no model_type": (BERT, {}, config(model_type=...), "bert_for_masked_lm"),
    "bert: no model_type, no class": (
        BERT,
        {},
        config(model_type=..., architectures=...),
        "bert_for_masked_lm",
    ),
    "bert: defaults": (BERT, {}, BARE_BERT, "bert_for_masked_lm"),
    "bert: buffers": (
        BERT,
        {},
        more(
            bert__embeddings__token_type_ids=lambda state: torch.zeros(1, 16, dtype=torch.int64),
            bert__embeddings__position_ids=lambda state: torch.arange(16)[None],
        ),
        "bert_for_masked_lm",
    ),
    "bert: vocab.txt beside": (BERT, {}, beside, "bert_for_masked_lm"),
    "bert: no pooler": (
        "BertModel",
        {},
        tensors(lambda state: {name: value for name, value in state.items() if "pooler" not in name}),
        "bert",
    ),
    "bert: leftover head": (
        "BertForSequenceClassification",
        {},
        more(cls__predictions__bias=lambda state: torch.zeros(83)),
        "bert_classifier",
    ),
    "bert: problem": (
        "BertForSequenceClassification",
        {"problem_type": "multi_label_classification"},
        unchanged,
        "bert_classifier",
    ),
    "bert: regression": (
        "BertForSequenceClassification",
        {"num_labels": 1, "id2label": None},
        unchanged,
        "bert_classifier",
    ),
    "roberta: no model_type, no class": (
        "RobertaForMaskedLM",
        {},
        config(model_type=..., architectures=...),
        "bert_for_masked_lm",
    ),
    "roberta: no pooler": (
        "RobertaModel",
        {},
        tensors(lambda state: {name: value for name, value in state.items() if "pooler" not in name}),
        "bert",
    ),
    "distilbert: no model_type, no class": (
        "DistilBertForMaskedLM",
        {},
        config(model_type=..., architectures=..., activation=...),
        "bert_for_masked_lm",
    ),
    "llama: no model_type, no class": (LLAMA, {}, config(model_type=..., architectures=...), "gpt"),
    "llama: defaults": (LLAMA, {}, config(rms_norm_eps=..., hidden_act=..., tie_word_embeddings=...), "gpt"),
    "llama: rope default": (LLAMA, {}, config(**ROPE, rope_scaling={"rope_type": "default"}), "gpt"),
    "llama: rope default with more": (
        LLAMA,
        {},
        config(**ROPE, rope_scaling={"type": "default", "factor": 8.0, "attention_factor": 1.0}),
        "gpt",
    ),
    "llama: type linear": (LLAMA, {}, config(rope_parameters={"type": "linear", "factor": 2.0}), "gpt"),
    "llama: type llama3": (LLAMA, {}, config(rope_parameters={"type": "llama3", **LLAMA3}), "gpt"),
    "llama: old type linear": (
        LLAMA,
        {},
        config(**ROPE, rope_scaling={"type": "linear", "factor": 2.0}),
        "gpt",
    ),
    "llama: classifier": ("LlamaForSequenceClassification", PADDED, unchanged, "gpt_classifier"),
    "mistral: classifier": ("MistralForSequenceClassification", PADDED, unchanged, "gpt_classifier"),
    "qwen2: no model_type, no class": (
        "Qwen2ForCausalLM",
        {},
        config(model_type=..., architectures=...),
        "gpt",
    ),
    "qwen2: classifier": ("Qwen2ForSequenceClassification", PADDED, unchanged, "gpt_classifier"),
    "qwen3: no model_type, no class": (
        "Qwen3ForCausalLM",
        {},
        config(model_type=..., architectures=...),
        "gpt",
    ),
    "qwen3: classifier": ("Qwen3ForSequenceClassification", PADDED, unchanged, "gpt_classifier"),
}


def inputs() -> tuple[np.ndarray, np.ndarray]:
    mask = np.arange(9)[None, :] < np.array([9, 4, 1])[:, None]
    return np.random.default_rng(0).integers(1, 70, (3, 9), dtype=np.int32) * mask, mask


def in_float64(run: Path, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What our model in PyTorch computes; its twin does the same, as other tests hold."""
    opened = train.load(run, "torch")
    model = backend("torch").build_model(opened.architecture)
    convert.load(model, {name: array.astype(np.float64) for name, array in opened.params.items()})
    everywhere = [torch.arange(9).expand(ids.shape)] if "masked" in opened.architecture.name else []
    with torch.no_grad():
        output = model(torch.tensor(ids), torch.tensor(mask), *everywhere)
    return (output[0] if isinstance(output, tuple) else output).numpy()


def theirs_in_float64(made: Any, source: Path, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What their model computes. Llama's kind has angles and norms of float32, which others stand in for."""
    said = json.loads((source / "config.json").read_text())
    kind = type(made.config)
    with mock.patch.object(torch, "float", torch.float64):
        settings = kind.from_dict(
            said if "rope_scaling" in said or "rope_parameters" in said else made.config.to_dict()
        )
        if "hidden_size" in said:  # eager, Llama's has a softmax of float32
            settings._attn_implementation = "sdpa"
        model = type(made)(settings)
        model.load_state_dict(made.state_dict())
        for parent in list(model.modules()):
            for name, child in list(parent.named_children()):
                if type(child).__name__.endswith("RMSNorm"):
                    norm = nn.RMSNorm(child.weight.shape[0], child.variance_epsilon)
                    norm.load_state_dict(child.state_dict())
                    setattr(parent, name, norm)
        return theirs(model.double().eval(), ids, mask)[0]


@pytest.mark.parametrize("name", TABLE)
def test_it_opens_with_their_numbers(name: str, tmp_path: Path) -> None:
    kind, settings, edit, ours = TABLE[name]
    source, run = tmp_path / "source", tmp_path / "run"
    made = make(kind, source, **settings)
    edit(source)
    assert import_run(source, run).name == ours
    ids, mask = inputs()
    expected = theirs_in_float64(made, source, ids, mask)
    found = in_float64(run, ids, mask)
    real = mask[:, :, None] if found.ndim == 3 else np.array(True)
    assert np.abs((found - expected) * real).max() < BOUND * np.abs(expected).max()


def test_what_config_json_says_of_the_problem_is_kept_and_meant(tmp_path: Path) -> None:
    make("BertForSequenceClassification", tmp_path / "a", problem_type="multi_label_classification")
    import_run(tmp_path / "a", tmp_path / "run")
    opened = train.load(tmp_path / "run")
    (found,) = opened.predict(TEXTS[0])
    ids = opened.tokenizer.encode(TEXTS[0]).ids
    (logits,) = opened.outputs(np.array([ids]), np.ones((1, len(ids)), bool))
    named = dict(zip(opened.classes, 1 / (1 + np.exp(-logits)), strict=True))
    assert found.probabilities == pytest.approx(named, abs=1e-5)
    export_run(tmp_path / "run", tmp_path / "export")
    assert json.loads((tmp_path / "export" / "config.json").read_text())["problem_type"] == (
        "multi_label_classification"
    )
    make("BertForSequenceClassification", tmp_path / "b", num_labels=1, id2label=None)
    import_run(tmp_path / "b", tmp_path / "number")
    with pytest.raises(RunError, match="holds a regression"):
        train.load(tmp_path / "number").predict(TEXTS[0])


@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_a_fine_tuned_gpt_opens_there_and_comes_back(tmp_path: Path, norm_position: str) -> None:
    """Theirs has no bias in the head: the norm before it carries that."""
    tokenizer = data.train_bpe(TEXTS, 280)
    settings = {
        "vocab": 283,
        "max_positions": 16,
        "embed": 24,
        "heads": 3,
        "mlp": 96,
        "layers": 2,
        "classes": 3,
    }
    small = GPTClassifierConfig(**settings, norm_position=norm_position)
    architecture = Architecture("gpt_classifier", small)
    rng = np.random.default_rng(1)
    params = {
        name: array + 0.1 * rng.standard_normal(array.shape).astype(np.float32)
        for name, array in backend("torch").initial_params(architecture, 0).items()
    }
    assert np.abs(params["head/bias"]).max() > 0.05
    folder.create(tmp_path / "run", architecture, ("a", "b", "c"), tokenizer)
    checkpoint.save(
        tmp_path / "run", {"params": params}, {"step": 1, "files": folder.parts(tmp_path / "run")}
    )
    assert export_run(tmp_path / "run", tmp_path / "export").endswith("ForSequenceClassification")
    opened, report = transformers.AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "export", output_loading_info=True
    )
    assert not any(report.values()), report
    ids, mask = inputs()
    expected = train.load(tmp_path / "run").outputs(ids, mask)
    assert np.abs(theirs(opened.eval(), ids, mask)[0] - expected).max() < 1e-5 * np.abs(expected).max()
    assert opened.config.id2label == {0: "a", 1: "b", 2: "c"}
    assert import_run(tmp_path / "export", tmp_path / "again").name == "gpt_classifier"
    again = train.load(tmp_path / "again").outputs(ids, mask)
    assert np.abs(again - expected).max() < 1e-5 * np.abs(expected).max()


def test_a_bias_that_no_norm_can_carry_is_refused(tmp_path: Path) -> None:
    make("LlamaForSequenceClassification", tmp_path / "source", **PADDED)
    import_run(tmp_path / "source", tmp_path / "run")
    opened = train.load(tmp_path / "run")
    params = opened.params | {"head/bias": np.ones_like(opened.params["head/bias"])}
    checkpoint.save(tmp_path / "run", {"params": params}, {"files": folder.parts(tmp_path / "run")})
    with pytest.raises(data.DataError, match="the last norm cannot carry it"):
        export_run(tmp_path / "run", tmp_path / "export")


@pytest.mark.parametrize("kind", ["BertModel", "RobertaModel"])
def test_an_encoder_without_a_pooler_goes_back(kind: str, tmp_path: Path) -> None:
    made = make(kind, tmp_path / "source")
    tensors(lambda state: {name: value for name, value in state.items() if "pooler" not in name})(
        tmp_path / "source"
    )
    import_run(tmp_path / "source", tmp_path / "run")
    assert export_run(tmp_path / "run", tmp_path / "export") == kind
    opened, report = getattr(transformers, kind).from_pretrained(
        tmp_path / "export", output_loading_info=True
    )
    assert {name.split(".")[0] for name in report["missing_keys"]} == {"pooler"}
    assert not report["unexpected_keys"] and not report["mismatched_keys"]
    ids, mask = inputs()
    real = mask[:, :, None]
    assert (theirs(opened.eval(), ids, mask)[0] * real == theirs(made, ids, mask)[0] * real).all()
    assert import_run(tmp_path / "export", tmp_path / "again").name == "bert"


def test_a_mask_has_the_name_that_its_tokenizer_gives_it(tmp_path: Path) -> None:
    """RoBERTa's is <mask>."""
    make("RobertaForMaskedLM", tmp_path / "source")
    path = tmp_path / "source" / "tokenizer.json"
    path.write_text(path.read_text("utf-8").replace("[MASK]", "<mask>"), "utf-8")
    import_run(tmp_path / "source", tmp_path / "run")
    opened = train.load(tmp_path / "run")
    found = opened.fill_mask("the <mask> sat", top=3)
    assert len(found) == 1 and len(found[0]) == 3
    with pytest.raises(ValueError, match="has no <mask> to fill in"):
        opened.fill_mask("the [MASK] sat")
