"""How the axes of one array lie in another: found by the numbers, told apart from what is no order."""

import numpy as np
import pytest
from einops import rearrange

from parity_tests.core.order import Order, find_order, given_order, orders

BOUND = 1e-11


def numbers(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


@pytest.mark.parametrize(
    "ours, turn",
    [
        (numbers(2, 3, 4, 5), lambda a: a.transpose(0, 2, 3, 1)),  # channels last
        (numbers(2, 4, 4, 4), lambda a: a.transpose(0, 2, 3, 1)),  # and no length tells it
        (numbers(2, 7, 12), lambda a: a.reshape(2, 7, 3, 4).transpose(0, 2, 1, 3)),  # heads
        (numbers(2, 3, 7, 4), lambda a: a.transpose(0, 2, 1, 3).reshape(2, 7, 12)),
        (numbers(2, 7, 12), lambda a: a.reshape(14, 12)),
        (numbers(14, 12), lambda a: a.reshape(2, 7, 12)),
        (numbers(2, 12), lambda a: a[:, None]),
        (numbers(2, 1, 1, 12), lambda a: a[:, 0, 0]),
        (numbers(5), lambda a: a),
        (numbers(), lambda a: a),
        (np.zeros((0, 3)), lambda a: a.T),
    ],
)
def test_the_same_numbers_are_found_and_lead_back(ours, turn):
    theirs = turn(ours)
    order, agrees = find_order(ours, theirs, BOUND)
    assert agrees
    np.testing.assert_array_equal(order.turn(theirs), ours)
    np.testing.assert_array_equal(order.back(ours), theirs)


def test_equal_axes_come_first_and_other_numbers_are_no_order():
    array = np.ones((3, 3))
    assert find_order(array, array, BOUND)[0].is_identity
    order, agrees = find_order(numbers(3, 3), numbers(3, 3) + 1e-9, BOUND)
    assert order.is_identity and not agrees
    assert find_order(numbers(2, 6), numbers(3, 4), BOUND) == (None, False)
    assert find_order(numbers(2, 3), numbers(2, 4), BOUND) == (None, False)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_agrees_with_nothing(bad):
    array = numbers(2, 3)
    array[1, 2] = bad
    assert find_order(array, array.T.copy(), BOUND)[1] is False


def test_where_no_order_agrees_the_likely_one_is_taken():
    ours, theirs = numbers(2, 6, 5, 6), numbers(2, 5, 6, 6)
    assert find_order(ours, theirs, BOUND)[0].axes == (0, 3, 1, 2)  # as of convolutions
    seen = Order((2, 5, 6, 6), (2, 5, 6, 6), (0, 2, 1, 3), (2, 6, 5, 6))
    assert find_order(ours, theirs, BOUND, [seen])[0] == seen
    assert find_order(numbers(4, 4, 2), numbers(2, 4, 4), BOUND)[0] is None  # which 4 is which, nothing says
    assert find_order(numbers(2, 3), numbers(3, 2), BOUND)[0].axes == (1, 0)


def test_an_order_is_told_by_letters():
    assert str(next(iter(orders((2, 3, 4), (2, 12))))) == "a b c -> a (b c)"
    (found,) = [order for order in orders((2, 7, 12), (2, 3, 7, 4)) if order.parts == (2, 7, 3, 4)]
    assert str(found) == "a b (c d) -> a c b d"
    assert not list(orders((1,) * 7, (1,) * 7))


def test_an_order_may_be_given_by_a_pattern():
    array = np.arange(120.0).reshape(2, 3, 4, 5)
    for pattern, ours in (("b h w c -> b c h w", (2, 5, 3, 4)), ("batch a b c->batch b (a c)", (2, 4, 15))):
        order = given_order(pattern, array.shape, ours)
        np.testing.assert_array_equal(order.turn(array), rearrange(array, pattern))
        np.testing.assert_array_equal(order.back(order.turn(array)), array)


@pytest.mark.parametrize("pattern", ["b h w c -> b c h", "b h w c -> b h c w", "a -> a", "nonsense"])
def test_a_pattern_of_other_shapes_is_refused(pattern):
    with pytest.raises(ValueError, match="does not lead from shape"):
        given_order(pattern, (2, 3, 4, 5), (2, 5, 3, 4))
