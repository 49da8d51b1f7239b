"""Continuations come as the prompts do: ``num`` of the first, then of the next."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import data
from torch_impl.config import GPTConfig
from train.runs.continuations import continuations
from train.runs.sampling import Sampling
from train.runs.their_settings import Ends

TOKENIZER = data.train_bpe(["the cat sat on the mat", "a dog ran after the ball"], 270)
PROMPTS = ["a dog ran after the ball", "the", "the cat sat"]
MODEL = SimpleNamespace(config=GPTConfig(vocab=300, max_positions=64, embed=8, heads=2, mlp=8, layers=1))


class Loop:
    """Writes each row's number, as a letter, behind its prompt, and more that does not count."""

    def generate(
        self, model: Any, params: Any, ids: Any, lengths: Any, new: int, *rest: Any, **more: Any
    ) -> Any:
        self.given = {"ids": ids, "lengths": lengths, "new": new, "rest": rest, "more": more}
        rows = np.pad(ids, ((0, 0), (0, new)))
        for row, length in enumerate(lengths):
            rows[row, length : length + 2] = [letter(row), letter(0)]
        return rows, np.array(lengths) + 1


# What an empty prompt begins with, and what ends a text.
ENDS = Ends(data.end_id(TOKENIZER), (data.end_id(TOKENIZER),))


def letter(row: int) -> int:
    return TOKENIZER.encode("ABCDEF"[row]).ids[0]


@pytest.mark.usefixtures("unchecked")
def test_the_first_prompt_s_continuations_come_first() -> None:
    loop: Any = Loop()
    sampling = Sampling(new=3, temperature=0.8, top_k=5, top_p=0.9, num=2, seed=11, compiled=True)
    written = continuations(loop, MODEL, {}, TOKENIZER, PROMPTS, sampling, ENDS)
    assert written == list("ABCDEF")
    encoded = [TOKENIZER.encode(prompt).ids for prompt in PROMPTS]
    assert loop.given["lengths"] == [len(row) for row in encoded for _ in range(2)]
    for number, row in enumerate(loop.given["ids"].tolist()):
        own = encoded[number // 2]
        assert row == own + [0] * (len(row) - len(own))
    assert loop.given["new"] == 3
    assert loop.given["rest"] == (11, 0.8, 5, 0.9, ENDS.ends)
    assert loop.given["more"] == {"compiled": True}
