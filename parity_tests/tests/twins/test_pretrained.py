"""The table of Hugging Face's checkpoints: total, bitwise there and back, and refusing what does not fit."""

import collections
import copy
import random
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers.activations import ACT2CLS, ACT2FN
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from parity_tests.tests.twins.test_hugging_face import BARE, COPIES, HEADLESS, MODELS, configure, visible
from torch_impl import convert
from torch_impl.config import RopeScaling
from torch_impl.convert.config_json import ConvertError, canonical, our_config, their_config
from torch_impl.convert.hugging_face import from_hugging_face, to_hugging_face
from torch_impl.convert.kinds import ACTIVATIONS as KNOWN
from torch_impl.layers import ACTIVATIONS, rotary_angles

BERT = {"vocab_size": 9, "hidden_size": 6, "num_attention_heads": 2, "num_hidden_layers": 2}
BERT |= {"intermediate_size": 8, "max_position_embeddings": 5}
GPT2 = {"vocab_size": 9, "n_embd": 6, "n_head": 2, "n_layer": 2, "n_positions": 5}
GPT2 |= {"bos_token_id": 1, "eos_token_id": 1}


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


@pytest.mark.parametrize("name", [name for name in MODELS if name not in BARE])
def test_there_and_back_is_bitwise_equal_and_fills_our_model(name):
    state, config = their_state(name)
    params, ours = from_hugging_face(state, config), our_config(config)
    copies = COPIES if getattr(ours, "tied", True) else COPIES - {"lm_head.weight"}
    base = f"{config['model_type']}." if MODELS[name][1] in HEADLESS else ""  # left out in theirs
    theirs = {base + n: array for n, array in state.items() if n not in copies}
    assert bits(to_hugging_face(params, config)) == bits(theirs)
    head = {n: value for n, value in visible(name).arguments.items() if n in ("classes", "pooling")}
    model = replace(visible(name), arguments=asdict(ours) | head).build("torch_impl")
    convert.load(model, params)
    assert bits(convert.save(model)) == bits(params)


