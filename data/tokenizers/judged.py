"""A tokenizer.json of others, judged before it is built: no file, pattern or replacement may explode."""

import re
from collections.abc import Iterator
from typing import Any

LIMIT = 1 << 25  # bytes of a tokenizer's file; a quarter of a million tokens have fewer
PATTERN = 2000  # letters of a regular expression
REPEATS = 3  # of unknown length in one alternative: texts are matched in about as many passes
COUNT = 1000  # of a counted repeat
GROWTH = 64  # how many letters the replacements together make of one

# A quantifier; what else can stand in a pattern: escapes, classes, groups' beginnings and ends, bars.
TOKEN = re.compile(
    r"\\.(?:\{[^}]*\})?|\[(?:\\.|\[:\w+:\]|[^\]\\])+\]|\(\?[imsx-]*[:=!>)]|\(\?<[=!]|\(|\)|\||[*+?]|\{\d*,?\d*\}|.",
    re.DOTALL,
)


def judge(fields: Any) -> None:
    """Raise ValueError where a pattern or the replacements of a parsed tokenizer.json would explode."""
    for pattern in _found(fields, "Regex"):
        if not isinstance(pattern, str) or len(pattern) > PATTERN:
            raise ValueError(f"a pattern is no text of {PATTERN} letters at most")
        judge_pattern(pattern)
    growth = 1.0
    for one in _inner(fields.get("normalizer") if isinstance(fields, dict) else None):
        content, pattern = one.get("content"), one.get("pattern")
        if isinstance(content, str) and isinstance(pattern, dict):
            replaced = str(pattern.get("String", "."))
            growth *= max(1.0, len(content) / max(1, len(replaced)))
    if growth > GROWTH:
        raise ValueError(f"its replacements make {growth:,.0f} letters of one, where {GROWTH} are enough")


def judge_pattern(pattern: str) -> None:
    """Raise ValueError on a regular expression that can take a time exponential in a text's length.

    That needs a repeat within a repeat, or alternatives within one, or a reference back; many repeats of
    unknown length side by side take a power of it.
    """
    # Of the pattern and of each open group: whether something in it varies, and its repeats of unknown length
    # in this alternative.
    levels = [[False, 0]]
    closed = False  # whether what stands last is a group in which something varies
    for token in TOKEN.findall(pattern):
        if re.fullmatch(r"\\[1-9gkK].*", token, re.DOTALL):
            raise ValueError(f"the pattern {pattern!a} refers back to what it matched: that can explode")
        if token.startswith("(") and not token.endswith(")"):
            levels.append([False, 0])
            closed = False
        elif token == ")" and len(levels) > 1:
            varies, repeats = levels.pop()
            levels[-1][1] += repeats
            levels[-1][0] = levels[-1][0] or varies
            closed = bool(varies)
        elif token == "|":
            levels[-1][:] = [True, 0]
            closed = False
        elif token in "*+?" or re.fullmatch(r"\{\d*,?\d*\}", token):
            bounds = [int(number) for number in re.findall(r"\d+", token)]
            if bounds and max(bounds) > COUNT:
                raise ValueError(f"the pattern {pattern!a} repeats {max(bounds):,} times: that can explode")
            if closed and token != "?":
                raise ValueError(f"the pattern {pattern!a} repeats what repeats or varies: that can explode")
            fixed = token[0] == "{" and "," not in token
            levels[-1][0] = levels[-1][0] or not fixed
            levels[-1][1] += token in "*+" or (token[0] == "{" and token.endswith(",}"))
            closed = False
        else:
            closed = False
        if levels[-1][1] > REPEATS:
            raise ValueError(f"the pattern {pattern!a} has many repeats side by side: that can explode")


def _found(fields: Any, name: str) -> Iterator[Any]:
    """What stands under a name, at any depth."""
    for one in _inner(fields):
        if name in one:
            yield one[name]


def _inner(fields: Any) -> Iterator[dict[str, Any]]:
    """All settings by name within what JSON said, vocabularies left out."""
    level = [fields]
    while level:
        one = level.pop()
        if isinstance(one, dict):
            yield one
            level += [value for name, value in one.items() if name not in ("vocab", "merges")]
        elif isinstance(one, list):
            level += one
