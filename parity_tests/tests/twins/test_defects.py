"""Every injected defect is found, and found where it was injected."""

import pytest

from parity_tests.twins.defects import DEFECTS
from parity_tests.twins.inject import healthy_error, isolate_defect, try_defect


@pytest.mark.usefixtures("unchecked")  # hundreds of runs of what the twins check
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_detected_and_located_and_leaves_nothing_behind(defect):
    result = try_defect(defect)
    assert result.detected and result.found == defect.located
    assert result.injected > (1e5 if defect.dtype == "float64" else 3) * result.bound  # no rounding does that
    assert_isolated(isolate_defect(defect).tap_errors, defect.located)
    assert healthy_error(defect) == result.healthy


def assert_isolated(places, located):
    """On the reference's own inputs this place parts, and all before it agree; all agree for a gradient."""
    first = next((place for place in places if place.verdict != "matches"), None)
    if first is None:
        assert located not in {place.name for place in places}
    else:
        assert (first.name, first.verdict) == (located, "diverges")


def test_the_defects_are_of_many_kinds():
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) >= 20
    assert len({defect.name.split(":")[0] for defect in DEFECTS}) >= 8
    assert any(defect.in_training for defect in DEFECTS)