@pytest.mark.parametrize("name", MODELS)
def test_the_settings_of_a_configuration_are_the_twins_and_are_written_as_they_were_read(name):
    theirs = configure(visible(name))
    ours = our_config(theirs.to_dict())
    twins = visible(name).build("torch_impl").config
    assert ours == canonical(type(ours)(**{field.name: getattr(twins, field.name) for field in fields(ours)}))
    special = {"pad_token_id": theirs.pad_token_id} if name.startswith("roberta") else {}
    written = their_config(replace(twins, dropout=0.1), special)
    assert written["model_type"] == theirs.model_type and our_config(written) == ours
    opened = type(theirs).from_dict(written)
    assert our_config(opened.to_dict()) == ours
    assert getattr(opened, "rope_parameters", None) == getattr(theirs, "rope_parameters", None)


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
        ({"bert__extra__weight": np.zeros(2)}, "'bert.extra.weight' is claimed by no row"),
        ({"pooler__dense__bias": np.zeros(6)}, "twice, with and without 'bert.'"),
        ({"cls__predictions__decoder__bias": np.ones(9)}, "decoder.bias is no copy of cls.predictions.bias"),
        ({"bert__pooler__dense__weight": np.zeros((6, 6, 1))}, r"pooler.dense.weight' of shape \(6, 6, 1\)"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(change, words):
    state, config = their_state()
    with pytest.raises(ConvertError, match=words):
        from_hugging_face(changed(state, **change), config)


def test_parameters_that_do_not_fit_are_refused():
    state, config = their_state("gpt")
    params = from_hugging_face(state, config)
    with pytest.raises(ConvertError, match="'blocks_0/attention/quarry/kernel' is claimed by no row"):
        to_hugging_face(params | {"blocks_0/attention/quarry/kernel": np.zeros(1)}, config)
    del params["blocks_1/attention/key/bias"]
    words = r"'blocks_1/attention/key/bias' is missing: a row stacks it with \['blocks_1/attention/query/bias"
    with pytest.raises(ConvertError, match=words):
        to_hugging_face(params, config)


def config_of(name, **changes):
    return {n: v for n, v in (configure(visible(name)).to_dict() | changes).items() if v is not ...}


NO_WINDOW = {"use_sliding_window": True, "sliding_window": 4}


@pytest.mark.parametrize(
    "name, change, words",
    [
        ("gpt", {"model_type": "t5"}, "model_type='t5': choose"),
        (
            "gpt",
            {"activation_function": "quick_gelu"},
            "gpt2 with activation_function='quick_gelu': ours computes gelu, .* alone",
        ),
        ("gpt", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx=True: ours"),
        ("gpt", {"n_embd": ...}, "the config.json of gpt2 has no setting 'n_embd'"),
        ("gpt", {"n_head": 5}, "gpt2: heads=5 does not divide embed=24"),
        ("bert", {"is_decoder": True}, "bert with is_decoder=True: ours computes is_decoder=False alone"),
        ("bert", {"position_embedding_type": "relative_key"}, "position_embedding_type='relative_key'"),
        ("bert", {"type_vocab_size": 0}, "type_vocab_size=0"),
        ("roberta", {"is_decoder": True}, "roberta with is_decoder=True"),
        (
            "roberta",
            {"hidden_act": "relu"},
            "roberta with hidden_act='relu': ours computes gelu, gelu_python alone",
        ),
        ("roberta", {"pad_token_id": None}, "pad_token_id=None"),
        ("distilbert", {"activation": "mish"}, "distilbert with activation='mish'"),
        ("llama", {"attention_bias": True}, "llama with attention_bias=True"),
        ("llama", {"mlp_bias": True}, "llama with mlp_bias=True"),
        ("llama", {"partial_rotary_factor": 0.5}, "llama with partial_rotary_factor=0.5"),
        ("llama", {"rope_parameters": {"rope_type": "llama3"}}, "rope_type='llama3' and without factor"),
        ("llama", {"rope_scaling": {"type": "dynamic", "factor": 2.0}}, "'type': 'dynamic', 'factor': 2.0"),
        (
            "llama",
            {"rope_parameters": {"rope_type": "yarn", "factor": 2.0}},
            "llama: rope_parameters=.*'yarn'.*: ours computes",
        ),
        ("llama", {"rope_parameters": {"rope_type": "linear", "factor": 0.0}}, "factor=0.0"),
        ("llama", {"head_dim": 7}, "head_dim=7: rotary positions turn pairs"),
        ("mistral", {"num_key_value_heads": ...}, "mistral has no setting 'num_key_value_heads'"),
        (
            "qwen2",
            NO_WINDOW | {"layer_types": ["sliding_attention"] * 2},
            "use_sliding_window=True with layer_t",
        ),
        (
            "qwen2",
            NO_WINDOW | {"layer_types": None, "num_hidden_layers": 4, "max_window_layers": 2},
            "use_sliding_window=True with max_window_layers=2: ours has the window",
        ),
        ("qwen3", {"attention_bias": True}, "qwen3 with attention_bias=True"),
    ],
)
def test_a_setting_that_ours_cannot_compute_is_refused_with_its_value(name, change, words):
    with pytest.raises(ConvertError, match=words):
        our_config(config_of(name, **change))


LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}


@pytest.mark.parametrize(
    "spelled, theta, scaling",
    [
        ({"rope_theta": 500.0}, 500.0, None),
        ({"rope_theta": 500.0, "rope_scaling": None}, 500.0, None),
        ({"rope_theta": 500.0, "rope_scaling": {"rope_type": "default"}}, 500.0, None),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}}, 500.0, None),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, 10000.0, RopeScaling(factor=2.0)),
        (
            {"rope_theta": 5.0, "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 7.0}},
            7.0,
            RopeScaling(factor=2.0),
        ),
        (
            {"rope_scaling": {"rope_type": "llama3", "original_max_position_embeddings": 64} | LLAMA3},
            10000.0,
            RopeScaling(kind="llama3", factor=8.0, original_max_positions=64),
        ),
        (
            {"rope_parameters": {"rope_type": "llama3"} | LLAMA3},  # the longest text is the original's then
            10000.0,
            RopeScaling(kind="llama3", factor=8.0, original_max_positions=9),
        ),
    ],
)
def test_rotary_positions_are_read_in_every_spelling_as_they_read_them(spelled, theta, scaling):
    config = config_of("llama", **{"rope_parameters": ..., **spelled})
    ours = our_config(config)
    assert (ours.theta, ours.rope_scaling) == (theta, scaling)
    opened = transformers.LlamaConfig.from_dict(config)
    assert our_config(opened.to_dict()) == ours


def rope(draw: random.Random) -> dict[str, Any]:
    """What a config.json may say of rotary positions, in all spellings at once, also against each other."""

    def some(**values: Any) -> dict[str, Any]:
        return {name: draw.choice(given) for name, given in values.items() if draw.random() < 0.5}

    def settings() -> Any:
        kinds = ["default", "linear", "llama3", "yarn"]
        named = some(
            rope_type=kinds[:3], type=kinds, rope_theta=[500.0, 7.0], partial_rotary_factor=[1.0, 0.5]
        )
        scaled = some(factor=[2.0, 1.0], original_max_position_embeddings=[4, 64])
        bands = {"low_freq_factor": 1.0, "high_freq_factor": 4.0} if draw.random() < 0.5 else {}
        return draw.choice([named | scaled | bands, named, {}, None])

    said = some(
        rope_theta=[5.0, 1e6], partial_rotary_factor=[1.0, None], original_max_position_embeddings=[16]
    )
    return said | {name: settings() for name in ("rope_parameters", "rope_scaling") if draw.random() < 0.6}


