"""The Anki package: it is read as Anki does, and names stay what they were."""

import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

from parity_tests.twins.defects import DEFECTS
from study.cards import notes as module
from study.cards.deck import DECK, MODEL, write_deck
from study.cards.notes import Note, notes
from torch_impl.convert.table import TABLE
from twinformer import cli


def opened(package: Path, place: Path) -> dict[str, list[str]]:
    """The fields of each note in a package by its id, and the models and decks that it has."""
    with zipfile.ZipFile(package) as files:
        files.extract("collection.anki2", place)
    with closing(sqlite3.connect(place / "collection.anki2")) as base:
        ((models, decks),) = base.execute("select models, decks from col")
        assert str(MODEL) in json.loads(models) and str(DECK) in json.loads(decks)
        assert (
            base.execute("select count(*) from cards").fetchone()
            == base.execute("select count(*) from notes").fetchone()
        )
        return {guid: fields.split("\x1f") for guid, fields in base.execute("select guid, flds from notes")}


def test_the_package_holds_all_that_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.status(["cards", "--out", str(tmp_path / "deep" / "t.apkg")]) == 0
    found = opened(tmp_path / "deep" / "t.apkg", tmp_path)
    names = {fields[2] for fields in found.values()}
    assert {f"mistake: {defect.name}" for defect in DEFECTS} <= {
        name.replace("&#x27;", "'") for name in names
    }
    assert {f"layout: {row.flax}" for row in TABLE} <= names
    asked = "question: Does the mask hide what is to be said?"
    assert {asked, "axis: batch", "term: tap", "shape: gpt: blocks.#/attention/scores"} <= names
    by_name = {fields[2]: fields for fields in found.values()}
    assert by_name["layout: *up/kernel"][1].startswith("as (mlp embed): transposed")
    assert "(batch heads query key), so (2, 3, 7, 7)" in by_name["shape: gpt: blocks.#/attention/scores"][1]
    assert by_name[asked][1].startswith("Train on what cannot be known") and "\n" not in by_name[asked][1]
    assert f"{len(found)} cards" in " ".join(capsys.readouterr().out.split())


def test_a_later_package_updates_and_doubles_none(tmp_path: Path) -> None:
    before = [Note("term: tap", "What?", "old <b>", "words"), Note("term: key", "What?", "same", "words")]
    after = [before[1], before[0]._replace(answer="new"), Note("term: query", "What?", "more", "words")]
    packages = []
    for number, found in enumerate((before, after)):
        with mock.patch("study.cards.deck.notes", lambda found=found: found):
            write_deck(tmp_path / f"{number}.apkg")
        packages.append(opened(tmp_path / f"{number}.apkg", tmp_path / str(number)))
    assert packages[0].keys() < packages[1].keys() and len(packages[1]) == 3
    (changed,) = (guid for guid in packages[0] if packages[0][guid] != packages[1][guid])
    assert [packages[n][changed][1] for n in (0, 1)] == ["old &lt;b&gt;", "new"]


def test_no_two_cards_have_one_name() -> None:
    names = [note.name for note in notes()]
    assert len(set(names)) == len(names) > 150
    doubled = mock.patch.object(module, "layouts", lambda: [Note("axis: batch", "", "", "")])
    with doubled, pytest.raises(ValueError, match="two cards are called axis: batch"):
        notes()


def test_another_ending_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.status(["cards", "--out", str(tmp_path / "cards.txt")]) == 2
    assert "give a name that ends with .apkg" in capsys.readouterr().err
