"""What cannot be measured."""


class BenchmarkError(RuntimeError):
    """The message names what failed, and the remedy where there is one."""
