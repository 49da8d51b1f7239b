"""Hugging Face's models in training, their dropout fed with our masks, place by place.

Weights and gradients pass through the tables of `torch_impl.convert.hugging_face`, as in `test_hugging_face`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch.nn import functional as F
from transformers.models.gpt2.modeling_gpt2 import GPT2SequenceSummary

from parity_tests.core.compare import BOUNDS, compare_traces
from parity_tests.core.trace import Trace
from parity_tests.runners.arrays import Inputs, Params, cotangent, named_outputs, numbers
from parity_tests.tests.twins.places import SEED, Path, fed, matched, recorded_draws
from parity_tests.tests.twins.test_dropout_references import our_params
from parity_tests.tests.twins.test_hugging_face import PADDING, build, call, configure, visible
from parity_tests.twins.inputs import Twin
from parity_tests.twins.run import run_torch
from torch_impl.convert.hugging_face import from_hugging_face, to_hugging_face

RATE = 0.3


def bert(layer: str, *path: int) -> dict[str, Path | None]:
    return {
        f"{layer}.attention.self": (*path, 0),
        f"{layer}.attention.output.dropout": (*path, 1),
        f"{layer}.output.dropout": (*path, 2),
    }


def distilbert(layer: str, *path: int) -> dict[str, Path | None]:
    """It drops no output of attention, where BERT and ours do: that is `ADDED`."""
    return {
        f"{layer}.attention": (*path, 0),
        f"{layer}.attention.out_lin": (*path, 1),
        f"{layer}.ffn.dropout": (*path, 2),
    }


def gpt2(layer: str, *path: int) -> dict[str, Path | None]:
    return {
        f"{layer}.attn": (*path, 0),
        f"{layer}.attn.resid_dropout": (*path, 1),
        f"{layer}.mlp.dropout": (*path, 2),
    }


def gpt1(layer: str, *path: int) -> dict[str, Path | None]:
    return {
        f"{layer}.attn.attn_dropout": (*path, 0),
        f"{layer}.attn.resid_dropout": (*path, 1),
        f"{layer}.mlp.dropout": (*path, 2),
    }


def llama(layer: str, *path: int) -> dict[str, Path | None]:
    """It drops attention's weights alone; the rest is `ADDED`."""
    return {
        f"{layer}.self_attn": (*path, 0),
        f"{layer}.self_attn.o_proj": (*path, 1),
        f"{layer}.mlp.down_proj": (*path, 2),
    }


# Our twin: where theirs drops, and our path. Roberta's head drops before its first layer too.
PLACES: dict[str, dict[str, Path | None]] = {
    "bert_model": {
        "embeddings.dropout": (0,),
        **bert("encoder.layer.0", 1),
        **bert("encoder.layer.1", 2),
    },
    "bert_pretraining": {
        "bert.embeddings.dropout": (0,),
        **bert("bert.encoder.layer.0", 1),
        **bert("bert.encoder.layer.1", 2),
    },
    "bert_classifier": {
        "bert.embeddings.dropout": (0,),
        **bert("bert.encoder.layer.0", 1),
        **bert("bert.encoder.layer.1", 2),
        "dropout": (3,),
    },
    "roberta": {
        "roberta.embeddings.dropout": (0,),
        **bert("roberta.encoder.layer.0", 1),
        **bert("roberta.encoder.layer.1", 2),
    },
    "distilbert": {
        "distilbert.embeddings.dropout": (0,),
        **distilbert("distilbert.transformer.layer.0", 1),
        **distilbert("distilbert.transformer.layer.1", 2),
        "dropout": (3,),
    },
    "gpt": {
        "transformer.drop": (0,),
        **gpt2("transformer.h.0", 1),
        **gpt2("transformer.h.1", 2),
    },
    "gpt1": {
        "transformer.drop": (0,),
        **gpt1("transformer.h.0", 1),
        **gpt1("transformer.h.1", 2),
    },
    **{
        name: {"model.embed_tokens": (0,), **llama("model.layers.0", 1), **llama("model.layers.1", 2)}
        for name in ("llama", "llama_scaled", "mistral", "qwen2", "qwen3")
    },
    "qwen2_windows": {
        "model.embed_tokens": (0,),
        **llama("model.layers.0", 1),
        **llama("model.layers.1", 2),
        **llama("model.layers.2", 3),
        **llama("model.layers.3", 4),
    },
}
ADDED = (
    *(f"distilbert.transformer.layer.{number}.attention.out_lin" for number in range(2)),
    "model.embed_tokens",
    *(f"model.layers.{number}.self_attn.o_proj" for number in range(4)),
    *(f"model.layers.{number}.mlp.down_proj" for number in range(4)),
)


