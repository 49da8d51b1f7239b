"""Exercises about shapes: their answers are those of the trace, and a wrong one is not taken."""

from io import StringIO
from itertools import islice

import pytest
from rich.console import Console

from parity_tests.twins.names import NAMES
from study.shapes.atlas import Atlas, atlas
from study.shapes.quiz import Exercise, ask, contractions, exercises, softmaxes, transposes
from study.shapes.subject import find


@pytest.fixture(scope="module")
def gpt() -> Atlas:
    return atlas(find("gpt", 2, 7, {}), xla=False)


def answers(found: list[Exercise], words: str) -> set[tuple[str, ...]]:
    return {one.right for one in found if words in one.question}


def test_the_answers_are_right(gpt: Atlas) -> None:
    assert answers(softmaxes(gpt), "blocks.0/attention/weights") == {("key",)}
    made = contractions(gpt)
    assert answers(made, "makes blocks.0/attention/scores") == {("head_dim",)}
    assert answers(made, "makes blocks.0/feed_forward/output") == {("mlp",)}
    assert answers(made, "makes logits") == {("embed",)}
    assert all("embedding" not in right for (right,) in answers(transposes(gpt), "transposed"))


def test_each_kind_comes_in_its_turn_and_a_seed_gives_the_same(gpt: Atlas) -> None:
    first, again, other = (list(islice(exercises(gpt, seed), 25)) for seed in (0, 0, 1))
    assert first == again != other
    assert len({one.question for one in first[:10]}) == 10  # then those begin again of which there are few
    assert len({one.question.split()[0] for one in first[:5]}) > 2


def test_answers_are_taken_as_people_type_them() -> None:
    one = Exercise("?", ("(2, 3, 7)",), "")
    assert all(one.judge(answer) for answer in ("2 3 7", "(2,3,7)", "[2, 3, 7]", " 2, 3, 7"))
    assert not any(one.judge(answer) for answer in ("", "2 3", "7 3 2", "237"))
    choice = Exercise("?", ("key",), "", ("batch", "key"))
    assert choice.judge("2") and choice.judge(" Key ") and not choice.judge("1") and not choice.judge("3")


def test_it_asks_counts_and_ends(gpt: Atlas) -> None:
    expected = list(islice(exercises(gpt, 3), 6))
    typed = iter([expected[0].right[0], "nonsense", expected[2].right[0]])

    def answer() -> str:
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    console = Console(record=True, width=100, file=StringIO())
    assert ask(gpt, 6, 3, console, answer) == (2, 3)
    said = console.export_text()
    assert "No: " in said and "2 of 3 right." in said


@pytest.mark.parametrize("name", NAMES)
def test_no_twin_is_without_an_answer(name: str) -> None:
    """Whatever is asked, its own right answer is right."""
    for one in islice(exercises(atlas(find(name, None, None, {}), xla=False), 0), 12):
        assert one.judge(one.right[0]) and one.reason
        assert not one.choices or one.right[0] in one.choices
