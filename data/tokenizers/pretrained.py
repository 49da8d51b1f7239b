"""The tokenizer of a folder of Hugging Face: the ids that `transformers` gives, or a refusal.

Besides the files that `load_tokenizer` reads there are tokenizer_config.json, special_tokens_map.json and
added_tokens.json: they say which class runs the vocabulary, with which settings, and which tokens there are
more.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, processors

from data.errors import DataError
from data.tokenizers.bpe import BYTES
from data.tokenizers.classes import CLASSES, DEFAULTS, MODELS, OF_KIND, Merges, Vocab, add_class_marks, fits
from data.tokenizers.files import (
    built,
    corrupt,
    load_tokenizer,
    parse_whole,
    read_merges,
    read_vocab,
    refuse_differing,
)

NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
WHOLE = ("TokenizersBackend", "PreTrainedTokenizer")  # classes that run tokenizer.json as it is
OWN = ("mistral",)  # kinds that do whatever the class is
STRICT = ("qwen2",)  # kinds whose own class is taken whatever the class is
Settings = Mapping[str, Any]


def load_pretrained(
    folder: Path, kind: str, config: Settings, special: Settings, added: Settings, rows: int
) -> Tokenizer:
    """The tokenizer in a folder of Hugging Face.

    Args:
        folder: it holds tokenizer.json, or vocab.txt, or vocab.json with merges.txt.
        kind: the model_type of its model.
        config: what tokenizer_config.json says, or nothing.
        special: special_tokens_map.json, likewise.
        added: added_tokens.json, likewise.
        rows: of the model's embedding. A token that a class has by default is left out where no row is left.

    Raises:
        DataError: naming the file and the setting or token at fault.
    """
    refuse_differing(folder)
    whole = folder / "tokenizer.json"
    fields = parse_whole(whole) if whole.exists() else {}
    try:
        said = {**config, **({} if "added_tokens_decoder" in config else special)}
        tokens = {key: value for key, value in said.items() if key.endswith("_token") and _is_token(value)}
        name = _class(kind, config, fields)
        if name is None:
            tokenizer, named = load_tokenizer(whole), dict[str, str]()
        else:
            named = DEFAULTS[name] | {key: _token(value).content for key, value in tokens.items()}
            vocab, merges = _vocabulary(folder, fields, name)
            tokenizer = built(lambda: CLASSES[name](vocab, merges, named, config), folder)
            if fields:
                tokenizer.post_processor = load_tokenizer(whole).post_processor
        _add_tokens(tokenizer, {**_declared(config, added, said), **_own(config, fields)}, said, named, rows)
        if name is not None:
            add_class_marks(name, tokenizer, named, config)
            if not fields and tokenizer.post_processor is None:
                _add_ends(tokenizer, named, config)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        if isinstance(error, DataError):
            raise
        raise corrupt(folder / "tokenizer_config.json", error) from error
    return tokenizer


def _class(kind: str, config: Settings, fields: Settings) -> str | None:
    """The class that runs the vocabulary; None: tokenizer.json as it is. ValueError: an unknown one."""
    for setting in ("auto_map", "split_special_tokens"):
        if config.get(setting):
            raise ValueError(f"{setting}={config[setting]!r}: ours has no such tokenizer")
    given = config.get("tokenizer_class")
    given = given.removesuffix("Fast") if isinstance(given, str) else None
    if given is not None and given not in (*CLASSES, *WHOLE):
        raise ValueError(f"tokenizer_class={given!r}: known are {', '.join((*CLASSES, *WHOLE))}")
    name = OF_KIND.get(kind) if given is None or kind in STRICT else given
    if not fields:
        return name if name in CLASSES else OF_KIND.get(kind, "GPT2Tokenizer")
    if name is None or name in WHOLE or kind in OWN:
        return None
    if fits(name, fields):
        return name
    if given is None or name == "LlamaTokenizer":
        return None
    raise ValueError(f"tokenizer_class={given!r}, but tokenizer.json is of another form")


def _vocabulary(folder: Path, fields: Settings, name: str) -> tuple[Vocab, Merges]:
    """The tokens of a folder and their merges, if the class has such."""
    if fields:
        model = fields["model"]
        pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model.get("merges") or []]
        return model["vocab"], [(left, right) for left, right in pairs]
    if MODELS[name] == "WordPiece":
        return read_vocab(folder / "vocab.txt"), []
    vocab = read_vocab(folder / "vocab.json")
    if name != "OpenAIGPTTokenizer" and (missing := set(BYTES) - set(vocab)):
        raise corrupt(
            folder / "vocab.json", f"{len(missing)} of the 256 bytes are not in it, so it is not byte-level"
        )
    return vocab, read_merges(folder / "merges.txt")


def _declared(config: Settings, added: Settings, said: Settings) -> dict[int, AddedToken]:
    """The tokens that added_tokens.json has with their ids, where tokenizer_config.json has no list."""
    if "added_tokens_decoder" in config:
        return {int(number): _token(value) for number, value in config["added_tokens_decoder"].items()}
    special = {_token(value).content for value in _named(said) if value}
    return {
        number: AddedToken(token, normalized=token not in special, special=token in special)
        for token, number in added.items()
    }


def _own(config: Settings, fields: Settings) -> dict[int, AddedToken]:
    """Those of tokenizer.json, likewise."""
    own = [] if "added_tokens_decoder" in config else fields.get("added_tokens") or []
    return {one["id"]: _token({name: value for name, value in one.items() if name != "id"}) for one in own}


def _named(said: Settings) -> Iterator[Any]:
    """The tokens that have a name, in the order in which they are added, and then those without."""
    yield from (said.get(name) for name in NAMED)
    yield from (
        value
        for name, value in said.items()
        if name.endswith("_token") and name not in NAMED and isinstance(value, str)
    )
    extra = said.get("extra_special_tokens") or said.get("additional_special_tokens") or []
    yield from extra.values() if isinstance(extra, Mapping) else extra


def _add_tokens(
    tokenizer: Tokenizer,
    declared: Mapping[int, AddedToken],
    said: Settings,
    named: Mapping[str, str],
    rows: int,
) -> None:
    """Add the tokens with ids, then the others as they come."""
    tokenizer.add_tokens([declared[number] for number in sorted(declared)])
    for number, token in declared.items():
        if tokenizer.token_to_id(token.content) != number:
            raise ValueError(
                f"the token {token.content!a} is number {number} there, but "
                f"{tokenizer.token_to_id(token.content)} in the vocabulary"
            )
    for value in [*_named({**named, **said})]:
        if not value:
            continue
        token = _token(value)
        if token.content in {one.content for one in tokenizer.get_added_tokens_decoder().values()}:
            continue
        free = max(tokenizer.get_vocab().values(), default=-1) + 1
        default = value in named.values() and value not in said.values()
        if tokenizer.token_to_id(token.content) is None and default and free >= rows:
            continue
        token.special = True
        tokenizer.add_tokens([token])


def _add_ends(tokenizer: Tokenizer, named: Mapping[str, str], config: Settings) -> None:
    """The ends that texts have where tokenizer_config.json asks for them."""
    ends = {
        key: named[f"{key}_token"]
        if config.get(f"add_{key}_token") is True and f"{key}_token" in named
        else ""
        for key in ("bos", "eos")
    }
    found = [(token, tokenizer.token_to_id(token)) for token in ends.values() if token]
    if found:
        one = " ".join(part for part in (ends["bos"], "$A", ends["eos"]) if part)
        two = " ".join(part for part in (one, ends["bos"], "$B", ends["eos"]) if part)
        tokenizer.post_processor = processors.TemplateProcessing(single=one, pair=two, special_tokens=found)


def _is_token(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, Mapping) and "content" in value)


def _token(value: Any) -> AddedToken:
    """A token as text, or with how it is met in texts."""
    if isinstance(value, str):
        return AddedToken(value, special=True)
    return AddedToken(**{name: one for name, one in value.items() if name != "__type"})
