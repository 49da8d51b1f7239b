"""BERT (Devlin et al. 2018): blocks that see both ways, and the heads it is trained with."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import pad

from torch_impl.block import TransformerBlock
from torch_impl.config import BertClassifierConfig, BertConfig
from torch_impl.embeddings import SegmentEmbedding, offset_positions
from torch_impl.initializers import parameter, zeros
from torch_impl.layers import (
    ACTIVATIONS,
    LayerNorm,
    Linear,
    add_bias,
    at_least_float32,
    dropout,
    gather_positions,
    relu,
)
from torch_impl.masks import padding_mask
from torch_impl.ngrams import NGramRatios
from torch_impl.pooling import masked_mean
from torch_impl.random import Key, fold_in
from torch_impl.shapes import check_shapes
from torch_impl.taps import Tap, no_tap, within


class Bert(nn.Module):
    """Hidden states from token ids (section 3): embeddings, then post-norm blocks."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = SegmentEmbedding(config)
        self.blocks: Any = nn.ModuleList(TransformerBlock(config) for _ in range(config.layers))

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
        positions: Int[Tensor, "batch read"] | None = None,
    ) -> Float[Tensor, "batch read embed"]:
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

    def token_table(self) -> Float[Tensor, "vocab embed"]:
        """The token embeddings, which the masked language model decodes with."""
        return self.embeddings.token_embedding.table()


class Pooler(nn.Module):
    """What is known of the whole row: tanh (or ReLU) of a linear layer over its first token."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.dense = Linear(config.embed, config.embed, std=config.kernel_std)

    def forward(self, x: Float[Tensor, "batch position embed"]) -> Float[Tensor, "batch embed"]:
        dense = self.dense(x[:, 0])
        if self.config.pooler_activation == "relu":
            return relu(dense)
        return torch.tanh(at_least_float32(dense)).to(x.dtype)


class MLMHead(nn.Module):
    """Logits of the masked words (section 3.1, task 1): linear, activation, norm, token table, bias."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.transform = Linear(config.embed, config.embed, std=config.kernel_std)
        self.norm = LayerNorm(config.embed, config.eps)
        self.word_bias = parameter(zeros, (config.vocab,))

    def forward(
        self,
        x: Float[Tensor, "batch masked embed"],
        table: Float[Tensor, "vocab embed"],
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch masked vocab"]:
        x = tap("transform", ACTIVATIONS[self.config.activation](self.transform(x)), "batch masked embed")
        x = tap("norm", self.norm(x), "batch masked embed")
        logits = add_bias(torch.einsum("bme,ve->bmv", x, table), self.word_bias)
        return tap("logits", logits, "batch masked vocab")


class BertForMaskedLM(nn.Module):
    """BERT as a masked language model. The masked positions alone pass through the costly vocabulary."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = Bert(config)
        self.words = MLMHead(config)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        masked_positions: Int[Tensor, "batch masked"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch masked vocab"]:
        read = masked_positions if self.config.lean else None
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"), read)
        masked = x if self.config.lean else gather_positions(x, masked_positions)
        masked = tap("masked", masked, "batch masked embed")
        return self.words(masked, self.bert.token_table(), within(tap, "words"))


class PretrainingLogits(NamedTuple):
    """BERT's two guesses: the words at the masked positions, and whether the second sentence follows."""

    words: Float[Tensor, "batch masked vocab"]
    next_sentence: Float[Tensor, "batch classes"]


class BertPretraining(nn.Module):
    """BERT with both of its pretraining tasks (section 3.1): masked words and next sentence."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = Bert(config)
        self.pooler = Pooler(config)
        self.words = MLMHead(config)
        self.next_sentence = Linear(config.embed, 2, std=config.kernel_std)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        masked_positions: Int[Tensor, "batch masked"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> PretrainingLogits:
        first_too = pad(masked_positions, (1, 0))
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

    hidden: Float[Tensor, "batch position embed"]
    pooled: Float[Tensor, "batch embed"]


class BertModel(nn.Module):
    """BERT without a head, to compute vectors of texts with."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = Bert(config)
        self.pooler = Pooler(config)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Features:
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"))
        return Features(x, tap("pooled", self.pooler(x), "batch embed"))


class BertClassifier(nn.Module):
    """BERT to classify sequences (section 4.1): dropout and a linear layer on the vector of the row.

    ``pooling`` says which: "first" is the pooler's, of the first token, as in the paper; "mean" is the mean
    of the real tokens' vectors, for encoders that were not taught to sum up a row in its first token.
    """

    def __init__(self, config: BertClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.bert = Bert(config)
        if config.pooling == "first":
            self.pooler = Pooler(config)
        self.head = Linear(config.embed, config.classes, std=config.kernel_std)
        if config.ngram_buckets:
            self.ngrams = NGramRatios(config)

    def forward(
        self,
        ids: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
        segment_ids: Int[Tensor, "batch position"] | None = None,
        rng: Key | None = None,
        tap: Tap = no_tap,
    ) -> Float[Tensor, "batch classes"]:
        first = self.config.pooling == "first"
        read = torch.zeros_like(ids[:, :1]) if first and self.config.lean else None
        x = self.bert(ids, mask, segment_ids, rng, within(tap, "bert"), read)
        pooled = self.pooler(x) if first else masked_mean(x, mask)
        pooled = tap("pooled", pooled, "batch embed")
        pooled = dropout(pooled, self.config.dropout, fold_in(rng, self.config.layers + 1))
        logits = self.head(pooled)
        if self.config.ngram_buckets:
            own_rng = fold_in(rng, self.config.layers + 2)
            logits = logits + self.ngrams(ids, mask, own_rng, within(tap, "ngrams"))
        return tap("logits", logits, "batch classes")
