"""Tokenizers of others: tokenizer.json, vocab.txt, vocab.json with merges.txt, and folders of them."""

import json

import pytest

from data.errors import DataError
from data.tokenizers.bpe import train_bpe
from data.tokenizers.files import load_tokenizer, save_tokenizer
from data.tokenizers.word_piece import special_ids, train_tokenizer

TEXTS = ["The cat sat on the mat.", "A cat and a hat", "the hats are flat, cats say"]
TEXT = "THE Cat's hat is flät"


@pytest.fixture(scope="module")
def word_piece():
    return train_tokenizer(TEXTS, vocab=60)


@pytest.fixture(scope="module")
def bpe():
    return train_bpe(TEXTS, vocab=270)


def assert_same(loaded, tokenizer):
    assert loaded.encode(TEXT).tokens == tokenizer.encode(TEXT).tokens
    assert loaded.encode(TEXT).ids == tokenizer.encode(TEXT).ids
    assert loaded.get_vocab() == tokenizer.get_vocab()
    assert special_ids(loaded).tolist() == special_ids(tokenizer).tolist()


def write_vocab(tokenizer, path):
    tokens = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    path.write_text("\n".join(tokens) + "\n", "utf-8")


@pytest.mark.parametrize("whole_folder", [True, False])
def test_word_piece_from_vocab_txt(word_piece, tmp_path, whole_folder):
    write_vocab(word_piece, tmp_path / "vocab.txt")
    assert_same(load_tokenizer(tmp_path if whole_folder else tmp_path / "vocab.txt"), word_piece)


def test_capitals_in_vocab_txt_keep_capitals_in_the_text(tmp_path):
    (tmp_path / "vocab.txt").write_text("[UNK]\nCat\ncat\nflät\n", "utf-8")
    assert load_tokenizer(tmp_path).encode("Cat cat flät").ids == [1, 2, 3]
    (tmp_path / "vocab.txt").write_text("[UNK]\ncat\nflat\n", "utf-8")
    assert load_tokenizer(tmp_path).encode("Cat cat flät").ids == [1, 1, 2]


@pytest.mark.parametrize("name", ["", "vocab.json", "merges.txt"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_bpe_from_vocab_json_and_merges_txt(bpe, tmp_path, name, end):
    model = json.loads(bpe.to_str())["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]), "utf-8")
    merges = ["#version: 0.2", *(" ".join(pair) for pair in model["merges"]), ""]
    (tmp_path / "merges.txt").write_text(end.join(merges), "utf-8", newline="")
    assert_same(load_tokenizer(tmp_path / name), bpe)


def test_padding_and_truncation_of_tokenizer_json_are_put_off(word_piece, tmp_path):
    changed = type(word_piece).from_str(word_piece.to_str())
    changed.enable_padding(length=32)
    changed.enable_truncation(4)
    save_tokenizer(changed, tmp_path / "tokenizer.json")
    assert len(changed.encode(TEXT).ids) == 32
    assert_same(load_tokenizer(tmp_path), word_piece)


def test_two_forms_of_one_tokenizer_are_one_and_different_ones_are_ambiguous(word_piece, tmp_path):
    save_tokenizer(word_piece, tmp_path / "tokenizer.json")
    write_vocab(word_piece, tmp_path / "vocab.txt")
    assert_same(load_tokenizer(tmp_path), word_piece)
    (tmp_path / "vocab.txt").write_text("[UNK]\ncat\n")
    with pytest.raises(DataError, match=r"tokenizers that differ \(tokenizer\.json, vocab\.txt\): name"):
        load_tokenizer(tmp_path)
    assert_same(load_tokenizer(tmp_path / "tokenizer.json"), word_piece)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no tokenizer: no tokenizer\.json, vocab\.txt"):
        load_tokenizer(tmp_path)
    with pytest.raises(DataError, match=r"vocab\.txt: No such file"):
        load_tokenizer(tmp_path / "vocab.txt")


@pytest.mark.parametrize("content", [b"", b"[UNK]\na\na\n", b"a\nb\n", b"[UNK]\n\nb\n", b"[UNK]\n\xff\n"])
def test_a_corrupt_vocab_txt_is_refused(tmp_path, content):
    (tmp_path / "vocab.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"vocab\.txt is not a tokenizer"):
        load_tokenizer(tmp_path)


def test_corrupt_bpe_files_are_refused(bpe, tmp_path):
    (tmp_path / "vocab.json").write_text("{")
    with pytest.raises(DataError, match=r"merges\.txt: No such file"):
        load_tokenizer(tmp_path)
    (tmp_path / "merges.txt").write_text("a b\n")
    with pytest.raises(DataError, match=r"vocab\.json with .*merges\.txt is not a tokenizer"):
        load_tokenizer(tmp_path)
    (tmp_path / "vocab.json").write_text('{"a": 0}')
    with pytest.raises(DataError, match=r"vocab\.json with .*merges\.txt is not a tokenizer"):
        load_tokenizer(tmp_path)
    (tmp_path / "vocab.json").write_text('{"a": 0, "b": 1, "ab": 2}')
    with pytest.raises(DataError, match="254 of the 256 bytes are not in it"):
        load_tokenizer(tmp_path)
