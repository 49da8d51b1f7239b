"""BERT (Devlin et al. 2018): blocks that see both ways, and the heads it is trained with."""

from typing import NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.block import TransformerBlock
from jax_impl.config import BertClassifierConfig, BertConfig
from jax_impl.embeddings import SegmentEmbedding, offset_positions
from jax_impl.initializers import zeros
from jax_impl.layers import (
    ACTIVATIONS,
    LayerNorm,
    Linear,
    add_bias,
    at_least_float32,
    dropout,
    gather_positions,
    relu,
)
from jax_impl.masks import padding_mask
from jax_impl.ngrams import NGramRatios
from jax_impl.pooling import masked_mean
from jax_impl.random import fold_in
from jax_impl.shapes import check_shapes
from jax_impl.taps import Tap, no_tap, within


class Bert(nn.Module):
    """Hidden states from token ids (section 3): embeddings, then post-norm blocks."""

    config: BertConfig

    def setup(self) -> None:
        self.embeddings = SegmentEmbedding(self.config)
        self.blocks = [TransformerBlock(self.config) for _ in range(self.config.layers)]

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        segment_ids: Int[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
        positions: Int[Array, "batch read"] | None = None,
    ) -> Float[Array, "batch read embed"]:
        """``positions`` are those that are read further on, if not all."""
        check_shapes({}, ids=(ids, "batch position"), mask=(mask, "batch position"))
        offset = self.config.position_offset
        places = offset_positions(mask, offset) if offset else None
        x = self.embeddings(ids, segment_ids, fold_in(rng, 0), within(tap, "embeddings"), places)
        attention_mask = padding_mask(mask)
        for number, block in enumerate(self.blocks):
            read = positions if number + 1 == self.config.layers else None
            scope = within(tap, f"blocks.{number}")
            x = block(x, attention_mask, fold_in(rng, number + 1), scope, positions=read)
        return x

    def token_table(self) -> Float[Array, "vocab embed"]:
        """The token embeddings, which the masked language model decodes with."""
        return self.embeddings.token_embedding.table()


class Pooler(nn.Module):
    """What is known of the whole row: tanh (or ReLU) of a linear layer over its first token."""

    config: BertConfig

    def setup(self) -> None:
        self.dense = Linear(self.config.embed, self.config.embed, std=self.config.kernel_std)

    def __call__(self, x: Float[Array, "batch position embed"]) -> Float[Array, "batch embed"]:
        dense = self.dense(x[:, 0])
        if self.config.pooler_activation == "relu":
            return relu(dense)
        return jnp.tanh(at_least_float32(dense)).astype(x.dtype)


class MLMHead(nn.Module):
    """Logits of the masked words (section 3.1, task 1): linear, activation, norm, token table, bias."""

    config: BertConfig

    def setup(self) -> None:
        config = self.config
        self.transform = Linear(config.embed, config.embed, std=config.kernel_std)
        self.norm = LayerNorm(config.embed, config.eps)
        self.word_bias = self.param("word_bias", zeros, (config.vocab,))

    def __call__(
        self,
        x: Float[Array, "batch masked embed"],
        table: Float[Array, "vocab embed"],
        tap: Tap = no_tap,
    ) -> Float[Array, "batch masked vocab"]:
        x = tap("transform", ACTIVATIONS[self.config.activation](self.transform(x)), "batch masked embed")
        x = tap("norm", self.norm(x), "batch masked embed")
        logits = add_bias(jnp.einsum("bme,ve->bmv", x, table), self.word_bias)
        return tap("logits", logits, "batch masked vocab")


class BertForMaskedLM(nn.Module):
    """BERT as a masked language model. The masked positions alone pass through the costly vocabulary."""

    config: BertConfig

    def setup(self) -> None:
        self.bert = Bert(self.config)
        self.words = MLMHead(self.config)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        masked_positions: Int[Array, "batch masked"],
        segment_ids: Int[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch masked vocab"]:
        read = masked_positions if self.config.lean else None
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"), read)
        masked = x if self.config.lean else gather_positions(x, masked_positions)
        masked = tap("masked", masked, "batch masked embed")
        return self.words(masked, self.bert.token_table(), within(tap, "words"))


class PretrainingLogits(NamedTuple):
    """BERT's two guesses: the words at the masked positions, and whether the second sentence follows."""

    words: Float[Array, "batch masked vocab"]
    next_sentence: Float[Array, "batch classes"]


class BertPretraining(nn.Module):
    """BERT with both of its pretraining tasks (section 3.1): masked words and next sentence."""

    config: BertConfig

    def setup(self) -> None:
        self.bert = Bert(self.config)
        self.pooler = Pooler(self.config)
        self.words = MLMHead(self.config)
        self.next_sentence = Linear(self.config.embed, 2, std=self.config.kernel_std)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        masked_positions: Int[Array, "batch masked"],
        segment_ids: Int[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> PretrainingLogits:
        first_too = jnp.pad(masked_positions, ((0, 0), (1, 0)))
        read = first_too if self.config.lean else None
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"), read)
        masked = x[:, 1:] if self.config.lean else gather_positions(x, masked_positions)
        masked = tap("masked", masked, "batch masked embed")
        words = self.words(masked, self.bert.token_table(), within(tap, "words"))
        pooled = tap("pooled", self.pooler(x), "batch embed")
        follows = tap("next_sentence", self.next_sentence(pooled), "batch classes")
        return PretrainingLogits(words, follows)


class Features(NamedTuple):
    """What BERT knows of each token, and of the whole row."""

    hidden: Float[Array, "batch position embed"]
    pooled: Float[Array, "batch embed"]


class BertModel(nn.Module):
    """BERT without a head, to compute vectors of texts with."""

    config: BertConfig

    def setup(self) -> None:
        self.bert = Bert(self.config)
        self.pooler = Pooler(self.config)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        segment_ids: Int[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Features:
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"))
        return Features(x, tap("pooled", self.pooler(x), "batch embed"))


class BertClassifier(nn.Module):
    """BERT to classify sequences (section 4.1): dropout and a linear layer on the vector of the row.

    ``pooling`` says which: "first" is the pooler's, of the first token, as in the paper; "mean" is the mean
    of the real tokens' vectors, for encoders that were not taught to sum up a row in its first token.
    """

    config: BertClassifierConfig

    def setup(self) -> None:
        config = self.config
        self.bert = Bert(config)
        if config.pooling == "first":
            self.pooler = Pooler(config)
        self.head = Linear(config.embed, config.classes, std=config.kernel_std)
        if config.ngram_buckets:
            self.ngrams = NGramRatios(config)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        segment_ids: Int[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch classes"]:
        first = self.config.pooling == "first"
        read = jnp.zeros_like(ids[:, :1]) if first and self.config.lean else None
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"), read)
        pooled = self.pooler(x) if first else masked_mean(x, mask)
        pooled = tap("pooled", pooled, "batch embed")
        pooled = dropout(pooled, self.config.dropout, fold_in(rng, self.config.layers + 1))
        logits = self.head(pooled)
        if self.config.ngram_buckets:
            own_rng = fold_in(rng, self.config.layers + 2)
            logits = logits + self.ngrams(ids, mask, own_rng, within(tap, "ngrams"))
        return tap("logits", logits, "batch classes")
