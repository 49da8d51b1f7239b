"""The tokenizers of Hugging Face's folders: the ids are those of `transformers`."""

import json
from pathlib import Path
from typing import Any

import pytest
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from data.tokenizers.beside import Beside
from data.tokenizers.pretrained import load_pretrained
from parity_tests.tests.data.odd_folders import NASTY

LETTERS = [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'-żéäßøñ東京中"]
WORDS = ["że", "ze", "Że", "wysoką", "wysoka", "cafe", "café", "Café", "the", "The", "##ing", "##ed", "東京"]
WORD_PIECE = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *("##" + c for c in LETTERS), *WORDS]
TEXTS = [
    *("the man", " the man", "  the  man ", "The MAN", "Że wysoką", "café Café CAFÉ naïve", "ŻÓŁĆ żółć"),
    *("it's 1234567 3.14", "zero\u200bwidth", "ÅÄÖ åäö", "new token NEW Token", "thethe  the", "!!??.."),
    *("the\u0000man", "Ωmega", "x <s> y </s> <mask> <pad>"),
    *NASTY,
]


def byte_vocab(extra: tuple[str, ...] = ()) -> tuple[dict[str, int], list[tuple[str, str]]]:
    vocab = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("a", "n"), ("m", "an"), ("Ġ", "man")]
    for left, right in merges:
        vocab[left + right] = len(vocab)
    for token in extra:
        vocab[token] = len(vocab)
    return vocab, merges


