"""PyTorch's own layers in training, their dropout fed with our masks, place by place.

A place of ours that theirs lacks, or the other way round, moves the numbers; so does a mask used twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.func import functional_call

from parity_tests.core.compare import BOUNDS, compare_traces
from parity_tests.core.trace import Trace
from parity_tests.runners.arrays import Inputs
from parity_tests.tests.twins.places import SEED, Path, fed, matched, recorded_draws
from parity_tests.twins.check import find_twins
from parity_tests.twins.inputs import EMBED, HEADS, MLP, POSITION, VOCAB, Twin
from parity_tests.twins.references import in_torch, layer_state, new_layer
from parity_tests.twins.run import run_torch
from torch_impl import convert, random
from torch_impl.initializers import initialise

RATE = 0.3
BLOCK = {"embed": EMBED, "heads": HEADS, "mlp": MLP, "dropout": RATE}
MODEL = BLOCK | {"vocab": VOCAB, "max_positions": POSITION + 2, "layers": 2}
State = Mapping[str, torch.Tensor]


class Encoder(torch.nn.Module):
    """One encoder layer."""

    def __init__(self, norm_position: str, activation: str) -> None:
        super().__init__()
        self.layer = new_layer(torch.nn.TransformerEncoderLayer, BLOCK, norm_position, activation)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.layer(x, src_key_padding_mask=~mask[:, 0, 0])


class Decoder(torch.nn.Module):
    """One decoder layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = new_layer(torch.nn.TransformerDecoderLayer, BLOCK, "post", "gelu")

    def forward(
        self, x: torch.Tensor, context: torch.Tensor, mask: torch.Tensor, context_mask: torch.Tensor
    ) -> torch.Tensor:
        padding = ~context_mask[:, 0, 0]
        return self.layer(x, context, tgt_mask=~mask[0, 0], memory_key_padding_mask=padding)


class Translator(torch.nn.Module):
    """As in the paper, which drops both sums of embeddings too (Vaswani et al. 2017, section 5.4)."""

    def __init__(self) -> None:
        super().__init__()
        encoder, decoder = (
            new_layer(kind, MODEL, "post", "relu")
            for kind in (torch.nn.TransformerEncoderLayer, torch.nn.TransformerDecoderLayer)
        )
        self.tokens = torch.nn.Embedding(VOCAB, EMBED, device="meta")
        self.source_dropout, self.target_dropout = torch.nn.Dropout(RATE), torch.nn.Dropout(RATE)
        self.encoder = torch.nn.TransformerEncoder(encoder, 2, enable_nested_tensor=False)
        self.decoder = torch.nn.TransformerDecoder(decoder, 2)

    def read(self, ids: torch.Tensor) -> torch.Tensor:
        places = torch.arange(ids.shape[1], dtype=torch.float64)[:, None]
        angles = places / 10000.0 ** (torch.arange(0, EMBED, 2, dtype=torch.float64) / EMBED)
        return self.tokens(ids) * EMBED**0.5 + torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)

    def forward(self, source: torch.Tensor, target: torch.Tensor, source_mask: torch.Tensor) -> torch.Tensor:
        context = self.encoder(self.source_dropout(self.read(source)), src_key_padding_mask=~source_mask)
        ahead = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).triu(1)
        x = self.target_dropout(self.read(target))
        x = self.decoder(x, context, tgt_mask=ahead, memory_key_padding_mask=~source_mask)
        return x @ self.tokens.weight.T


class Classifier(torch.nn.Module):
    """What `TextClassifier` is by default, of PyTorch's parts: no setting of ours is read."""

    def __init__(self) -> None:
        super().__init__()
        layer = torch.nn.TransformerEncoderLayer(
            EMBED, HEADS, MLP, activation="gelu", batch_first=True, norm_first=True, device="meta"
        )
        with torch.device("meta"):
            self.tokens = torch.nn.Embedding(VOCAB, EMBED)
            self.positions = torch.nn.Embedding(POSITION + 2, EMBED)
            self.norm = torch.nn.LayerNorm(EMBED)
            self.head = torch.nn.Linear(EMBED, 2)
        self.dropout, self.pooled_dropout = torch.nn.Dropout(RATE), torch.nn.Dropout(RATE)
        self.encoder = torch.nn.TransformerEncoder(layer, 2, self.norm, enable_nested_tensor=False)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.dropout(self.tokens(ids) + self.positions.weight[: ids.shape[1]])
        x = self.encoder(x, src_key_padding_mask=~mask)
        mean = torch.stack([row[real].mean(dim=0) for row, real in zip(x, mask, strict=True)])
        return self.head(self.pooled_dropout(mean))


def translator_state(params: State) -> dict[str, torch.Tensor]:
    state = {"tokens.weight": params["embeddings/token_embedding/embedding"]}
    for side in ("encoder", "decoder"):
        for number in range(2):
            state |= layer_state(params, f"{side}_{number}/", f"{side}.layers.{number}.")
    return state


def classifier_state(params: State) -> dict[str, torch.Tensor]:
    state = {
        "tokens.weight": params["embeddings/token_embedding/embedding"],
        "positions.weight": params["embeddings/position_embedding/embedding"],
        "norm.weight": params["final_norm/scale"],
        "norm.bias": params["final_norm/bias"],
        "head.weight": params["head/kernel"].T,
        "head.bias": params["head/bias"],
    }
    for number in range(2):
        state |= layer_state(params, f"blocks_{number}/", f"encoder.layers.{number}.")
    return state


