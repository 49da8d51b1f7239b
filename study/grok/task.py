"""The table of a ∘ b modulo a prime: every pair once, its result, and which pairs are trained on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Int64

from data.batches.shuffle import LABELS, SPLIT, Epochs, permutation, random_bits
from study.grok.settings import Operation, Settings


@dataclass(frozen=True, eq=False)
class Task:
    """Rows are pairs (a, b), in the order of a, then of b."""

    ids: Int32[np.ndarray, "pair position"]
    """a, b, and the prime's number, which stands for "="."""
    labels: Int32[np.ndarray, " pair"]
    train: Int64[np.ndarray, " train"]
    test: Int64[np.ndarray, " test"]
    elements: Int64[np.ndarray, " element"]
    """The numbers in the order in which the operation turns them: by size, or as powers of a generator."""
    by_result: Int64[np.ndarray, "element element"]
    """Row s: the pairs whose result is number s of ``elements``. A division 0 / b is in no row."""
    epochs: Epochs

    def batches(self, first: int, count: int) -> Int64[np.ndarray, "steps batch"]:
        """The pairs of ``count`` steps, the first of which is number ``first``, counted from 0."""
        return np.stack([self.train[self.epochs.rows(step)] for step in range(first, first + count)])


def make_task(settings: Settings, seed: int) -> Task:
    """The table and its split, which follow from the settings and the seed alone."""
    prime, operation = settings.prime, settings.operation
    a, b = np.divmod(np.arange(prime * prime), prime)
    if operation == "divide":
        a, b = a[b > 0], b[b > 0]
    labels = result(a, b, prime, operation)
    if settings.random_labels:
        labels = (random_bits(seed, 0, LABELS).random_raw(len(a)) % np.uint64(prime)).astype(np.int64)
    count = settings.trained
    order = permutation(random_bits(seed, 0, SPLIT), len(a))
    train, test = np.sort(order[:count]), np.sort(order[count:])
    ids = np.stack([a, b, np.full(len(a), prime)], axis=1).astype(np.int32)
    elements = group(prime, operation)
    epochs = Epochs(np.zeros(count, np.int64), settings.batch or count, seed)
    rows = by_result(elements, prime, operation)
    return Task(ids, labels.astype(np.int32), train, test, elements, rows, epochs)


def result(
    a: Int64[np.ndarray, "*axes"], b: Int64[np.ndarray, "*axes"], prime: int, operation: Operation
) -> Int64[np.ndarray, "*axes"]:
    """a ∘ b modulo the prime; a / b is the c of c b = a (Power et al. 2022, appendix A.1.1)."""
    if operation == "divide":
        inverse = np.array([0, *(pow(number, -1, prime) for number in range(1, prime))])
        return a * inverse[b] % prime
    return (a + b if operation == "add" else a - b) % prime


def group(prime: int, operation: Operation) -> Int64[np.ndarray, " element"]:
    """0, 1, 2, ...; or, where division turns the numbers, the powers of the least generator."""
    if operation != "divide":
        return np.arange(prime)
    for generator in range(1, prime):
        powers = [pow(generator, exponent, prime) for exponent in range(prime - 1)]
        if len(set(powers)) == prime - 1:
            return np.array(powers)
    raise ValueError(f"{prime} is no prime")


def by_result(
    elements: Int64[np.ndarray, " element"], prime: int, operation: Operation
) -> Int64[np.ndarray, "element element"]:
    """Row s, column j: the pair of elements i and j with i + j = s, or i - j = s, modulo their number."""
    s, j = np.indices((len(elements), len(elements)))
    a, b = elements[(s - j if operation == "add" else s + j) % len(elements)], elements[j]
    return a * (prime - 1) + b - 1 if operation == "divide" else a * prime + b
