"""Reads texts as training does, and says what that took: `python -m benchmarks.corpus_reader`, a process."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import data
from benchmarks import load
from benchmarks.serve import serve
from data.sets.own import Documents, Reading, load_labelled
from train.recipes import recipe_of
from train.tasks import large

Result = TypeVar("Result")
Facts = dict[str, Any]


class Reader:
    """Keeps nothing in the user's cache, but in a folder that is given."""

    def __init__(self, cache: str) -> None:
        os.environ |= {"XDG_CACHE_HOME": cache, "TOKENIZERS_PARALLELISM": "true"}

    def rows(self, path: str) -> Facts:
        """A table of labelled texts, as a classifier takes it: read, a tokenizer trained, tokenized."""
        model = recipe_of("classifier", "ag_news").config.model
        (texts, _), read = timed(lambda: load_labelled(Path(path), Reading()))
        tokenizer, trained = timed(lambda: data.train_tokenizer(texts.train.texts, model.vocab))
        all_texts = [text for split in (texts.train, texts.validation, texts.test) for text in split.texts]
        encoded, tokenized = timed(lambda: data.encode(tokenizer, all_texts, model.max_positions))
        tokens = sum(map(len, encoded.examples))
        return {"tokens": tokens, "read": read, "trained": trained, "tokenized": tokenized}

    def corpus(self, path: str, documents: Documents) -> Facts:
        """A large corpus, as a language model takes it; and the most memory beyond the start."""
        vocab = recipe_of("gpt", "own").config.model.vocab
        load.forget_peak()
        before = load.resident_memory()
        reading = Reading(documents=documents)
        whole, took = timed(lambda: large.tokenized(Path(path), reading, None, data.train_bpe, vocab))
        peak, tokens = load.peak_memory(), sum(len(stream.tokens) for stream in whole.streams.values())
        beyond = None if peak is None or before is None else peak - before
        return {"tokens": tokens, "memory_bytes": beyond, "whole": took}


def timed(work: Callable[[], Result]) -> tuple[Result, Facts]:
    """What it gives; seconds, those of the processor on all cores, and the share that others took of it."""
    meter, begun = load.Meter(), time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begun
    return result, {"seconds": seconds, **meter.read(seconds)}


if __name__ == "__main__":
    serve(Reader)
