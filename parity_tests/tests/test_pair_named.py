"""A reference by its name: folders of Hugging Face, opened by `transformers`."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import transformers
from flax import linen

from jax_impl.bert import BertModel
from jax_impl.config import BertConfig, GPTConfig
from jax_impl.gpt import GPT
from parity_tests.pair import compare
from parity_tests.pair_named import hugging_face
from parity_tests.tests.map.pairs import GPT2, OURS, SIZES, ids, noisy


@pytest.fixture
def gpt2(tmp_path):
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2))
    noisy(model).save_pretrained(tmp_path / "gpt2")
    return tmp_path / "gpt2"


def test_a_folder_is_a_reference_without_a_line_of_its_framework(gpt2, unchecked):
    comparison = compare(str(gpt2), GPT(GPTConfig(**OURS)), {"ids": ids(40)["ids"]})
    assert comparison.passed, comparison
    assert comparison.checks[0].model == "GPT vs GPT2LMHeadModel"


def test_outputs_of_other_names_are_told_by_their_sizes(tmp_path, unchecked):
    torch.manual_seed(0)
    noisy(transformers.BertModel(transformers.BertConfig(**SIZES))).save_pretrained(tmp_path)
    comparison = compare(tmp_path, BertModel(BertConfig(**OURS)), ids(40))
    assert comparison.passed, comparison
    assert [check.name for check in comparison.checks if check.kind == "forward"] == ["0", "1"]


class Tiny(linen.Module):
    def __call__(self, ids):
        return jax.nn.one_hot(ids, 40, dtype=jnp.float32)


@pytest.mark.parametrize(
    "name, words",
    [
        ("nowhere", "nowhere is no file: make it by record"),
        (".", "'.' is no folder with a config.json; give one, or hf:NAME"),
        ("hf:twinformer/there-is-none", "'hf:twinformer/there-is-none' cannot be opened by transformers: "),
    ],
)
def test_a_name_without_a_checkpoint_is_refused(name, words, monkeypatch):
    monkeypatch.setattr(transformers.utils.hub, "is_offline_mode", lambda: True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match=words):
        compare(name, Tiny(), {"ids": np.zeros((1, 2), int)})


def test_a_damaged_folder_is_refused_in_a_line(gpt2):
    config = json.loads((gpt2 / "config.json").read_text("utf-8"))
    (gpt2 / "config.json").write_text(json.dumps(config | {"model_type": "gpt22"}), "utf-8")
    with pytest.raises(ValueError, match=r"cannot be opened by transformers: .*gpt22") as error:
        compare(str(gpt2), Tiny(), {"ids": np.zeros((1, 2), int)})
    assert "\n" not in str(error.value)
    (gpt2 / "config.json").write_text("{", "utf-8")
    with pytest.raises(ValueError, match="cannot be opened by transformers"):
        compare(str(gpt2), Tiny(), {"ids": np.zeros((1, 2), int)})


class Seeing(Tiny):
    def __call__(self, images):
        return super().__call__(images)


def test_an_input_that_the_model_does_not_take_is_named(gpt2):
    words = "GPT2LMHeadModel takes no input 'images': name the inputs as it does"
    with pytest.raises(ValueError, match=words):
        compare(str(gpt2), Seeing(), {"images": np.zeros((1, 2), int)})


def test_what_is_in_the_local_cache_is_opened_without_a_look_at_the_hub(gpt2, monkeypatch, unchecked):
    asked = []

    def local(where, **settings):
        asked.append((where, settings["local_files_only"]))
        return opened(str(gpt2), **settings)

    opened = transformers.AutoConfig.from_pretrained
    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", local)
    loaded = transformers.GPT2LMHeadModel.from_pretrained
    monkeypatch.setattr(
        transformers.GPT2LMHeadModel,
        "from_pretrained",
        lambda where, **settings: loaded(str(gpt2), **settings),
    )
    side = hugging_face("hf:someone/gpt2")
    assert side.name == "GPT2LMHeadModel" and asked == [("someone/gpt2", True)]
