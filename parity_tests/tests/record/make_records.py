"""Record both references of these tests: `python -m parity_tests.tests.record.make_records`."""

from parity_tests.pair import record
from parity_tests.tests.record import in_flax, in_torch
from parity_tests.tests.record.pair import INPUTS, ON_FILE, TABLE

if __name__ == "__main__":
    record(in_torch.model(), INPUTS, ON_FILE["torch"], TABLE)
    record(in_flax.model(), INPUTS, ON_FILE["flax"], TABLE)
