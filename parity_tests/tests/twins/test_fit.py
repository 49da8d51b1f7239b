"""A table between two models that are both known: overlapping rows are told apart, or refused."""

import itertools
from collections import Counter

import numpy as np
import pytest

from torch_impl.convert import Row, fit
from torch_impl.convert.engine import move

KERNEL = Row("*/kernel", "*.weight", "i o -> o i")
SCALE = Row("*/scale", "*.weight", "e -> e")
EMBEDDING = Row("*/embedding", "*.weight", "v e -> v e")
BIAS = Row("*/bias", "*.bias", "o -> o")
CONV = Row("*/kernel", "*.weight", "h w i o -> o i h w")
NATURAL = (KERNEL, SCALE, EMBEDDING, BIAS)
# Flax's shapes, PyTorch's names, and how an array of Flax becomes PyTorch's, by hand.
MODEL = {
    "tokens/embedding": ((5, 4), "tokens.weight", lambda a: a),
    "square/embedding": ((4, 4), "square.weight", lambda a: a),
    "layers_0/up/kernel": ((4, 6), "layers.0.up.weight", lambda a: a.T),
    "layers_0/up/bias": ((6,), "layers.0.up.bias", lambda a: a),
    "layers_0/mix/kernel": ((4, 4), "layers.0.mix.weight", lambda a: a.T),
    "layers_0/norm/scale": ((4,), "layers.0.norm.weight", lambda a: a),
    "layers_0/norm/bias": ((4,), "layers.0.norm.bias", lambda a: a),
    "conv/kernel": ((3, 2, 4, 5), "conv.weight", lambda a: a.transpose(3, 2, 0, 1)),
}


def arrays(*names):
    rng = np.random.default_rng(0)
    return {name: rng.random(shape) for name, (shape, _, _) in MODEL.items() if not names or name in names}


def by_hand(flax):
    return {MODEL[name][1]: MODEL[name][2](array) for name, array in flax.items()}


def shapes(arrays):
    return {name: array.shape for name, array in arrays.items()}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("table", [*itertools.permutations((*NATURAL, CONV))])
def test_the_first_table_that_one_writes_works_both_ways_in_any_order(table):
    flax = arrays()
    torch = by_hand(flax)
    assert same(fit(flax, "flax", shapes(torch), table), torch)
    assert same(fit(torch, "torch", shapes(flax), table), flax)


def test_the_shape_tells_where_the_names_do_not():
    """Both rows have the same names, and the parameters too."""
    table = (KERNEL, Row("*/kernel", "*.weight", "i h d -> (h d) i"))
    flax = {"plain/kernel": np.arange(12.0).reshape(4, 3), "heads/kernel": np.arange(12.0).reshape(2, 3, 2)}
    torch = {"plain.weight": flax["plain/kernel"].T, "heads.weight": flax["heads/kernel"].reshape(2, 6).T}
    assert same(fit(flax, "flax", shapes(torch), table), torch)
    assert same(fit(torch, "torch", shapes(flax), table), flax)


def refusal(flax, torch, table):
    """The words of the error, which are the same both ways but for the side that is looked at first."""
    with pytest.raises((KeyError, ValueError)) as error:
        fit(torch, "torch", shapes(flax), table)
    with pytest.raises((KeyError, ValueError)):
        fit(flax, "flax", shapes(torch), table)
    return error.value.args[0]


def advised(words):
    """The row that an error tells one to add."""
    return eval(words.rpartition("add ")[2], {"Row": Row})


@pytest.mark.parametrize("axes", ["i o -> i o", "a b -> b a"])
def test_two_readings_of_a_square_matrix_are_refused_and_the_advice_works(axes):
    flax = arrays("layers_0/mix/kernel")
    torch = by_hand(flax)
    table = (KERNEL, Row("layers_*/mix/kernel", "layers.*.mix.weight", axes))
    words = refusal(flax, torch, table)
    first = "Row('layers_0/mix/kernel', 'layers.0.mix.weight', 'i o -> o i')"
    assert words == (
        "torch parameter 'layers.0.mix.weight' of shape (4, 4) is claimed by 2 rows of the table, "
        "of which 2 fit:\n"
        f"  {first}: fits\n"
        f"  Row('layers_0/mix/kernel', 'layers.0.mix.weight', '{axes}'): fits\n"
        f"a row without * goes before those with one: add {first}"
    )
    assert same(fit(torch, "torch", shapes(flax), (*table, advised(words))), flax)


def test_one_matrix_that_two_parameters_could_be_is_refused():
    flax = {"a/kernel": np.ones((4, 4)), "a/embedding": np.ones((4, 4))}
    words = refusal(flax, {"a.weight": np.ones((4, 4))}, NATURAL)
    assert "'a.weight' of shape (4, 4) is claimed by 3 rows of the table, of which 2 fit" in words
    assert "Row('a/kernel', 'a.weight', 'i o -> o i'): fits" in words
    assert "Row('a/embedding', 'a.weight', 'v e -> v e'): fits" in words
    assert "Row('a/scale', 'a.weight', 'e -> e'): flax has no 'a/scale'" in words
    words = refusal(flax, {"a.weight": np.ones((4, 4))}, (*NATURAL, advised(words)))
    assert words.startswith("flax parameter 'a/embedding' has no counterpart: its row expects 'a.weight' in ")
    assert "which another row takes (Row('a/kernel', 'a.weight', 'i o -> o i')): correct one" in words


