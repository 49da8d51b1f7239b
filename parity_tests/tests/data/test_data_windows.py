"""One stream, windows of it, and the bytes that its tokens stand for."""

import math

import numpy as np
import pytest

from data.batches.windows import Stream, bits_per_byte, cut, join
from data.errors import DataError
from data.tokenizers.bpe import train_bpe
from data.tokenizers.word_piece import SEP_ID, UNK_ID, train_tokenizer

TEXTS = ["The cat sat on the mat.", "A cat and a hat", "the hats are flat, cats say"]
ODD = [" the\n\n cat \n", "né 日本 \U0001f600 hats", "\u200b", "the [SEP] cat<|endoftext|>[MASK]"]
TOKENIZERS = {"word piece": train_tokenizer(TEXTS, vocab=60), "bpe": train_bpe(TEXTS, vocab=270)}


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request):
    return TOKENIZERS[request.param]


def numbered(count):
    return Stream(np.arange(count, dtype=np.int32), np.arange(100, 100 + count, dtype=np.int32))


def test_an_end_token_follows_each_document_and_nothing_else(tokenizer):
    end = tokenizer.token_to_id("[SEP]") or 0
    stream = join(tokenizer, [*TEXTS, *ODD])
    pieces = [e.ids for e in tokenizer.encode_batch(TEXTS, add_special_tokens=False)]
    assert stream.tokens.tolist()[: sum(map(len, pieces)) + 3] == [i for ids in pieces for i in [*ids, end]]
    assert (stream.tokens == end).sum() == len(TEXTS) + len(ODD)  # the name of a token is only text
    assert not tokenizer.encode_special_tokens  # and the tokenizer is as it was


@pytest.mark.parametrize("texts", [TEXTS, ODD, *([text] for text in ODD)])
def test_sizes_add_up_to_the_bytes_of_the_text(tokenizer, texts):
    stream = join(tokenizer, texts)
    assert stream.tokens.dtype == stream.sizes.dtype == np.int32
    assert stream.sizes.min() >= 0
    assert stream.sizes.sum() == sum(len(text.encode()) for text in texts)


def test_sizes_by_hand():
    stream = join(TOKENIZERS["word piece"], ["  The  cat é\n"])
    the, cat = (TOKENIZERS["word piece"].token_to_id(word) for word in ("the", "cat"))
    tokens = [the, cat, TOKENIZERS["word piece"].token_to_id("e"), SEP_ID]
    assert stream.tokens.tolist() == tokens and stream.sizes.tolist() == [5, 5, 3, 1]
    unknown = join(TOKENIZERS["word piece"], ["日本"])
    assert unknown.tokens.tolist() == [UNK_ID, UNK_ID, SEP_ID] and unknown.sizes.tolist() == [3, 3, 0]
    pieces = join(TOKENIZERS["bpe"], ["日 the"])
    assert pieces.sizes.tolist()[:3] == [3, 0, 0] and pieces.sizes[3:].sum() == 4


def test_windows_are_consecutive_and_labels_are_the_next_tokens():
    windows = cut(numbered(12), 5)
    assert len(windows) == 2 and windows.dropped == 1
    assert windows.ids.tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert windows.labels.tolist() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    assert windows.bytes == sum(range(101, 111))  # not the first token, not the dropped one
    for k in range(2):
        row = [*windows.ids[k], windows.labels[k][-1]]
        assert row == numbered(12).tokens[k * 5 : k * 5 + 6].tolist()


@pytest.mark.parametrize("count, windows, dropped", [(6, 1, 0), (10, 1, 4), (11, 2, 0), (12, 2, 1)])
def test_the_remainder_is_counted(count, windows, dropped):
    found = cut(numbered(count), 5)
    assert (len(found), found.dropped) == (windows, dropped)


def test_bits_per_byte_is_the_total_over_the_bytes():
    windows = cut(Stream(np.zeros(9, np.int32), np.array([7, 1, 2, 0, 5, 1, 1, 1, 1], np.int32)), 4)
    assert windows.bytes == 12
    assert bits_per_byte(3 * math.log(2), windows) == pytest.approx(3 * 8 / 12)


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(DataError, match=r"5 tokens fills no window of 5 \+ 1"):
        cut(numbered(5), 5)
    with pytest.raises(DataError, match="positions=0"):
        cut(numbered(5), 0)
    with pytest.raises(DataError, match="no documents"):
        join(TOKENIZERS["bpe"], [])
