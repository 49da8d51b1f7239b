"""Memory that is freed stays with the process: a training step takes as much as the one before."""

import ctypes
import platform

# mallopt's numbers in glibc's malloc.h.
TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> None:
    """Ask glibc not to give memory back; before the frameworks' threads start. Elsewhere: nothing.

    By default each step's buffers are new pages, which the kernel clears: a fifth of the time of a step.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(MMAP_MAX, 0)
        libc.mallopt(TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(ARENA_MAX, 1)
