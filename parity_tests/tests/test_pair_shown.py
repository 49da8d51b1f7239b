"""What a comparison shows, and what it says that it does not show."""

import json
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen

from parity_tests.pair import JaxModel, Row, TorchModel, compare

X = np.random.default_rng(0).standard_normal((5, 4))
DENSE = (Row("*/kernel", "*.weight", "i o -> o i"), Row("*/bias", "*.bias", "o -> o"))
IMAGES = np.random.default_rng(0).standard_normal((2, 3, 6, 7))
CONV = (
    *(Row(f"{name}/kernel", f"{name}.weight", "h w i o -> o i h w") for name in ("one", "two")),
    Row("head/kernel", "head.weight", "i o -> o i"),
    Row("*/bias", "*.bias", "o -> o"),
)


def failed(comparison):
    return {check.kind for check in comparison.checks if not check.passed}


def taps(comparison):
    return [check.name for check in comparison.checks if check.kind == "tap"]


class TorchConv(torch.nn.Module):
    """Channels first."""

    def __init__(self):
        super().__init__()
        self.one, self.two = (torch.nn.Conv2d(a, b, 3, padding=1) for a, b in ((3, 4), (4, 5)))
        self.head = torch.nn.Linear(5, 6)

    def forward(self, x):
        return self.head(self.two(torch.relu(self.one(x))).mean((2, 3)))


class LinenConv(linen.Module):
    """Channels last, as all of Flax's."""

    scale: float = 1.0

    @linen.compact
    def __call__(self, x):
        x = linen.Conv(4, (3, 3), name="one")(jnp.moveaxis(x, 1, -1))
        x = linen.Conv(5, (3, 3), name="two")(jax.nn.relu(self.scale * x))
        return linen.Dense(6, name="head")(x.mean((1, 2)))


def test_channels_first_are_compared_with_channels_last():
    params = jax.jit(LinenConv().init)(jax.random.key(0), IMAGES.astype(np.float32))["params"]
    for pair in ((TorchConv(), LinenConv()), (JaxModel(LinenConv(), params), TorchConv())):
        comparison = compare(*pair, {"x": IMAGES}, CONV)
        assert comparison.passed and taps(comparison) == ["one", "two", "head"]
        orders = json.loads(json.dumps(comparison.to_json()))["axes_in_another_order"]
        assert list(orders) == ["one", "two"] and len(set(orders.values())) == 1
        listed = str(comparison).splitlines()[-1]
        assert listed == f"axes in another order: one ({orders['one']}), two ({orders['two']})"


def test_a_mistake_before_a_convolution_blames_neither_it_nor_what_follows():
    comparison = compare(TorchConv(), LinenConv(1.1), {"x": IMAGES}, CONV)
    (isolation,) = comparison.isolations
    verdicts = {tap.name: tap.verdict for tap in isolation.tap_errors}
    assert verdicts == {"one": "matches", "two": "earlier", "head": "downstream", "output": "downstream"}
    (words,) = isolation.unheard.values()
    assert words == (
        "What two reads is not the reference's already: look between one and it; what is there is no part of "
        "its own."
    )
    assert words in " ".join(str(comparison).split()) and "before it" in str(comparison)


class TorchSum(torch.nn.Module):
    """Its part gives one number for each row."""

    def __init__(self):
        super().__init__()
        self.part, self.head = torch.nn.Sequential(torch.nn.Linear(4, 1)), torch.nn.Linear(1, 2)

    def forward(self, x):
        return self.head(self.part(x))


class LinenSum(linen.Module):
    """The same, but that its part hands it on three times over."""

    @linen.compact
    def __call__(self, x):
        return linen.Dense(2, name="head")(Thrice(name="part")(x)[:, :1])


class Thrice(linen.Module):
    @linen.compact
    def __call__(self, x):
        return jnp.repeat(linen.Dense(1, name="0")(x), 3, axis=1)


def test_taps_that_no_order_leads_between_are_left_out_and_listed():
    comparison = compare(TorchSum(), LinenSum(), {"x": X}, DENSE)
    assert comparison.passed and taps(comparison) == ["part.0", "head"]
    assert str(comparison).splitlines()[-1] == "not compared, other shape: part"
    assert json.loads(json.dumps(comparison.to_json()))["other_shape"] == ["part"]
    comparison = compare(TorchSum(), LinenSum(), {"x": X}, DENSE, {"*": "*"})
    assert [r.name for r in comparison.checks if not r.passed] == ["part"]
    assert comparison.other_shape == [] and "not compared" not in str(comparison)
    assert {tap.verdict for tap in comparison.isolations[0].tap_errors if tap.name != "part"} == {"matches"}


