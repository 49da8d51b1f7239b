"""Mistakes in the models: embeddings, pooling, masks, heads, and how blocks are chained."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from parity_tests.twins.inject import Inject, patched
from study.grade.mistakes import Mistake
from torch_impl import bert, classifier, embeddings, gpt, layers

Pool = Callable[[Tensor, Tensor], Tensor]


def together(*injects: Inject) -> Inject:
    """One mistake that is planted at several places."""

    @contextmanager
    def inject() -> Iterator[None]:
        with ExitStack() as stack:
            for one in injects:
                stack.enter_context(one())
            yield

    return inject


def _places(wrong: Callable[[Any, Any, Tensor], Tensor]) -> Inject:
    """Position embeddings alone, whose ids have one axis; tokens have two."""
    return patched(
        layers.Embedding,
        "forward",
        lambda original, self, ids: wrong(original, self, ids) if ids.ndim == 1 else original(self, ids),
    )


def _sines(interleaved: bool) -> Callable[[Any, Any, Tensor], Tensor]:
    def places(original: Any, self: Any, ids: Tensor) -> Tensor:
        table = torch.tensor(layers.sinusoidal_positions(*self.weight.shape)).to(self.weight)
        if not interleaved:
            table = torch.cat([table[:, 0::2], table[:, 1::2]], dim=1)
        return table[ids]

    return places


def _tokens_scaled(original: Any, self: Any, ids: Tensor) -> Tensor:
    return original(self, ids) * (math.sqrt(self.weight.shape[1]) if ids.ndim == 2 else 1.0)


def _pooled(pool: Pool) -> Inject:
    return patched(classifier, "masked_mean", lambda original, x, mask: pool(x, mask))


def _last_real(x: Tensor, mask: Tensor) -> Tensor:
    return x[torch.arange(len(x)), mask.sum(dim=1) - 1]


def _largest(x: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask[:, :, None], x, -torch.inf).amax(dim=1)


def _divided_by_all(x: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask[:, :, None], x, 0.0).mean(dim=1)


def _summed(x: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask[:, :, None], x, 0.0).sum(dim=1)


def _without_final_norm(original: Any, self: Any, *arguments: Any, **keywords: Any) -> Any:
    if not hasattr(self, "final_norm"):
        return original(self, *arguments, **keywords)
    norm, self.final_norm = self.final_norm, nn.Identity()
    try:
        return original(self, *arguments, **keywords)
    finally:
        self.final_norm = norm


def _chained(chain: Callable[[list[Any]], list[Any]]) -> Inject:
    """The blocks in another order, or others of them."""
    return patched(nn.ModuleList, "__iter__", lambda original, self: iter(chain(list(original(self)))))


MODELS = (classifier.TextClassifier, bert.BertForMaskedLM, gpt.GPT)


def _ended(end: Callable[[Tensor], Tensor]) -> Inject:
    """Something more done with the logits."""
    return together(
        *(
            patched(model, "forward", lambda original, *args, **kw: end(original(*args, **kw)))
            for model in MODELS
        )
    )


def _segments(wrong: Callable[[Tensor], Tensor | None]) -> Inject:
    def forward(original: Any, self: Any, ids: Tensor, segment_ids: Tensor, *rest: Any) -> Tensor:
        return original(self, ids, wrong(segment_ids), *rest)

    return patched(embeddings.SegmentEmbedding, "forward", forward)


def _no_segments(original: Any, self: Any, ids: Tensor) -> Tensor:
    found = original(self, ids)
    return torch.zeros_like(found) if len(self.weight) == 2 else found


def _without(name: str) -> Callable[..., Any]:
    """A module whose part of this name hands on what it gets."""

    def forward(original: Any, self: Any, *arguments: Any, **keywords: Any) -> Any:
        part = getattr(self, name)
        setattr(self, name, nn.Identity())
        try:
            return original(self, *arguments, **keywords)
        finally:
            setattr(self, name, part)

    return forward


def _head_with(function: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """BERT's output layer with another activation."""

    def forward(original: Any, self: Any, x: Tensor, table: Tensor, tap: Any = layers.no_tap) -> Tensor:
        return torch.einsum("bme,ve->bmv", self.norm(function(self.transform(x))), table) + self.word_bias

    return forward


def _shifted_mask(wrong: Callable[[Tensor], Tensor]) -> Inject:
    return patched(gpt, "causal_mask", lambda original, *sizes: wrong(original(*sizes)))


def _ahead(mask: Tensor) -> Tensor:
    """One more key for each query: the next one."""
    return torch.cat([mask[..., 1:, :], torch.ones_like(mask[..., :1, :])], dim=-2)


POSITIONS = "position 0, 1, 2, ... has a vector each in a table that is learned, added to the tokens"
POOLING = "the mean over the real tokens, those where the mask is True"
CAUSAL = "a token sees itself and what comes before it"
CHAIN = "block after block, each with weights of its own"

