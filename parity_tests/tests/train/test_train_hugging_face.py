"""Checkpoints of Hugging Face become runs, runs what transformers opens, and what is broken is named."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from rich.console import Console
from safetensors.torch import load_file, save_file

import data
import train
from jax_impl.config import GPTConfig
from train.config import FRAMEWORKS, Config
from train.runs.checkpoint import CheckpointError
from train.runs.files import RunError
from train.runs.hugging_face import export_run, import_run
from train.start import train as train_run

TEXTS = [
    "the cat sat on the mat",
    "a dog ran after the ball",
    "it was the best of times",
    "rain, and no sun",
] * 5
ENCODER: dict[str, Any] = {"hidden_size": 24, "num_attention_heads": 3, "num_hidden_layers": 2}
ENCODER |= {"intermediate_size": 40, "max_position_embeddings": 16}
DECODER: dict[str, Any] = {"n_embd": 24, "n_head": 3, "n_layer": 2, "n_positions": 16}
DECODER |= {"bos_token_id": 0, "eos_token_id": 0}
LLAMA: dict[str, Any] = ENCODER | {"hidden_size": 36, "num_key_value_heads": 1, "rope_parameters": None}
DISTIL: dict[str, Any] = {"dim": 24, "n_heads": 3, "n_layers": 2, "hidden_dim": 40}
DISTIL |= {"max_position_embeddings": 16}
SCALED = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 0.25}
SCALED |= {"high_freq_factor": 2.0, "original_max_position_embeddings": 8}
NAMES = {0: "bad", 1: "good", 2: "neither"}
MODELS: dict[str, tuple[str, dict[str, Any], str]] = {
    "BertModel": ("BertConfig", ENCODER, "bert_model"),
    "BertForMaskedLM": ("BertConfig", ENCODER, "bert_for_masked_lm"),
    "BertForPreTraining": ("BertConfig", ENCODER, "bert_pretraining"),
    "BertForSequenceClassification": ("BertConfig", ENCODER | {"id2label": NAMES}, "bert_classifier"),
    "RobertaModel": ("RobertaConfig", ENCODER, "bert_model"),
    "RobertaForMaskedLM": ("RobertaConfig", ENCODER | {"type_vocab_size": 1}, "bert_for_masked_lm"),
    "RobertaForSequenceClassification": ("RobertaConfig", ENCODER | {"id2label": NAMES}, "bert_classifier"),
    "DistilBertModel": ("DistilBertConfig", DISTIL, "bert"),
    "DistilBertForMaskedLM": (
        "DistilBertConfig",
        DISTIL | {"sinusoidal_pos_embds": True},
        "bert_for_masked_lm",
    ),
    "DistilBertForSequenceClassification": (
        "DistilBertConfig",
        DISTIL | {"id2label": NAMES},
        "bert_classifier",
    ),
    "GPT2LMHeadModel": ("GPT2Config", DECODER, "gpt"),
    "OpenAIGPTLMHeadModel": ("OpenAIGPTConfig", DECODER, "gpt"),
    "LlamaForCausalLM": ("LlamaConfig", LLAMA, "gpt"),
    "MistralForCausalLM": ("MistralConfig", LLAMA | {"head_dim": 8, "sliding_window": 8}, "gpt"),
    "Qwen2ForCausalLM": ("Qwen2Config", LLAMA | {"tie_word_embeddings": True}, "gpt"),
    "Qwen3ForCausalLM": ("Qwen3Config", LLAMA | {"head_dim": 8}, "gpt"),
}
# `test_imports_open` has these.
CLASSIFIERS = {
    name.replace("LMHeadModel", "X").replace("ForCausalLM", "X").replace("X", "ForSequenceClassification"): (
        kind,
        settings | {"id2label": NAMES},
        "gpt_classifier",
    )
    for name, (kind, settings, target) in MODELS.items()
    if target == "gpt"
}


def make(name: str, folder: Path, **changes: Any) -> Any:
    """Their model with random weights, and a tokenizer, in a folder."""
    torch.manual_seed(0)
    kind, settings, target = (MODELS | CLASSIFIERS)[name]
    bert = target.startswith("bert")
    if kind == "RobertaConfig":
        changes = {"pad_token_id": 0, **changes}  # as the tokenizer has it
    tokenizer = data.train_tokenizer(TEXTS, 80) if bert else data.train_bpe(TEXTS, 280)
    vocab = tokenizer.get_vocab_size() + 3  # rows to spare, as real checkpoints have them
    config = getattr(transformers, kind)(vocab_size=vocab, initializer_range=0.3, **(settings | changes))
    model = getattr(transformers, name)(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))  # biases of zero hide mistakes
    model.save_pretrained(folder)
    data.save_tokenizer(tokenizer, folder / "tokenizer.json")
    if kind in ("RobertaConfig", "OpenAIGPTConfig"):  # whose own tokenizers run no such file
        as_it_is = {"tokenizer_class": "PreTrainedTokenizerFast"}
        (folder / "tokenizer_config.json").write_text(json.dumps(as_it_is))
    return model


def theirs(model: Any, ids: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
    with torch.no_grad():
        result = model(input_ids=torch.tensor(ids).long(), attention_mask=torch.tensor(mask).long())
    return [value.numpy() for value in result.values() if isinstance(value, torch.Tensor)]  # not the cache


def ours(run: train.Run, ids: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
    everywhere = np.broadcast_to(np.arange(ids.shape[1], dtype=np.int32), ids.shape)
    words = run.architecture.name in ("bert_for_masked_lm", "bert_pretraining")
    output = run.outputs(ids, mask, everywhere) if words else run.outputs(ids, mask)
    return list(output) if isinstance(output, tuple) else [output]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints")


CHANGED: dict[str, tuple[str, dict[str, Any]]] = {
    "untied": ("GPT2LMHeadModel", {"tie_word_embeddings": False}),
    "tied": ("LlamaForCausalLM", {"tie_word_embeddings": True}),
    "exact gelu": ("GPT2LMHeadModel", {"activation_function": "gelu"}),
    "scaled": ("LlamaForCausalLM", {"rope_parameters": SCALED}),
    "linear": ("Qwen2ForCausalLM", {"rope_parameters": {"rope_type": "linear", "factor": 2.0}}),
}


@pytest.fixture(scope="module", params=[*MODELS, *CHANGED])
def pair(request: pytest.FixtureRequest, folder: Path) -> tuple[Any, Path, str]:
    """Their model, the run made of it, and the name of their class."""
    name, changes = CHANGED.get(request.param, (request.param, {}))
    source, out = folder / request.param, folder / f"{request.param}-run"
    model = make(name, source, **changes)
    assert import_run(source, out).name == MODELS[name][2]
    return model, out, name


def test_the_run_computes_what_their_model_does(pair: tuple[Any, Path, str]) -> None:
    model, out, _ = pair
    mask = np.arange(9)[None, :] < np.array([9, 4, 1])[:, None]
    ids = np.random.default_rng(0).integers(1, 70, (3, 9), dtype=np.int32) * mask  # padding is 0
    expected = theirs(model, ids, mask)
    for framework in FRAMEWORKS:
        found = ours(train.load(out, framework), ids, mask)
        for one, other in zip(found, expected, strict=True):
            real = mask[:, :, None] if one.ndim == 3 else np.array(True)
            assert np.abs((one - other) * real).max() < 1e-5 * np.abs(other).max()


def test_the_run_exports_to_what_it_came_from(pair: tuple[Any, Path, str], tmp_path: Path) -> None:
    model, out, name = pair
    assert export_run(out, tmp_path / "export") == name
    opened, report = getattr(transformers, name).from_pretrained(
        tmp_path / "export", output_loading_info=True
    )
    assert not any(report.values()), report
    state = opened.state_dict()
    assert state.keys() == model.state_dict().keys()
    assert all(torch.equal(state[key], tensor) for key, tensor in model.state_dict().items())
    assert transformers.AutoConfig.from_pretrained(tmp_path / "export").architectures == [name]
    if name.endswith("ForSequenceClassification"):
        assert train.load(out).classes == tuple(NAMES.values())
        assert opened.config.id2label == NAMES
    text = "the dog sat on a ball"
    wrapped = transformers.AutoTokenizer.from_pretrained(tmp_path / "export")
    assert wrapped(text)["input_ids"] == train.load(out).tokenizer.encode(text).ids
    assert wrapped(text)["input_ids"][0] == (
        2 if "Bert" in name or "bert" in name else wrapped("the")["input_ids"][0]
    )


def parameters(folder: Path, out: Path) -> dict[str, bytes]:
    import_run(folder, out)
    return {name: array.tobytes() for name, array in train.load(out).params.items()}


@pytest.fixture(scope="module")
def gpt(folder: Path) -> Path:
    make("GPT2LMHeadModel", folder / "gpt")
    return folder / "gpt"


def copy(source: Path, target: Path, leave_out: str = "model.safetensors") -> Path:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(leave_out))
    return target


def test_shards_and_pickles_hold_the_same(gpt: Path, tmp_path: Path) -> None:
    whole = parameters(gpt, tmp_path / "whole")
    state = load_file(gpt / "model.safetensors")
    names = sorted(state)
    sharded = copy(gpt, tmp_path / "a")
    pickled = copy(gpt, tmp_path / "b")
    both = copy(gpt, tmp_path / "c")
    torch.save(state, pickled / "pytorch_model.bin")
    for suffix, target, save in ((".safetensors", sharded, save_file), (".bin", both, torch.save)):
        base = "model" if suffix == ".safetensors" else "pytorch_model"
        places = {}
        for number, half in enumerate((names[:9], names[9:])):
            part = f"{base}-{number}-of-2{suffix}"
            save({name: state[name] for name in half}, target / part)
            places |= dict.fromkeys(half, part)
        (target / f"{base}{suffix}.index.json").write_text(json.dumps({"weight_map": places}))
    for number, source in enumerate((sharded, pickled, both)):
        assert parameters(source, tmp_path / f"run{number}") == whole
    (sharded / "model-1-of-2.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model-1-of-2\.safetensors is missing, a shard"):
        import_run(sharded, tmp_path / "out")
    save_file({"x": torch.zeros(1)}, sharded / "model-1-of-2.safetensors")
    with pytest.raises(CheckpointError, match="that no shard holds"):
        import_run(sharded, tmp_path / "out")


def test_half_precision_becomes_float32(gpt: Path, tmp_path: Path) -> None:
    state = load_file(gpt / "model.safetensors")
    half = copy(gpt, tmp_path / "half")
    save_file({name: tensor.bfloat16() for name, tensor in state.items()}, half / "model.safetensors")
    import_run(half, tmp_path / "run")
    table = train.load(tmp_path / "run").params["embeddings/token_embedding/embedding"]
    expected = state["transformer.wte.weight"].bfloat16().float().numpy()
    assert table.dtype == np.float32 and (table == expected).all()


class Malice:
    """Unpickling it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "executed")


