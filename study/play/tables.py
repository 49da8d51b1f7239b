"""What the experiments found, for a person at a terminal."""

from collections.abc import Sequence
from math import factorial

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.attention.heads import LINE
from study.play.bits import Bits, Cut
from study.play.few_shot import interval
from study.play.openings import Openings
from study.play.shots import Accuracy
from study.play.sorting import Sorting
from study.play.tree import Tree

LEAVES = 10  # of a tree, the likeliest


def table(*headings: str) -> Table:
    """Numbers to the right of a first column of words, which alone is broken where there is no room."""
    found = Table(box=None, pad_edge=False)
    for number, heading in enumerate(headings):
        found.add_column(
            heading, justify="right" if number else "left", no_wrap=bool(number), overflow="fold"
        )
    return found


def visible(text: str) -> Text:
    """A text on one line, without what a terminal would obey."""
    known = {"\n": LINE}
    return Text("".join(x if x.isprintable() else known.get(x, ascii(x)[1:-1]) for x in text))


def print_bits(rows: Sequence[Bits], cuts: Sequence[Cut], console: Console) -> None:
    """A row a run; then the first run's figures cut into more and fewer tokens."""
    found = table("run", "vocab", "tokens", "bits/byte", "perplexity/token", "/word", "/byte")
    for row in rows:
        each = (f"{row.perplexity(unit):,.4g}" for unit in ("tokens", "words", "bytes"))
        found.add_row(Text(row.run), f"{row.vocab:,}", f"{row.tokens:,}", f"{row.bits_per_byte:.3f}", *each)
    console.print(found)
    for row in rows:
        if row.lost:
            console.print(f"{row.run}: its tokenizer changes texts ({row.lost}), which the bits leave out")
    if cuts:
        console.print(
            f"\nThe same texts, as likely as {rows[0].run} finds them, cut by tokenizers of fewer merges:"
        )
        found = table("vocab", "tokens", "bits/byte", "perplexity/token")
        for cut in cuts:
            bits = f"{rows[0].bits_per_byte:.3f}"
            found.add_row(f"{cut.vocab:,}", f"{cut.tokens:,}", bits, f"{cut.perplexity:,.4g}")
        console.print(found)
        console.print("Perplexity a token depends on what a token is: compare models by bits a byte.")


def percent(count: int, trials: int) -> str:
    """A share with its interval."""
    low, high = interval(count, trials)
    return f"{count / trials:.1%} ({100 * low:.1f}–{100 * high:.1f})"


def print_shots(rows: Sequence[Accuracy], classes: int, prompt: str, console: Console) -> None:
    """A row for each way of asking, and what is asked."""
    found = table("examples", "labels", "accuracy", "calibrated")
    for plain, calibrated in zip(rows[::2], rows[1::2], strict=True):
        labels = "" if not plain.examples else "shuffled" if plain.shuffled else "their own"
        shares = (percent(one.right, one.texts) for one in (plain, calibrated))
        found.add_row(str(plain.examples), labels, *shares)
    console.print(found)
    _print_chance(f"{rows[0].texts} texts", 1 / classes, console)
    console.print(Text(f"\n{prompt}"))


def print_sorting(rows: Sequence[Sorting], length: int, console: Console) -> None:
    """A row for each way of asking, and what the model wrote after the last prompt of them."""
    found = table("examples", "answers", "writes it", "finds it likeliest", "or a copy")
    for row in rows:
        answers = "" if not row.examples else "shuffled" if row.shuffled else "sorted"
        counts = (row.written, row.likeliest, row.copied)
        found.add_row(str(row.examples), answers, *(percent(one, row.lists) for one in counts))
    console.print(found)
    _print_chance(f"{rows[0].lists} lists", 1 / factorial(length), console)
    prompt, written = rows[-1].first
    console.print(Text.assemble("\n", (prompt, "bold"), visible(written)))


def _print_chance(count: str, chance: float, console: Console) -> None:
    console.print(f"{count}; in brackets the 95 % interval; by chance {chance:.1%}", highlight=False)


def print_openings(found: Openings, console: Console) -> None:
    """The text's log-probability after each opening, and the words that decide."""
    totals = table("opening", "log P(text)", "a word")
    for opening, total in zip(found.openings, found.totals, strict=True):
        totals.add_row(Text(opening or "(nothing)"), f"{total:.2f}", f"{total / len(found.words):.2f}")
    console.print(totals)
    first, *others = found.openings
    for number, opening in enumerate(others, 1):
        deciding, differences = found.deciding(number), found.differences(number)
        console.print(Text(f"\nafter {opening!r} rather than {first!r}: {differences.sum():+.2f} nats"))
        marks = ("bold reverse" if place in deciding else "" for place in range(len(found.words)))
        words = zip(found.words, marks, strict=True)
        console.print(Text(" ").join(Text(visible(word).plain, mark) for word, mark in words))
        each = (f"{found.words[place]} {differences[place]:+.2f}" for place in deciding)
        console.print(visible(f"half of it: {', '.join(each)}" if deciding else "nothing decides"))


def print_multiverse(tree: Tree, console: Console) -> None:
    """The likeliest branches, and where the mass went."""
    found = Table("mass", "continuation", box=None, pad_edge=False)
    for node in tree.leaves[:LEAVES]:
        found.add_row(f"{node.mass:.2%}", visible(tree.text(node)))
    console.print(found)
    kept, entropy = sum(node.mass for node in tree.leaves), tree.root.entropy or 0.0
    console.print(
        f"{len(tree.leaves):,} branches have {kept:.2%} of the mass, all others {tree.pruned:.2%}; entropy "
        f"of the next token {entropy:.2f} nats, as {np.exp(entropy):.1f} tokens alike",
        highlight=False,
    )
