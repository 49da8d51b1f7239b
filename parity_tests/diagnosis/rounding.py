"""Numbers that only a narrower format has: a dtype that is fixed somewhere."""

import numpy as np

from parity_tests.diagnosis.place import Place
from parity_tests.diagnosis.search import Difference, Explanation

FEWEST = 8  # numbers that must be rounded: one or two may be whole by chance


def roundings(place: Place) -> list[Explanation]:
    """All of the candidate's numbers are the narrower format's, the reference's are not, and are as near."""
    if place.ours.shape != place.theirs.shape:
        return []
    for name, digits in FORMATS[place.dtype].items():
        ours, theirs = rounded(place.ours, digits), rounded(place.theirs, digits)
        apart = np.abs(place.theirs - place.ours).max() / np.abs(place.ours).max()
        near = apart <= 16 * 2.0**-digits
        if near and np.array_equal(theirs, place.theirs) and (ours != place.ours).sum() >= FEWEST:
            return [(Difference("precision", name, place.dtype),)]
    return []


# The binary digits of the formats that are narrower than a run, the narrowest first.
NARROW = {"bfloat16": 8, "float16": 11}
FORMATS = {"float64": {**NARROW, "float32": 24}, "float32": NARROW}


def rounded(array: np.ndarray, digits: int) -> np.ndarray:
    """To so many binary digits, to the nearest, as a format with a wide exponent has them."""
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.rint(np.ldexp(mantissa, digits)), exponent - digits)