def test_where_none_fits_each_row_says_why():
    flax = {"query/kernel": np.ones((4, 2, 3))}
    torch = {"query.weight": np.ones((6, 4))}
    words = refusal(flax, torch, NATURAL)
    assert "torch parameter 'query.weight' of shape (6, 4) is claimed by 3 rows of the table" in words
    assert "'query.weight' of shape (6, 4) becomes (4, 6) by its row 'i o -> o i', but" in words
    assert "flax has no 'query/scale'" in words
    own = advised(words)._replace(axes="embed heads head_dim -> (heads head_dim) embed")
    assert own[:2] == ("query/kernel", "query.weight")
    assert same(fit(torch, "torch", shapes(flax), (*NATURAL, own)), flax)


def test_a_missing_counterpart_is_named_by_all_rows_that_could_be_meant():
    words = refusal({"up/kernel": np.ones((4, 6))}, {"down.weight": np.ones((6, 4))}, NATURAL)
    for name in ("down/kernel", "down/scale", "down/embedding"):
        assert f"flax has no {name!r}" in words


def test_a_number_is_no_other_piece_of_a_path():
    numbered = (Row("blocks_#/kernel", "h.#.weight", "i o -> o i"), Row("*/kernel", "*.weight", "i o -> i o"))
    flax = {"blocks_12/kernel": np.arange(4.0).reshape(2, 2)}
    assert same(
        fit(flax, "flax", {"h.12.weight": (2, 2)}, numbered), {"h.12.weight": flax["blocks_12/kernel"].T}
    )
    flax = {"blocks_12/a/kernel": np.ones((2, 2))}
    with pytest.raises(KeyError, match=r"expects 'blocks\.12\.a\.weight' in torch"):
        fit(flax, "flax", {"h.12.a.weight": (2, 2)}, numbered)


POOL = (
    KERNEL,
    SCALE,
    EMBEDDING,
    Row("*/kernel", "*.weight", "i o -> i o"),
    Row("a/kernel", "a.weight", "i o -> i o"),
    Row("*/scale", "*.gain", "e -> e"),
    Row("*/kernel", "*.gain", "i o -> i o"),
    Row(("*/kernel", "*/embedding"), "*.weight", "two i o -> (two i) o"),
)


def readings(flax, torch, table):
    """All ways to pair the two models up whole: a row for each of PyTorch's, and every one of Flax's once."""
    options = []
    for name in torch:
        stem, leaf = name.split(".")
        rows = [row for row in table if row.torch in (name, f"*.{leaf}")]
        own = [row for row in rows if "*" not in row.torch]
        options.append([(name, stem, row) for row in own or rows])
    found = []
    for chosen in itertools.product(*options):
        members = [name.replace("*", stem) for _, stem, row in chosen for name in row.patterns("flax")]
        if sorted(members) != sorted(flax):
            continue
        made = {}
        for name, stem, row in chosen:
            parts = [flax[pattern.replace("*", stem)] for pattern in row.patterns("flax")]
            if len({part.shape for part in parts}) > 1 or parts[0].ndim != (1 if row.axes == "e -> e" else 2):
                break
            whole = np.concatenate(parts)
            made[name] = whole.T if row.axes == "i o -> o i" else whole
        if {name: array.shape for name, array in made.items()} == shapes(torch):
            found.append(made)
    return found


def test_what_is_fitted_is_the_only_reading_there_is():
    """Random models and tables, against all readings: where two lead to other numbers, fit must refuse."""
    rng = np.random.default_rng(0)
    outcomes = Counter()
    for _ in range(1000):
        table = [POOL[n] for n in rng.choice(len(POOL), rng.integers(1, 5), replace=False)]
        flax, torch = {}, {}
        for stem in "ab"[: rng.integers(1, 3)]:
            row = POOL[rng.integers(len(POOL))]
            shape = (2,) if row.axes == "e -> e" else [(2, 2), (2, 3)][rng.integers(2)]
            given = {name.replace("*", stem): rng.random(shape) for name in row.patterns("flax")}
            (name,), (array,) = row.names("torch", [stem]), move(given, [*given], row, "flax", {})
            flax |= given
            torch[name] = array
        possible = readings(flax, torch, table)
        try:
            fitted = fit(flax, "flax", shapes(torch), table)
        except (KeyError, ValueError):
            outcomes["refused", min(len(possible), 2)] += 1
        else:
            outcomes["fitted"] += 1
            assert len(possible) == 1 and same(fitted, possible[0]), (table, shapes(flax), shapes(torch))
    assert outcomes["fitted"] > 50 and outcomes["refused", 0] > 50 and outcomes["refused", 2] > 10, outcomes
    assert outcomes["refused", 1] < 0.1 * outcomes["fitted"], outcomes
