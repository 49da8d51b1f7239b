"""The configuration that each data set is trained with, chosen on its validation split alone."""

from train.config import Config, Model, Text

PRESETS = {
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
