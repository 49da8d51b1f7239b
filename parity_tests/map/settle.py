"""Settling what names and shapes leave open, by running the candidate.

A link is judged by the first part at or behind the one that owns its weights. All parts read the reference's
values, so one run judges a choice for each part, and no part waits for another.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from parity_tests.map.departures import Departure, both, departures, with_departures
from parity_tests.map.link import Link, shifted
from parity_tests.map.side import Side
from parity_tests.map.trials import OUTPUT, Outcome, Trials
from parity_tests.map.uses import Uses

RERUNS, RUNS = 4, 40  # of the candidate, at most: to see how axes lie, and in all
LARGE = 0.1  # an error as of wrong weights: then two choices at once are tried
NEARER = 0.01  # of the error, what a choice leaves that is taken though the part does not agree


def settle(links: Sequence[Link], trials: Trials, ours: Side, theirs: Side) -> tuple[list[Link], Outcome]:
    """The links, those of parts that did not agree by a choice that does, or comes much nearer."""
    links, outcome = list(links), trials.outcome(links)
    for _ in range(RERUNS):  # each may show how axes lie of parts that come later
        known, outcome = dict(trials.orders), trials.outcome(links)
        if known == trials.orders:
            break
    judged = judges(links, trials, outcome) if outcome.wrong else []
    open_: dict[str, Iterator[Departure]] = {}
    while trials.count < RUNS:
        tried: dict[str, Departure] = {}
        for judge in outcome.ready:
            if judge not in open_:
                open_[judge] = _choices(links, judge, judged, outcome.errors[judge], ours, theirs)
            departure = next(open_[judge], None)
            if departure and {*chain(*tried.values())}.isdisjoint(departure):
                tried[judge] = departure
        if not tried:
            break
        given = trials.outcome(with_departures(links, tried.values()))
        better = [
            departure
            for judge, departure in tried.items()
            if given.errors.get(judge, np.inf) <= max(NEARER * outcome.errors[judge], trials.bound)
        ]
        if better:
            links, open_ = with_departures(links, better), {}
            outcome = trials.outcome(links)
            judged = judges(links, trials, outcome)
    return links, outcome


def judges(links: Sequence[Link], trials: Trials, outcome: Outcome) -> list[str]:
    """By link, the part that judges it."""
    uses, pairs = Uses(trials.heard), trials.pairs(links)
    places = sorted((trials.heard.index(other), name) for name, other in pairs.items())
    found = []
    for number, link in enumerate(links):
        place = max(map(uses.place, link.theirs))
        judging = [name for at, name in places if at >= place]
        if place < 0:  # no part owns it: where does a change of it show?
            given = trials.outcome(with_departures(links, [{number: shifted(link, link.theirs[0])}]))
            judging = [
                name
                for name, error in outcome.errors.items()
                if not np.isclose(given.errors.get(name, 0.0), error, 1e-6, 0.0)
            ]
        found.append(next(iter(judging), OUTPUT))
    return found


def _choices(
    links: Sequence[Link], judge: str, judged: Sequence[str], error: float, ours: Side, theirs: Side
) -> Iterator[Departure]:
    """What might make a part agree: one other choice, then two at once."""
    by_judge: dict[str, list[int]] = {}
    for number, name in enumerate(judged):
        by_judge.setdefault(name, []).append(number)
    whole = judge.rpartition("." if "." in judge else "/")[0]
    beside = [numbers for name, numbers in by_judge.items() if name and name.startswith(whole)]
    single = departures(links, by_judge.get(judge, []), beside, ours, theirs)
    yield from single
    if error > LARGE:
        yield from both(single)