@pytest.fixture(autouse=True)
def float64_throughout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Llama's softmax and angles, which are in float32 in every dtype."""
    monkeypatch.setattr(F, "softmax", lambda x, dim, dtype=None: torch.softmax(x, dim))
    monkeypatch.setattr(torch, "float", torch.float64)


def theirs_in_training(twin: Twin, params: Params, inputs: Inputs, masks: Mapping[str, Any]) -> Trace:
    """Their forward and backward under our masks, and under our names."""
    model = build(twin, "float64")
    model.config._attn_implementation = "eager"  # which drops where it can be fed
    config = model.config.to_dict()
    base = "bert." if twin.name == "bert_model" else ""
    state = {name.removeprefix(base): array for name, array in to_hugging_face(params, config).items()}
    trace = run(model, partial(call, twin.name, model), state, inputs, masks)
    trace.arrays["parameter gradient"] = from_hugging_face(trace.arrays["parameter gradient"], config)
    return trace


def run(
    model: torch.nn.Module,
    called: Callable[..., Any],
    state: Params,
    inputs: Inputs,
    masks: Mapping[str, Any],
) -> Trace:
    """Forward and backward of a model of theirs in training, under its own names."""
    tensors = {name: torch.tensor(array) for name, array in state.items()}
    assert model.load_state_dict(tensors, strict=False).unexpected_keys == []
    with fed(model.train(), masks, RATE, ADDED):
        given = {name: torch.tensor(array) for name, array in inputs.items()}
        outputs = named_outputs(called(**given), torch.Tensor, type(model).__name__)
    starts = [torch.tensor(cotangent(tuple(output.shape))) for output in outputs.values()]
    torch.autograd.backward(list(outputs.values()), starts)
    trace = Trace()
    trace.arrays["forward"] = {name: numbers(output) for name, output in outputs.items()}
    trace.arrays["parameter gradient"] = {name: numbers(p.grad) for name, p in model.named_parameters()}
    return trace


def ours_and_masks(twin: Twin, places: Mapping[str, Path | None]) -> tuple[Params, Inputs, Trace, Any]:
    """Our weights, inputs and forward in training, and its masks by their places."""
    inputs, params = twin.inputs(np.random.default_rng(0)), our_params(twin)
    with recorded_draws() as draws:
        ours = run_torch(twin, params, inputs, "float64", SEED)
    ours.arrays["tap"] = {}
    return params, inputs, ours, matched(places, draws, RATE)


def assert_equal(theirs: Trace, ours: Trace) -> None:
    checks = compare_traces("training", theirs, ours, "float64", BOUNDS["float64"][True])
    assert {"forward", "parameter gradient"} == {check.kind for check in checks}
    assert [check for check in checks if not check.passed] == []


def training(name: str) -> Twin:
    """The twin of this name with two layers or more: their keys differ."""
    twin = visible(name)
    layers = max(2, twin.arguments["layers"])
    return replace(twin, arguments={**twin.arguments, "layers": layers, "dropout": RATE})


@pytest.mark.parametrize("name", PLACES)
def test_our_masks_in_hugging_face_s_models_give_our_numbers_and_gradients(name):
    twin = training(name)
    params, inputs, ours, masks = ours_and_masks(twin, PLACES[name])
    assert_equal(theirs_in_training(twin, params, inputs, masks), ours)


class MeanBert(torch.nn.Module):
    """BERT, then dropout and a linear layer on the mean of the real tokens."""

    def __init__(self, config: transformers.BertConfig) -> None:
        super().__init__()
        self.bert = transformers.BertModel(config, add_pooling_layer=False)
        self.dropout = torch.nn.Dropout(RATE)
        self.classifier = torch.nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, segment_ids: torch.Tensor) -> torch.Tensor:
        given = {"attention_mask": mask.long(), "token_type_ids": segment_ids.long()}
        hidden = self.bert(input_ids=ids.long(), **given).last_hidden_state
        mean = torch.stack([row[real].mean(dim=0) for row, real in zip(hidden, mask, strict=True)])
        return self.classifier(self.dropout(mean))