MODEL = (
    Mistake(
        "no positions",
        "positions are not told: nothing is added to the tokens",
        POSITIONS,
        _places(lambda original, self, ids: torch.zeros_like(original(self, ids))),
    ),
    Mistake(
        "positions from one",
        "your positions are counted from one",
        POSITIONS,
        _places(lambda original, self, ids: original(self, ids + 1)),
    ),
    Mistake(
        "one position for all",
        "every token gets the vector of position 0",
        POSITIONS,
        _places(lambda original, self, ids: original(self, torch.zeros_like(ids))),
    ),
    Mistake(
        "sines for learned positions",
        "your positions are sines and cosines",
        POSITIONS,
        _places(_sines(True)),
    ),
    Mistake(
        "sines, then cosines", "your positions are sines, then cosines", POSITIONS, _places(_sines(False))
    ),
    Mistake(
        "tokens scaled",
        "your token embeddings are multiplied by the square root of embed",
        "that goes with sines (Vaswani et al. 2017, section 3.4); here they are taken as they are",
        patched(layers.Embedding, "forward", _tokens_scaled),
    ),
    Mistake(
        "no final norm",
        "there is no norm after the last block",
        "pre-norm blocks leave their sum unnormalised, so one more norm follows",
        together(
            patched(classifier.TextClassifier, "forward", _without_final_norm),
            patched(gpt.GPT, "read", _without_final_norm),
        ),
    ),
    Mistake(
        "mean over the padding too",
        "your mean is over the padding too",
        POOLING,
        _pooled(lambda x, mask: x.mean(dim=1)),
    ),
    Mistake(
        "divided by all positions",
        "your sum over the real tokens is divided by all positions",
        POOLING,
        _pooled(_divided_by_all),
    ),
    Mistake("sum for mean", "the real tokens are summed, not averaged", POOLING, _pooled(_summed)),
    Mistake(
        "largest for mean",
        "the largest number over the real tokens is taken, not the mean",
        POOLING,
        _pooled(_largest),
    ),
    Mistake(
        "first token for mean", "only the first token is read", POOLING, _pooled(lambda x, mask: x[:, 0])
    ),
    Mistake(
        "last position for mean", "only the last position is read", POOLING, _pooled(lambda x, mask: x[:, -1])
    ),
    Mistake("last token for mean", "only the last real token is read", POOLING, _pooled(_last_real)),
    Mistake(
        "padding mask inverted",
        "your padding mask is inverted: tokens see the padding alone",
        "True is a real token, which may be seen",
        together(
            *(
                patched(module, "padding_mask", lambda original, mask: original(~mask))
                for module in (classifier, bert)
            )
        ),
    ),
    Mistake(
        "segments ignored",
        "every token gets the vector of the first segment",
        "each token gets the vector of its own segment (Devlin et al. 2018, figure 2)",
        _segments(lambda segment_ids: None),
    ),
    Mistake(
        "segments swapped",
        "the two segments are swapped",
        "segment 0 is the first row of the table",
        _segments(lambda segment_ids: 1 - segment_ids),
    ),
    Mistake(
        "no segments",
        "segments are not told: no vector of theirs is added",
        "token + position + segment (Devlin et al. 2018, figure 2)",
        patched(layers.Embedding, "forward", _no_segments),
    ),
    Mistake(
        "no norm of the embeddings",
        "there is no norm after the embeddings",
        "BERT normalises their sum",
        patched(embeddings.SegmentEmbedding, "forward", _without("norm")),
    ),
    Mistake(
        "no bias on the words",
        "your logits have no bias",
        "each word has one",
        patched(bert, "add_bias", lambda original, y, bias: y),
    ),
    Mistake(
        "no transform",
        "the hidden states go to the output table at once",
        "a linear layer, the activation and a norm come before it",
        patched(
            bert.MLMHead,
            "forward",
            lambda original, self, x, table, *rest: torch.einsum("bme,ve->bmv", x, table) + self.word_bias,
        ),
    ),
    *(
        Mistake(
            f"{name} in the head",
            f"the activation of your head is {said}",
            "it is the exact GELU, as in the blocks",
            patched(bert.MLMHead, "forward", _head_with(function)),
        )
        for name, said, function in (
            ("tanh for exact GELU", "GELU's tanh approximation (Flax's default)", layers.gelu_tanh),
            ("ReLU", "ReLU", layers.relu),
            ("tanh", "tanh", torch.tanh),
            ("no activation", "missing", torch.clone),
        )
    ),
    Mistake(
        "no norm before the words",
        "there is no norm before the output table",
        "a linear layer, the activation and a norm come before it",
        patched(bert.MLMHead, "forward", _without("norm")),
    ),
    Mistake("sees one ahead", "each token sees the next one too", CAUSAL, _shifted_mask(_ahead)),
    Mistake(
        "sees what follows alone",
        "each token sees what comes after it, not before: the mask is transposed",
        CAUSAL,
        _shifted_mask(lambda mask: mask.mT),
    ),
    Mistake(
        "one block for all",
        "the first block is used again and again",
        CHAIN,
        _chained(lambda blocks: blocks[:1] * len(blocks)),
    ),
    Mistake(
        "the last block left out", "the last block is left out", CHAIN, _chained(lambda blocks: blocks[:-1])
    ),
    Mistake(
        "the first block left out", "the first block is left out", CHAIN, _chained(lambda blocks: blocks[1:])
    ),
    Mistake(
        "blocks reversed",
        "your blocks run in the reverse order",
        CHAIN,
        _chained(lambda blocks: blocks[::-1]),
    ),
    Mistake(
        "softmax of the logits",
        "you return probabilities",
        "return logits: the loss takes the softmax",
        _ended(lambda logits: logits.softmax(dim=-1)),
    ),
    Mistake(
        "log softmax of the logits",
        "you return logarithms of probabilities",
        "return logits: the loss takes the softmax",
        _ended(lambda logits: logits.log_softmax(dim=-1)),
    ),
)
