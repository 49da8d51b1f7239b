"""Configurations: through JSON and back, and refused where they cannot be trained."""

import dataclasses
import json

import numpy as np
import pytest

from train.config import Config, ConfigError, Model, Optimizer, Text
from train.presets import DATA, preset
from train.schedule import learning_rate


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
        (Config(seed=-1), "seed=-1"),
    ],
)
def test_bad_settings_are_named(config: Config, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.check()


def test_learning_rate_rises_to_the_peak_and_falls_to_zero() -> None:
    optimizer = Optimizer(learning_rate=2.0, warmup=0.2)
    rates = [learning_rate(step, 20, optimizer) for step in range(21)]
    np.testing.assert_allclose(rates[:5], [0.5, 1.0, 1.5, 2.0, 2.0])
    np.testing.assert_allclose(rates[-2:], [0.125, 0.0])
    assert (np.diff(rates[4:]) < 0).all()


def test_no_warmup_begins_at_the_peak() -> None:
    optimizer = dataclasses.replace(Optimizer(learning_rate=2.0), warmup=0.0)
    assert [learning_rate(step, 2, optimizer) for step in range(2)] == [2.0, 1.0]


@pytest.mark.parametrize(
    ("warmup", "rates"),
    [
        (0.25, [0.5, 1.0, 1.5, 2.0, 1.788854, 1.632993, 1.511858, 1.414214]),
        (0.0, [2.0, 1.414214, 1.154701, 1.0]),
    ],
)
def test_the_inverse_square_root_by_hand(warmup: float, rates: list[float]) -> None:
    optimizer = Optimizer(learning_rate=2.0, warmup=warmup, schedule="inverse_sqrt")
    got = [learning_rate(step, 16, optimizer) for step in range(len(rates))]
    np.testing.assert_allclose(got, rates, rtol=1e-6)


def test_the_inverse_square_root_is_the_original_transformer_s() -> None:
    """Its base model: width 512, 4,000 of 100,000 steps of warm-up; a peak of 7e-4."""
    embed, warmup, steps = 512, 4000, 100_000
    peak = (embed * warmup) ** -0.5
    optimizer = Optimizer(learning_rate=peak, warmup=warmup / steps, schedule="inverse_sqrt")
    for number in (1, 2, 1000, 3999, 4000, 4001, 16_000, 100_000):
        paper = embed**-0.5 * min(number**-0.5, number * warmup**-1.5)
        assert learning_rate(number - 1, steps, optimizer) == pytest.approx(paper, rel=1e-12)
    assert peak == pytest.approx(6.99e-4, rel=1e-3)