def test_a_pickle_with_code_is_not_executed(gpt: Path, tmp_path: Path) -> None:
    source = copy(gpt, tmp_path / "source")
    torch.save({"x": Malice(tmp_path / "trace")}, source / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="holds more than tensors"):
        import_run(source, tmp_path / "run")
    assert not (tmp_path / "trace").exists()
    (source / "pytorch_model.bin").write_bytes(pickle.dumps([Malice(tmp_path / "trace")], protocol=2))
    with pytest.raises(CheckpointError, match="holds more than tensors"):
        import_run(source, tmp_path / "run")
    assert not (tmp_path / "trace").exists() and not (tmp_path / "run").exists()


def damage_json(folder: Path, **changes: Any) -> None:
    fields = json.loads((folder / "config.json").read_text())
    kept = {name: value for name, value in (fields | changes).items() if value is not ...}
    (folder / "config.json").write_text(json.dumps(kept))


@pytest.mark.parametrize(
    ("harm", "kind", "words"),
    [
        (lambda f: (f / "config.json").unlink(), RunError, "cannot read .*config.json"),
        (lambda f: (f / "config.json").write_text("{"), RunError, r"config\.json is damaged"),
        (lambda f: damage_json(f, model_type="t5"), data.DataError, "model_type='t5': choose"),
        (lambda f: damage_json(f, n_embd=...), data.DataError, "has no setting 'n_embd'"),
        (
            lambda f: damage_json(f, activation_function="quick_gelu"),
            data.DataError,
            "activation_function='quick_gelu'",
        ),
        (lambda f: damage_json(f, scale_attn_weights=False), data.DataError, "scale_attn_weights=False"),
        (
            lambda f: damage_json(f, vocab_size=200),
            data.DataError,
            r"wte.*\(283, 24\), but config.json",
        ),
        (lambda f: damage_json(f, n_layer=3), data.DataError, "has 3 layers, but the tensors are of 2"),
        (lambda f: damage_json(f, n_positions=8), data.DataError, r"wpe.*\(16, 24\), but config.json"),
        (lambda f: (f / "tokenizer.json").unlink(), data.DataError, "holds no tokenizer"),
        (lambda f: (f / "model.safetensors").unlink(), CheckpointError, "holds no model.safetensors"),
        (
            lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:-100]),
            CheckpointError,
            "is damaged",
        ),
        (lambda f: (f / "model.safetensors").write_bytes(b"\x10" * 64), CheckpointError, "is damaged"),
        (
            lambda f: save_file({"transformer.wtf.weight": torch.zeros(1)}, f / "model.safetensors"),
            data.DataError,
            r"wtf\.weight' is claimed by no row",
        ),
    ],
)
def test_what_is_broken_is_named_and_nothing_is_written(
    gpt: Path, tmp_path: Path, harm: Any, kind: type[Exception], words: str
) -> None:
    source = copy(gpt, tmp_path / "source", leave_out="nothing")
    harm(source)
    with pytest.raises(kind, match=words):
        import_run(source, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_used_folder_is_left_alone(gpt: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(RunError, match="is not empty"):
        import_run(gpt, tmp_path)
    import_run(gpt, tmp_path / "run")
    with pytest.raises(RunError, match="is not empty"):
        export_run(tmp_path / "run", tmp_path)
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_model_that_they_lack_is_not_exported(tmp_path: Path) -> None:
    small = GPTConfig(vocab=300, max_positions=16, embed=16, heads=2, mlp=16, layers=1, window=3)
    config = Config(data="embedded", model=small, steps=1)
    train_run(config, ["torch"], tmp_path / "run", None, True, Console(quiet=True))
    with pytest.raises(data.DataError, match=r"no architecture of gpt2, openai-gpt, llama, .*window=3"):
        export_run(tmp_path / "run", tmp_path / "export")
    assert not (tmp_path / "export").exists()
