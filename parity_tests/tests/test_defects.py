"""Every planted defect is found, and found where it was planted."""

import pytest

from parity_tests.compare import BOUNDS
from parity_tests.defects import DEFECTS, isolate_defect, try_defect


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_detected_and_located_and_leaves_nothing_behind(defect):
    bound = BOUNDS["float64"][defect.twin.whole_model]
    healthy, found = try_defect(defect)
    assert healthy.passed and healthy.max_rel_error <= bound
    assert found is not None and found.max_rel_error > 1e5 * bound  # far beyond what rounding could do
    assert found.name == defect.located
    assert_isolated(isolate_defect(defect).places, defect.located)
    assert try_defect(defect)[0] == healthy


def assert_isolated(places, located):
    """On the reference's own inputs this place parts, and all before it agree; all agree for a gradient."""
    first = next((place for place in places if place.verdict != "agrees"), None)
    if first is None:
        assert located not in {place.name for place in places}
    else:
        assert (first.name, first.verdict) == (located, "parts")


def test_the_defects_are_of_many_kinds():
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) >= 20
    assert len({defect.name.split(":")[0] for defect in DEFECTS}) >= 8
    assert any(defect.in_training for defect in DEFECTS)
