"""One's own labelled texts, beginning with a run. Not tuned: MiniLM's settings, made safe for others."""

from train.config import OWN
from train.fields import changed
from train.recipes.classifier_polarity_from import RECIPE as REVIEWS
from train.recipes.recipe import Recipe

RECIPE = Recipe(
    changed(
        REVIEWS.config,
        {
            "data": OWN,
            "model": {"ngram_buckets": 0},  # Hugging Face's classes have none, and export is theirs
            "optimizer": {"learning_rate": 5e-5},  # MiniLM is small, and stands twice as much
        },
    ),
    result="not measured",
    begins=True,
)
