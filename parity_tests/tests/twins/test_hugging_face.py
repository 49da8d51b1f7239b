"""Both twins against Hugging Face's models, at small configurations with random weights and at real ones.

Weights and gradients pass through the tables of `torch_impl.convert.hugging_face`, which so are tested too.
"""

from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
import transformers

from parity_tests.core.compare import BOUNDS
from parity_tests.core.trace import Trace
from parity_tests.runners.arrays import Inputs, numbers
from parity_tests.runners.torch_model import TorchModel
from parity_tests.twins.check import find_twins
from parity_tests.twins.inputs import EMBED, Twin
from parity_tests.twins.references import Reference, check_reference
from parity_tests.twins.run import initial_params, run_jax, run_torch
from torch_impl.bert import Features, PretrainingLogits
from torch_impl.convert.hugging_face import from_hugging_face, to_hugging_face

BOUND = {dtype: bounds[True] for dtype, bounds in BOUNDS.items()}
MODELS = {  # our twin: their configuration and model
    "bert": ("BertConfig", "BertModel"),
    "bert_model": ("BertConfig", "BertModel"),
    "bert_for_masked_lm": ("BertConfig", "BertForMaskedLM"),
    "bert_pretraining": ("BertConfig", "BertForPreTraining"),
    "bert_classifier": ("BertConfig", "BertForSequenceClassification"),
    "roberta_model": ("RobertaConfig", "RobertaModel"),
    "roberta": ("RobertaConfig", "RobertaForMaskedLM"),
    "roberta_classifier": ("RobertaConfig", "RobertaForSequenceClassification"),
    "distilbert_model": ("DistilBertConfig", "DistilBertModel"),
    "distilbert_for_masked_lm": ("DistilBertConfig", "DistilBertForMaskedLM"),
    "distilbert": ("DistilBertConfig", "DistilBertForSequenceClassification"),
    "gpt": ("GPT2Config", "GPT2LMHeadModel"),
    "gpt1": ("OpenAIGPTConfig", "OpenAIGPTLMHeadModel"),
    "llama": ("LlamaConfig", "LlamaForCausalLM"),
    "llama_linear": ("LlamaConfig", "LlamaForCausalLM"),
    "llama_scaled": ("LlamaConfig", "LlamaForCausalLM"),
    "mistral": ("MistralConfig", "MistralForCausalLM"),
    "qwen2": ("Qwen2Config", "Qwen2ForCausalLM"),
    "qwen2_windows": ("Qwen2Config", "Qwen2ForCausalLM"),
    "qwen3": ("Qwen3Config", "Qwen3ForCausalLM"),
}
# Those that differ from a twin of the catalogue, or are none: which one, and what is other.
_ROBERTA = {"segments": 1, "position_offset": 2}
_DISTILBERT = {"segments": 0, "pooler_activation": "relu"}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "roberta_model": ("bert_model", _ROBERTA),
    "roberta_classifier": ("bert_classifier", _ROBERTA),
    "distilbert_model": ("bert", _DISTILBERT),
    "distilbert_for_masked_lm": ("bert_for_masked_lm", _DISTILBERT),
    "gpt1": ("gpt1", {"mlp": 4 * EMBED}),  # theirs has no choice
    "llama_linear": ("llama", {"head_dim": 6, "rope_scaling": {"kind": "linear", "factor": 3.0}}),
    "llama_scaled": ("llama_scaled", {"head_dim": 6}),
    "mistral": ("mistral", {"head_dim": 6, "theta": 500.0}),
    "qwen2_windows": ("qwen2", {"window": 3, "layers": 4, "rope_scaling": None}),
}
ROTARY = tuple(name for name, (kind, _) in MODELS.items() if kind[:4] in ("Llam", "Mist", "Qwen"))
PADDING = 1  # the token, of which RoBERTa counts positions


def visible(name: str) -> Twin:
    """A twin whose queries all see a real token: where one sees no key, theirs is another answer."""
    of, changes = VARIANTS.get(name, (name, {}))
    (twin,) = find_twins(of)
    arguments: dict[str, Any] = {**twin.arguments, **changes}

    def inputs(rng: np.random.Generator) -> Inputs:
        drawn = dict(twin.inputs(rng))
        mask = drawn["mask"].copy()
        mask[:, : 1 if arguments.get("window") is None else 5] = True
        ids = np.where(drawn["ids"] == PADDING, 2, drawn["ids"])
        drawn |= {"mask": mask, "ids": np.where(mask, ids, PADDING).astype(np.int32)}
        return {n: a for n, a in drawn.items() if n != "segment_ids" or arguments.get("segments", 2) > 1}

    return replace(twin, name=name, inputs=inputs, arguments=arguments)


