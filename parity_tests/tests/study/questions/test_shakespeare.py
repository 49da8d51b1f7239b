"""Shakespeare in words: the cutting, what rare words cost, what is copied, the command."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from study.questions.shakespeare import own_words, words
from twinformer import cli

TEXT = "To be, or not to be:\n  that is the question — \u2018twas!\n" * 3


def test_the_pieces_joined_are_the_text() -> None:
    pieces = words.pieces(TEXT)
    assert "".join(pieces) == TEXT
    assert pieces[:6] == ["To", " ", "be", ", ", "or", " "]
    assert words.pieces("") == []


def test_rare_words_are_unknown_and_are_paid_for() -> None:
    split = words.pieces("the cat sat on the mat. " * 6 + "a zyx ")
    known = words.vocabulary(split, split)
    assert set(known.words) == {"the", "cat", "sat", "on", "mat", " ", ". "} and known.words[0] == " "
    ids = known.ids(["the", "zyx", " "])
    assert ids[1] == words.UNKNOWN and known.text(ids.tolist()) == "the… "
    assert known.spelling(["the", " "]) == 0.0
    assert known.spelling(["zyx"]) < known.spelling(["qqq"])  # it was seen in training
    assert known.spelling(["zyx", "qqq"]) > known.spelling(["qqq"])


def test_the_speller_is_a_code_for_all_bytes() -> None:
    known = words.vocabulary(*[words.pieces("one two three four " * 2)] * 2)
    chances = [
        math.exp(-known.speller.nats(np.array([words.END, byte], np.int32))[1])
        for byte in range(words.LETTERS)
    ]
    assert sum(chances) == pytest.approx(1.0)


def test_windows_do_not_overlap_and_have_the_texts_bytes() -> None:
    split = words.pieces(TEXT)
    cut = words.windows(split, words.vocabulary(split, split), 4)
    assert (cut.ids.ravel()[1:] == cut.labels.ravel()[:-1]).all()
    assert cut.bytes == len("".join(split[1 : len(cut) * 4 + 1]).encode())


def test_what_is_copied_is_counted() -> None:
    train = np.arange(100, dtype=np.int32)
    ids = np.array([3, 4, 5, 6, 7, 8, 50], np.int32)
    assert own_words.longest_run(ids, train) == 6
    assert own_words.stands(ids, train).tolist() == [True, True, False]
    assert own_words.longest_run(np.array([98, 99, 1], np.int32), train) == 2


def test_an_unknown_piece_is_like_no_other() -> None:
    train = np.array([1, words.UNKNOWN, 2, 3, 4, 5, 6], np.int32)
    assert own_words.stands(train, train).tolist() == [False, False, True]
    assert own_words.longest_run(train, train) == 5


def test_the_unknown_piece_is_never_written() -> None:
    def outputs(row: np.ndarray) -> np.ndarray:
        logits = np.zeros((*row.shape, 3))
        logits[..., words.UNKNOWN] = 100.0
        return logits

    ids = own_words.written(outputs, [1], 50, 4, 0.8, seed=0)
    assert len(ids) == 51 and set(ids) == {1, 2}


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "shakespeare"
    folder.mkdir(parents=True)
    lines = "".join(
        f"My lord, the king {word} the queen.\n" for word in ("sees", "hears", "knows", "is") * 60
    )
    (folder / "complete.txt").write_text(lines, "utf-8")
    return tmp_path / "data"


def test_the_command_trains_on_a_text_and_writes_one(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], unchecked: None
) -> None:
    line = [
        "question",
        "shakespeare",
        "--steps",
        "3",
        "--data-dir",
        str(texts),
        "--out",
        str(tmp_path / "out"),
    ]
    assert cli.status(line) == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text("utf-8"))
    (run,) = record["runs"]
    assert run["curve"]["step"] == [1, 2, 3] and set(run["scores"]) >= {"gpt", "unigram"}
    assert run["sample"]["text"].startswith("My lord, ") and run["splits"]["test"]["unknown"] == 0.0
    assert imread(tmp_path / "out" / "shakespeare.png").shape[2] == 4
    assert "My lord, " in capsys.readouterr().out


def test_a_missing_text_and_an_unknown_word_are_refused(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["question", "shakespeare", "--out", str(tmp_path / "out")]
    assert cli.status([*line, "--data-dir", str(tmp_path)]) == 2
    assert "complete.txt" in capsys.readouterr().err
    assert cli.status([*line, "--data-dir", str(texts), "--prompt", "My liege"]) == 2
    assert "'liege' is unknown to the model" in capsys.readouterr().err
    assert not (tmp_path / "out" / "record.json").exists()
