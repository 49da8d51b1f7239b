"""Freed memory stays with the process, so that a step's buffers are no new pages."""

import platform
import subprocess
import sys

import pytest

# Page faults of 20 arrays of 16 MB, each freed before the next; hundreds even where pages are huge.
MEASURE = """
import resource
import numpy as np
from train.loops.memory import keep_freed_memory
if {keep}:
    keep_freed_memory()
np.ones(2**21)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(2**21)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked to keep memory")
def test_no_new_pages_once_memory_was_used() -> None:
    pages = [
        int(subprocess.check_output([sys.executable, "-c", MEASURE.format(keep=keep)]))
        for keep in (False, True)
    ]
    assert pages[1] < 20
    assert pages[0] > 100