def word_piece(**normalizer: Any) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece({w: n for n, w in enumerate(WORD_PIECE)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(**normalizer)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(WORD_PIECE[:5])
    return tokenizer


def byte_level(extra: tuple[str, ...] = ("<|endoftext|>",), spaced: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(*byte_vocab(extra)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=spaced)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([*extra])
    return tokenizer


def llama3() -> Tokenizer:
    tokenizer = byte_level(("<|begin|>", "<|end|>"))
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+"
    )
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    begin = ("<|begin|>", tokenizer.token_to_id("<|begin|>"))
    tokenizer.post_processor = processors.TemplateProcessing("<|begin|> $A", special_tokens=[begin])
    return tokenizer


def llama2() -> Tokenizer:
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *LETTERS]
    vocab = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    merges = [("t", "h"), ("th", "e"), ("▁", "the")]
    for left, right in merges:
        vocab[left + right] = len(vocab)
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


ROBERTA_MARKS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
GPT1 = {
    letter: n for n, letter in enumerate(["<unk>", *LETTERS, *(c + "</w>" for c in LETTERS), "th", "the</w>"])
}
GPT1_MERGES = [("t", "h"), ("th", "e</w>")]
BERT = {"tokenizer_class": "BertTokenizer"}
END = "<|endoftext|>"
USER = {"content": "<|user|>", "lstrip": False, "rstrip": True, "normalized": False, "single_word": False}
NEW = {"content": "new", "lstrip": True, "rstrip": False, "normalized": True, "single_word": True}
COUNT = len(WORD_PIECE)
BYTES = len(byte_vocab()[0])

# The kind of the model, the tokenizer's files, and the JSON files beside them.
FOLDERS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "vocab.txt": ("bert", "vocab.txt", {}),
    "vocab.txt, cased": ("bert", "vocab.txt", {"tokenizer_config": {"do_lower_case": False}}),
    "vocab.txt, accents": ("bert", "vocab.txt", {"tokenizer_config": BERT | {"strip_accents": False}}),
    "vocab.txt, cased without accents": (
        "bert",
        "vocab.txt",
        {"tokenizer_config": BERT | {"do_lower_case": False, "strip_accents": True}},
    ),
    "vocab.txt, Chinese": ("bert", "vocab.txt", {"tokenizer_config": {"tokenize_chinese_chars": False}}),
    "vocab.txt, Fast": (
        "distilbert",
        "vocab.txt",
        {"tokenizer_config": {"tokenizer_class": "DistilBertTokenizerFast"}},
    ),
    "vocab.txt, other marks": (
        "bert",
        "vocab.txt",
        {"special_tokens_map": {"cls_token": "the", "mask_token": "<new>"}},
    ),
    "vocab.txt, added": ("bert", "vocab.txt", {"added_tokens": {"new": COUNT, "<new>": COUNT + 1}}),
    "vocab.txt, added and special": (
        "bert",
        "vocab.txt",
        {
            "added_tokens": {"new": COUNT, "<new>": COUNT + 1},
            "special_tokens_map": {"additional_special_tokens": ["<new>"]},
        },
    ),
    "vocab.txt, decoder": (
        "bert",
        "vocab.txt",
        {
            "tokenizer_config": {
                "added_tokens_decoder": {str(COUNT): NEW, str(COUNT + 1): USER | {"special": True}}
            }
        },
    ),
    "cased json, nothing said": ("bert", word_piece(lowercase=False), {}),
    "cased json, cased": (
        "bert",
        word_piece(lowercase=False),
        {"tokenizer_config": {"do_lower_case": False}},
    ),
    "lower json, cased": ("bert", word_piece(), {"tokenizer_config": BERT | {"do_lower_case": False}}),
    "lower json, accents": ("bert", word_piece(), {"tokenizer_config": BERT | {"strip_accents": False}}),
    "lower json, Chinese": (
        "distilbert",
        word_piece(),
        {"tokenizer_config": {"tokenize_chinese_chars": False}},
    ),
    "lower json, as it is": (
        "bert",
        word_piece(strip_accents=False),
        {"tokenizer_config": {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False}},
    ),
    "gpt2": ("gpt2", "bpe", {}),
    "gpt2, spaced": ("gpt2", "bpe", {"tokenizer_config": {"add_prefix_space": True}}),
    "gpt2, begins": ("gpt2", "bpe", {"tokenizer_config": {"add_bos_token": True, "bos_token": END}}),
    "gpt2, begins and ends": (
        "gpt2",
        "bpe",
        {"tokenizer_config": {"add_bos_token": True, "add_eos_token": True}},
    ),
    "gpt2, added": (
        "gpt2",
        "bpe",
        {
            "added_tokens": {"<|pad|>": BYTES + 1, "<|user|>": BYTES + 2},
            "tokenizer_config": {
                "tokenizer_class": "GPT2Tokenizer",
                "additional_special_tokens": ["<|user|>"],
                "pad_token": "<|pad|>",
            },
        },
    ),
    "gpt2 json": ("gpt2", byte_level(), {}),
    "gpt2 json, spaced": ("gpt2", byte_level(), {"tokenizer_config": {"add_prefix_space": True}}),
    "gpt2 json, spaced, Fast": (
        "gpt2",
        byte_level(),
        {"tokenizer_config": {"add_prefix_space": True, "tokenizer_class": "GPT2TokenizerFast"}},
    ),
    "gpt2 spaced json, nothing said": ("gpt2", byte_level(spaced=True), {}),
    "gpt2 json, spaced, as it is": (
        "gpt2",
        byte_level(),
        {"tokenizer_config": {"add_prefix_space": True, "tokenizer_class": "PreTrainedTokenizerFast"}},
    ),
    "gpt2 json, padding": (
        "gpt2",
        byte_level(),
        {"tokenizer_config": {"pad_token": "<|pad|>", "add_bos_token": True}},
    ),
    "gpt2 json, added": (
        "gpt2",
        byte_level(),
        {"added_tokens": {"<|user|>": BYTES + 1, "<|pad|>": BYTES + 2}},
    ),
    "gpt2 json, map": (
        "gpt2",
        byte_level(),
        {
            "special_tokens_map": {
                "pad_token": {**USER, "content": "<|pad|>"},
                "additional_special_tokens": ["<|user|>"],
            }
        },
    ),
    "roberta": ("roberta", "roberta", {}),
    "roberta, spaced": ("roberta", "roberta", {"tokenizer_config": {"add_prefix_space": True}}),
    "roberta json": (
        "roberta",
        byte_level(ROBERTA_MARKS),
        {"tokenizer_config": {"tokenizer_class": "RobertaTokenizer"}},
    ),
    "roberta json, spaced": (
        "roberta",
        byte_level(ROBERTA_MARKS),
        {"tokenizer_config": {"add_prefix_space": True}},
    ),
    "openai-gpt": ("openai-gpt", "gpt1", {}),
    "qwen2": ("qwen2", "bpe", {}),
    "qwen2 json": ("qwen2", byte_level(), {"tokenizer_config": {"tokenizer_class": "Qwen2Tokenizer"}}),
    "qwen2 json, other class": (
        "qwen2",
        byte_level(),
        {"tokenizer_config": {"tokenizer_class": "PreTrainedTokenizerFast"}},
    ),
    "qwen3 json": (
        "qwen3",
        byte_level(),
        {"tokenizer_config": {"tokenizer_class": "Qwen2Tokenizer", "add_prefix_space": False}},
    ),
    "llama3": ("llama", llama3(), {}),
    "llama3, Fast": (
        "llama",
        llama3(),
        {
            "tokenizer_config": {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "add_bos_token": False,
                "eos_token": "<|end|>",
            }
        },
    ),
    "llama3, Llama": ("llama", llama3(), {"tokenizer_config": {"tokenizer_class": "LlamaTokenizerFast"}}),
    "llama3, padding": (
        "llama",
        llama3(),
        {"tokenizer_config": {"pad_token": "<|pad|>", "extra_special_tokens": ["<|user|>"]}},
    ),
    "llama2": ("llama", llama2(), {}),
    "llama2, Llama": ("llama", llama2(), {"tokenizer_config": {"tokenizer_class": "LlamaTokenizer"}}),
    "llama2, legacy": (
        "llama",
        llama2(),
        {"tokenizer_config": {"tokenizer_class": "LlamaTokenizer", "legacy": True}},
    ),
    "llama2, not spaced": (
        "llama",
        llama2(),
        {"tokenizer_config": {"tokenizer_class": "LlamaTokenizerFast", "add_prefix_space": False}},
    ),
    "mistral, Llama": (
        "mistral",
        llama2(),
        {"tokenizer_config": {"tokenizer_class": "LlamaTokenizer", "legacy": True}},
    ),
    "gpt2 under llama": (
        "llama",
        byte_level(),
        {"tokenizer_config": {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True}},
    ),
}


