"""Where `parity_tests.core.compare` was up to version 0.1: its names can be imported from here."""

from parity_tests.core.compare import all_passed, compare_traces, first_divergence

__all__ = ["all_passed", "compare_traces", "first_divergence"]
