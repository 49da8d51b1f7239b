"""Texts of any size, no two of which are alike: those that the data folder has, with numbers."""

import csv
from itertools import count
from pathlib import Path

import data
from benchmarks.own_tables import everything


def write_rows(path: Path, rows: int) -> None:
    """A table of news and their topics, as many rows: the sample over and over, each with its number."""
    texts = everything(data.load("ag_news_10k"))
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("text", "label"))
        for number in range(rows):
            text, topic = texts[number % len(texts)]
            table.writerow((f"{text} {number}", topic))


def write_lines(path: Path, size: int) -> None:
    """A text of at least ``size`` bytes: Shakespeare over and over, the round's number in each line."""
    lines = data.load_corpus("shakespeare").train[0].split("\n")
    with path.open("w", encoding="utf-8", newline="") as file:
        for number in count():
            for line in lines:
                file.write(f"{line} {number}\n" if line.strip() else "\n")
                if file.tell() >= size:
                    return
