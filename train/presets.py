"""What each family is trained with on each data set, chosen on validation splits alone."""

from dataclasses import replace
from typing import Any

from train.config import Config, Model, Optimizer, Text

# The data set of each family where none is named.
DATA = {"classifier": "polarity", "bert": "ag_news", "gpt": "ag_news"}

_CLASSIFIER = {
    "polarity": Config(
        data="polarity",
        text=Text(vocab=16000, positions=128, batch=64, word_dropout=0.3),
        model=Model(embed=128, heads=4, mlp=256, layers=1, dropout=0.5),
        epochs=4,
    ),
    "embedded": Config(
        data="embedded",
        text=Text(vocab=4000, positions=64, batch=64, word_dropout=0.2),
        model=Model(embed=128, heads=4, mlp=256, layers=1, dropout=0.4),
        epochs=12,
    ),
}
# Of a classifier that begins with a trained encoder.
FINE_TUNING = Config(
    text=Text(positions=64, batch=32),
    model=Model(dropout=0.1),
    optimizer=Optimizer(learning_rate=5e-5, weight_decay=0.01, beta2=0.999),
    epochs=3,
)
_LANGUAGE = Config(
    family="gpt",
    text=Text(vocab=4000, positions=64, batch=32),
    model=Model(embed=128, heads=4, mlp=512, layers=2, dropout=0.1),
    optimizer=Optimizer(learning_rate=2e-3),
    epochs=10,
)


def preset(family: Any, data: Any) -> Config:
    """Where the command line starts from; its options change single settings."""
    if family == "classifier":
        return _CLASSIFIER.get(data, Config(data=data))
    config = replace(_LANGUAGE, family=family, data=data)
    return replace(config, model=replace(config.model, activation="gelu_tanh")) if family == "gpt" else config
