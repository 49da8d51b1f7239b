"""Configurations: through JSON and back, and refused where they cannot be trained."""

import json

import pytest

from train.config import Config, ConfigError, Model, Optimizer, Text
from train.presets import DATA, preset


@pytest.mark.parametrize("family", DATA)
@pytest.mark.parametrize("data", ["embedded", None])
def test_presets_are_valid_and_survive_json(family: str, data: str | None) -> None:
    config = preset(family, data or DATA[family])
    config.check()
    assert (config.family, config.data) == (family, data or DATA[family])
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Config(model=Model(embed=130, heads=4)), "heads=4 does not divide embed=130"),
        (Config(model=Model(layers=0)), "layers=0: give 1 or more"),
        (Config(model=Model(dropout=1.0)), r"dropout=1\.0: give a share"),
        (Config(model=Model(embed=9, heads=3, position="sinusoidal")), "embed=9.*even"),
        (Config(text=Text(positions=0)), "positions=0"),
        (Config(text=Text(word_dropout=-0.1)), r"word_dropout=-0\.1"),
        (Config(optimizer=Optimizer(learning_rate=0.0)), r"learning_rate=0\.0: give a number above 0"),
        (Config(steps=0), "steps=0"),
        (Config(family="gpt", model=Model(position="rotary", embed=6, heads=2)), "heads of even width"),
        (Config(family="gpt", model=Model(kv_heads=3)), "kv_heads=3 does not divide heads=4"),
        (Config(model=Model(position="rotary")), "only gpt has rotary"),
        (Config(model=Model(window=3)), "window=3: classifier has no such setting; leave it at None"),
        (Config(family="bert", model=Model(norm="post")), "norm='post': bert has no such setting"),
        (Config(family="gpt", init="runs/x"), "init='runs/x': only a classifier"),
        (Config(optimizer=Optimizer(beta2=1.0)), r"beta2=1\.0: give a share"),
        (Config(optimizer=Optimizer(accumulate=0)), "accumulate=0: give 1 or more"),
        (Config(optimizer=Optimizer(schedule="triangular", warmup=0.0)), r"warmup=0\.0: it is one side"),
        (Config(seed=-1), "seed=-1"),
    ],
)
def test_bad_settings_are_named(config: Config, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.check()
