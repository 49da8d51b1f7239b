"""The table of Hugging Face's checkpoints: total, bitwise there and back, and refusing what does not fit."""

import numpy as np
import pytest
import torch
import transformers

from data.errors import DataError
from data.pretrained import from_hugging_face, to_hugging_face
from data.pretrained_config import model_arguments
from parity_tests.tests.twins.test_hugging_face import MODELS, configure, resized, visible
from torch_impl import convert

BERT = {"vocab_size": 9, "hidden_size": 6, "num_attention_heads": 2, "num_hidden_layers": 2}
BERT |= {"intermediate_size": 8, "max_position_embeddings": 5}
GPT2 = {"vocab_size": 9, "n_embd": 6, "n_head": 2, "n_layer": 2, "n_positions": 5}
GPT2 |= {"bos_token_id": 1, "eos_token_id": 1}
COPIES = {"lm_head.weight", "cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}


def their_state(name="bert_pretraining"):
    """A random checkpoint and its config.json."""
    if name == "gpt":
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2))
    elif name == "bert_pretraining":
        model = transformers.BertForPreTraining(transformers.BertConfig(**BERT))
    else:
        model = getattr(transformers, MODELS[name][1])(configure(visible(name)))
    return {n: t.detach().numpy() for n, t in model.state_dict().items()}, model.config.to_dict()


def bits(arrays):
    return {name: (array.shape, array.dtype, array.tobytes()) for name, array in arrays.items()}


@pytest.mark.parametrize("name", [name for name in MODELS if name != "bert"])
def test_there_and_back_is_bitwise_equal_and_fills_our_model(name):
    state, config = their_state(name)
    params = from_hugging_face(state, config)
    copies = COPIES if name != "llama" else set()
    base = "bert." if name == "bert_model" else ""  # left out in theirs
    theirs = {base + n: array for n, array in state.items() if n not in copies}
    assert bits(to_hugging_face(params, config)) == bits(theirs)
    twin = visible(name)
    model = resized(twin, model_arguments(config)).build("torch_impl")
    convert.load(model, params)
    assert bits(convert.save(model)) == bits(params)


@pytest.mark.parametrize("name", MODELS)
def test_the_arguments_of_a_configuration_are_the_twins(name):
    twin = visible(name)
    found = model_arguments(configure(twin).to_dict())
    kind = twin.pair.config
    heads = {"classes": twin.arguments["classes"]} if "classes" in twin.arguments else {}
    expected = kind(**{**twin.arguments, "dropout": 0.0})
    assert kind(**found, **heads) == expected


def test_the_layout_is_right_by_hand():
    state, config = their_state("gpt")
    params = from_hugging_face(state, config)
    stacked = state["transformer.h.1.attn.c_attn.weight"]  # embed, then query, key and value side by side
    for number, name in enumerate(("query", "key", "value")):
        kernel = stacked[:, 6 * number : 6 * number + 6].reshape(6, 2, 3)
        np.testing.assert_array_equal(params[f"blocks_1/attention/{name}/kernel"], kernel)


def test_checkpoints_of_other_days_have_other_names():
    """No prefix, TensorFlow's gamma and beta, and buffers that are no parameters."""
    state, config = their_state()
    expected = bits(from_hugging_face(state, config))
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): array
        for name, array in state.items()
    }
    assert bits(from_hugging_face(old, config)) == expected
    bare = {name.removeprefix("bert."): array for name, array in state.items()}
    bare["embeddings.position_ids"] = np.arange(5)[None]
    assert bits(from_hugging_face(bare, config)) == expected
    state, config = their_state("gpt")
    buffers = {f"h.{n}.attn.{kind}": np.ones((1, 1)) for n in range(2) for kind in ("bias", "masked_bias")}
    bare = {name.removeprefix("transformer."): array for name, array in state.items()} | buffers
    assert bits(from_hugging_face(bare, config)) == bits(from_hugging_face(state, config))


def changed(state, **changes):
    return state | {name.replace("__", "."): array for name, array in changes.items()}


@pytest.mark.parametrize(
    "change, words",
    [
        ({"bert__extra__weight": np.zeros(2)}, "bert.extra.weight is taken by no row"),
        ({"pooler__dense__bias": np.zeros(6)}, "twice, with and without 'bert.'"),
        ({"cls__predictions__decoder__bias": np.ones(9)}, "decoder.bias is no copy of cls.predictions.bias"),
        ({"bert__pooler__dense__weight": np.zeros((6, 6, 1))}, r"pooler.dense.weight of shape \(6, 6, 1\)"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(change, words):
    state, config = their_state()
    with pytest.raises(DataError, match=words):
        from_hugging_face(changed(state, **change), config)


def test_parameters_that_do_not_fit_are_refused():
    state, config = their_state("gpt")
    params = from_hugging_face(state, config)
    with pytest.raises(DataError, match="blocks_0/attention/quarry/kernel is taken by no row"):
        to_hugging_face(params | {"blocks_0/attention/quarry/kernel": np.zeros(1)}, config)
    del params["blocks_1/attention/key/bias"]
    with pytest.raises(
        DataError, match=r"h\.1\.attn\.c_attn\.bias .*\['blocks_1/attention/key/bias'\] are m"
    ):
        to_hugging_face(params, config)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"model_type": "t5"}, "model_type='t5': choose"),
        ({"activation_function": "relu"}, "gpt2 with the activation 'relu'"),
    ],
)
def test_a_configuration_that_ours_lack_is_refused(change, words):
    with pytest.raises(DataError, match=words):
        model_arguments(transformers.GPT2Config(**GPT2).to_dict() | change)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5}}, "scaled rotary"),
        ({"attention_bias": True}, "attention_bias=True"),
        ({"head_dim": 8}, "head_dim=8"),
    ],
)
def test_a_llama_that_ours_is_not_is_refused(change, words):
    with pytest.raises(DataError, match=words):
        model_arguments(configure(visible("llama")).to_dict() | change)


def test_a_tied_llama_has_no_output_embedding():
    config = configure(visible("llama"))
    config.tie_word_embeddings = True
    model = transformers.LlamaForCausalLM(config)
    state = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    assert "lm_head.weight" in state and model_arguments(config.to_dict())["tied"]
    assert "output_embedding/embedding" not in from_hugging_face(state, config.to_dict())
    assert torch.equal(model.lm_head.weight, model.model.embed_tokens.weight)