def encoder_places(scope: str, *path: int) -> dict[str, Path | None]:
    """Where an encoder layer drops. The one inside its feed-forward layer is PyTorch's own idea."""
    return {
        f"{scope}.self_attn": (*path, 0),
        f"{scope}.dropout1": (*path, 1),
        f"{scope}.dropout": None,
        f"{scope}.dropout2": (*path, 2),
    }


def decoder_places(scope: str, *path: int) -> dict[str, Path | None]:
    return {
        f"{scope}.self_attn": (*path, 0),
        f"{scope}.dropout1": (*path, 1),
        f"{scope}.multihead_attn": (*path, 2),
        f"{scope}.dropout2": (*path, 3),
        f"{scope}.dropout": None,
        f"{scope}.dropout3": (*path, 4),
    }


@dataclass(frozen=True)
class Party:
    """A third party: the twin that it does the same as, its weights of ours, its places and our paths."""

    twin: Twin
    build: Callable[[], torch.nn.Module]
    state: Callable[[State], Mapping[str, torch.Tensor]]
    places: Mapping[str, Path | None]


def twin(name: str, settings: Mapping[str, Any]) -> Twin:
    """The catalogue's, of these settings alone; each row has a real token, where PyTorch has NaN for none."""
    (found,) = find_twins(name)

    def inputs(rng: np.random.Generator) -> Inputs:
        drawn = dict(found.inputs(rng))
        for key in drawn.keys() & {"mask", "context_mask", "source_mask"}:
            drawn[key] = drawn[key].copy()
            drawn[key][..., 0] = True
        return drawn

    return replace(found, inputs=inputs, arguments=settings)


def block_state(params: State) -> dict[str, torch.Tensor]:
    return layer_state(params, "", "layer.")


PARTIES = {
    "pre-norm encoder layer": Party(
        twin("block_pre", BLOCK), lambda: Encoder("pre", "gelu"), block_state, encoder_places("layer")
    ),
    "post-norm encoder layer": Party(
        twin("block_post", BLOCK | {"norm_position": "post", "activation": "relu"}),
        lambda: Encoder("post", "relu"),
        block_state,
        encoder_places("layer"),
    ),
    "decoder layer": Party(twin("block_decoder", BLOCK), Decoder, block_state, decoder_places("layer")),
    "encoder and decoder": Party(
        twin("encoder_decoder", MODEL),
        Translator,
        translator_state,
        {"source_dropout": (0, 0), "target_dropout": (1, 0)}
        | encoder_places("encoder.layers.0", 0, 1)
        | encoder_places("encoder.layers.1", 0, 2)
        | decoder_places("decoder.layers.0", 1, 1)
        | decoder_places("decoder.layers.1", 1, 2),
    ),
    "classifier": Party(
        twin("classifier", MODEL),
        Classifier,
        classifier_state,
        {"dropout": (0,), "pooled_dropout": (3,)}
        | encoder_places("encoder.layers.0", 1)
        | encoder_places("encoder.layers.1", 2),
    ),
}


def our_params(twin: Twin) -> dict[str, np.ndarray]:
    """The initial weights plus noise, or biases of zero and scales of one would hide mistakes."""
    model, rng = twin.build("torch_impl"), np.random.default_rng(0)
    initialise(model, random.key(1))
    drawn = convert.save(model)
    return {n: array.astype(float) + 0.1 * rng.standard_normal(array.shape) for n, array in drawn.items()}


def in_training(party: Party) -> tuple[Trace, Trace]:
    """Theirs and ours: output, gradients by the inputs and by the weights."""
    inputs, params = party.twin.inputs(np.random.default_rng(0)), our_params(party.twin)
    with recorded_draws() as draws:
        ours = run_torch(party.twin, params, inputs, "float64", SEED)
    masks = matched(party.places, draws, RATE)
    module = party.build().train()

    def theirs(arguments: Any, leaves: State, **given: torch.Tensor) -> torch.Tensor:
        with fed(module, masks, RATE):
            return functional_call(module, dict(party.state(leaves)), (), given)

    ours.arrays["tap"] = {}
    return in_torch(theirs)(party.twin, params, inputs, "float64"), ours


@pytest.mark.parametrize("name", PARTIES)
def test_our_masks_in_pytorch_s_layers_give_our_numbers_and_gradients(name):
    theirs, ours = in_training(PARTIES[name])
    checks = compare_traces(name, theirs, ours, "float64", BOUNDS["float64"][True])
    assert {"forward", "parameter gradient"} <= {check.kind for check in checks}
    assert [check for check in checks if not check.passed] == []


def test_masks_in_each_other_s_places_are_noticed():
    party = PARTIES["classifier"]
    swapped = {"encoder.layers.0.dropout1": (1, 2), "encoder.layers.0.dropout2": (1, 1)}
    theirs, ours = in_training(replace(party, places={**party.places, **swapped}))
    checks = compare_traces("swapped", theirs, ours, "float64", BOUNDS["float64"][True])
    assert not any(check.passed for check in checks if check.kind == "forward")
