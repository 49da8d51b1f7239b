"""What the files beside a tokenizer say, put together as `transformers` 5 does.

tokenizer_config.json has the class, its settings and its named tokens. If it lists its added tokens
("added_tokens_decoder"), nothing else is asked. Otherwise special_tokens_map.json goes over it, and the added
tokens are those of added_tokens.json and of tokenizer.json.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tokenizers import AddedToken, Tokenizer

from data.errors import DataError

Settings = Mapping[str, Any]
Token = str | AddedToken

CONFIG, SPECIAL, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
(
    EXTRA,
    EXTRA_BEFORE,
    OWN,
) = (  # those without a name, as they are spelt now and were, and those of a model's own
    "extra_special_tokens",
    "additional_special_tokens",
    "model_specific_special_tokens",
)


HOW = {"content": str, **dict.fromkeys(("lstrip", "rstrip", "normalized", "single_word", "special"), bool)}
KINDS: dict[str, dict[type, str]] = {
    EXTRA: {list: "a list", Mapping: "tokens by name"},
    EXTRA_BEFORE: {list: "a list", Mapping: "tokens by name"},
    OWN: {Mapping: "tokens by name"},
}


class Beside(NamedTuple):
    """A folder's JSON files, without the tokenizer itself; one that is not there says nothing."""

    folder: Path
    model: Settings
    """config.json, with its model_type."""
    config: Settings = MappingProxyType({})
    """tokenizer_config.json."""
    special: Settings = MappingProxyType({})
    """special_tokens_map.json."""
    added: Settings = MappingProxyType({})
    """added_tokens.json."""

    def file_of(self, key: str) -> str:
        """The file whose word on a token counts."""
        return SPECIAL if key in self.special and "added_tokens_decoder" not in self.config else CONFIG

    def refusal(self, file: str, key: str, value: Any, remedy: str) -> DataError:
        return DataError(f"{self.folder / file} says {key}={ascii(value)[:99]}: {remedy}.")


class Tokens(NamedTuple):
    """The tokens that a tokenizer has besides its model's."""

    named: dict[str, Token | None]
    """By their names, "bos_token"; None: there shall be none."""
    extra: list[Token]
    """Those without a name."""
    declared: dict[int, AddedToken]
    """Those whose numbers are given."""

    def with_defaults(self, defaults: Mapping[str, Token]) -> "Tokens":
        """The same, and the named ones that a class has where nothing is said of them."""
        named = {**defaults, **self.named}
        return self._replace(
            named={name: named[name] for name in dict.fromkeys((*NAMED, *named)) if name in named}
        )

    def content(self, name: str) -> str | None:
        """The named token as text."""
        value = self.named.get(name)
        return None if value is None else text(value)


def tokens_of(said: Beside, own: Mapping[int, AddedToken]) -> Tokens:
    """All tokens; ``own`` are the added ones of a tokenizer.json.

    Raises `DataError` naming the file and what in it is no token.
    """
    for fields in (said.config, said.special):
        for key, kinds in KINDS.items():
            if not isinstance(fields.get(key) or (), (*kinds, tuple)):
                raise said.refusal(said.file_of(key), key, fields[key], f"give {' or '.join(kinds.values())}")
    config = dict(said.config)
    if EXTRA_BEFORE in config and not config.get(EXTRA):
        config[EXTRA] = config.pop(EXTRA_BEFORE)
    others = [name for name in config if name.endswith("_token") and name not in NAMED]
    model_s = {name: config.pop(name) for name in others if isinstance(config[name], str)}
    if isinstance(config.get(EXTRA), Mapping):
        model_s |= config.pop(EXTRA)
    if model_s:
        config[OWN] = model_s
    if "added_tokens_decoder" in config:
        declared = _declared(said)
    else:
        _merge(config, said)
        declared = {**_added(config, said), **own}
    if EXTRA not in config:
        config[EXTRA] = config.get(EXTRA_BEFORE)
    named = {name: config[name] for name in NAMED if name in config}
    named |= {name: config[name] for name in others if isinstance(config.get(name), Mapping)}
    named |= dict(_checked(said, OWN, config.get(OWN) or {}, Mapping))
    extra = _checked(said, EXTRA, config.get(EXTRA) or [], list)
    return Tokens(
        {name: None if value is None else _token(said, name, value) for name, value in named.items()},
        [_token(said, EXTRA, value) for value in extra],
        declared,
    )


