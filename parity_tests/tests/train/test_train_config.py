"""Configurations: through JSON and back, and refused where they cannot be trained."""

import json
import math
from typing import Any

import pytest

from jax_impl.config import BertConfig, ClassifierConfig, GPTConfig, RopeScaling, Seq2SeqConfig
from train.config import Config, ConfigError, Optimizer, Text
from train.recipes import recipes

SIZES: dict[str, Any] = {"vocab": 9, "max_positions": 8, "embed": 8, "heads": 4, "mlp": 8, "layers": 1}
MODEL = ClassifierConfig(**SIZES)


def config(**changes: Any) -> Config:
    return Config(**{"model": MODEL, "data": "polarity"} | changes)


@pytest.mark.parametrize("name", recipes())
def test_recipes_survive_json(name: str) -> None:
    found = recipes()[name].config
    assert Config.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_nested_settings_survive_json() -> None:
    scaled = GPTConfig(**SIZES, position_encoding="rotary", rope_scaling=RopeScaling(factor=2.0))
    for model in (scaled, Seq2SeqConfig(**SIZES)):
        found = config(model=model)
        assert Config.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embed": 130}, "heads=4 does not divide embed=130"),
        ({"layers": 0}, "layers=0: give a whole number, 1 or more"),
        ({"layers": True}, "layers=True: give a whole number"),
        ({"dropout": 1.0}, r"dropout=1\.0: give a share"),
        ({"embed": 9, "heads": 3, "position_encoding": "sinusoidal"}, "embed=9.*even"),
        ({"max_positions": 0}, "max_positions=0"),
        ({"kv_heads": 3}, "kv_heads=3 does not divide heads=4"),
        (
            {"position_encoding": "rotary"},
            "position_encoding='rotary': choose one of 'learned'",
        ),
    ],
)
def test_bad_settings_of_a_model_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClassifierConfig(**SIZES | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"position_encoding": "rotary", "embed": 12}, "head_dim=3: rotary positions .* an even width"),
        ({"window": 0}, "window=0: give a whole number, 1 or more"),
        ({"theta": 0.0}, r"theta=0\.0: give a number above 0"),
    ],
)
def test_bad_settings_of_gpt_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GPTConfig(**SIZES | changes)


@pytest.mark.usefixtures("unchecked")
def test_a_model_has_its_own_settings_only() -> None:
    with pytest.raises(TypeError, match="window"):
        ClassifierConfig(**SIZES, window=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="norm_position='pre': choose one of 'post'"):
        BertConfig(**SIZES, norm_position="pre")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="low_freq_factor=4"):
        RopeScaling(kind="llama3", factor=8.0, low_freq_factor=4.0, high_freq_factor=4.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": Text(word_dropout=-0.1)}, r"word_dropout=-0\.1"),
        ({"text": Text(batch=0)}, "batch=0"),
        ({"optimizer": Optimizer(learning_rate=0.0)}, r"learning_rate=0\.0: give a number above 0"),
        ({"steps": 0}, "steps=0"),
        ({"model": GPTConfig(**SIZES), "init": "runs/x"}, "init='runs/x': only a classifier"),
        ({"optimizer": Optimizer(beta2=1.0)}, r"beta2=1\.0: give a share"),
        (
            {"optimizer": Optimizer(min_learning_rate=-1e-4)},
            r"min_learning_rate=-0\.0001: give a number from 0",
        ),
        (
            {"optimizer": Optimizer(learning_rate=0.1, min_learning_rate=0.2)},
            r"min_learning_rate=0\.2: give a number from 0 to learning_rate=0\.1",
        ),
        ({"optimizer": Optimizer(min_learning_rate=math.nan)}, "min_learning_rate=nan: give a number"),
        (
            {"optimizer": Optimizer(schedule="constant", min_learning_rate=1e-4)},
            r"min_learning_rate=0\.0001: schedule='constant' has no such end; choose 'linear' or 'cosine'",
        ),
        ({"optimizer": Optimizer(accumulate=0)}, "accumulate=0: give 1 or more"),
        ({"optimizer": Optimizer(schedule="triangular", warmup=0.0)}, r"warmup=0\.0: it is one side"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_bad_settings_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(**changes).check()
