"""Byte-level BPE: deterministic, and no text is lost."""

import os
import subprocess
import sys

import pytest
from tokenizers import Tokenizer, models

from data.errors import DataError
from data.tokenizers.bpe import END, train_bpe
from data.tokenizers.word_piece import end_id, special_ids, train_tokenizer

TEXTS = ["The cat sat on the mat.", "A cat and a hat", "the hats are flat, cats say"]


@pytest.fixture(scope="module")
def tokenizer():
    return train_bpe(TEXTS, vocab=270)


def test_the_end_token_is_0_and_the_only_special_one(tokenizer):
    assert END == "<|endoftext|>" and tokenizer.token_to_id(END) == 0
    assert special_ids(tokenizer).tolist() == [0] and end_id(tokenizer) == 0
    assert sorted(tokenizer.get_vocab().values()) == list(range(270))
    word_piece = train_tokenizer(TEXTS, vocab=60)
    assert special_ids(word_piece).tolist() == [0, 1, 2, 3, 4]
    assert end_id(word_piece) == word_piece.token_to_id("[SEP]") == 3


def test_any_text_comes_back_to_the_byte(tokenizer):
    for text in ("The cat", " the\n\n  hat ", "né 日本 \U0001f600\x00\t"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert len(tokenizer.encode(" the").ids) < len(" the")  # and words are merged


def test_training_is_identical_in_every_process_and_thread_count():
    program = (
        "import hashlib; from data.sets import datasets; from data import train_bpe;"
        "texts = datasets.load_corpus('embedded').train;"
        "print(hashlib.sha256(train_bpe(texts, 1000).to_str().encode()).hexdigest())"
    )
    settings = {"RAYON_NUM_THREADS": "1"}, {"RAYON_NUM_THREADS": "2", "PYTHONHASHSEED": "7"}
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | setting, capture_output=True, check=True
        )
        for setting in settings
    ]
    assert len({run.stdout for run in runs}) == 1
    assert len(runs[0].stdout.strip()) == 64


def test_a_small_vocabulary_and_no_text_are_refused():
    assert train_bpe(["ab"], 257).get_vocab_size() == 257
    with pytest.raises(DataError, match=r"vocab=256 is too small: .* 257 tokens"):
        train_bpe(TEXTS, 256)
    with pytest.raises(DataError, match="nothing is written in the 1 texts"):
        train_bpe([""], 300)


def test_a_tokenizer_without_an_end_token_is_refused(tokenizer):
    with pytest.raises(DataError, match=r"no <\|endoftext\|> and no \[SEP\]"):
        end_id(Tokenizer(models.WordLevel({"the": 0})))
