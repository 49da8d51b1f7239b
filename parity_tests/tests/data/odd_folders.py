"""Folders of tokenizers with files beside them that say anything, also against each other, by numbers.

As a program it compares many with `transformers`: ``python -m parity_tests.tests.data.odd_folders 0 1000``.
"""

import collections
import json
import random
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import transformers
from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from data.errors import DataError
from data.tokenizers.beside import Beside
from data.tokenizers.classes import QWEN
from data.tokenizers.pretrained import load_pretrained

LINES = (
    *(
        "the cat sat on the mat",
        "a dog ran after the ball",
        "It was the BEST of times",
        "1234 3.14 a-b_c ...",
    ),
    *("rain, and no sun! don't", "café naïve 東京 中国 ß İstanbul ı I i"),
)
# What texts are that nobody thought of.
NASTY = (
    *("", " ", "   ", "the cat", " the  cat ", "The CAT", "tab\there\t\t", "line\nbreak\r\nagain\n\n"),
    *("nul\x00the\x00", "\x01\x02\x1b[31m\x7f\x85\u2028\u2029", "\ud7ff\ue000\ufffd\uffff\U0010ffff"),
    *("café cafe\u0301 CAFÉ", "a\u0301e\u0301\u0327 \u0345", "ŉ ǆ ﬁ ½ Ⅷ ẞ ß", "İstanbul ISPARTA ıiIİ"),
    *("東京 is 中国の 日本語テキスト カタカナ", "한국어 각", "ภาษาไทย สวัสดี", "مرحبا שלום \u200fRTL\u200e"),
    *("👨‍👩‍👧‍👦 🏳️‍🌈 😀🎉", "\u200b\u200d\ufeff\u00a0nbsp", "x" * 500, "the" * 200),
    *("[MASK] [CLS] text [SEP][PAD]", "a<|endoftext|>b <|endoftext|> c", "<s> x </s> <unk><mask> <pad>"),
    *("<new>x new NEW a new day", "<|user|> the man<|user|>the", "don't we'll I'm", "12345 6,789.01"),
    *("the▁cat ▁▁ the", "##ing ##", "Ġthe Ċ", "<0x41> </w>"),
)
NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())


def _trained(tokenizer: Tokenizer, trainer: type, size: int, special: list[str], **more: Any) -> Tokenizer:
    made = trainer(vocab_size=size, special_tokens=special, show_progress=False, **more)
    tokenizer.train_from_iterator(LINES, made)
    return tokenizer


def _byte_level(*special: str, spaced: bool = False, pattern: str = "", begin: str = "") -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=spaced, use_regex=not pattern)
    split = [pre_tokenizers.Split(Regex(pattern), "isolated")] if pattern else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*split, bytes_of]) if split else bytes_of
    tokenizer.decoder = decoders.ByteLevel()
    _trained(tokenizer, trainers.BpeTrainer, 320, [*special], initial_alphabet=BYTES)
    return _beginning(tokenizer, begin) if begin else tokenizer


def _beginning(tokenizer: Tokenizer, begin: str) -> Tokenizer:
    marks = [(begin, tokenizer.token_to_id(begin))]
    tokenizer.post_processor = processors.TemplateProcessing(f"{begin} $A", special_tokens=marks)
    return tokenizer


