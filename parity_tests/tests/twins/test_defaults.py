"""Every default of every setting, with its source: a change of one in both frameworks is seen here alone."""

import inspect
from dataclasses import MISSING, fields
from importlib import import_module
from math import sqrt

import pytest
import torch
import transformers

import jax_impl.config
import torch_impl.config

PACKAGES = pytest.mark.parametrize("configs", [jax_impl.config, torch_impl.config], ids=["jax", "torch"])

ATTENTION = {
    "dropout": (0.0, "nothing is dropped unasked"),
    "head_dim": (None, "embed / heads: Vaswani et al. 2017, section 3.2.2"),
    "kv_heads": (None, "as many as heads: Vaswani et al. 2017, section 3.2.2"),
    "use_bias": (True, "torch.nn.MultiheadAttention; google-research/bert; openai/gpt-2"),
    "qkv_bias": (None, "as use_bias: the same"),
    "qk_norm": (False, "Vaswani et al. 2017, eq. 1, has none"),
    "fused": (False, "the arithmetic that is written out is the reference"),
}
BLOCK = ATTENTION | {
    "gated": (False, "Vaswani et al. 2017, eq. 2"),
    "norm": ("layer", "Vaswani et al. 2017, section 3.1"),
}
EPS = (1e-5, "torch.nn.LayerNorm; openai/gpt-2, model.py, norm")
EXACT_GELU = ("gelu", "Hendrycks and Gimpel 2016, section 2; google-research/bert, modeling.py, gelu")
GPT = BLOCK | {
    "eps": EPS,
    "activation": ("gelu_tanh", "openai/gpt-2, model.py, gelu"),
    "norm_position": ("pre", "Radford et al. 2019, section 2.3"),
    "position_encoding": ("learned", "Radford et al. 2018, section 4.1"),
    "tied": (True, "openai/gpt-2, model.py: logits from wte"),
    "window": (None, "Radford et al. 2019: all earlier tokens"),
    "window_every": (2, "Brown et al. 2020, section 2.1: alternating layers"),
    "theta": (10000.0, "Su et al. 2021, section 3.2.2"),
    "rope_scaling": (None, "Su et al. 2021: none"),
}
BERT = BLOCK | {
    "eps": (1e-12, "google-research/bert, modeling.py, layer_norm (TensorFlow's)"),
    "activation": EXACT_GELU,
    "norm_position": ("post", "Devlin et al. 2018, section 3, after Vaswani et al. 2017, section 3.1"),
    "position_encoding": ("learned", "Devlin et al. 2018, figure 2"),
    "segments": (2, "Devlin et al. 2018, figure 2: sentences A and B"),
    "position_offset": (0, "google-research/bert, modeling.py, embedding_postprocessor"),
    "pooler_activation": ("tanh", "google-research/bert, modeling.py, pooler"),
    "lean": (False, "the plain path"),
}
NGRAMS = {
    "ngram_buckets": (0, "the model alone, as in the papers"),
    "ngram_dropout": (0.8, "chosen on validation: docs/results.md"),
}
EMBEDDING = {
    "dropout": ATTENTION["dropout"],
    "eps": EPS,
    "position_encoding": ("learned", "Gehring et al. 2017; Devlin et al. 2018, figure 2"),
}
LEDGER = {
    "AttentionConfig": ATTENTION | {"eps": EPS},
    "FeedForwardConfig": {
        "dropout": ATTENTION["dropout"],
        "eps": EPS,
        "activation": EXACT_GELU,
        "gated": BLOCK["gated"],
        "use_bias": ATTENTION["use_bias"],
    },
    "BlockConfig": BLOCK
    | {"eps": EPS, "activation": EXACT_GELU, "norm_position": ("pre", "Xiong et al. 2020, figure 1b")},
    "EmbeddingConfig": EMBEDDING,
    "NGramConfig": EMBEDDING | NGRAMS,
    "ClassifierConfig": BLOCK
    | NGRAMS
    | {
        "eps": EPS,
        "activation": EXACT_GELU,
        "norm_position": ("pre", "Xiong et al. 2020, figure 1b: trains without a warm-up"),
        "position_encoding": ("learned", "Devlin et al. 2018, figure 2"),
        "classes": (2, "yes or no, as polarity"),
    },
    "BertConfig": BERT,
    "BertClassifierConfig": BERT | NGRAMS | {"pooling": ("first", "Devlin et al. 2018, section 4.1: [CLS]")},
    "GPTConfig": GPT,
    "GPTClassifierConfig": GPT | NGRAMS,
    "Seq2SeqConfig": BLOCK
    | {
        "eps": EPS,
        "activation": ("relu", "Vaswani et al. 2017, eq. 2"),
        "norm_position": ("post", "Vaswani et al. 2017, section 3.1"),
        "position_encoding": ("sinusoidal", "Vaswani et al. 2017, section 3.5"),
    },
    "RopeScaling": {
        "kind": ("linear", "Chen et al. 2023, eq. 4"),
        "low_freq_factor": (1.0, "meta-llama/llama-models, apply_scaling"),
        "high_freq_factor": (4.0, "meta-llama/llama-models, apply_scaling"),
        "original_max_positions": (8192, "meta-llama/llama-models, apply_scaling: old_context_len"),
    },
    "OptimizerConfig": {
        "method": ("adamw", "Loshchilov and Hutter 2019, algorithm 2"),
        "weight_decay": (0.1, "Brown et al. 2020, appendix B"),
        "decayed": ("matrices", "karpathy/nanoGPT, model.py, configure_optimizers"),
        "coupled": (False, "Loshchilov and Hutter 2019, algorithm 2"),
        "fused": (False, "the arithmetic that is written out is the reference"),
        "clip": (1.0, "Brown et al. 2020, appendix B"),
        "beta1": (0.9, "Vaswani et al. 2017, section 5.3"),
        "beta2": (0.98, "Vaswani et al. 2017, section 5.3"),
        "eps": (1e-8, "Kingma and Ba 2015, algorithm 1"),
    },
}