def add_tokens(tokenizer: Tokenizer, tokens: Tokens, defaults: Settings, rows: int, said: Beside) -> None:
    """Give a tokenizer its tokens: those with numbers, then the named ones, then the others.

    One that its class alone has (``defaults``) is left out where the model has no row for it. Raises
    `DataError` where a token gets another number than is given.
    """
    adding: list[Token] = [tokens.declared[number] for number in sorted(tokens.declared)]
    known = {token.content for token in tokenizer.get_added_tokens_decoder().values()} | {*map(text, adding)}
    vocab = tokenizer.get_vocab()
    for name, value in [*tokens.named.items(), *(("", value) for value in tokens.extra)]:
        if value is None or text(value) in known or value in adding:
            continue
        free = max(vocab.values(), default=-1) + 1 + len({*map(text, adding)} - vocab.keys())
        if name in defaults and value == defaults[name] and text(value) not in vocab and free >= rows:
            continue
        adding.append(value)
    names = {text(value) for value in tokens.named.values() if value is not None}
    made = [AddedToken(token, special=True) if isinstance(token, str) else token for token in adding]
    for token in made:
        token.special = token.special or token.content in names
    tokenizer.add_tokens(made)
    for number, token in tokens.declared.items():
        if (found := tokenizer.token_to_id(token.content)) != number:
            raise DataError(
                f"{said.folder}: the added token {token.content!a} is number {number} in its files, but "
                f"{found} in the vocabulary: put back the files that belong together."
            )


def text(token: Token) -> str:
    return token if isinstance(token, str) else token.content


def _declared(said: Beside) -> dict[int, AddedToken]:
    """Those that tokenizer_config.json lists with their numbers."""
    listed = _checked(said, "added_tokens_decoder", said.config["added_tokens_decoder"], Mapping)
    found = {}
    for number, value in listed.items():
        token = _token(said, "added_tokens_decoder", value)
        if not str(number).isdecimal() or isinstance(token, str):
            raise said.refusal(CONFIG, "added_tokens_decoder", listed, "give numbers their tokens' settings")
        found[int(number)] = token
    return found


def _merge(config: dict[str, Any], said: Beside) -> None:
    """special_tokens_map.json goes over tokenizer_config.json; it adds to the tokens without a name."""
    for name, value in said.special.items():
        if name == EXTRA and isinstance(value, list):
            before = list(config.get(EXTRA) or [])
            new = [_token(said, name, one) for one in value]
            config[name] = before + [one for one in new if one not in before]
        elif isinstance(value, Mapping) and name != EXTRA:
            token = _token(said, name, value)
            assert isinstance(token, AddedToken)
            token.special = True
            config[name] = token
        else:
            config[name] = value
    if isinstance(config.get(EXTRA), Mapping):
        config[OWN] = {**config.get(OWN, {}), **config.pop(EXTRA)}


def _added(config: Settings, said: Beside) -> dict[int, AddedToken]:
    """added_tokens.json; the texts of tokens that have another use there are met before normalizing."""
    marked = [config[name] for name in NAMED if config.get(name)] + list(config.get(EXTRA) or [])
    special = {text(value) for value in marked if isinstance(value, Token)}
    found = {}
    for token, number in said.added.items():
        if type(number) is not int or not 0 <= number < 1 << 31:
            raise said.refusal(ADDED, ascii(token)[:99], number, "give the number of a token")
        found[number] = AddedToken(token, normalized=token not in special, special=token in special)
    return found


def _checked(said: Beside, name: str, value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise said.refusal(
            said.file_of(name), name, value, f"give {'a list' if kind is list else 'settings by name'}"
        )
    return value


def _token(said: Beside, name: str, value: Any) -> Token:
    """A token as text, or with how it is met in texts."""
    if isinstance(value, Token) and text(value):
        return value
    if isinstance(value, Mapping) and value.get("content") and value.keys() <= {"__type", *HOW}:
        how = {key: one for key, one in value.items() if key != "__type"}
        if all(isinstance(one, HOW[key]) for key, one in how.items()):
            return AddedToken(**how)
    remedy = f"give a token as text, or by {', '.join(HOW)}"
    raise said.refusal(said.file_of(name), name, value, remedy)