def bert() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.decoder = normalizers.BertNormalizer(), decoders.WordPiece()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    _trained(tokenizer, trainers.WordPieceTrainer, 150, marks)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def roberta() -> Tokenizer:
    tokenizer = _byte_level("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def gpt() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    return _trained(tokenizer, trainers.BpeTrainer, 150, ["<unk>"], end_of_word_suffix="</w>")


def qwen2() -> Tokenizer:
    tokenizer = _byte_level("<|endoftext|>", "<|im_start|>", "<|im_end|>", pattern=QWEN)
    tokenizer.normalizer = normalizers.NFC()
    return tokenizer


def llama2(metaspace: bool = False) -> Tokenizer:
    """Of SentencePiece's pairs, with bytes for what is unknown."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    fields = json.loads(_trained(tokenizer, trainers.BpeTrainer, 420, pieces).to_str())
    fields["added_tokens"] = fields["added_tokens"][:3]
    fields["model"] |= {"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"}
    tokenizer = Tokenizer.from_str(json.dumps(fields))
    if metaspace:
        tokenizer.normalizer = None
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", "always", split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    return _beginning(tokenizer, "<s>")


def unigram() -> Tokenizer:
    """Of SentencePiece's Unigram, as T5 has it."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer, tokenizer.decoder = normalizers.NFKC(), decoders.Metaspace()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<unk>", "<s>", "</s>"]
    _trained(tokenizer, trainers.UnigramTrainer, 120, special, unk_token="<unk>")
    return _beginning(tokenizer, "<s>")


def words() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(
        LINES, trainers.WordLevelTrainer(special_tokens=["<unk>"], show_progress=False)
    )
    return tokenizer


LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+"
# Each with the kinds of models that have such.
TOKENIZERS: dict[str, tuple[Callable[[], Tokenizer], tuple[str, ...]]] = {
    "bert": (bert, ("bert", "distilbert")),
    "roberta": (roberta, ("roberta",)),
    "gpt2": (lambda: _byte_level("<|endoftext|>"), ("gpt2",)),
    "gpt2, spaced": (lambda: _byte_level("<|endoftext|>", spaced=True), ("gpt2",)),
    "gpt": (gpt, ("openai-gpt",)),
    "qwen2": (qwen2, ("qwen2", "qwen3")),
    "llama3": (lambda: _byte_level("<|x|>", "<|y|>", pattern=LLAMA3, begin="<|x|>"), ("llama", "mistral")),
    "llama2": (llama2, ("llama", "mistral")),
    "llama2, metaspace": (lambda: llama2(metaspace=True), ("llama", "mistral")),
    "unigram": (unigram, ("llama", "mistral")),
    "words": (words, ("llama", "gpt2")),
}
KINDS = sorted({kind for _, kinds in TOKENIZERS.values() for kind in kinds})
CLASSES = (
    *(
        "BertTokenizer",
        "BertTokenizerFast",
        "DistilBertTokenizer",
        "RobertaTokenizer",
        "RobertaTokenizerFast",
    ),
    *("GPT2Tokenizer", "GPT2TokenizerFast", "OpenAIGPTTokenizer", "Qwen2Tokenizer", "LlamaTokenizer"),
    *("LlamaTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend", "PythonBackend"),
    *("PreTrainedTokenizer", "T5Tokenizer", "CodeLlamaTokenizer"),
)
FLAGS: tuple[Any, ...] = (True, False)
# What tokenizer_config.json may say, each with values.
SETTINGS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("do_lower_case", "tokenize_chinese_chars", "add_prefix_space", "legacy"), FLAGS),
    **dict.fromkeys(("add_bos_token", "add_eos_token", "trim_offsets", "lowercase", "normalization"), FLAGS),
    **dict.fromkeys(("clean_up_tokenization_spaces",), FLAGS),
    "strip_accents": (True, False, None),
    "model_max_length": (5, 1000),
    "max_length": (4,),
    "padding_side": ("left",),
    "truncation_side": ("left",),
    "split_special_tokens": (False,),
    "do_basic_tokenize": (False,),
    "never_split": (["the"],),
    "errors": ("strict",),
    "spaces_between_special_tokens": (False,),
    "additional_special_tokens": (["<|user|>", "<new>"], [], ["cat"]),
    "extra_special_tokens": (["<|user|>"], {"user_token": "<|user|>"}, {}),
    "model_specific_special_tokens": ({"x_token": "<|user|>"},),
    "image_token": ("<new>",),
    "fast_tokenizer_files": (["tokenizer.json"],),
    "unk_id": (3,),
}
CONTENTS = (
    "[MASK]",
    "<new>",
    "<|user|>",
    "the",
    "<s>",
    "</s>",
    "<pad>",
    "[CLS]",
    "<|endoftext|>",
    "new",
    "cat",
)


class Folder(NamedTuple):
    """A folder, and what its files say."""

    said: Beside
    about: str


@cache
def trained(name: str) -> str:
    return TOKENIZERS[name][0]().to_str()


