"""What the runs show of a table: which links no run can tell from another choice."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from parity_tests.map.departures import Departure, whole_parts, with_departures
from parity_tests.map.link import Link, candidate_values, shifted
from parity_tests.map.settle import judges
from parity_tests.map.side import Side
from parity_tests.map.symmetries import symmetries
from parity_tests.map.trials import Outcome, Trials

SILENT = 1e-12  # a gradient at most, in units of the largest, that may be zero
DISAGREES = "its part does not agree"
TRIALS = 40  # of choices that may be symmetries, at most


def unproven(
    links: Sequence[Link], outcome: Outcome, trials: Trials, ours: Side, theirs: Side
) -> dict[int, str]:
    """By the number of a link that the runs do not prove, why not."""
    judged = judges(links, trials, outcome)
    found = {number: DISAGREES for number, judge in enumerate(judged) if judge in outcome.wrong}
    values = candidate_values(links, trials.weights)
    gradients = trials.gradients(values)
    largest = max((np.abs(gradient).max(initial=0.0) for gradient in gradients.values()), default=0.0)
    silent = {
        name
        for link in links
        for name in link.theirs
        if np.abs(gradients.get(name, np.zeros(1))).max() <= SILENT * largest
    }
    quiet = {
        name: number
        for number, link in enumerate(links)
        for name in link.theirs
        if name in silent and number not in found
    }
    for name in _unheard(links, quiet, judged, trials):
        found[quiet[name]] = f"nothing that was heard depends on {name}"
    shown = {number: link for number, link in enumerate(links) if number not in found}
    may_be = symmetries(
        shown, silent, trials.weights, values, trials.reference_gradients, trials.gradients, ours, theirs
    )
    for departure, words in islice(may_be, TRIALS):
        if not _told(links, departure, outcome, trials):
            found |= dict.fromkeys(departure, words)
    return found | dict.fromkeys((number for departure, _ in may_be for number in departure), "not tried")


def _told(links: Sequence[Link], departure: Departure, outcome: Outcome, trials: Trials) -> bool:
    """Whether a run tells a departure from the links, and the change of whole parts for each other too."""
    pairs = trials.pairs(links)  # which the rest of the weights of a part has shown
    tries = [(departure, pairs), *((whole, None) for whole in whole_parts(links, departure))]
    return all(
        set(trials.outcome(with_departures(links, [tried]), kept).wrong) > set(outcome.wrong)
        for tried, kept in tries
    )


def _unheard(
    links: Sequence[Link], names: Mapping[str, int], judged: Sequence[str], trials: Trials
) -> Iterator[str]:
    """The arrays of which a change shows nowhere: tried one for each part at once."""
    waiting: dict[str, list[str]] = {}
    for name, number in names.items():
        waiting.setdefault(judged[number], []).append(name)
    while any(waiting.values()):
        tried = {judge: names.pop() for judge, names in waiting.items() if names}
        changed = [{names[name]: shifted(links[names[name]], name)} for name in tried.values()]
        given = trials.outcome(with_departures(links, changed))
        yield from (name for judge, name in tried.items() if judge not in given.wrong)