def test_parts_without_a_partner_are_listed():
    class Named(linen.Module):
        @linen.compact
        def __call__(self, x):
            return linen.Dense(2, name="head")(linen.Dense(1, name="part_0")(x))

    comparison = compare(TorchSum(), Named(), {"x": X}, DENSE)
    assert comparison.passed and comparison.taps.alone == {"reference": ["part"], "candidate": []}
    assert str(comparison).splitlines()[-1] == "in the reference alone: part"


class Torch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = torch.nn.Linear(4, 4), torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.two(torch.tanh(self.one(x)))


class Linen(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dense(3, name="two")(jnp.tanh(linen.Dense(4, name="one")(x)))


class Prediction(NamedTuple):
    logits: object
    label: object


@pytest.mark.parametrize("detached", [False, True])
def test_gradients_of_the_floating_outputs_are_compared_beside_integers(detached):
    def predict(model, x):
        logits = model(x)
        kept = logits.detach() if detached and isinstance(logits, torch.Tensor) else logits
        return Prediction(kept, logits.argmax(-1))

    params = jax.jit(Linen().init)(jax.random.key(0), X.astype(np.float32))["params"]
    models = TorchModel(Torch(), predict), JaxModel(Linen(), params, predict)
    for pair in (models, models[::-1]):
        comparison = compare(*pair, {"x": X}, DENSE)
        assert {r.name for r in comparison.checks if r.kind == "forward"} == {"logits", "label"}
        assert {"input gradient", "parameter gradient"} <= {r.kind for r in comparison.checks}
        assert failed(comparison) == ({"input gradient", "parameter gradient"} if detached else set())


def test_parameters_of_which_nothing_is_shown_are_listed():
    module = Torch()
    assert compare(module, Linen(), {"x": X}, DENSE).gradient_zero == []
    torch.nn.init.zeros_(module.two.weight)
    comparison = compare(module, Linen(), {"x": X}, DENSE)
    assert comparison.passed
    last = str(comparison).splitlines()[-1]
    assert last == "gradient zero, so nothing is shown of: one.weight, one.bias"
    assert comparison.to_json()["gradient_zero"] == ["one.weight", "one.bias"]


class TorchLoop(torch.nn.Module):
    """The same layers over and over, as ALBERT's."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)])

    def forward(self, x):
        for _ in range(2):
            for layer in self.layers:
                x = torch.tanh(layer(x))
        return x


class LinenLoop(linen.Module):
    scale: float = 1.0

    def setup(self):
        self.layers = [linen.Dense(4) for _ in range(2)]

    def __call__(self, x):
        for scale in (1.0, self.scale):
            for layer in self.layers:
                x = jnp.tanh(layer(scale * x))
        return x


def test_layers_that_are_called_again_are_compared_every_time():
    comparison = compare(TorchLoop(), LinenLoop(), {"x": X}, DENSE)
    assert comparison.passed
    assert taps(comparison) == ["layers.0", "layers.1", "layers.0 (2)", "layers.1 (2)"]
    comparison = compare(TorchLoop(), LinenLoop(1.1), {"x": X}, DENSE)
    (isolation,) = comparison.isolations
    diverging = {
        block.name: [p.name_in_block for p in block.tap_errors if p.verdict == "earlier"]
        for block in isolation.blocks
    }
    assert diverging == {"layers.0": ["(2)"], "layers.1": ["(2)"], "output": []}


def test_an_order_that_is_said_is_the_one_that_is_compared():
    """Images as wide as high as they have channels: what turns them has an order of its own."""
    image = np.random.default_rng(0).standard_normal((2, 4, 4, 4))

    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = torch.nn.Identity()

        def forward(self, x):
            return self.stem(x)

    class Turned(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = torch.nn.Identity()

        def forward(self, x):
            return self.stem(x.permute(0, 3, 2, 1)).permute(0, 3, 2, 1)

    inputs, table = {"x": image}, []
    assert compare(Theirs(), Turned(), inputs, table).passed
    right = compare(Theirs(), Turned(), inputs, table, taps={"stem": ("stem", "b w h c -> b c h w")})
    assert right.passed and right.taps.turned == {"stem": "a b c d -> a d c b"}
    wrong = compare(Theirs(), Turned(), inputs, table, taps={"stem": ("stem", "b h w c -> b c h w")})
    assert [check.name for check in wrong.checks if not check.passed] == ["stem"]
    with pytest.raises(ValueError, match=r"taps: stem: 'b c -> c b' does not lead from shape \(2, 4, 4, 4\)"):
        compare(Theirs(), Turned(), inputs, table, taps={"stem": ("stem", "b c -> c b")})