def configure(twin: Twin) -> Any:
    """Their configuration of our settings, by hand."""
    given = dict(twin.arguments)
    kind = MODELS[twin.name][0]
    names = {"vocab": "vocab_size", "max_positions": "max_position_embeddings", "embed": "hidden_size"}
    names |= {"heads": "num_attention_heads", "layers": "num_hidden_layers", "mlp": "intermediate_size"}
    # Without a padding token, whose row of the embedding theirs would not train.
    extra: dict[str, Any] = {"num_labels": given.get("classes", 2), "pad_token_id": None}
    if kind in ("GPT2Config", "OpenAIGPTConfig"):
        names = {"vocab": "vocab_size", "max_positions": "n_positions", "embed": "n_embd", "heads": "n_head"}
        names |= {"layers": "n_layer"} | ({"mlp": "n_inner"} if kind == "GPT2Config" else {})
        extra = {"bos_token_id": 1, "eos_token_id": 1}
    elif kind == "RobertaConfig":
        given["max_positions"] += given["position_offset"]
        names |= {"segments": "type_vocab_size"}
        extra["pad_token_id"] = PADDING
    elif kind == "DistilBertConfig":
        names |= {"embed": "dim", "heads": "n_heads", "layers": "n_layers", "mlp": "hidden_dim"}
    elif twin.name in ROTARY:
        names |= {"kv_heads": "num_key_value_heads", "eps": "rms_norm_eps", "head_dim": "head_dim"}
        given.setdefault("head_dim", given["embed"] // given["heads"])
        extra["rope_parameters"] = rope(given.get("rope_scaling"), given.get("theta", 10000.0))
        extra["sliding_window"] = given.get("window")
        if twin.name == "qwen2_windows":
            extra["use_sliding_window"] = True
            extra["layer_types"] = ["full_attention", "sliding_attention"] * 2
    sizes = {theirs: given[ours] for ours, theirs in names.items() if ours in given}
    return getattr(transformers, kind)(**sizes, **extra)


def rope(scaling: dict[str, Any] | None, theta: float) -> dict[str, Any]:
    """Their rotary positions."""
    if scaling is None:
        return {"rope_type": "default", "rope_theta": theta}
    settings = {name: value for name, value in scaling.items() if "factor" in name}
    if scaling["kind"] == "llama3":
        settings["original_max_position_embeddings"] = scaling["original_max_positions"]
    return {"rope_type": scaling["kind"], "rope_theta": theta, **settings}


def build(twin: Twin, dtype: str) -> Any:
    """Their model without dropout, in a dtype.

    Llama's kind computes norms in float32 in every dtype; for float64 PyTorch's own norm stands in. Padding
    is trained like all other tokens.
    """
    config, name = configure(twin), MODELS[twin.name][1]
    config._attn_implementation = "sdpa" if twin.name in ROTARY else "eager"
    extra = {"add_pooling_layer": False} if twin.name == "bert" else {}
    model = getattr(transformers, name)(config, **extra).eval()
    for parent in list(model.modules()):
        if isinstance(parent, torch.nn.Embedding):
            parent.padding_idx = None
        for child_name, child in list(parent.named_children()):
            if type(child).__name__.endswith("RMSNorm") and dtype == "float64":
                norm = torch.nn.RMSNorm(child.weight.shape[0], child.variance_epsilon)
                setattr(parent, child_name, norm)
    return model.to(getattr(torch, dtype))


def run_hugging_face(twin: Twin, params: Any, inputs: Inputs, dtype: str) -> Trace:
    """Their forward and backward, under our names.

    Their rotary angles are of `torch.float` in every dtype: for float64 it is that.
    """
    with mock.patch.object(torch, "float", getattr(torch, dtype)):
        return _run(build(twin, dtype), twin, params, inputs, dtype)


def _run(model: Any, twin: Twin, params: Any, inputs: Inputs, dtype: str) -> Trace:
    config = model.config.to_dict()
    ours = {f"bert/{name}": array for name, array in params.items()} if twin.name in BARE else params
    # Theirs has its parameters without this before their names where it has no head.
    base = f"{model.base_model_prefix}." if MODELS[twin.name][1] in HEADLESS else ""
    state = {
        name.removeprefix(base): torch.tensor(array) for name, array in to_hugging_face(ours, config).items()
    }
    left_out = model.load_state_dict(state, strict=False)
    assert left_out.unexpected_keys == []
    assert set(left_out.missing_keys) <= COPIES
    model.tie_weights()
    weights = {name: numbers(parameter) for name, parameter in model.named_parameters()}
    trace = TorchModel(model, partial(call, twin.name)).run(weights, inputs, dtype)
    flat = from_hugging_face(trace.arrays["parameter gradient"], config)
    gradients = {name: flat[f"bert/{name}" if twin.name in BARE else name] for name in params}
    return Trace({**trace.arrays, "tap": {}, "parameter gradient": gradients})


def call(name: str, model: Any, **arrays: torch.Tensor) -> Any:
    """What their model returns, as the twin of this name does."""
    keywords = {"input_ids": arrays["ids"].long(), "attention_mask": arrays["mask"].long()}
    if "segment_ids" in arrays:
        keywords["token_type_ids"] = arrays["segment_ids"].long()
    result = model(**keywords)
    if name in BARE:
        return result.last_hidden_state
    if "pooler_output" in result:
        return Features(result.last_hidden_state, result.pooler_output)
    if name == "bert_pretraining":
        words = gather(result.prediction_logits, arrays["masked_positions"])
        return PretrainingLogits(words, result.seq_relationship_logits)
    if "masked_positions" in arrays:
        return gather(result.logits, arrays["masked_positions"])
    return result.logits


HEADLESS = ("BertModel", "RobertaModel", "DistilBertModel")
BARE = ("bert", "distilbert_model")  # ours has its parameters without "bert/"
COPIES = {
    "lm_head.weight",
    "lm_head.decoder.weight",
    "lm_head.decoder.bias",
    "vocab_projector.weight",
    "cls.predictions.decoder.weight",
    "cls.predictions.decoder.bias",
}


def gather(logits: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    return torch.stack([row[where.long()] for row, where in zip(logits, positions, strict=True)])


@pytest.mark.parametrize(
    "name, dtype",
    [*((name, "float64") for name in MODELS), ("llama", "float32")],  # in float32 theirs is unchanged
)
def test_both_twins_agree_with_hugging_face(name, dtype):
    checks = check_reference(Reference(MODELS[name][1], visible(name), run_hugging_face), dtype)
    assert {check.model.split()[0] for check in checks} == {"jax", "torch"}
    assert {"forward", "parameter gradient"} == {check.kind for check in checks}
    assert [check for check in checks if check.max_rel_error > BOUND[dtype]] == []


def test_every_other_block_of_gpt3_is_local_as_gpt_neos():
    """GPT-Neo's queries, keys and values have no bias, and its scores are not scaled.

    Nor are they more than float32, in a model of float64, which is why the bound is wider here.
    """
    (twin,) = find_twins("gpt3")
    inputs = {"ids": twin.inputs(np.random.default_rng(0))["ids"]}  # padding could fill a whole window
    params = initial_params(twin, inputs, 0)
    biases = [f"blocks_{n}/attention/{name}/bias" for n in range(2) for name in ("query", "key", "value")]
    params |= {name: np.zeros_like(params[name]) for name in biases}
    given = twin.arguments
    config = transformers.GPTNeoConfig(
        vocab_size=given["vocab"],
        max_position_embeddings=given["max_positions"],
        hidden_size=given["embed"],
        num_layers=2,
        num_heads=given["heads"],
        intermediate_size=given["mlp"],
        window_size=given["window"],
        attention_types=[[["global", "local"], 1]],
        bos_token_id=1,
        eos_token_id=1,
        tie_word_embeddings=False,
    )
    model = transformers.GPTNeoForCausalLM(config).double().eval()
    gpt2 = configure(visible("gpt")).to_dict()
    rest = {name: array for name, array in params.items() if name != "output_embedding/embedding"}
    state = {"lm_head.weight": torch.tensor(params["output_embedding/embedding"])}
    for name, array in to_hugging_face(rest, gpt2).items():
        tensor = torch.tensor(array)
        if name.endswith("c_attn.weight"):
            query, key, value = tensor.T.chunk(3)
            scaled = query / (given["embed"] // given["heads"]) ** 0.5
            for kind, part in (("q", scaled), ("k", key), ("v", value)):
                state[name.replace("c_attn", f"attention.{kind}_proj")] = part
        elif not name.endswith("c_attn.bias"):
            name = name.replace("attn.c_proj", "attn.attention.out_proj")
            matrix = name.endswith(("_fc.weight", "_proj.weight"))
            state[name] = tensor.T if matrix else tensor
    assert model.load_state_dict(state).missing_keys == []
    theirs = model(input_ids=torch.tensor(inputs["ids"]).long()).logits.detach().numpy()
    for run in (run_jax, run_torch):
        ours = run(twin, params, inputs, "float64").arrays["forward"]["output"]
        assert np.abs(ours - theirs).max() <= 1e-6 * np.abs(theirs).max()


REAL = {
    "gpt": {"vocab": 50257, "max_positions": 1024, "embed": 768, "heads": 12, "mlp": 3072, "layers": 12},
    "bert_pretraining": {"vocab": 30522, "max_positions": 512, "embed": 768, "heads": 12}
    | {"mlp": 3072, "layers": 12},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_both_twins_agree_at_the_real_size(name):
    """gpt2 and bert-base-uncased as they are, but for the weights, which are drawn."""
    twin = visible(name)
    twin = replace(twin, arguments={**twin.arguments, **REAL[name], "dropout": 0.0})
    checks = check_reference(Reference(MODELS[name][1], twin, run_hugging_face), "float64")
    assert [check for check in checks if check.max_rel_error > BOUND["float64"]] == []
