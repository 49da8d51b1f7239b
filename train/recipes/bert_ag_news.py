"""BERT on all of the news, once. Not tuned: the settings of bert-ag_news_10k."""

from dataclasses import replace

from train.recipes.bert_ag_news_10k import RECIPE as TUNED
from train.recipes.recipe import Recipe

RECIPE = Recipe(replace(TUNED.config, data="ag_news", epochs=1), result="not measured")
