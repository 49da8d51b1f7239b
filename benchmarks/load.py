"""What Linux tells of processors and memory; None on other systems."""

import ctypes
import gc
import platform
import time
from pathlib import Path
from typing import Any

STAT, STATUS = Path("/proc/stat"), Path("/proc/self/status")
REFERENCES = Path("/proc/self/clear_refs")
FORGET_PEAK = "5"  # written there
TICKS = 100  # a second; Linux's USER_HZ
# Of the columns of /proc/stat: user, nice, system, irq, softirq, steal. Guests are within user and nice.
BUSY = (0, 1, 2, 5, 6, 7)


class Meter:
    """The processor time that this process took since, and the share that others took of the machine."""

    def __init__(self) -> None:
        self.own, self.all = time.process_time(), busy_seconds()

    def read(self, seconds: float) -> dict[str, Any]:
        """After so many seconds. Ticks are hundredths of a second, so a share can be a little below 0: it
        is 0 then."""
        own, all_now = time.process_time() - self.own, busy_seconds()
        if self.all is None or all_now is None:
            return {"cpu_seconds": own, "others": None}
        others = (all_now[0] - self.all[0] - own) / (seconds * all_now[1])
        return {"cpu_seconds": own, "others": max(0.0, others)}


def busy_seconds() -> tuple[float, int] | None:
    """The processor time of all processes since the start of the machine, and its processors."""
    if not STAT.exists():
        return None
    first, *rest = STAT.read_text().splitlines()
    numbers = [int(number) for number in first.split()[1:]]
    cores = sum(line.startswith("cpu") for line in rest)
    return sum(numbers[place] for place in BUSY) / TICKS, cores


def resident_memory() -> int | None:
    """Bytes that this process has in memory now."""
    return _status("VmRSS")


def peak_memory() -> int | None:
    """The most bytes that it has had, or has had since `forget_peak`."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Give back what was freed, and count the most bytes from here on; elsewhere than on Linux: nothing."""
    if STATUS.exists():
        gc.collect()
        if platform.libc_ver()[0] == "glibc":
            ctypes.CDLL(None).malloc_trim(0)
        REFERENCES.write_text(FORGET_PEAK)


def _status(name: str) -> int | None:
    if not STATUS.exists():
        return None
    (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) * 1024
