"""Tokenizers: deterministic, trained on what they are given, and total."""

import os
import subprocess
import sys

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from data.errors import DataError
from data.sets import datasets
from data.tokenizers.files import load_tokenizer, save_tokenizer
from data.tokenizers.word_piece import (
    CLS_ID,
    MASK_ID,
    PAD_ID,
    SEP_ID,
    SPECIAL_TOKENS,
    UNK_ID,
    encode,
    train_tokenizer,
)

TEXTS = ["The cat sat on the mat.", "A cat and a hat", "the hats are flat, cats say"]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, vocab=60)


def test_special_tokens_have_the_first_ids_and_the_vocabulary_is_dense(tokenizer):
    assert [tokenizer.id_to_token(i) for i in range(5)] == list(SPECIAL_TOKENS)
    assert (PAD_ID, UNK_ID, CLS_ID, SEP_ID, MASK_ID) == (0, 1, 2, 3, 4)
    assert SPECIAL_TOKENS == ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    assert sorted(tokenizer.get_vocab().values()) == list(range(tokenizer.get_vocab_size()))
    assert tokenizer.get_vocab_size() <= 60
    special = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    assert special == list(SPECIAL_TOKENS)  # "##a" must not stay special


def test_text_is_lower_cased_and_comes_back(tokenizer):
    ids = encode(tokenizer, ["THE Cat, é"], positions=20).examples[0]
    assert ids.dtype == np.int32
    assert tokenizer.decode(ids.tolist()).replace(" ,", ",") == "the cat, e"


def test_training_is_identical_in_every_process_and_thread_count():
    program = (
        "import hashlib; from data.sets import datasets; from data import train_tokenizer;"
        "texts = datasets.load('embedded').train.texts;"
        "print(hashlib.sha256(train_tokenizer(texts, 1000).to_str().encode()).hexdigest())"
    )
    settings = (
        {"RAYON_NUM_THREADS": "1"},
        {"RAYON_NUM_THREADS": "2", "PYTHONHASHSEED": "7"},
        {"TOKENIZERS_PARALLELISM": "false"},
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | setting, capture_output=True, check=True
        )
        for setting in settings
    ]
    assert len({run.stdout for run in runs}) == 1
    assert len(runs[0].stdout.strip()) == 64


def test_only_the_training_texts_shape_the_vocabulary():
    loaded = datasets.load("embedded")
    seen = " ".join(loaded.train.texts).lower()

    def unseen(tokenizer):
        return [
            t for t in tokenizer.get_vocab() if t not in SPECIAL_TOKENS and t.removeprefix("##") not in seen
        ]

    assert not unseen(train_tokenizer(loaded.train.texts, 30_000))
    assert len(unseen(train_tokenizer(loaded.train.texts + loaded.test.texts, 30_000))) > 50


def test_a_character_never_trained_on_is_unknown(tokenizer):
    assert encode(tokenizer, ["Ж cat"], 5).examples[0].tolist() == [
        UNK_ID,
        tokenizer.token_to_id("cat"),
    ]


def test_nothing_is_added_and_truncation_is_counted(tokenizer):
    encoded = encode(tokenizer, ["the cat", "cat", "the the the the"], positions=2)
    the, cat = tokenizer.token_to_id("the"), tokenizer.token_to_id("cat")
    assert [ids.tolist() for ids in encoded.examples] == [[the, cat], [cat], [the, the]]
    assert encoded.truncated == 1


def test_a_text_that_is_stripped_to_nothing_becomes_one_unknown(tokenizer):
    encoded = encode(tokenizer, ["\u200b\x00", "", "the"], positions=4)
    assert [ids.tolist() for ids in encoded.examples[:2]] == [[UNK_ID], [UNK_ID]]
    assert encoded.truncated == 0
    without = Tokenizer(models.WordLevel({"the": 0}))
    with pytest.raises(DataError, match=r"no \[UNK\]"):
        encode(without, [""], positions=4)


def test_no_positions_are_refused(tokenizer):
    with pytest.raises(DataError, match="positions=0"):
        encode(tokenizer, ["the"], positions=0)


def test_a_vocabulary_smaller_than_the_alphabet_is_refused():
    with pytest.raises(DataError, match="vocab=10 is too small") as error:
        train_tokenizer(TEXTS, vocab=10)
    needed = int(str(error.value).split("alone are ")[1].split()[0])
    assert train_tokenizer(TEXTS, vocab=needed).get_vocab_size() == needed


@pytest.mark.parametrize("texts", [[], ["", " "]])
def test_training_on_no_words_is_refused(texts):
    with pytest.raises(DataError, match="no words"):
        train_tokenizer(texts, vocab=100)


def test_a_saved_tokenizer_is_the_same_to_the_byte(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    save_tokenizer(tokenizer, path)
    loaded = load_tokenizer(path)
    assert loaded.to_str() == tokenizer.to_str()
    again = tmp_path / "again.json"
    save_tokenizer(train_tokenizer(TEXTS, vocab=60), again)
    assert again.read_bytes() == path.read_bytes()


def test_files_that_are_no_tokenizer_are_refused(tokenizer, tmp_path):
    with pytest.raises(DataError, match=r"gone\.json: No such file"):
        load_tokenizer(tmp_path / "gone.json")
    corrupt = tmp_path / "corrupt.json"
    for content in (b"", tokenizer.to_str().encode()[:500], b"\xff\xfe", b"{}"):
        corrupt.write_bytes(content)
        with pytest.raises(DataError, match=r"corrupt\.json is not a tokenizer"):
            load_tokenizer(corrupt)
    with pytest.raises(DataError, match="could not write"):
        save_tokenizer(tokenizer, tmp_path / "no folder" / "tokenizer.json")