def test_our_masks_in_bert_and_the_mean_of_its_tokens_give_our_classifier():
    twin = training("bert_classifier_mean")
    params, inputs, ours, masks = ours_and_masks(twin, PLACES["bert_classifier"])
    config = configure(replace(twin, name="bert_classifier"))
    config._attn_implementation = "eager"
    settings = config.to_dict()
    model = MeanBert(config).double()
    bare = {name: array for name, array in params.items() if not name.startswith("head/")}
    head = {"classifier.weight": params["head/kernel"].T, "classifier.bias": params["head/bias"]}
    theirs = run(model, model, to_hugging_face(bare, settings) | head, inputs, masks)
    gradients = theirs.arrays["parameter gradient"]
    kernel, bias = gradients.pop("classifier.weight").T, gradients.pop("classifier.bias")
    found = from_hugging_face(gradients, settings) | {"head/kernel": kernel, "head/bias": bias}
    theirs.arrays["parameter gradient"] = found
    assert_equal(theirs, ours)


class SummarisedGPT2(torch.nn.Module):
    """GPT-2, then dropout and a linear layer on the last real token."""

    def __init__(self, config: transformers.GPT2Config) -> None:
        super().__init__()
        self.transformer = transformers.GPT2Model(config)
        self.summary = GPT2SequenceSummary(config)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.transformer(input_ids=ids.long(), attention_mask=mask.long()).last_hidden_state
        return self.summary(hidden[:, None], mask.sum(dim=1, keepdim=True) - 1)[:, 0]


def gpt2_config(twin: Twin) -> Any:
    config = configure(replace(twin, name="gpt"))
    config._attn_implementation, config.num_labels = "eager", twin.arguments["classes"]
    config.summary_type, config.pad_token_id = "cls_index", PADDING
    return config


def split(params: Params, config: Any) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Our classifier's weights: GPT-2's under its names, and the head's kernel and bias."""
    gpt = {name.removeprefix("gpt/"): a for name, a in params.items() if name.startswith("gpt/")}
    return to_hugging_face(gpt, config.to_dict()), params["head/kernel"], params["head/bias"]


def test_our_masks_in_gpt2_and_its_summary_give_our_classifier():
    twin = training("gpt_classifier")
    places = {**PLACES["gpt"], "summary.first_dropout": (3,)}
    params, inputs, ours, masks = ours_and_masks(twin, places)
    config = gpt2_config(twin)
    model = SummarisedGPT2(config).double()
    state, kernel, bias = split(params, config)
    state |= {"summary.summary.weight": kernel.T, "summary.summary.bias": bias}
    theirs = run(model, model, state, inputs, masks)
    gradients = dict(theirs.arrays["parameter gradient"])
    head = {"head/kernel": gradients.pop("summary.summary.weight").T}
    head["head/bias"] = gradients.pop("summary.summary.bias")
    gpt = from_hugging_face(gradients, config.to_dict())
    theirs.arrays["parameter gradient"] = {f"gpt/{name}": array for name, array in gpt.items()} | head
    assert_equal(theirs, ours)


def test_a_gpt_classifier_reads_the_last_real_token_as_gpt2_for_sequence_classification():
    """Whose head has no bias: ours is taken off. Every row has another length."""
    twin = training("gpt_classifier")
    params, inputs = our_params(twin), twin.inputs(np.random.default_rng(0))
    lengths = np.array([7, 1, 3, 6, 2, 5, 4, 7])
    mask = np.arange(7)[None, :] < lengths[:, None]
    ids = np.where(mask, inputs["ids"] + (inputs["ids"] == PADDING), PADDING).astype(np.int32)
    config = gpt2_config(twin)
    state, kernel, bias = split(params, config)
    model = transformers.GPT2ForSequenceClassification(config).double().eval()
    tensors = {name: torch.tensor(array) for name, array in (state | {"score.weight": kernel.T}).items()}
    left_out = model.load_state_dict(tensors, strict=False)
    assert (left_out.missing_keys, left_out.unexpected_keys) == ([], [])
    theirs = model(input_ids=torch.tensor(ids).long(), attention_mask=torch.tensor(mask).long()).logits
    ours = run_torch(twin, params, {"ids": ids, "mask": mask}, "float64").arrays["forward"]["output"]
    np.testing.assert_allclose(ours - bias, theirs.detach().numpy(), rtol=0, atol=1e-12)