def test_rotary_angles_are_theirs_whatever_config_json_says_of_them():
    bare = config_of("llama", **dict.fromkeys(("rope_parameters", "rope_scaling", "rope_theta"), ...))
    outcomes = collections.Counter()
    for number in range(1000):
        said = rope(random.Random(number))
        try:
            ours = our_config(copy.deepcopy(bare | said))
        except ConvertError:
            outcomes["refused"] += 1
            continue
        theirs = transformers.LlamaConfig.from_dict(copy.deepcopy(bare | said))
        rates = LlamaRotaryEmbedding(theirs).inv_freq.numpy()
        found = rotary_angles(2, ours.width, ours.theta, ours.rope_scaling)[1]
        np.testing.assert_allclose(found, rates, rtol=1e-5, err_msg=f"{number}: {said}")
        outcomes["theirs" if ours.rope_scaling is None else ours.rope_scaling.kind] += 1
    assert min(outcomes[name] for name in ("refused", "theirs", "linear", "llama3")) > 10, outcomes


def test_every_activation_of_theirs_that_ours_has_is_read_under_its_name():
    """The others are other functions: no name of one of ours is missing."""
    grid = torch.linspace(-12.0, 12.0, 481, dtype=torch.float64)
    for name in set(ACT2CLS) - {"prelu", "xielu"}:  # they have parameters
        same = [
            ours for ours, one in ACTIVATIONS.items() if (one(grid) - ACT2FN[name](grid)).abs().max() < 1e-9
        ]
        assert same == [KNOWN[name]] if name in KNOWN else same == [], name


@pytest.mark.parametrize(
    "name, settings, window, every",
    [
        ("mistral", {"sliding_window": ...}, 4096, 1),  # what they take where it is left out
        ("mistral", {"sliding_window": None}, None, 2),
        ("qwen2", {"sliding_window": 4, "use_sliding_window": False}, None, 2),
        ("qwen2", NO_WINDOW | {"layer_types": ..., "max_window_layers": 0}, 4, 1),
        ("qwen2", NO_WINDOW | {"layer_types": ..., "max_window_layers": 9}, None, 2),
        ("qwen3", NO_WINDOW | {"layer_types": ["full_attention", "sliding_attention"]}, 4, 2),
    ],
)
def test_windows_are_read(name, settings, window, every):
    ours = our_config(config_of(name, num_hidden_layers=2, **settings))
    assert (ours.window, ours.window_every) == (window, every)


@pytest.mark.parametrize("name", ["gelu", "gelu_new", "relu", "silu"])
def test_activations_of_gpt2_are_written_as_they_were_read(name):
    ours = our_config(config_of("gpt", activation_function=name))
    assert their_config(ours, {})["activation_function"] == name


@pytest.mark.parametrize(
    "changes",
    [
        {"qk_norm": True, "qkv_bias": True},
        {"window": 3, "window_every": 2},
        {
            "window": 3,
            "window_every": 1,
            "rope_scaling": None,
            "qkv_bias": True,
            "tied": True,
            "gated": False,
        },
        {"norm": "layer"},
        {"position_encoding": "learned"},
        {"use_bias": True},
    ],
)
def test_settings_that_no_architecture_of_theirs_has_are_not_written(changes):
    ours = replace(our_config(config_of("llama")), **changes)
    with pytest.raises(
        ConvertError, match="no architecture of gpt2, openai-gpt, llama, mistral, qwen2, qwen3 at"
    ):
        their_config(ours, {})


def test_a_model_with_kernels_is_written_and_read_without():
    ours = our_config(config_of("llama"))
    assert our_config(their_config(replace(ours, fused=True), {})) == ours


def test_a_padding_token_that_would_count_other_positions_is_not_written():
    ours = our_config(config_of("roberta"))
    with pytest.raises(ConvertError, match="no architecture of bert, roberta, distilbert at"):
        their_config(ours, {"pad_token_id": 0})


def test_a_masked_language_model_of_roberta_may_have_a_pooler_that_nobody_reads():
    state, config = their_state("roberta")
    width = config["hidden_size"]
    pooler = {
        "roberta.pooler.dense.weight": np.ones((width, width)),
        "roberta.pooler.dense.bias": np.ones(width),
    }
    assert bits(from_hugging_face(state | pooler, config)) == bits(from_hugging_face(state, config))
    alone, config = their_state("roberta_model")
    assert "pooler/dense/kernel" in from_hugging_face(alone, config)


def test_biases_and_norms_are_only_taken_where_the_architecture_has_them():
    state, config = their_state("llama")
    for extra in ("self_attn.q_proj.bias", "self_attn.q_norm.weight"):
        name = f"model.layers.0.{extra}"
        with pytest.raises(ConvertError, match=f"'{name}' is claimed by no row"):
            from_hugging_face(state | {name: np.ones(24)}, config)


def test_a_tied_llama_has_no_output_embedding():
    config = configure(visible("llama"))
    config.tie_word_embeddings = True
    model = transformers.LlamaForCausalLM(config)
    state = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    assert "lm_head.weight" in state and our_config(config.to_dict()).tied
    assert "output_embedding/embedding" not in from_hugging_face(state, config.to_dict())
    assert torch.equal(model.lm_head.weight, model.model.embed_tokens.weight)