def write(folder: Path, kind: str, files: Any, settings: dict[str, Any]) -> Path:
    folder.mkdir()
    if isinstance(files, Tokenizer):
        files.save(str(folder / "tokenizer.json"))
    elif files == "vocab.txt":
        (folder / "vocab.txt").write_text("\n".join(WORD_PIECE) + "\n", "utf-8")
    else:
        vocab, merges = (
            (GPT1, GPT1_MERGES)
            if files == "gpt1"
            else byte_vocab((END,) if files == "bpe" else ROBERTA_MARKS)
        )
        (folder / "vocab.json").write_text(json.dumps(vocab), "utf-8")
        (folder / "merges.txt").write_text(
            "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), "utf-8"
        )
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    for name, fields in settings.items():
        (folder / f"{name}.json").write_text(json.dumps(fields), "utf-8")
    return folder


def load(folder: Path, kind: str, rows: int = 1000, **settings: Any) -> Tokenizer:
    names = ("tokenizer_config", "special_tokens_map", "added_tokens")
    files = (settings.get(name, {}) for name in names)
    return load_pretrained(Beside(folder, {"model_type": kind}, *files), rows).tokenizer


@pytest.mark.parametrize("name", FOLDERS)
def test_the_ids_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    kind, files, settings = FOLDERS[name]
    folder = write(tmp_path / "folder", kind, files, settings)
    ours = load(folder, kind, **settings)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    ours = Tokenizer.from_str(ours.to_str())  # as a run keeps it
    for text in TEXTS:
        assert ours.encode(text).ids == theirs(text)["input_ids"], text
        assert (
            ours.encode(text, add_special_tokens=False).ids
            == theirs(text, add_special_tokens=False)["input_ids"]
        )


def test_a_token_of_the_class_alone_is_left_out_where_the_model_has_no_row(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write(folder, "bert", "vocab.txt", {})
    (folder / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\nthe\n")
    assert load(folder, "bert", rows=4).get_vocab_size() == 4
    assert load(folder, "bert", rows=5).token_to_id("[PAD]") == 4
    assert (
        load(folder, "bert", rows=4, special_tokens_map={"pad_token": "x"}).token_to_id("x") == 4
    )  # refused later
