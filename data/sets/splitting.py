"""Which texts are held out: by a hash of the text, the same for good, so that equal texts never part."""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from data.readers.long_text import Text, is_blank, parts_of

SEED = b"twinformer 1 "  # another would hold other texts out
SHARE = 0.1  # of each held-out split that is not given
CUT = 0.05  # of a text, for each part that is held out
HELD_OUT = ("test", "validation")


def key_of(text: Text) -> bytes:
    """One for all texts that differ in capitals and spaces alone."""
    total, words, ended = sha256(SEED), "", True
    for part in parts_of(text):  # the words of a long text take many times its memory
        between = " " * bool(words and (ended or part[0].isspace()))
        if found := " ".join(part.split()).casefold():
            total.update((between + found).encode("utf-8", "surrogatepass"))
            words, ended = found, part[-1].isspace()
        else:
            ended = True
    return total.digest()


def held_out(keys: Sequence[bytes], labels: Sequence[str], missing: Sequence[str]) -> list[str]:
    """The split of each text: "train", or one of those ``missing``, each with `SHARE` of every class.

    A class is held out from five texts on; the smallest hashes are. Keys differ.
    """
    order = sorted(range(len(keys)), key=keys.__getitem__)
    sizes, seen = Counter(labels), Counter[str]()
    splits = np.full(len(keys), "train", dtype="U10")
    for row in order:
        rank, count = seen[labels[row]], int(SHARE * sizes[labels[row]] + 0.5)
        seen[labels[row]] += 1
        if rank < count * len(missing):
            splits[row] = missing[rank // count]
    return splits.tolist()


def cut(text: Text, parts: Sequence[str]) -> dict[str, Text]:
    """A text cut at ends of lines: `CUT` of it for each part but the first, which has the rest.

    A part that would have no line is left out; a text of one line is the first part's.
    """
    shares = [1 - CUT * (len(parts) - 1 - number) for number in range(len(parts))]
    ends = [0, *(text.rfind("\n", 0, int(share * len(text))) + 1 for share in shares[:-1]), len(text)]
    if not ends[1]:
        return {parts[0]: text}
    found = {part: text[ends[n] : ends[n + 1]] for n, part in enumerate(parts)}
    return {part: piece for part, piece in found.items() if not is_blank(piece)}
