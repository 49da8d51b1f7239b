"""The settings of a configuration, one by one: what a command line offers and a file is checked against."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from itertools import pairwise
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from train.config import OWN_ONLY, Config, ConfigError

Section = TypeVar("Section")
# Of the model's settings, where another run says the rest.
KEPT = ("dropout", "max_positions", "ngram_buckets", "ngram_dropout")


@dataclass(frozen=True)
class Setting:
    """One setting: its place, as in ("model", "kv_heads"), its type, its value, and what it is."""

    path: tuple[str, ...]
    hint: Any
    value: Any
    help: str


def settings(config: Config, begins: bool = False) -> Iterator[Setting]:
    """Those that can be chosen for a run of this family, and for one that ``begins`` with another run."""
    for one in walk(config):
        place, hint = one.path[0], one.hint
        fixed = (get_origin(hint) is Literal and len(get_args(hint)) == 1) or one.path == ("model", "classes")
        taken = begins and place == "model" and one.path[1] not in KEPT
        other = place in ("init", "pooling", "calibrated", "label_column") and config.family != "classifier"
        other |= place in (*OWN_ONLY, "tokenizer") and config.family == "seq2seq"
        if not fixed and not taken and not other:
            yield one


def walk(section: Any, kind: type | None = None, path: tuple[str, ...] = ()) -> Iterator[Setting]:
    """The settings of a dataclass and of the dataclasses in it. Where one may be None, its fields are too."""
    kind = kind or type(section)
    hints, helps = get_type_hints(kind, include_extras=True), field_help(kind)
    for field in fields(kind):
        value = getattr(section, field.name, None)
        inner = type(value) if is_dataclass(value) else section_of(hints[field.name])
        if inner is not None:
            yield from walk(value, inner, (*path, field.name))
        else:
            hint = hints[field.name] if section is not None else hints[field.name] | None
            yield Setting((*path, field.name), hint, value, helps.get(field.name, ""))


def section_of(hint: Any) -> Any:
    """The dataclass of ``Dataclass | None``; None of other types."""
    found = [one for one in get_args(hint) if is_dataclass(one)]
    return found[0] if len(found) == 1 and type(None) in get_args(hint) else None


@cache
def field_help(kind: type) -> dict[str, str]:
    """The docstrings beneath a dataclass's fields, those of its bases too."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if is_dataclass(base):
            body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body  # type: ignore[attr-defined]
            for field, after in pairwise(body):
                if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
                    text = ast.literal_eval(after.value)
                    found[field.target.id] = " ".join(text.split())  # type: ignore[union-attr]
    return found


def changed(section: Section, changes: Mapping[str, Any]) -> Section:
    """A section with settings changed; a mapping changes settings of a section in it.

    Raises ConfigError on what does not go together.
    """
    values = dict(changes)
    for name, value in changes.items():
        if value == {}:
            del values[name]
        elif isinstance(value, Mapping):
            inner = getattr(section, name)
            if inner is None:
                inner = section_of(get_type_hints(type(section))[name])
                try:
                    values[name] = inner(**value)
                except TypeError as error:
                    raise ConfigError(f"{name}: {error}") from error
            else:
                values[name] = changed(inner, value)
    try:
        return replace(section, **values)  # type: ignore[type-var]
    except ValueError as error:
        raise ConfigError(str(error)) from error


def check_types(config: Config) -> None:
    """Raise TypeError on a setting whose value is of another type, as a damaged file may have."""
    for one in walk(config):
        if not fits(one.value, one.hint):
            raise TypeError(f"{'.'.join(one.path)}={one.value!r}")


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a type: a choice, a union, a class; whole numbers are numbers."""
    if get_origin(hint) in (Union, UnionType):
        return any(fits(value, one) for one in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
