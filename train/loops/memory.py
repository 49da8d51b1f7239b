"""Memory that is freed stays with the process: a training step takes as much as the one before.

And how to know that there was not enough.
"""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

# mallopt's numbers in glibc's malloc.h.
TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8
# What JAX and PyTorch say then, in a RuntimeError of one kind or another.
RAN_OUT = ("RESOURCE_EXHAUSTED", "out of memory", "can't allocate memory", "not enough memory")


def keep_freed_memory() -> None:
    """Ask glibc not to give memory back; before the frameworks' threads start. Elsewhere: nothing.

    By default each step's buffers are new pages, which the kernel clears: a fifth of the time of a step.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(MMAP_MAX, 0)
        libc.mallopt(TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(ARENA_MAX, 1)


def ran_out(error: Exception) -> bool:
    """Whether an error says that there was not enough memory, on any device."""
    said = isinstance(error, RuntimeError) and any(words in str(error) for words in RAN_OUT)
    return said or isinstance(error, MemoryError)


@contextmanager
def told_alike() -> Iterator[None]:
    """Raise MemoryError, with the notes there are, where a framework raises something else for it."""
    try:
        yield
    except RuntimeError as error:
        if not ran_out(error):
            raise
        named = MemoryError(" ".join(str(error).split())[:200])
        for note in getattr(error, "__notes__", ()):
            named.add_note(note)
        raise named from error
