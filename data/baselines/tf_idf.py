"""Words counted and weighted, then a logistic regression: the bar that a text classifier must clear.

What scikit-learn's `TfidfVectorizer` and `LogisticRegression` do by default, number for number, in scipy:
that library is ten times the size of ours, for these lines.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int32
from scipy import optimize, sparse

from data.baselines.cross_entropy import cross_entropy
from data.errors import DataError

WORD = re.compile(r"\b\w\w+\b")
STEPS = 1000  # of L-BFGS at most
TOLERANCE = 1e-6  # of the largest component of the gradient


def tf_idf_logits(
    train: Sequence[str], labels: Int32[np.ndarray, " example"], classes: int, test: Sequence[str]
) -> Float64[np.ndarray, "test classes"]:
    """Return the logits of the test texts by a logistic regression on the training texts' words.

    A text is its words of two letters or more, without capitals; a word's weight is its count times
    ln((1 + texts) / (1 + texts with it)) + 1, and a text's weights have length 1. Weights of the regression
    are penalised by half their squares, its intercepts are not.

    Raises:
        DataError: there is no word in any training text.
    """
    counted = [Counter(words(text)) for text in train]
    found = Counter(word for count in counted for word in count)
    if not found:
        raise DataError(f"no words in the {len(train)} training texts, so there is nothing to count.")
    column = {word: number for number, word in enumerate(sorted(found))}
    rarity = np.log((1 + len(train)) / (1 + np.array([found[word] for word in column]))) + 1
    weights, intercepts = _fit(_weighted(counted, column, rarity), labels, classes)
    return _weighted([Counter(words(text)) for text in test], column, rarity) @ weights + intercepts


def words(text: str) -> list[str]:
    """The words of a text that are counted."""
    return WORD.findall(text.lower())


def _weighted(
    counted: Sequence[Counter[str]], column: dict[str, int], rarity: np.ndarray
) -> sparse.csr_array:
    """A row a text, of length 1 unless no word is known."""
    cells = [
        (row, column[word], n)
        for row, text in enumerate(counted)
        for word, n in text.items()
        if word in column
    ]
    rows, columns, counts = np.array(cells, np.int64).reshape(-1, 3).T
    shape = len(counted), len(column)
    matrix = sparse.csr_array((counts * rarity[columns], (rows, columns)), shape)
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    return sparse.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ matrix


def _fit(
    features: sparse.csr_array, labels: Int32[np.ndarray, " example"], classes: int
) -> tuple[Float64[np.ndarray, "word classes"], Float64[np.ndarray, " classes"]]:
    """The weights and intercepts that cost least."""
    rows, width = features.shape
    truth = np.eye(classes)[labels]
    # Of two classes the difference of their weights alone counts and is penalised: each has half of it.
    penalty = (2.0 if classes == 2 else 1.0) / rows

    def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights, intercepts = flat[: width * classes].reshape(width, classes), flat[width * classes :]
        loss, error = cross_entropy(features @ weights + intercepts, truth)
        slope = features.T @ error + penalty * weights
        loss += penalty * (weights**2).sum() / 2
        return loss, np.concatenate([slope.ravel(), error.sum(axis=0)])

    options = {"maxiter": STEPS, "gtol": TOLERANCE}
    flat = optimize.minimize(
        cost, np.zeros((width + 1) * classes), jac=True, method="L-BFGS-B", options=options
    ).x
    return flat[: width * classes].reshape(width, classes), flat[width * classes :]
