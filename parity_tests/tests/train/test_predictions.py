"""What an opened classifier says of texts: its own row of each, and the classes by their own names."""

import numpy as np
import pytest
from scipy.special import softmax

from train.runs.predict import ROWS, logits_of, prediction

CLASSES = ("plum", "apple", "fig")  # in no order of their names


@pytest.mark.parametrize("count", [1, ROWS - 1, ROWS, ROWS + 5, 2 * ROWS + 1])
def test_each_text_has_its_own_logits(count: int) -> None:
    """Rows that fill a batch up have none."""
    examples = [np.full(1 + row % 20, row + 1, np.int32) for row in range(count)]

    def outputs(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        assert ids.shape == mask.shape == (min(count, ROWS), ids.shape[1])
        return np.stack([ids[:, 0], mask.sum(axis=1)], axis=1).astype(np.float32)

    expected = [[row + 1, 1 + row % 20] for row in range(count)]
    assert logits_of(outputs, examples, 24).tolist() == expected


def test_classes_come_with_their_own_probabilities() -> None:
    logits = np.array([0.5, 2.0, -1.0], np.float32)
    found = prediction("of which", logits, CLASSES, softmax)
    assert found.label == "apple" and list(found.probabilities) == ["apple", "plum", "fig"]
    expected = dict(zip(CLASSES, softmax(logits.astype(np.float64)), strict=True))
    assert found.probabilities == pytest.approx(expected) and found.text == "of which"
