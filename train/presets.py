"""The configuration that each data set is trained with, chosen on its validation split."""

from train.config import Config

PRESETS = {
    "polarity": Config(data="polarity"),
    "embedded": Config(data="embedded"),
}
