"""The notes as a package that Anki opens. Imported again, it updates its cards and doubles none."""

import html
from pathlib import Path

import genanki

from study.cards.notes import Note, notes
from train.runs.durable import write

# Drawn once: whoever imports a newer package has these.
DECK, MODEL = 1_804_289_383, 1_681_692_777
STYLE = """
.card { font: 20px/1.4 system-ui, sans-serif; text-align: left; max-width: 34em; margin: 1em auto; }
#answer { border: 0; border-top: 1px solid #aaa; }
"""
CARD = genanki.Model(
    MODEL,
    "Twinformer",
    fields=[{"name": "Question"}, {"name": "Answer"}, {"name": "Name"}],
    templates=[
        {"name": "Card", "qfmt": "{{Question}}", "afmt": "{{FrontSide}}<hr id=answer>{{Answer}}"},
    ],
    css=STYLE,
    sort_field_index=2,
)


def write_deck(out: Path) -> list[Note]:
    """Write the package; returns its notes."""
    deck, found = genanki.Deck(DECK, "Twinformer"), notes()
    for note in found:
        fields = [html.escape(text) for text in (note.question, note.answer, note.name)]
        guid = genanki.guid_for("twinformer", note.name)
        deck.add_note(genanki.Note(CARD, fields, guid=guid, tags=["twinformer", note.kind]))
    write(out, genanki.Package(deck).write_to_file)
    return found