# What a library has of the same: read off it, not written here.
LAYER_NORM = inspect.signature(torch.nn.LayerNorm).parameters["eps"].default
ADAM = inspect.signature(torch.optim.AdamW).parameters
GPT2, BERTS, LLAMA = transformers.GPT2Config(), transformers.BertConfig(), transformers.LlamaConfig()
PYTORCH = inspect.signature(torch.nn.Transformer).parameters
LIBRARIES = {
    ("ClassifierConfig", "eps"): LAYER_NORM,
    ("ClassifierConfig", "classes"): transformers.BertConfig().num_labels,
    ("ClassifierConfig", "use_bias"): inspect.signature(torch.nn.Linear).parameters["bias"].default,
    ("GPTConfig", "eps"): GPT2.layer_norm_epsilon,
    ("GPTConfig", "activation"): {"gelu_new": "gelu_tanh"}[GPT2.activation_function],
    ("GPTConfig", "tied"): GPT2.tie_word_embeddings,
    ("GPTConfig", "theta"): LLAMA.rope_parameters["rope_theta"],
    ("BertConfig", "eps"): BERTS.layer_norm_eps,
    ("BertConfig", "activation"): BERTS.hidden_act,
    ("BertConfig", "segments"): BERTS.type_vocab_size,
    ("Seq2SeqConfig", "eps"): PYTORCH["layer_norm_eps"].default,
    ("Seq2SeqConfig", "activation"): PYTORCH["activation"].default.__name__,
    ("Seq2SeqConfig", "norm_position"): "pre" if PYTORCH["norm_first"].default else "post",
    ("OptimizerConfig", "beta1"): ADAM["betas"].default[0],
    ("OptimizerConfig", "eps"): ADAM["eps"].default,
}
# The deviations that weights begin with. None: Xavier (Glorot and Bengio 2010, eq. 16).
SIZES = {"vocab": 9, "max_positions": 5, "embed": 16, "heads": 2, "mlp": 8, "layers": 8}
DEVIATIONS = {  # of matrices, of those that end a branch, of embeddings
    "ClassifierConfig": (None, None, 0.02),
    "BertConfig": (BERTS.initializer_range, BERTS.initializer_range, BERTS.initializer_range),
    "GPTConfig": (GPT2.initializer_range, GPT2.initializer_range / 4, GPT2.initializer_range),
    "Seq2SeqConfig": (None, None, 1 / sqrt(16)),
}


def defaults(kind):
    return {field.name: field.default for field in fields(kind) if field.default is not MISSING}


@PACKAGES
@pytest.mark.parametrize("name", LEDGER)
def test_every_default_is_that_of_its_source(name, configs):
    expected = {setting: value for setting, (value, _) in LEDGER[name].items()}
    assert all(source for _, source in LEDGER[name].values())
    assert defaults(getattr(configs, name)) == expected


@PACKAGES
def test_every_config_is_in_the_ledger(configs):
    kinds = {name for name, kind in vars(configs).items() if inspect.isclass(kind) and hasattr(kind, "eps")}
    assert kinds | {"RopeScaling"} == LEDGER.keys() | {"Config"}


@PACKAGES
@pytest.mark.parametrize(("name", "setting"), LIBRARIES, ids="-".join)
def test_a_default_is_the_library_s(name, setting, configs):
    assert defaults(getattr(configs, name))[setting] == LIBRARIES[name, setting]


@PACKAGES
@pytest.mark.parametrize("name", DEVIATIONS)
def test_the_first_weights_deviate_as_the_papers_say(name, configs):
    config = getattr(configs, name)(**SIZES)
    assert (config.kernel_std, config.residual_std, config.embedding_std) == DEVIATIONS[name]


CALLS = {  # file, function or module, argument
    ("layers", "LayerNorm", "eps"): LAYER_NORM,
    ("layers", "RMSNorm", "eps"): LAYER_NORM,
    ("layers", "Embedding", "std"): BERTS.initializer_range,
    ("layers", "Linear", "use_bias"): True,
    ("layers", "Linear", "std"): None,
    ("layers", "rotary_angles", "theta"): LLAMA.rope_parameters["rope_theta"],
    ("attention", "SingleHeadAttention", "dropout"): 0.0,
    ("attention", "scaled_dot_product_attention", "rate"): 0.0,
    ("losses", "cross_entropy", "smoothing"): 0.0,
    ("losses", "weighted_cross_entropy", "smoothing"): 0.0,
    ("generate", "next_token", "temperature"): 1.0,
    ("generate", "generate", "temperature"): 1.0,
}


@pytest.mark.parametrize("package", ["jax_impl", "torch_impl"])
@pytest.mark.parametrize(("file", "name", "argument"), CALLS, ids=map("-".join, CALLS))
def test_a_call_without_an_argument_does_what_is_usual(package, file, name, argument):
    called = getattr(import_module(f"{package}.{file}"), name)
    assert inspect.signature(called).parameters[argument].default == CALLS[file, name, argument]
