"""Messages name settings as ``field=value``; the user typed options. Here one becomes the other."""

import re
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

import tyro

NAMED = re.compile(r"""\b([a-z]\w*)=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\(\)|[^\s,:;]+)""")


def as_typed(message: str, command: Any) -> str:
    """A message in the command's options: ``kv_heads=3`` is ``--model.kv-heads 3``.

    Only where the command has this setting with this value: what a file says stays as it is.
    """
    known = {} if command is None else spellings(command)

    def spell(found: re.Match[str]) -> str:
        name, value = found.groups()
        return next((typed for shown, typed in known.get(name, ()) if value in shown), found.group())

    return NAMED.sub(spell, message)


def spellings(command: Any) -> dict[str, list[tuple[set[str], str]]]:
    """By field, how its value is shown in messages and how it is typed."""
    found: dict[str, list[tuple[set[str], str]]] = {}
    for option, name, value in options(command):
        shown = {repr(value), str(value), repr(str(value))}
        found.setdefault(name, []).append((shown, typed(option, value)))
    return found


def options(command: Any) -> list[tuple[str, str, Any]]:
    """Each option of a command ("" if it has no name) with its field and value."""
    if hasattr(command, "settings"):  # read by section
        return [(option_name(one.path), one.path[-1], one.value) for one in command.settings()]
    found, hints = [], get_type_hints(type(command), include_extras=True)
    for field in fields(command):
        value = getattr(command, field.name)
        if is_dataclass(value):
            found += options(value)
        else:
            positional = tyro.conf.Positional in getattr(hints[field.name], "__metadata__", ())
            found.append(("" if positional else option_name((field.name,)), field.name, value))
    return found


def option_name(path: tuple[str, ...]) -> str:
    """("model", "kv_heads") is --model.kv-heads."""
    return "--" + ".".join(path).replace("_", "-")


def typed(option: str, value: Any) -> str:
    """An option with its value, as on the command line."""
    if value is True or value == ():
        return option
    if value is False:
        head, _, name = option.rpartition(".")
        return f"{head}.no-{name}" if head else f"--no-{name.removeprefix('--')}"
    return f"{option} {value}".strip()
