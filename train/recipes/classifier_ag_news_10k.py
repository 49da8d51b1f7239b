"""The topics of 10,000 news items, as film reviews, with more words and shorter texts."""

from dataclasses import replace

from train.config import Optimizer
from train.recipes.classifier_polarity import RECIPE as REVIEWS
from train.recipes.recipe import Recipe

MODEL = replace(REVIEWS.config.model, vocab=16000, max_positions=64)

RECIPE = Recipe(
    replace(REVIEWS.config, data="ag_news_10k", model=MODEL, optimizer=Optimizer(smoothing=0.2), epochs=6),
    result="88.6 % right, mean of three seeds (tf-idf 87.4 %)",
)
