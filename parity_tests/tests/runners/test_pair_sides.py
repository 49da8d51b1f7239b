"""A pair's sides alone: what they leave as it was, what is recorded, what is forced, and each error."""

import inspect
import json
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen, nnx

from parity_tests.pair import JaxModel, Row, TorchModel, compare
from torch_impl.convert.row import match

X = np.random.default_rng(0).standard_normal((2, 4))
INPUTS = {"x": X}
ROWS = (Row("*/kernel", "*.weight", "i o -> o i"), Row("*/bias", "*.bias", "o -> o"))


class Torch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, x):
        return self.two(self.drop(torch.tanh(self.one(x))))


class Linen(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dense(4, name="two")(jnp.tanh(linen.Dense(4, name="one")(x)))


class Nnx(nnx.Module):
    def __init__(self):
        rngs = nnx.Rngs(0)
        self.one, self.two = (nnx.Linear(4, 4, rngs=rngs) for _ in range(2))
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.two(self.drop(jnp.tanh(self.one(x))))


def tapped(params, x, tap):
    x = tap("one", x @ params["one"]["kernel"] + params["one"]["bias"], "batch embed")
    return tap("two", jnp.tanh(x) @ params["two"]["kernel"] + params["two"]["bias"], "batch embed")


PARAMS = Linen().init(jax.random.key(0), X.astype(np.float32))["params"]
SIDES = {
    "torch": TorchModel(Torch()),
    "linen": JaxModel(Linen(), PARAMS),
    "nnx": JaxModel(Nnx()),
    "function": JaxModel(tapped, PARAMS),
}


@pytest.mark.parametrize("side", SIDES.values(), ids=SIDES)
def test_a_forced_tap_is_kept_as_computed_and_the_model_goes_on_with_the_other(side):
    weights = side.weights()
    free = side.run(weights, INPUTS, "float64")
    forced = side.run(weights, INPUTS, "float64", {"one": np.ones((2, 4))})
    np.testing.assert_array_equal(forced.arrays["tap"]["one"], free.arrays["tap"]["one"])
    kernel = weights["two/kernel"] if "two/kernel" in weights else weights["two.weight"].T
    bias = weights["two/bias"] if "two/bias" in weights else weights["two.bias"]
    expected = np.tanh(np.ones((2, 4))) @ kernel + bias
    np.testing.assert_allclose(forced.arrays["tap"]["two"], expected, rtol=1e-12)
    np.testing.assert_allclose(forced.arrays["forward"]["output"], expected, rtol=1e-12)
    assert free.arrays["parameter gradient"] and free.arrays["input gradient"]
    assert not forced.arrays["parameter gradient"] and not forced.arrays["input gradient"]
    with pytest.raises(KeyError, match=r"no taps \['three'\] to force; there are \['one'"):
        side.run(weights, INPUTS, "float64", {"three": np.ones((2, 4))})


def test_the_first_array_of_a_tuple_is_recorded_and_forced():
    class Pair(torch.nn.Module):
        def forward(self, x):
            return None, 2 * x, x

    side = TorchModel(torch.nn.Sequential(Pair()), lambda m, x: m(x)[1])
    forced = side.run({}, INPUTS, "float64", {"0": X})
    np.testing.assert_array_equal(forced.arrays["tap"]["0"], 2 * X)
    np.testing.assert_array_equal(forced.arrays["forward"]["output"], X)


def test_a_part_that_is_called_again_has_a_number():
    class Shared(linen.Module):
        @linen.compact
        def __call__(self, x):
            layer = linen.Dense(4, name="layer")
            return layer(layer(x))

    class TorchShared(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 4)

        def forward(self, x):
            return self.layer(self.layer(x))

    comparison = compare(TorchShared(), Shared(), INPUTS, ROWS)
    assert comparison.passed
    assert [r.name for r in comparison.checks if r.kind == "tap"] == ["layer", "layer (2)"]


def test_what_is_traced_apart_is_not_recorded_and_is_compared_all_the_same():
    class Inner(linen.Module):
        @linen.compact
        def __call__(self, x):
            return linen.Dense(4, name="one")(x)

    class Rematerialised(linen.Module):
        @linen.compact
        def __call__(self, x):
            return linen.Dense(4, name="two")(jnp.tanh(linen.remat(Inner)(name="inner")(x)))

    rows = (Row("inner/*/kernel", "one.weight", "i o -> o i"), Row("inner/*/bias", "one.bias", "o -> o"))
    rows += (Row("two/kernel", "two.weight", "i o -> o i"), Row("two/bias", "two.bias", "o -> o"))
    rows = tuple(row._replace(flax=row.flax.replace("*", "one")) for row in rows)
    comparison = compare(Torch(), Rematerialised(), INPUTS, rows)
    assert comparison.passed
    assert [r.name for r in comparison.checks if r.kind == "tap"] == ["two"]


def test_outputs_may_be_a_named_tuple_and_need_no_gradient():
    def torch_call(model, x):
        return model(x).argmax(-1)

    comparison = compare(
        TorchModel(Torch(), torch_call),
        JaxModel(Linen(), call=lambda model, x: model(x).argmax(-1)),
        INPUTS,
        ROWS,
    )
    assert comparison.passed and {r.kind for r in comparison.checks} == {"forward", "tap"}


def test_a_detached_output_has_zeros_for_gradients():
    comparison = compare(
        JaxModel(Linen(), PARAMS), TorchModel(Torch(), lambda m, x: m(x).detach()), INPUTS, ROWS
    )
    assert {r.kind for r in comparison.checks if not r.passed} == {"input gradient", "parameter gradient"}


def test_the_users_objects_are_left_as_they_were():
    module, model, inputs = Torch(), Nnx(), {"x": X.astype(np.float32)}
    module.one.bias.requires_grad_(False)
    state = {name: p.detach().clone() for name, p in module.named_parameters()}
    before = jax.tree.map(np.asarray, nnx.to_pure_dict(nnx.state(model, nnx.Param)))
    call = vars(nnx.Linear)["__call__"]
    for pair in ((module, model), (model, module)):
        assert compare(*pair, inputs, ROWS).passed
    for name, parameter in module.named_parameters():
        assert torch.equal(parameter, state[name]) and parameter.dtype == torch.float32
        assert parameter.grad is None and parameter.requires_grad == (name != "one.bias")
    assert module.training and not any(part._forward_hooks for part in module.modules())
    after = nnx.to_pure_dict(nnx.state(model, nnx.Param))
    jax.tree.map(np.testing.assert_array_equal, before, after)
    assert model.one.kernel.dtype == jnp.float32 and not model.drop.deterministic
    assert vars(nnx.Linear)["__call__"] is call
    assert inputs["x"].dtype == np.float32 and not jax.config.jax_enable_x64


def test_a_subclass_is_recorded_once():
    class Loud(nnx.Linear):
        def __call__(self, x):
            return 2 * super().__call__(x)

    model = Nnx()
    model.one = Loud(4, 4, rngs=nnx.Rngs(0))
    trace = JaxModel(model).run(JaxModel(model).weights(), INPUTS, "float64")
    assert [*trace.arrays["tap"]] == ["one", "drop", "two"]
    assert "__call__" in vars(Loud)


@pytest.mark.parametrize("bound, passed", [(None, False), (0.9e-3, False), (1.1e-3, True)])
def test_the_bound_may_be_given(bound, passed):
    slightly = TorchModel(Torch(), lambda model, x: 1.001 * model(x))
    comparison = compare(JaxModel(Linen(), PARAMS), slightly, INPUTS, ROWS, bound=bound)
    assert comparison.passed == passed
    assert ("within bounds" in str(comparison)) == passed


def test_the_comparison_as_json():
    report = json.loads(json.dumps(compare(Torch(), Linen(), INPUTS, ROWS).to_json()))
    assert report["passed"] is True
    assert {check["name"] for check in report["checks"]} >= {"output", "one", "x", "two.weight"}


def never(*arguments, **inputs):
    raise AssertionError("nothing may run")


NEVER_TORCH, NEVER_JAX = TorchModel(Torch(), never), JaxModel(Nnx(), call=never)


@pytest.mark.parametrize(
    "rows, error, words",
    [
        (ROWS[:1], KeyError, r"torch parameter 'one\.bias' is claimed by no row"),
        (
            (*ROWS, Row("no", "two.bias", "o -> o")),
            KeyError,
            r"torch parameter 'two\.bias' has no counterpart: its row expects 'no' in flax; add it there",
        ),
        (
            (*ROWS, Row("*o/bias", "*o.bias", "o -> o")),
            KeyError,
            r"'two\.bias' of shape \(4,\) is claimed by 2 rows of the table, of which 2 fit:\\n"
            r".*Row\('two/bias', 'two\.bias', 'o -> o'\): fits",
        ),
        (
            (*ROWS[:1], Row("b", "*bias", "o -> o")),
            KeyError,
            "flax parameter 'one/bias' is claimed by no row",
        ),
        (
            (*ROWS[:1], Row("one/bias", "two.bias", "o -> o"), Row("two/*bias", "one*bias", "o -> o")),
            KeyError,
            r"torch parameter 'one\.bias' has no counterpart: its row expects 'two//bias' in flax",
        ),
        (
            (Row("*/kernel", "*.weight", "i o d -> o i d"), ROWS[1]),
            ValueError,
            r"'one\.weight' of shape \(4, 4\)",
        ),
        ((ROWS[0], Row("*/bias", "*.bias", "o")), ValueError, "row 'o': write Flax's axes -> PyTorch's"),
        (
            (ROWS[0], Row("*/bias", ("*.bias", "*.scale"), "o -> two o")),
            KeyError,
            r"torch parameter 'one\.scale' is missing: a row stacks it with \['one\.bias'\]",
        ),
    ],
)
def test_a_table_that_does_not_cover_both_is_refused_before_anything_runs(rows, error, words):
    with pytest.raises(error, match=words):
        compare(NEVER_TORCH, NEVER_JAX, INPUTS, rows)


def test_another_shape_is_refused_before_anything_runs():
    wide = TorchModel(torch.nn.Sequential(torch.nn.Linear(4, 5)), never)
    model = nnx.Sequential(nnx.Linear(4, 4, rngs=nnx.Rngs(0)))
    rows = tuple(row._replace(flax="layers/" + row.flax) for row in ROWS)
    words = (
        r"'0\.weight' of shape \(5, 4\) becomes \(4, 5\) by its row 'i o -> o i', but 'layers/0/kernel' has"
    )
    with pytest.raises(ValueError, match=words):
        compare(wide, JaxModel(model, call=never), INPUTS, rows)


@pytest.mark.parametrize(
    "reference, candidate, error, words",
    [
        (Linen(), Torch(), ValueError, r"Linen has no weights: give JaxModel\(model, params\)"),
        (Torch(), tapped, ValueError, r"known only from JaxModel\(function, params\)"),
        (Torch(), SimpleNamespace(), TypeError, "SimpleNamespace is no model: it cannot be called"),
    ],
)
def test_what_is_no_pair_is_refused(reference, candidate, error, words):
    with pytest.raises(error, match=words):
        compare(reference, candidate, INPUTS, ROWS)


class Wide(Torch):
    """It has a layer that the other lacks."""

    def __init__(self):
        super().__init__()
        self.three = torch.nn.Linear(4, 4)


def test_a_parameter_on_one_side_only_is_refused_with_the_remedy():
    words = (
        r"'three\.weight' has no counterpart: .* take it out of a copy of the model: delete it if it is not"
    )
    with pytest.raises(KeyError, match=words):
        compare(Wide(), NEVER_JAX, INPUTS, ROWS)


UNCHECKED = inspect.unwrap(compare)  # a user's session has no checks of types


@pytest.mark.parametrize("rows", [[tuple(ROWS[0])], [*ROWS, None], "rows"])
def test_a_table_that_holds_no_rows_is_refused(rows):
    with pytest.raises(TypeError, match=r"weights: .* is no Row; give a sequence of them, such as \(Row"):
        UNCHECKED(NEVER_TORCH, NEVER_JAX, INPUTS, rows)


@pytest.mark.parametrize(
    "rows, shown",
    [
        (ROWS[0], r"Row\(flax='\*/kernel', .* \(Row\)"),
        ((row for row in ROWS), r"<generator object .* \(generator\)"),
        ({"a": "b"}, r"\{'a': 'b'\} \(dict\)"),
    ],
)
def test_a_table_that_is_no_sequence_is_refused_with_the_remedy(rows, shown):
    words = rf"weights: {shown} is no sequence of rows; give one, such as \(Row.* \(row,\), and list\(rows\)"
    with pytest.raises(TypeError, match=words):
        UNCHECKED(NEVER_TORCH, NEVER_JAX, INPUTS, rows)


def test_a_row_needs_no_spaces_around_its_arrow():
    rows = [row._replace(axes=row.axes.replace(" -> ", "->")) for row in ROWS]
    assert compare(Torch(), Nnx(), INPUTS, rows).passed


@pytest.mark.parametrize(
    "value, words",
    [
        (None, "input 'x' is None: give an array of numbers"),
        ("text", "input 'x' is 'text': give an array of numbers"),
        (["some", "text"], r"input 'x' is \['some', 'text'\]: give an array of numbers"),
        (torch.ones(2, 4), r"input 'x' is a tensor: give a numpy array, as by \.detach\(\)"),
    ],
)
def test_what_is_no_input_is_refused(value, words):
    with pytest.raises(TypeError, match=words):
        compare(NEVER_TORCH, NEVER_JAX, {"x": value}, ROWS)


@pytest.mark.parametrize(
    "inputs, shown",
    [
        ("text", r"'text' \(str\)"),
        (["x"], r"\['x'\] \(list\)"),
        (X, r"array\(.*\(ndarray\)"),
        ({0: X}, r"\{0: array\(.*\(dict\)"),
    ],
)
def test_inputs_without_names_are_refused(inputs, shown):
    with pytest.raises(TypeError, match=rf"(?s)inputs: {shown} is no dictionary of arrays by the names"):
        UNCHECKED(NEVER_TORCH, NEVER_JAX, inputs, ROWS)


def test_no_inputs_at_all_are_refused():
    with pytest.raises(ValueError, match=r"inputs: there are none; give arrays by the names .* \{\"x\": x\}"):
        compare(NEVER_TORCH, NEVER_JAX, {}, ROWS)


def test_params_for_a_model_that_has_its_own_are_refused():
    with pytest.raises(ValueError, match="Nnx holds its own weights: give JaxModel no params"):
        compare(Torch(), JaxModel(Nnx(), PARAMS), INPUTS, ROWS)


def test_an_unknown_dtype_is_refused():
    with pytest.raises(ValueError, match="dtype 'bfloat16': choose one of float64, float32"):
        compare(Torch(), Nnx(), INPUTS, ROWS, dtype="bfloat16")


@pytest.mark.parametrize(
    "returned, error, words",
    [
        (lambda y, x: (y, x), ValueError, "Torch returned 0, 1, and Nnx output: give one of them a `call`"),
        (lambda y, x: {"y": None}, TypeError, "Torch returned dict, in which there is no array; give `call`"),
    ],
)
def test_other_outputs_are_refused_with_the_remedy(returned, error, words):
    with pytest.raises(error, match=words):
        compare(TorchModel(Torch(), lambda m, x: returned(m(x), x)), Nnx(), INPUTS, ROWS)


@pytest.mark.parametrize("make", [tuple, list, lambda found: {"a": found[0], "b": [found[1]], "c": None}])
def test_outputs_in_containers_are_compared_by_their_paths(make):
    sides = (
        TorchModel(Torch(), lambda m, x: make([m(x), x])),
        JaxModel(Nnx(), call=lambda m, x: make([m(x), x])),
    )
    comparison = compare(*sides, INPUTS, ROWS)
    assert comparison.passed
    assert len([check for check in comparison.checks if check.kind == "forward"]) == 2


def test_one_output_alone_needs_no_name():
    comparison = compare(TorchModel(Torch(), lambda m, x: {"logits": m(x)}), Nnx(), INPUTS, ROWS)
    assert comparison.passed and comparison.checks[0].name == "logits"


@pytest.mark.parametrize(
    "taps, words",
    [
        ({"ones": "one"}, "'ones' finds nothing in the reference; close are one"),
        ({"two": "tow"}, "'tow' finds nothing in the candidate; close are two"),
        ({"o*": "t*"}, r"taps: the \* of 'o\*' and of 't\*' have no piece of a path in common"),
    ],
)
def test_taps_that_find_nothing_are_refused(taps, words):
    with pytest.raises(ValueError, match=words):
        compare(Torch(), Nnx(), INPUTS, ROWS, taps=taps)


@pytest.mark.parametrize(
    "pattern, name, path",
    [
        ("*/a", "b/c/a", ("b/c",)),
        ("*/layers_*/a", "b/layers_2/a", ("b", "2")),
        ("a.b", "axb", None),
        ("a", "a", ()),
    ],
)
def test_a_star_stands_for_any_piece_of_the_path(pattern, name, path):
    assert match(pattern, name) == path