def make(number: int, folder: Path) -> Folder:
    """Folder ``number``: the same one always."""
    draw = random.Random(number)
    name = draw.choice([*TOKENIZERS])
    tokenizer = Tokenizer.from_str(trained(name))
    kind = draw.choice(TOKENIZERS[name][1] if draw.random() < 0.8 else KINDS)
    if draw.random() < 0.1:
        tokenizer.enable_padding(pad_token=draw.choice(["<pad>", "[PAD]", "the"]))
    if draw.random() < 0.1:
        tokenizer.enable_truncation(4)
    form = draw.choice(["new", "new", "old", "both"])
    if not write(folder, tokenizer, form):
        tokenizer.save(str(folder / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    model = {"model_type": kind}
    if draw.random() < 0.1:
        model["tokenizer_class"] = draw.choice(CLASSES)
    files: list[dict[str, Any]] = [model, {}, {}, {}]
    if draw.random() < 0.7:
        files[1] = _config(draw, size)
    if draw.random() < 0.25:
        files[2] = _map(draw)
    if draw.random() < 0.15:
        added = draw.sample(["<new>", "<|user|>", "new"], draw.randint(1, 2))
        files[3] = {token: size + place for place, token in enumerate(added)}
    names = ("config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
    for file, fields in zip(names, files, strict=True):
        if fields:
            (folder / file).write_text(json.dumps(fields), "utf-8")
    said = {file: fields for file, fields in zip(names, files, strict=True) if fields}
    return Folder(Beside(folder, *files), f"{number} {name} ({form}): {json.dumps(said, ensure_ascii=False)}")


def write(folder: Path, tokenizer: Tokenizer, form: str) -> bool:
    """tokenizer.json ("new"), the older files ("old") or both. False: there are no older files of it."""
    if form != "old":
        tokenizer.save(str(folder / "tokenizer.json"))
    model = json.loads(tokenizer.to_str())["model"]
    if form != "new" and model["type"] == "WordPiece":
        in_order = sorted(model["vocab"], key=model["vocab"].get)
        (folder / "vocab.txt").write_text("\n".join(in_order) + "\n", "utf-8")
    elif form != "new" and model["type"] == "BPE":
        (folder / "vocab.json").write_text(json.dumps(model["vocab"]), "utf-8")
        lines = ("#version: 0.2", *(" ".join(pair) for pair in model["merges"]), "")
        (folder / "merges.txt").write_text("\n".join(lines), "utf-8")
    else:
        return form != "old"
    return True


def _config(draw: random.Random, size: int) -> dict[str, Any]:
    config = {key: draw.choice(values) for key, values in SETTINGS.items() if draw.random() < 0.08}
    if draw.random() < 0.5:
        config["tokenizer_class"] = draw.choice(CLASSES)
    config |= {name: _token(draw, draw.random() < 0.8) for name in NAMED if draw.random() < 0.08}
    if draw.random() < 0.12:
        tokens = draw.sample(["<new>", "<|user|>", "new", "Token"], draw.randint(1, 3))
        config["added_tokens_decoder"] = {
            str(size + place): _met(draw, token) | {"special": draw.random() < 0.5}
            for place, token in enumerate(tokens)
        }
    return config


def _map(draw: random.Random) -> dict[str, Any]:
    said = {name: _token(draw, False) for name in NAMED if draw.random() < 0.2}
    if draw.random() < 0.2:
        said["additional_special_tokens"] = ["<|user|>"]
    if draw.random() < 0.1:
        said["extra_special_tokens"] = ["<new>"]
    return {name: token for name, token in said.items() if token is not None}


def _token(draw: random.Random, typed: bool) -> Any:
    """A token as text, with how it is met in texts, or none."""
    content = draw.choice([*CONTENTS, None])
    if content is None or draw.random() < 0.5:
        return content
    return _met(draw, content) | ({"__type": "AddedToken", "special": True} if typed else {})


def _met(draw: random.Random, content: str) -> dict[str, Any]:
    ways = ("lstrip", "rstrip", "normalized", "single_word")
    return {"content": content, **{way: draw.random() < 0.4 for way in ways}}


def compare(number: int, place: Path, *ignored: str) -> tuple[str, str]:
    """What came of a folder: "equal", "refused", "theirs refuses", "both refuse" or "DIFFERS"; and where.

    ``ignored`` are files that ours shall not know of.
    """
    said, about = make(number, place)
    kind = {"model_type": said.model["model_type"]}
    said = said._replace(**{name: kind if name == "model" else {} for name in ignored})
    try:
        theirs: Any = transformers.AutoTokenizer.from_pretrained(place)
    except Exception as error:  # they have no class of errors for it
        theirs, about = None, f"{about}\n    {error!r:.200}"
    try:
        ours, config = load_pretrained(said, rows=1000)
    except DataError as error:
        return ("refused" if theirs else "both refuse"), f"{about}\n    {error}"
    if theirs is None:
        return "theirs refuses", about
    where = difference(ours, theirs) or difference(ours, written(place / "export", ours, config, kind))
    return ("DIFFERS", f"{about}\n    {where}") if where else ("equal", about)


def written(folder: Path, tokenizer: Tokenizer, config: dict[str, Any], kind: dict[str, str]) -> Any:
    """What `transformers` makes of a tokenizer that a run writes."""
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
    (folder / "config.json").write_text(json.dumps(kind))
    return transformers.AutoTokenizer.from_pretrained(folder)


def difference(ours: Tokenizer, theirs: Any) -> str | None:
    """Where two tokenizers give other ids for a text, or write another text of ids."""
    ours = Tokenizer.from_str(ours.to_str())  # as a run keeps it
    for text in NASTY:
        for marked in (True, False):
            found = ours.encode(text, add_special_tokens=marked).ids
            expected = theirs(text, add_special_tokens=marked, verbose=False)["input_ids"]
            if found != expected:
                return f"{text[:60]!a}: {found[:20]}, theirs {expected[:20]}"
    draw = random.Random(0)
    for _ in range(10):
        ids = [draw.randrange(ours.get_vocab_size()) for _ in range(8)]
        written, expected = ours.decode(ids), theirs.decode(ids, skip_special_tokens=True)
        if written != expected:
            return f"{ids}: {written!a}, theirs {expected!a}"
    return None


def main(first: int, last: int) -> None:
    transformers.logging.set_verbosity_error()
    counts = collections.Counter[str]()
    for number in range(first, last):
        with tempfile.TemporaryDirectory() as folder:
            found, about = compare(number, Path(folder))
        counts[found] += 1
        if found == "DIFFERS":
            print(about, flush=True)
    print(dict(counts))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
