"""Tf-idf with logistic regression: scikit-learn's numbers, recorded, since it is not installed."""

import numpy as np
import pytest
from scipy.special import softmax

from data.baselines import tf_idf
from data.baselines.tf_idf import tf_idf_logits
from data.errors import DataError

TRAIN = (
    *("the sea is at rest", "The wind, the WIND rises!", "a star over the sea", "no wind at noon"),
    *("heat of the noon, heat", "rest in the heat", "the road to the hill", "a hill, a road, a star"),
)
TEST = ("wind over the sea", "noon heat", "a b c", "Road road hill star", "unknown words")
TWO, THREE = [0, 1, 0, 1, 1, 0, 0, 1], [0, 1, 2, 1, 0, 0, 2, 2]
# predict_proba of make_pipeline(TfidfVectorizer(), LogisticRegression(tol=1e-10, max_iter=10_000)) in 1.9.1
RECORDED = {
    2: [
        [0.535294, 0.464706],
        [0.406725, 0.593275],
        [0.485218, 0.514782],
        [0.461308, 0.538692],
        [0.485218, 0.514782],
    ],
    3: [
        *([0.294569, 0.301255, 0.404177], [0.524083, 0.229788, 0.246129], [0.373854, 0.253801, 0.372345]),
        *([0.214646, 0.162323, 0.623031], [0.373854, 0.253801, 0.372345]),
    ],
}
BOUND = 2e-5  # six digits are recorded, and both stop where the slope is small


def distance(labels: list[int]) -> float:
    logits = tf_idf_logits(TRAIN, np.array(labels, np.int32), max(labels) + 1, TEST)
    return float(np.abs(softmax(logits, axis=1) - RECORDED[max(labels) + 1]).max())


@pytest.mark.parametrize("labels", [TWO, THREE], ids=["two classes", "three"])
def test_it_gives_the_numbers_of_scikit_learn(labels: list[int]) -> None:
    assert distance(labels) < BOUND


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("WORD", tf_idf.re.compile(r"\b\w+\b")),
        ("TOLERANCE", 0.1),
        ("words", lambda text: tf_idf.WORD.findall(text)),
    ],
)
def test_a_mistake_is_seen(name: str, wrong: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf_idf, name, wrong)
    assert max(distance(TWO), distance(THREE)) > 10 * BOUND


def test_texts_without_words_are_refused() -> None:
    with pytest.raises(DataError, match="no words in the 2 training texts"):
        tf_idf_logits(("!", "a ?"), np.array([0, 1], np.int32), 2, TEST)
