"""BERT (Devlin et al. 2018): blocks that see both ways, and the heads it is trained with."""

from typing import NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key

from jax_impl.block import TransformerBlock
from jax_impl.classifier import masked_mean
from jax_impl.embeddings import SegmentEmbedding
from jax_impl.initializers import zeros
from jax_impl.layers import LayerNorm, Linear, add_bias, at_least_float32, dropout, gelu
from jax_impl.masks import padding_mask
from jax_impl.random import fold_in
from jax_impl.taps import Tap, no_tap, within

STD = 0.02  # of all initial matrices: google-research/bert, modeling.py, initializer_range


def gather_positions(
    x: Float[Array, "batch position embed"], positions: Int[Array, "batch masked"]
) -> Float[Array, "batch masked embed"]:
    """Each row's vectors at its own positions."""
    return jnp.take_along_axis(x, positions[:, :, None], axis=1)


class Bert(nn.Module):
    """Hidden states from token ids (section 3): embeddings, post-norm blocks with the exact GELU."""

    vocab: int
    positions: int
    embed: int
    heads: int
    mlp: int
    layers: int
    dropout: float = 0.0
    segments: int = 2
    epsilon: float = 1e-12

    def setup(self) -> None:
        self.embeddings = SegmentEmbedding(
            self.vocab, self.positions, self.embed, self.dropout, self.segments, self.epsilon
        )
        self.blocks = [
            TransformerBlock(
                self.embed,
                self.heads,
                self.mlp,
                self.dropout,
                norm="post",
                activation="gelu",
                epsilon=self.epsilon,
                std=STD,
                residual_std=STD,
            )
            for _ in range(self.layers)
        ]

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        segment_ids: Int[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch position embed"]:
        x = self.embeddings(ids, segment_ids, fold_in(rng, 0), within(tap, "embeddings"))
        for number, block in enumerate(self.blocks):
            scope = within(tap, f"blocks.{number}")
            x = block(x, padding_mask(mask), fold_in(rng, number + 1), scope)
        return x

    def token_table(self) -> Float[Array, "vocab embed"]:
        """The token embeddings, which the masked language model decodes with."""
        return self.embeddings.token_embedding.table()


class Pooler(nn.Module):
    """What is known of the whole row: tanh of a linear layer over its first token."""

    embed: int

    def setup(self) -> None:
        self.dense = Linear(self.embed, self.embed, std=STD)

    def __call__(self, x: Float[Array, "batch position embed"]) -> Float[Array, "batch embed"]:
        return jnp.tanh(at_least_float32(self.dense(x[:, 0]))).astype(x.dtype)


class MLMHead(nn.Module):
    """Logits of the masked words (section 3.1, task 1): linear, GELU, norm, token table, bias."""

    vocab: int
    embed: int
    epsilon: float = 1e-12

    def setup(self) -> None:
        self.transform = Linear(self.embed, self.embed, std=STD)
        self.norm = LayerNorm(self.embed, self.epsilon)
        self.word_bias = self.param("word_bias", zeros, (self.vocab,))

    def __call__(
        self,
        x: Float[Array, "batch masked embed"],
        table: Float[Array, "vocab embed"],
        tap: Tap = no_tap,
    ) -> Float[Array, "batch masked vocab"]:
        x = tap("transform", gelu(self.transform(x)), "batch masked embed")
        x = tap("norm", self.norm(x), "batch masked embed")
        logits = add_bias(jnp.einsum("bme,ve->bmv", x, table), self.word_bias)
        return tap("logits", logits, "batch masked vocab")


class BertForMaskedLM(nn.Module):
    """BERT as a masked language model. Only ``positions`` pass through the vocabulary: the costliest part."""

    bert: Bert

    def setup(self) -> None:
        self.words = MLMHead(self.bert.vocab, self.bert.embed, self.bert.epsilon)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        positions: Int[Array, "batch masked"],
        segment_ids: Int[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch masked vocab"]:
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"))
        masked = tap("masked", gather_positions(x, positions), "batch masked embed")
        return self.words(masked, self.bert.token_table(), within(tap, "words"))


class PretrainingLogits(NamedTuple):
    """BERT's two guesses: the words at the masked positions, and whether the second sentence follows."""

    words: Float[Array, "batch masked vocab"]
    next_sentence: Float[Array, "batch classes"]


class BertPretraining(nn.Module):
    """BERT with both of its pretraining tasks (section 3.1): masked words and next sentence."""

    bert: Bert

    def setup(self) -> None:
        self.pooler = Pooler(self.bert.embed)
        self.words = MLMHead(self.bert.vocab, self.bert.embed, self.bert.epsilon)
        self.next_sentence = Linear(self.bert.embed, 2, std=STD)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        positions: Int[Array, "batch masked"],
        segment_ids: Int[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> PretrainingLogits:
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"))
        masked = tap("masked", gather_positions(x, positions), "batch masked embed")
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

    bert: Bert

    def setup(self) -> None:
        self.pooler = Pooler(self.bert.embed)

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

    bert: Bert
    classes: int
    pooling: str = "first"

    def setup(self) -> None:
        if self.pooling not in ("first", "mean"):
            raise ValueError(f"pooling={self.pooling!r}: choose 'first' or 'mean'")
        if self.pooling == "first":
            self.pooler = Pooler(self.bert.embed)
        self.head = Linear(self.bert.embed, self.classes, std=STD)

    def __call__(
        self,
        ids: Int[Array, "batch position"],
        mask: Bool[Array, "batch position"],
        segment_ids: Int[Array, "batch position"] | None = None,
        rng: Key[Array, ""] | None = None,
        tap: Tap = no_tap,
    ) -> Float[Array, "batch classes"]:
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"))
        pooled = self.pooler(x) if self.pooling == "first" else masked_mean(x, mask)
        pooled = tap("pooled", pooled, "batch embed")
        pooled = dropout(pooled, self.bert.dropout, fold_in(rng, self.bert.layers + 1))
        return tap("logits", self.head(pooled), "batch classes")
