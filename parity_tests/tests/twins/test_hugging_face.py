"""Both twins against Hugging Face's models, at small configurations with random weights and at real ones.

Weights and gradients pass through the table of `data.pretrained`, which so is tested with them.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers.models.llama import modeling_llama

from data.pretrained import from_hugging_face, to_hugging_face
from parity_tests.core.compare import BOUNDS
from parity_tests.core.trace import Trace
from parity_tests.runners.arrays import Inputs, numbers
from parity_tests.runners.torch_model import TorchModel
from parity_tests.twins.check import find_twins
from parity_tests.twins.inputs import Twin
from parity_tests.twins.references import Reference, check_reference
from parity_tests.twins.run import initial_params, run_jax, run_torch
from torch_impl.bert import Features, PretrainingLogits

BOUND = {dtype: bounds[True] for dtype, bounds in BOUNDS.items()}
MODELS = {  # our twin: their configuration and model
    "bert": ("BertConfig", "BertModel"),
    "bert_model": ("BertConfig", "BertModel"),
    "bert_for_masked_lm": ("BertConfig", "BertForMaskedLM"),
    "bert_pretraining": ("BertConfig", "BertForPreTraining"),
    "bert_classifier": ("BertConfig", "BertForSequenceClassification"),
    "gpt": ("GPT2Config", "GPT2LMHeadModel"),
    "gpt1": ("OpenAIGPTConfig", "OpenAIGPTLMHeadModel"),
    "llama": ("LlamaConfig", "LlamaForCausalLM"),
}


def visible(name: str) -> Twin:
    """A twin whose rows all begin with a real token: where a query sees no key, theirs is another answer."""
    (twin,) = find_twins(name)

    def inputs(rng: np.random.Generator) -> Inputs:
        drawn = dict(twin.inputs(rng))
        drawn["mask"] = drawn["mask"].copy()
        drawn["mask"][:, 0] = True
        return drawn

    if name == "gpt1":  # theirs has no choice
        twin = resized(twin, {"mlp": 4 * twin.arguments["embed"]})
    return replace(twin, inputs=inputs)


def resized(twin: Twin, sizes: dict[str, Any]) -> Twin:
    """The twin with other sizes."""
    return replace(twin, arguments={**twin.arguments, **sizes})


def configure(twin: Twin) -> Any:
    """Their configuration of our arguments."""
    given = twin.arguments
    kind = MODELS[twin.name][0]
    if kind in ("GPT2Config", "OpenAIGPTConfig"):
        names = {"vocab": "vocab_size", "max_positions": "n_positions", "embed": "n_embd", "heads": "n_head"}
        names |= {"layers": "n_layer"} | ({"mlp": "n_inner"} if kind == "GPT2Config" else {})
        extra = {"bos_token_id": 1, "eos_token_id": 1}
    else:
        names = {"vocab": "vocab_size", "max_positions": "max_position_embeddings", "embed": "hidden_size"}
        names |= {"heads": "num_attention_heads", "layers": "num_hidden_layers", "mlp": "intermediate_size"}
        names |= {"kv_heads": "num_key_value_heads", "eps": "rms_norm_eps"}
        # Without a padding token, whose row of the embedding theirs would not train.
        extra = {"num_labels": given.get("classes", 2), "pad_token_id": None}
    sizes = {theirs: given[ours] for ours, theirs in names.items() if ours in given}
    return getattr(transformers, kind)(**sizes, **extra)


def build(twin: Twin, dtype: str) -> Any:
    """Their model without dropout.

    Llama's norms and rotary angles are computed in float32 in every dtype. For float64 PyTorch's own norm and
    exact angles stand in.
    """
    config, name = configure(twin), MODELS[twin.name][1]
    config._attn_implementation = "sdpa" if twin.name == "llama" else "eager"
    extra = {"add_pooling_layer": False} if twin.name == "bert" else {}
    model = getattr(transformers, name)(config, **extra).eval()
    if twin.name == "llama" and dtype == "float64":
        for parent in list(model.modules()):
            for child_name, child in list(parent.named_children()):
                if isinstance(child, modeling_llama.LlamaRMSNorm):
                    norm = torch.nn.RMSNorm(child.weight.shape[0], child.variance_epsilon)
                    setattr(parent, child_name, norm)
        model.model.rotary_emb = ExactAngles(config)
    return model


class ExactAngles(torch.nn.Module):
    """`LlamaRotaryEmbedding` in float64."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width = config.hidden_size // config.num_attention_heads
        self.rates = 1.0 / 10000.0 ** (torch.arange(0, width, 2, dtype=torch.float64) / width)

    def forward(self, x: torch.Tensor, position_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        angles = position_ids[:, :, None] * self.rates
        both = torch.cat((angles, angles), dim=-1)
        return both.cos(), both.sin()


def run_hugging_face(twin: Twin, params: Any, inputs: Inputs, dtype: str) -> Trace:
    """Their forward and backward, under our names."""
    model = build(twin, dtype).to(getattr(torch, dtype))
    config = model.config.to_dict()
    bare = twin.name == "bert"  # ours has its parameters without "bert/" then
    ours = {f"bert/{name}": array for name, array in params.items()} if bare else params
    headless = MODELS[twin.name][1] == "BertModel"  # theirs has its parameters without "bert." then
    state = {
        name.removeprefix("bert.") if headless else name: torch.tensor(array)
        for name, array in to_hugging_face(ours, config).items()
    }
    left_out = model.load_state_dict(state, strict=False)
    assert left_out.unexpected_keys == []
    copies = ("lm_head.weight", "cls.predictions.decoder.weight", "cls.predictions.decoder.bias")
    assert set(left_out.missing_keys) <= set(copies)
    model.tie_weights()
    weights = {name: numbers(parameter) for name, parameter in model.named_parameters()}
    trace = TorchModel(model, partial(call, twin.name)).run(weights, inputs, dtype)
    flat = from_hugging_face(trace.arrays["parameter gradient"], config)
    gradients = {name: flat[f"bert/{name}" if bare else name] for name in params}
    return Trace({**trace.arrays, "tap": {}, "parameter gradient": gradients})


def call(name: str, model: Any, **arrays: torch.Tensor) -> Any:
    """What their model returns, as the twin of this name does."""
    keywords = {"input_ids": arrays["ids"].long(), "attention_mask": arrays["mask"].long()}
    if "segment_ids" in arrays:
        keywords["token_type_ids"] = arrays["segment_ids"].long()
    result = model(**keywords)
    if name == "bert":
        return result.last_hidden_state
    if name == "bert_model":
        return Features(result.last_hidden_state, result.pooler_output)
    if name == "bert_pretraining":
        words = gather(result.prediction_logits, arrays["masked_positions"])
        return PretrainingLogits(words, result.seq_relationship_logits)
    if name == "bert_for_masked_lm":
        return gather(result.logits, arrays["masked_positions"])
    return result.logits


def gather(logits: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    return torch.stack([row[where.long()] for row, where in zip(logits, positions, strict=True)])


@pytest.mark.parametrize(
    "name, dtype",
    [*((name, "float64") for name in MODELS), ("llama", "float32")],  # theirs unchanged, norms and angles
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
    gpt2 = {"model_type": "gpt2", "n_embd": given["embed"], "n_head": given["heads"]}
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
    twin = resized(visible(name), REAL[name] | {"dropout": 0.0})
    checks = check_reference(Reference(MODELS[name][1], twin, run_hugging_face), "float64")
    assert [check for check in checks if check.max_rel_error > BOUND["float64"]] == []
