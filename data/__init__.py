"""Text -> numpy batches: data sets, tokenizers, batching. Imports neither JAX nor PyTorch."""

from data.baselines.ngram import KneserNey, unigram
from data.baselines.scores import Score, baseline_scores, masked_accuracy
from data.batches.buckets import choose_buckets
from data.batches.examples import Examples, check_ids, check_labels
from data.batches.language import LanguageBatch, LanguageBatches, language_evaluation
from data.batches.masking import MaskedBatch, MaskedBatches, masked_evaluation, masked_positions
from data.batches.text import Batch, TrainBatches, evaluation_batches, padding_fraction
from data.batches.windows import Stream, Windows, bits_per_byte, cut, join
from data.errors import DataError
from data.sets.corpus import Corpus
from data.sets.datasets import CORPORA, DATASETS, load, load_corpus
from data.sets.labelled import LabelledText, Split
from data.sets.reversal import ReversalBatch, ReversalBatches, reversal_evaluation
from data.tokenizers.bpe import END, train_bpe
from data.tokenizers.files import load_tokenizer, save_tokenizer
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
    "LanguageBatch",
    "LanguageBatches",
    "MaskedBatch",
    "MaskedBatches",
    "ReversalBatch",
    "ReversalBatches",
    "Score",
    "Split",
    "Stream",
    "TrainBatches",
    "Windows",
    "baseline_scores",
    "bits_per_byte",
    "check_ids",
    "check_labels",
    "choose_buckets",
    "cut",
    "encode",
    "end_id",
    "evaluation_batches",
    "join",
    "language_evaluation",
    "load",
    "load_corpus",
    "load_tokenizer",
    "masked_accuracy",
    "masked_evaluation",
    "masked_positions",
    "padding_fraction",
    "reversal_evaluation",
    "save_tokenizer",
    "special_ids",
    "train_bpe",
    "train_tokenizer",
    "unigram",
]
