"""The tokenizer of a folder of Hugging Face: the ids that `transformers` gives, or a refusal.

Besides the files that `load_tokenizer` reads there are those that `beside` puts together; they say which
class runs the vocabulary, with which settings, and which tokens there are more.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tokenizers import Tokenizer, decoders, models, processors

from data.errors import DataError
from data.tokenizers.beside import (
    CONFIG,
    EXTRA,
    EXTRA_BEFORE,
    OWN,
    Beside,
    Settings,
    Tokens,
    add_tokens,
    text,
    tokens_of,
)
from data.tokenizers.bpe import BYTES
from data.tokenizers.class_of import STRICT, WHOLE, class_of, refuse_settings
from data.tokenizers.classes import (
    CLASSES,
    DEFAULTS,
    MODELS,
    NEEDED,
    OF_KIND,
    Merges,
    Vocab,
    add_class_marks,
    flag,
)
from data.tokenizers.files import (
    built,
    corrupt,
    load_tokenizer,
    parse_whole,
    read_merges,
    read_vocab,
    refuse_differing,
)

CLEANED = (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're")  # of their spaces


class Pretrained(NamedTuple):
    """A tokenizer, and what stands beside it when it is written."""

    tokenizer: Tokenizer
    config: dict[str, Any]
    """The tokenizer_config.json with which `transformers` runs the tokenizer.json as it is."""


def load_pretrained(said: Beside, rows: int) -> Pretrained:
    """The tokenizer in a folder of Hugging Face.

    The folder holds tokenizer.json, or vocab.txt, or vocab.json with merges.txt. ``rows``: of the model's
    embedding. A token that a class has by default is left out where no row is left.

    Raises:
        DataError: naming the file and the setting or token at fault.
    """
    refuse_differing(said.folder)
    refuse_settings(said)
    path = said.folder / "tokenizer.json"
    fields = parse_whole(path) if path.exists() else {}
    whole = load_tokenizer(path) if fields else None
    name = class_of(said, fields)
    defaults = _defaults(name, fields)
    tokens = tokens_of(said, whole.get_added_tokens_decoder() if whole else {}).with_defaults(defaults)
    for key in NEEDED.get(name, ()) if name else ():
        if tokens.content(key) is None:
            raise said.refusal(said.file_of(key), key, None, f"a {name} needs one; name it")
    tokenizer = whole if name is None else _made(said, fields, name, tokens)
    assert tokenizer is not None  # without a tokenizer.json there is a class
    _refuse_unknown(said, name, tokenizer)
    add_tokens(tokenizer, tokens, defaults, rows, said)
    if name is not None:
        _put_around(said, whole, name, tokens, tokenizer)
    _clean_up(tokenizer, said)
    return Pretrained(tokenizer, _described(said, tokens))


def _described(said: Beside, tokens: Tokens) -> dict[str, Any]:
    """tokenizer_config.json with the tokens by their names alone; the rest of them is in tokenizer.json."""
    kind = said.model["model_type"]
    there = {EXTRA, EXTRA_BEFORE, OWN, "added_tokens_decoder", "clean_up_tokenization_spaces"}
    kept = {key: value for key, value in said.config.items() if key not in there and key not in tokens.named}
    named = {key: None if value is None else text(value) for key, value in tokens.named.items()}
    extra = {EXTRA: [*map(text, tokens.extra)]} if tokens.extra else {}
    return kept | named | extra | {"tokenizer_class": OF_KIND[kind] if kind in STRICT else WHOLE[0]}


def _defaults(name: str | None, fields: Settings) -> dict[str, str]:
    """The named tokens where nothing is said of them: those of the class, and what pads by tokenizer.json."""
    padding = (fields.get("padding") or {}).get("pad_token")
    padded = {"pad_token": padding} if padding and name != "GPT2Tokenizer" else {}
    return padded | (DEFAULTS[name] if name else {})


def _made(said: Beside, fields: Settings, name: str, tokens: Tokens) -> Tokenizer:
    """The vocabulary as its class runs it."""
    vocab, merges = _vocabulary(said, fields, name)
    unknown = tokens.content("unk_token")
    return built(lambda: CLASSES[name](vocab, merges, unknown, said.config), said.folder)


def _refuse_unknown(said: Beside, name: str | None, tokenizer: Tokenizer) -> None:
    """Raise `DataError` where a word that is unknown would end the program."""
    unknown = getattr(tokenizer.model, "unk_token", None)
    if unknown is not None and unknown not in tokenizer.get_vocab(with_added_tokens=False):
        raise DataError(
            f"{said.folder}: the vocabulary lacks {unknown!a}, the token for what is unknown: name one that "
            f"it has as unk_token in {CONFIG if name else 'tokenizer.json'}."
        )


def _put_around(
    said: Beside, whole: Tokenizer | None, name: str, tokens: Tokens, tokenizer: Tokenizer
) -> None:
    """What stands around a text, by the class, by tokenizer.json or by tokenizer_config.json."""
    named = {key: text(value) for key, value in tokens.named.items() if value is not None}
    if name == "Qwen2Tokenizer":  # which meets its tokens as they are written, whatever is said of them
        tokenizer.add_special_tokens([*named.values(), *map(text, tokens.extra)])
    for key in NEEDED.get(name, ()):
        if tokenizer.token_to_id(named[key]) is None:
            raise DataError(
                f"{said.folder}: a {name} needs {named[key]!a}, but the vocabulary lacks it, and the model "
                f"has no row for it: name one that is there as {key} in {CONFIG}."
            )
    if whole is not None:
        tokenizer.post_processor = whole.post_processor
    else:
        _add_ends(tokenizer, named, said.config)
    add_class_marks(name, tokenizer, named, said.config)


def _vocabulary(said: Beside, fields: Settings, name: str) -> tuple[Vocab, Merges]:
    """The tokens of a folder and their merges, if the class has such."""
    if fields:
        model = fields["model"]
        pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model.get("merges") or []]
        return model["vocab"], [(left, right) for left, right in pairs]
    if MODELS[name] == "WordPiece":
        return read_vocab(said.folder / "vocab.txt"), []
    vocab = read_vocab(said.folder / "vocab.json")
    if name != "OpenAIGPTTokenizer" and (missing := set(BYTES) - set(vocab)):
        raise corrupt(
            said.folder / "vocab.json",
            f"{len(missing)} of the 256 bytes are not in it, so it is not byte-level",
            f"put back that of a {name}",
        )
    return vocab, read_merges(said.folder / "merges.txt")


def _add_ends(tokenizer: Tokenizer, named: Mapping[str, str], config: Settings) -> None:
    """The ends that texts have where tokenizer_config.json asks for them."""
    bos, eos = (
        named.get(f"{key}_token", "") if flag(config, f"add_{key}_token", False) else ""
        for key in ("bos", "eos")
    )
    if found := [(token, tokenizer.token_to_id(token)) for token in (bos, eos) if token]:
        one = " ".join(part for part in (bos, "$A", eos) if part)
        two = " ".join(part for part in (one, bos, "$B", eos) if part)
        tokenizer.post_processor = processors.TemplateProcessing(single=one, pair=two, special_tokens=found)


def _clean_up(tokenizer: Tokenizer, said: Beside) -> None:
    """Take the spaces before marks out of what is decoded, where that is asked for: never of a BPE's."""
    if not said.config.get("clean_up_tokenization_spaces") or isinstance(tokenizer.model, models.BPE):
        return
    if tokenizer.decoder is None:
        raise said.refusal(
            CONFIG, "clean_up_tokenization_spaces", True, "tokenizer.json has no decoder for it"
        )
    steps = [decoders.Replace(spaced, spaced.strip()) for spaced in CLEANED]
    tokenizer.decoder = decoders.Sequence([tokenizer.decoder, decoders.Fuse(), *steps])
