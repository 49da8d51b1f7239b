"""Text -> numpy batches: data sets, tokenizers, batching. Imports neither JAX nor PyTorch."""

from data.baselines.ngram import KneserNey, unigram
from data.baselines.scores import Score, baseline_scores, masked_accuracy
from data.batches.buckets import choose_buckets
from data.batches.examples import Examples, check_ids, check_labels
from data.batches.masking import MaskedBatch, MaskedBatches, masked_evaluation, masked_positions
from data.batches.next_token import NextTokenBatch, NextTokenBatches, next_token_evaluation
from data.batches.packed import PackedBatch, pack, rows_needed
from data.batches.seq2seq import Seq2SeqBatch
from data.batches.text import TextBatch, TrainBatches, evaluation_batches, padding_fraction
from data.batches.windows import Stream, Windows, bits_per_byte, cut, encode_as_text, join
from data.errors import DataError
from data.sets.corpus import Corpus
from data.sets.datasets import CORPORA, DATASETS, load, load_corpus
from data.sets.labelled import LabelledText, Split
from data.sets.reversal import ReversalBatches, reversal_evaluation
from data.tokenizers.bpe import END, train_bpe
from data.tokenizers.files import load_tokenizer, save_tokenizer
from data.tokenizers.symbols import symbol_tokenizer
from data.tokenizers.word_piece import (
    CLS_ID,
    MASK_ID,
    PAD_ID,
    SEP_ID,
    SPECIAL_TOKENS,
    UNK,
    UNK_ID,
    Encoded,
    encode,
    end_id,
    special_ids,
    train_tokenizer,
)

Batch = TextBatch | PackedBatch | MaskedBatch | NextTokenBatch | Seq2SeqBatch

__all__ = [
    "CLS_ID",
    "CORPORA",
    "DATASETS",
    "END",
    "MASK_ID",
    "PAD_ID",
    "SEP_ID",
    "SPECIAL_TOKENS",
    "UNK",
    "UNK_ID",
    "Batch",
    "Corpus",
    "DataError",
    "Encoded",
    "Examples",
    "KneserNey",
    "LabelledText",
    "MaskedBatch",
    "MaskedBatches",
    "NextTokenBatch",
    "NextTokenBatches",
    "PackedBatch",
    "ReversalBatches",
    "Score",
    "Seq2SeqBatch",
    "Split",
    "Stream",
    "TextBatch",
    "TrainBatches",
    "Windows",
    "baseline_scores",
    "bits_per_byte",
    "check_ids",
    "check_labels",
    "choose_buckets",
    "cut",
    "encode",
    "encode_as_text",
    "end_id",
    "evaluation_batches",
    "join",
    "load",
    "load_corpus",
    "load_tokenizer",
    "masked_accuracy",
    "masked_evaluation",
    "masked_positions",
    "next_token_evaluation",
    "pack",
    "padding_fraction",
    "reversal_evaluation",
    "rows_needed",
    "save_tokenizer",
    "special_ids",
    "symbol_tokenizer",
    "train_bpe",
    "train_tokenizer",
    "unigram",
]
