"""Mistakes that people make when they rewrite a transformer, each injected in the PyTorch twin."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from parity_tests.twins.check import find_twins
from parity_tests.twins.inject import Defect, Inject, patched
from parity_tests.twins.inputs import EMBED, Inputs, Twin, real_tokens
from parity_tests.twins.registry import PARTS
from torch_impl import (
    attention,
    bert,
    block,
    classifier,
    config,
    embeddings,
    fused_loss,
    gpt,
    layers,
    losses,
    masks,
    ngrams,
    random,
    seq2seq,
)
from torch_impl.convert import engine
from torch_impl.convert.table import TABLE


def _twin(name: str) -> Twin:
    (twin,) = find_twins(name)
    return twin


# A pre-norm block of square matrices: one that is transposed by mistake keeps its shape.
SQUARE = Twin(
    "block_square",
    PARTS["TransformerBlock"],
    lambda rng: {**_twin("block_pre").inputs(rng), "x": rng.standard_normal((8, 7, 16))},
    {"embed": 16, "heads": 4, "mlp": 16, "dropout": 0.2},
)


def _as_long(rng: np.random.Generator) -> Inputs:
    """A source as long as the target: one read in place of the other keeps all shapes."""
    drawn = _twin("block_decoder").inputs(rng)
    shape = drawn["x"].shape
    return drawn | {
        "context": rng.standard_normal(shape),
        "context_mask": real_tokens(shape[1])[:, None, None],
    }


def _with_row(flax: str, **changes: Any) -> Inject:
    """Convert the weights by a table in which one row is wrong, both ways."""
    wrong = [row._replace(**changes) if row.flax == flax else row for row in TABLE]

    @contextmanager
    def inject() -> Iterator[None]:
        with ExitStack() as stack:
            for name in ("to_torch", "to_flax"):
                converter = partial(getattr(engine, name), table=wrong)
                stack.enter_context(patch.object(engine, name, converter))
            yield

    return inject


def _in_bfloat16(original: Any, arrays: Any, *rest: Any, **keywords: Any) -> Any:
    converted = original(arrays, *rest, **keywords)
    return {name: np.asarray(torch.tensor(array).bfloat16().double()) for name, array in converted.items()}


def _in_tf32(original: Any, *operands: Tensor) -> Tensor:
    """What tensor cores do to the operands of a float32 matmul: ten bits of mantissa are left of 23."""

    def rounded(x: Tensor) -> Tensor:
        bits = x.detach().contiguous().view(torch.int32)
        return x + (((bits + 0x1000) & ~0x1FFF).view(torch.float32) - x).detach()

    return original(*map(rounded, operands))


def _detach(original: Any, scores: Tensor, mask: Tensor | None = None) -> Tensor:
    return original(scores, mask).detach()


def _unbiased_variance(original: Any, x: Tensor, scale: Tensor, bias: Tensor, eps: float) -> Tensor:
    variance = x.var(dim=-1, keepdim=True)  # PyTorch's default divides by one less than the count
    return (x - x.mean(dim=-1, keepdim=True)) / torch.sqrt(variance + eps) * scale + bias


def _scale_by_length(original: Any, query: Tensor, key: Tensor, *rest: Any) -> Tensor:
    return original(query * math.sqrt(query.shape[-1] / key.shape[-2]), key, *rest)


def _softmax_over_queries(original: Any, scores: Tensor, mask: Tensor) -> Tensor:
    return original(scores.mT, mask.expand(scores.shape).mT).mT


def _dropout_over_heads(original: Any, x: Tensor, rate: float, rng: random.Key | None) -> Tensor:
    return x * original(torch.ones_like(x[:, :1]), rate, rng)


def _next_place(original: Any, self: Any, ids: Tensor) -> Tensor:
    return original(self, ids + 1 if ids.ndim == 1 else ids)  # places have one axis, tokens two


def _skip_padding_row(original: Any, self: Any, ids: Tensor) -> Tensor:
    return F.embedding(ids, self.weight, padding_idx=0)


def _sines_then_cosines(original: Any, *arguments: Any) -> Tensor:
    table = original(*arguments)
    return torch.cat([table[:, 0::2], table[:, 1::2]], dim=1)


def _post_norm(original: Any, self: Any, *arguments: Any, **keywords: Any) -> Any:
    self.config = replace(self.config, norm_position="post")
    return original(self, *arguments, **keywords)


def _no_residual(original: Any, self: Any, x: Tensor, *rest: Any) -> Any:
    output, memory = original(self, x, *rest)
    return output - x, memory  # takes away the x that a post-norm block adds


def _smooth_the_others(original: Any, logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    classes = logits.shape[-1]
    return original(logits, labels, smoothing * classes / (classes - 1))


def _gradients_of_the_plain_mean(original: Any, ctx: Any, hidden: Tensor, *rest: Any) -> Tensor:
    labels, shares, *others = rest
    original(ctx, hidden, labels, torch.full_like(shares, 1.0 / len(shares)), *others)
    return fused_loss._mean_loss(hidden, *rest)


def _pair_neighbours(original: Any, x: Tensor, angles: Tensor) -> Tensor:
    halves = torch.cat((x[..., 0::2], x[..., 1::2]), dim=-1)
    return original(halves, angles).unflatten(-1, (2, -1)).mT.flatten(-2)


def _around_the_mean(original: Any, x: Tensor, scale: Tensor, eps: float) -> Tensor:
    return original(x - x.mean(dim=-1, keepdim=True), scale, eps)


def _dealt_in_turn(original: Any, query: Tensor, key: Tensor, value: Tensor, *rest: Any) -> Tensor:
    group = query.shape[1] // key.shape[1]
    return original(query, *(each.repeat(1, group, 1, 1) for each in (key, value)), *rest)


def _unscaled_target(original: Any, self: Any, *arguments: Any) -> Tensor:
    def undo(embed: Any, module: Any, ids: Tensor) -> Tensor:
        return embed(module, ids) / math.sqrt(module.weight.shape[1])

    with _embed(undo)():
        return original(self, *arguments)


def _always_causal(original: Any, self: Any, x: Tensor, context: Tensor, mask: Tensor, *rest: Any) -> Tensor:
    return original(self, x, context, mask & masks.causal_mask(x.shape[1], context.shape[1]), *rest)


def _scale_by_share_of_embed(original: Any, query: Tensor, *rest: Any) -> Tensor:
    return original(query * math.sqrt(query.shape[-1] * query.shape[1] / EMBED), *rest)


def _over_all_heads(original: Any, self: Any, x: Tensor) -> Tensor:
    width = x.square().mean(dim=(1, 3), keepdim=True)
    return x * torch.rsqrt(width + self.eps) * self.weight


def _normalise_last(original: Any, self: Any, x: Tensor, tap: Any, angles: Tensor) -> Tensor:
    turned = attention.rotate(self.query(x), angles)
    return tap("query", self.query_norm(turned), "batch heads query head_dim")


def _normalise_as_keys(original: Any, self: Any, *arguments: Any) -> Tensor:
    with patch.object(self.query_norm, "forward", self.key_norm.forward):
        return original(self, *arguments)


def _unscaled(original: Any, *arguments: Any) -> Tensor:
    return original(*arguments[:3], None, *arguments[4:])


def _slow_all(original: Any, *arguments: Any) -> Tensor:
    return original(*arguments[:3], replace(arguments[3], kind="linear"), *arguments[4:])


_norm, _softmax = (
    partial(patched, layers, "layer_norm"),
    partial(patched, attention, "masked_softmax"),
)
_attend = partial(patched, attention, "scaled_dot_product_attention")
_drop = partial(patched, attention, "dropout")
_embed = partial(patched, layers.Embedding, "forward")
_block = partial(patched, block.TransformerBlock, "step")
_model = partial(patched, classifier.TextClassifier, "forward")
_multi_head = partial(patched, attention.MultiHeadAttention, "forward")
_decode = partial(patched, seq2seq.EncoderDecoder, "decode")

DEFECTS = (
    Defect(
        "layer norm: eps 1e-6 for 1e-5",
        SQUARE,
        _norm(lambda original, x, scale, bias, eps: original(x, scale, bias, 1e-6)),
        "attention_norm",
    ),
    Defect("layer norm: unbiased variance", SQUARE, _norm(_unbiased_variance), "attention_norm"),
    Defect(
        "activation: tanh for exact GELU",
        SQUARE,
        lambda: patch.dict(layers.ACTIVATIONS, gelu=layers.gelu_tanh),
        "feed_forward/active",
    ),
    Defect(
        "weights: a missed transpose on a square matrix",
        SQUARE,
        _with_row("*up/kernel", axes="embed mlp -> embed mlp"),
        "feed_forward/hidden",
    ),
    Defect(
        "weights: heads and head_dim transposed",
        SQUARE,
        _with_row("*query/kernel", axes="embed head_dim heads -> (heads head_dim) embed"),
        "attention/query",
    ),
    Defect(
        "weights: in bfloat16 by accident",
        SQUARE,
        patched(engine, "to_torch", _in_bfloat16),
        "attention_norm",
    ),
    Defect(
        "matmul: TF32 on",
        SQUARE,
        patched(torch, "matmul", _in_tf32),
        "attention/query",
        dtype="float32",
    ),
    Defect(
        "attention: query and key swapped",
        SQUARE,
        _attend(lambda original, query, key, *rest: original(key, query, *rest)),
        "attention/scores",
    ),
    Defect(
        "attention: scaled by the sequence length for head_dim",
        SQUARE,
        _attend(_scale_by_length),
        "attention/scores",
    ),
    Defect(
        "attention: softmax over the queries",
        SQUARE,
        _softmax(_softmax_over_queries),
        "attention/weights",
    ),
    Defect("attention: no gradient through the softmax", SQUARE, _softmax(_detach), "attention/key/kernel"),
    Defect(
        "masks: causal mask off by one",
        _twin("causal_mask"),
        patched(masks, "causal_mask", lambda original, query, key: original(query + 1, key)[:, :, :-1]),
        "output",
    ),
    Defect(
        "masks: padding mask inverted",
        _twin("classifier"),
        patched(classifier, "padding_mask", lambda original, mask: original(~mask)),
        "blocks.0/attention/weights",
    ),
    Defect(
        "dropout: the kept are not scaled up",
        SQUARE,
        _drop(lambda original, x, rate, rng: original(x, rate, rng) * (1.0 - rate)),
        "attention/heads_output",
        in_training=True,
    ),
    Defect(
        "dropout: one mask for all heads",
        SQUARE,
        _drop(_dropout_over_heads),
        "attention/heads_output",
        in_training=True,
    ),
    Defect(
        "dropout: the second key is the first again",
        SQUARE,
        patched(block, "fold_in", lambda original, rng, data: original(rng, min(data, 1))),
        "output",
        in_training=True,
    ),
    Defect("block: pre-norm and post-norm swapped", SQUARE, _block(_post_norm), "attention_norm"),
    Defect(
        "block: no residual connection around attention",
        _twin("block_post"),
        patched(attention.MultiHeadAttention, "step", _no_residual),
        "attention_norm",
    ),
    Defect("embeddings: positions counted from one", _twin("embeddings"), _embed(_next_place), "places"),
    Defect(
        "embeddings: the padding token's row is not trained",
        _twin("embeddings_sinusoidal"),
        _embed(_skip_padding_row),
        "token_embedding/embedding",
    ),
    Defect(
        "embeddings: sines, then cosines",
        _twin("embeddings_sinusoidal"),
        patched(embeddings, "sinusoidal_table", _sines_then_cosines),
        "places",
    ),
    Defect("classifier: no final norm", _twin("classifier"), _model(_post_norm), "final_norm"),
    Defect(
        "classifier: mean over the padding too",
        _twin("classifier"),
        patched(classifier, "masked_mean", lambda original, x, mask: x.mean(dim=1)),
        "pooled",
    ),
    Defect(
        "ngrams: the second token of a pair first",
        _twin("ngram_ratios"),
        patched(
            ngrams, "pair_buckets", lambda original, ids, buckets: original(ids.flip(1), buckets).flip(1)
        ),
        "pairs",
    ),
    Defect(
        "ngrams: no text goes without",
        _twin("ngram_ratios"),
        patched(ngrams, "dropout", lambda original, x, *rest: x),
        "output",
        in_training=True,
    ),
    Defect(
        "bert: masked positions off by one",
        _twin("bert_for_masked_lm"),
        patched(bert, "gather_positions", lambda original, x, where: original(x, (where + 1) % x.shape[1])),
        "masked",
    ),
    Defect(
        "bert: segment ids ignored",
        _twin("bert_for_masked_lm"),
        patched(
            embeddings.SegmentEmbedding,
            "forward",
            lambda original, self, ids, segment_ids, *rest: original(self, ids, None, *rest),
        ),
        "bert/embeddings/segments",
    ),
    Defect(
        "bert: eps 1e-5 for 1e-12",
        _twin("bert_for_masked_lm"),
        _norm(lambda original, x, scale, bias, eps: original(x, scale, bias, 1e-5)),
        "bert/embeddings/output",
    ),
    Defect(
        "bert: no bias on the words",
        _twin("bert_for_masked_lm"),
        patched(bert, "add_bias", lambda original, y, bias: y),
        "words/logits",
    ),
    Defect(
        "bert: the last token pooled",
        _twin("bert_classifier"),
        patched(bert.Pooler, "forward", lambda original, self, x: original(self, x.flip(1))),
        "pooled",
    ),
    Defect(
        "gpt: no causal mask",
        _twin("gpt1"),
        patched(gpt, "causal_mask", lambda original, *sizes: torch.ones_like(original(*sizes))),
        "blocks.0/attention/weights",
    ),
    Defect(
        "gpt: the tied head does not train the embeddings",
        _twin("gpt1"),
        patched(gpt.GPT, "table", lambda original, self: original(self).detach()),
        "embeddings/token_embedding/embedding",
    ),
    Defect(
        "gpt: the window one token too wide",
        _twin("gpt3"),
        patched(
            gpt,
            "banded_mask",
            lambda original, query, key, window, *rest: original(query, key, window + 1, *rest),
        ),
        "blocks.1/attention/weights",
    ),
    Defect(
        "llama: neighbours rotated for halves",
        _twin("llama"),
        patched(attention, "rotate", _pair_neighbours),
        "blocks.0/attention/query",
    ),
    Defect(
        "llama: RMSNorm around the mean",
        _twin("llama"),
        patched(layers, "rms_norm", _around_the_mean),
        "blocks.0/attention_norm",
    ),
    Defect(
        "llama: GELU for SiLU in the gate",
        _twin("llama"),
        lambda: patch.dict(layers.ACTIVATIONS, silu=layers.gelu),
        "blocks.0/feed_forward/active",
    ),
    Defect(
        "llama: keys dealt to the heads in turn",
        _twin("llama"),
        _attend(_dealt_in_turn),
        "blocks.0/attention/scores",
    ),
    Defect(
        "head_dim: scores scaled by embed / heads",
        _twin("attention_qk_norm"),
        _attend(_scale_by_share_of_embed),
        "scores",
    ),
    Defect(
        "qk_norm: over all heads together",
        _twin("attention_qk_norm"),
        patched(layers.RMSNorm, "forward", _over_all_heads),
        "query",
    ),
    Defect(
        "qk_norm: after the rotation",
        _twin("qwen3"),
        patched(attention.MultiHeadAttention, "queries", _normalise_last),
        "blocks.0/attention/query",
    ),
    Defect(
        "qk_norm: the keys' scale for the queries too",
        _twin("attention_qk_norm"),
        patched(attention.MultiHeadAttention, "queries", _normalise_as_keys),
        "query",
    ),
    Defect(
        "qwen2: no bias on queries, keys and values",
        _twin("qwen2"),
        patched(attention, "linear", lambda original, x, weight, bias: original(x, weight, None)),
        "blocks.0/attention/query",
    ),
    Defect(
        "rope scaling: forgotten",
        _twin("qwen2"),
        patched(gpt, "rotary_table", _unscaled),
        "blocks.0/attention/query",
    ),
    Defect(
        "rope scaling: all pairs slowed, as linear does, for llama3",
        _twin("llama_scaled"),
        patched(gpt, "rotary_table", _slow_all),
        "blocks.0/attention/query",
    ),
    Defect(
        "mistral: the window on every other block only",
        _twin("mistral"),
        patched(config.GPTConfig, "is_local", lambda original, self, number: number % 2 == 1),
        "blocks.0/attention/weights",
    ),
    Defect(
        "roberta: positions counted from zero",
        _twin("roberta"),
        patched(bert, "offset_positions", lambda original, mask, offset: original(mask, 1)),
        "bert/embeddings/places",
    ),
    Defect(
        "roberta: positions of the padding counted on",
        _twin("roberta"),
        patched(bert, "offset_positions", lambda original, mask, offset: original(mask | True, offset)),
        "bert/embeddings/places",
    ),
    Defect(
        "distilbert: tanh for ReLU in the pooler",
        _twin("distilbert"),
        patched(bert, "relu", lambda original, x: x.tanh()),
        "pooled",
    ),
    Defect(
        "seq2seq: cross-attention reads the target",
        replace(_twin("block_decoder"), name="block_decoder_as_long", inputs=_as_long),
        _multi_head(lambda original, self, x, context, *rest: original(self, x, x, *rest)),
        "cross_attention/key",
    ),
    Defect(
        "seq2seq: causal mask over the source",
        _twin("block_decoder"),
        _multi_head(_always_causal),
        "cross_attention/weights",
    ),
    Defect(
        "seq2seq: cross-attention sees the source's padding",
        _twin("encoder_decoder"),
        _decode(
            lambda original, self, target, context, mask, *rest: original(
                self, target, context, torch.ones_like(mask), *rest
            )
        ),
        "decoder.0/cross_attention/weights",
    ),
    Defect(
        "seq2seq: the target's embeddings not scaled",
        _twin("encoder_decoder"),
        _decode(_unscaled_target),
        "target_embeddings/tokens",
    ),
    Defect(
        "seq2seq: the target shifted twice",
        _twin("encoder_decoder"),
        _decode(lambda original, self, target, *rest: original(self, target.roll(1, dims=1), *rest)),
        "target_embeddings/tokens",
    ),
    Defect(
        "seq2seq: one more norm after the encoder",  # as in torch.nn.Transformer
        _twin("encoder_decoder"),
        patched(
            seq2seq.EncoderDecoder,
            "encode",
            lambda original, *arguments: F.layer_norm(original(*arguments), (EMBED,)),
        ),
        "decoder.0/cross_attention/key",
    ),
    Defect(
        "seq2seq: the output layer does not train the embeddings",
        _twin("encoder_decoder"),
        patched(layers.Embedding, "table", lambda original, self: original(self).detach()),
        "embeddings/token_embedding/embedding",
    ),
    Defect(
        "loss: mean over the padding too",
        _twin("weighted_cross_entropy"),
        patched(losses, "count", lambda original, weights: original(torch.ones_like(weights))),
        "output",
    ),
    Defect(
        "loss: smoothing spread over the other classes only",
        _twin("cross_entropy"),
        patched(losses, "cross_entropy", _smooth_the_others),
        "output",
    ),
    Defect(
        "fused loss: weights forgotten in the gradients",
        _twin("chunked_cross_entropy"),
        patched(fused_loss._MeanLoss, "forward", _gradients_of_the_plain_mean),
        "bias",
    ),
    Defect(
        "fused loss: what becomes of the loss forgotten in the gradients",
        _twin("chunked_cross_entropy"),
        patched(
            fused_loss._MeanLoss,
            "backward",
            lambda original, ctx, upstream: original(ctx, torch.ones_like(upstream)),
        ),
        "bias",
    ),
)
