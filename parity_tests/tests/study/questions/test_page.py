"""docs/questions.md has the figures of the records, the commands that made them, and a picture of each."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.questions.learned import mean_range
from twinformer.commands.question import Which

DOCS = Path(__file__).parents[4] / "docs"
PAGE = (DOCS / "questions.md").read_text("utf-8")
RECORDS = {
    path.stem.removeprefix("question-"): json.loads(path.read_text("utf-8"))
    for path in sorted((DOCS / "records").glob("question-*.json"))
}


def by(record: dict[str, Any], *names: str) -> dict[Any, list[dict[str, Any]]]:
    """Runs that are alike in these."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for run in record["runs"]:
        found.setdefault(tuple(run.get(name) for name in names), []).append(run)
    return found


def weights(record: dict[str, Any]) -> Iterator[str]:
    runs = by(record, "name", "task")
    for name in {name for name, _ in runs}:
        digits, text = runs[name, "digits"], runs[name, "text"]
        columns = [(digits, "loss"), (digits, "accuracy"), (text, "loss")]
        yield f"| {name} | " + " | ".join(mean_range([run[key] for run in its]) for its, key in columns)


def tied(record: dict[str, Any]) -> Iterator[str]:
    for (name,), runs in by(record, "name").items():
        yield f"| {name} | {runs[0]['parameters']:,} | {mean_range([run['loss'] for run in runs])} |"


def skips(record: dict[str, Any]) -> Iterator[str]:
    for (start, _, kept), runs in by(record, "start", "norm", "skips").items():
        if start == "gpt-2" or kept in ("both", "none"):
            yield f"| {kept} | " + " | ".join(f"{run['loss']:.3f}" for run in runs) + " |"


def scale(record: dict[str, Any]) -> Iterator[str]:
    for (deviation, _), runs in by(record, "deviation", "kind").items():
        if deviation == "1/sqrt(embed)":
            widths = dict.fromkeys(run["head_dim"] for run in runs)
            for measure in ("variance", "entropy"):
                means = [
                    sum(run["start"][measure] for run in runs if run["head_dim"] == width) / 3
                    for width in widths
                ]
                yield " | ".join(f"{float(f'{mean:.2g}'):g}" for mean in means)


def mask(record: dict[str, Any]) -> Iterator[str]:
    runs = by(record, "name")
    (correct, *leaks) = runs.values()
    yield f"| the correct one | {', '.join(format(run['loss'], '.5g') for run in correct)} | learned |"
    for (leak,) in leaks:
        yield f"| {leak['loss']:.1e} | leaks |"


def widths(record: dict[str, Any]) -> Iterator[str]:
    runs = by(record, "varied", "task")
    for varied in ("head_dim", "value_dim"):
        each = by({"runs": runs[varied, "digits"]}, varied)
        yield " | ".join(mean_range([run["loss"] for run in its]) for its in each.values())
    for (heads, head_dim), its in by({"runs": runs["heads", "digits"]}, "heads", "head_dim").items():
        loss, accuracy = (mean_range([run[key] for run in its]) for key in ("loss", "accuracy"))
        yield f"| {heads} of {head_dim} | {loss} | {accuracy} |"


def recall(record: dict[str, Any]) -> Iterator[str]:
    for (distance, length), runs in by(record, "distance", "length").items():
        assert (distance is None) is not (length is None) and len(runs) in (2, 6)
    recalled = {"runs": [run for run in record["runs"] if "distance" in run]}
    timed = {"runs": [run for run in record["runs"] if "length" in run]}
    for (name,), runs in by(recalled, "name").items():
        each = by({"runs": runs}, "distance").values()
        steps = [", ".join(str(run["steps"] or "never") for run in its) for its in each]
        yield f"| {'LSTM' if name == 'lstm' else name} | {' | '.join(steps)} |"
    for _, runs in by(timed, "name").items():
        for measure, said in (
            ("chain", "{:,}".format),
            ("state_bytes", "{:,}".format),
            ("seconds_a_token", lambda seconds: f"{1e6 * seconds:.3g}"),
        ):
            yield f"| {' | '.join(said(run[measure]) for run in runs)} |"


def shakespeare(record: dict[str, Any]) -> Iterator[str]:
    (run,) = record["runs"]
    for name, scores in run["scores"].items():
        figures = (f"{scores[key]:.4g}" for key in ("nats", "perplexity", "bits_per_byte"))
        yield f"| {name} | {' | '.join(figures)} |"
    sample, (mean, low, high) = run["sample"], run["sample"]["validation"]
    yield f"{100 * sample['share']:.0f} % of its runs of five pieces"
    yield f"of this length {100 * mean:.0f} % ({100 * low:.0f} to {100 * high:.0f} % in 95 %"
    yield f"The longest run\nhas {sample['longest']} pieces"
    yield from sample["text"].splitlines()[:4]


SAID = {
    "recall": recall,
    "shakespeare": shakespeare,
    "mask": mask,
    "widths": widths,
    "weights": weights,
    "tied": tied,
    "skips": skips,
    "scale": scale,
}


def test_each_question_has_a_record() -> None:
    asked = {kind.__name__.lower() for kind in Which.__args__}
    assert set(RECORDS) == asked
    assert asked == {path.stem.removeprefix("question_") for path in DOCS.glob("question_*.png")}


@pytest.mark.parametrize("name", RECORDS)
def test_the_page_shows_the_command_the_record_and_the_picture(name: str) -> None:
    record = RECORDS[name]
    assert f"```\n{record['command']}\n```" in PAGE and record["command"] == f"twinformer question {name}"
    assert f"](records/question-{name}.json)" in PAGE and f"](question_{name}.png)" in PAGE
    held = record["parity"] if "checks" not in record["parity"] else {"": record["parity"]}
    assert max(each["largest_error"] for each in held.values()) < 1e-11


@pytest.mark.parametrize("name", SAID)
def test_the_page_has_the_records_figures(name: str) -> None:
    for words in SAID[name](RECORDS[name]):
        assert words in PAGE, words


def test_every_heading_has_an_answer() -> None:
    sections = re.findall(r"^## (.+)\n\n(.)", PAGE, re.MULTILINE)
    assert len(sections) == len(re.findall("^## ", PAGE, re.MULTILINE)) == 8
    assert all(first.isalpha() for _, first in sections)
