"""How Hugging Face's tokenizer classes run a vocabulary, by the names that tokenizer_config.json gives them.

Such a class takes the vocabulary out of the files, and what it does with texts from its settings: so does
`transformers` 5, where tokenizer.json says something else, too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

Vocab = dict[str, int]
Merges = list[tuple[str, str]]

MARKS = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
ENDS = {"unk_token": "<|endoftext|>", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
ROBERTA = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>"}
# Of each class the tokens that it has where nothing else is said, in the order in which they are added.
DEFAULTS: dict[str, dict[str, str]] = {
    "BertTokenizer": MARKS | {"mask_token": "[MASK]"},
    "DistilBertTokenizer": MARKS | {"mask_token": "[MASK]"},
    "RobertaTokenizer": ROBERTA | {"pad_token": "<pad>", "cls_token": "<s>", "mask_token": "<mask>"},
    "GPT2Tokenizer": ENDS,
    "OpenAIGPTTokenizer": {"unk_token": "<unk>"},
    "Qwen2Tokenizer": {name: "<|endoftext|>" for name in ("eos_token", "unk_token", "pad_token")},
    "LlamaTokenizer": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
}
# The class where tokenizer_config.json names none; others run tokenizer.json as it is.
OF_KIND = {
    "bert": "BertTokenizer",
    "distilbert": "BertTokenizer",
    "roberta": "RobertaTokenizer",
    "gpt2": "GPT2Tokenizer",
    "openai-gpt": "OpenAIGPTTokenizer",
    "qwen2": "Qwen2Tokenizer",
    "qwen3": "Qwen2Tokenizer",
}
QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


def bert(vocab: Vocab, merges: Merges, unknown: str | None, settings: Mapping[str, Any]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token=unknown))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=flag(settings, "tokenize_chinese_chars", True),
        strip_accents=flag(settings, "strip_accents", None),
        lowercase=flag(settings, "do_lower_case", True),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    return tokenizer


def gpt2(vocab: Vocab, merges: Merges, unknown: str | None, settings: Mapping[str, Any]) -> Tokenizer:
    tokenizer = _bpe(vocab, merges)
    spaced = flag(settings, "add_prefix_space", False)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=spaced)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def openai_gpt(vocab: Vocab, merges: Merges, unknown: str | None, settings: Mapping[str, Any]) -> Tokenizer:
    tokenizer = _bpe(vocab, merges, end_of_word_suffix="</w>", unk_token=unknown)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    return tokenizer


def qwen2(vocab: Vocab, merges: Merges, unknown: str | None, settings: Mapping[str, Any]) -> Tokenizer:
    tokenizer = _bpe(vocab, merges)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(
                add_prefix_space=flag(settings, "add_prefix_space", None) or False, use_regex=False
            ),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def llama(vocab: Vocab, merges: Merges, unknown: str | None, settings: Mapping[str, Any]) -> Tokenizer:
    spaced = flag(settings, "add_prefix_space", True)
    scheme = "always" if flag(settings, "legacy", False) else "first"
    tokenizer = Tokenizer(models.BPE(vocab, merges, fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", scheme if spaced else "never", split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if spaced else steps)
    return tokenizer


CLASSES: dict[str, Callable[[Vocab, Merges, str | None, Mapping[str, Any]], Tokenizer]] = {
    "BertTokenizer": bert,
    "DistilBertTokenizer": bert,
    "RobertaTokenizer": gpt2,
    "GPT2Tokenizer": gpt2,
    "OpenAIGPTTokenizer": openai_gpt,
    "Qwen2Tokenizer": qwen2,
    "LlamaTokenizer": llama,
}
_BERT = ("unk_token", "cls_token", "sep_token")
NEEDED = {  # named tokens that a class cannot do without
    "BertTokenizer": _BERT,
    "DistilBertTokenizer": _BERT,
    "RobertaTokenizer": ("cls_token", "sep_token"),
    "OpenAIGPTTokenizer": ("unk_token",),
}
MODELS = {name: "WordPiece" if make is bert else "BPE" for name, make in CLASSES.items()}


def fits(name: str, fields: Mapping[str, Any]) -> bool:
    """Whether a parsed tokenizer.json is of the form that its class writes, whatever its settings."""
    model, text = fields.get("model"), str({**fields, "model": None, "added_tokens": None})
    if not isinstance(model, dict) or model.get("type", MODELS[name]) != MODELS[name]:
        return False
    if CLASSES[name] in (gpt2, qwen2):
        return "ByteLevel" in text
    if CLASSES[name] is openai_gpt:
        return bool(model.get("end_of_word_suffix"))
    return CLASSES[name] is bert or "ByteLevel" not in text


def add_class_marks(
    name: str, tokenizer: Tokenizer, named: Mapping[str, str], settings: Mapping[str, Any]
) -> None:
    """What a class puts around a text where that is asked for, after its tokens have their ids."""
    if "cls_token" not in NEEDED.get(name, ()):
        return
    cls, sep = named["cls_token"], named["sep_token"]
    first, last = tokenizer.token_to_id(cls), tokenizer.token_to_id(sep)
    assert first is not None and last is not None
    if CLASSES[name] is bert:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{cls}:0 $A:0 {sep}:0",
            pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
            special_tokens=[(cls, first), (sep, last)],
        )
    else:
        spaced, trimmed = flag(settings, "add_prefix_space", False), flag(settings, "trim_offsets", True)
        tokenizer.post_processor = processors.RobertaProcessing((sep, last), (cls, first), trimmed, spaced)


def flag(settings: Mapping[str, Any], name: str, default: bool | None) -> Any:
    """A setting that is true or false; left out or null, it is ``default``."""
    value = settings.get(name)
    return default if value is None else value


def _bpe(
    vocab: Vocab, merges: Merges, end_of_word_suffix: str = "", unk_token: str | None = None
) -> Tokenizer:
    return Tokenizer(
        models.BPE(
            vocab,
            merges,
            continuing_subword_prefix="",
            end_of_word_suffix=end_of_word_suffix,
            fuse_unk=False,
            unk_token=unk_token,
        )
    )
