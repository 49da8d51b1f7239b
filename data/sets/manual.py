"""Python's language reference, a corpus that every Python brings with it: needs no download.

The text is what `help("if")` shows: `pydoc_data.topics`, sections of the reference. What this
settles:

- A topic goes to one split as a whole; the largest are placed first, each where most text is missing, in
  the shares of the labelled `embedded`.
- Topics repeat parts of one another ("if" is also in "compound"). A paragraph of six words or more is
  kept once, in the longest topic that has it, so that no split holds what another does.
- The reference changes, so the corpus differs between Python versions: compare scores only within one.
"""

import importlib
import re

from data.errors import DataError
from data.sets.corpus import Corpus
from data.sets.embedded import MIN_WORDS, SHARES, place


def load() -> Corpus:
    """Return the corpus: about 370,000 characters in 57 topics, split about 70 / 15 / 15.

    Raises:
        DataError: this Python comes without the reference.
    """
    topics = without_repeats(_topics())
    placed = place({name: len(text) for name, text in topics.items()})
    splits = {
        split: tuple(text for name, text in topics.items() if placed[name] == split) for split in SHARES
    }
    return Corpus("embedded", **splits)


def without_repeats(topics: dict[str, str]) -> dict[str, str]:
    """Return the topics, by name, less each paragraph that a longer one has; none is left without any."""
    seen: set[str] = set()
    kept = {}
    for name in sorted(topics, key=lambda name: (-len(topics[name]), name)):
        paragraphs = []
        for paragraph in re.split(r"\n\s*\n", topics[name].strip("\n")):
            words = " ".join(paragraph.split())
            long = words.count(" ") + 1 >= MIN_WORDS
            if not long or words not in seen:
                paragraphs.append((paragraph, long))
            if long:
                seen.add(words)
        if any(long for _, long in paragraphs):
            kept[name] = "\n\n".join(paragraph for paragraph, _ in paragraphs) + "\n"
    return dict(sorted(kept.items()))


def _topics() -> dict[str, str]:
    try:
        return importlib.import_module("pydoc_data.topics").topics
    except ImportError as error:
        raise DataError(
            f"this Python comes without its language reference ({error}): use a full CPython "
            "installation, or another corpus."
        ) from error
