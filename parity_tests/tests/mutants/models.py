"""Mistakes in the models, most of them alike in both twins, where parity sees nothing."""

from parity_tests.tests.mutants.dropout import DROPOUT
from parity_tests.tests.mutants.layers import ARCHITECTURE
from parity_tests.tests.mutants.losses import LOSSES
from parity_tests.tests.mutants.one_twin import ONE_TWIN
from parity_tests.tests.mutants.sampling import SAMPLING
from parity_tests.tests.mutants.settings import SETTINGS
from parity_tests.tests.mutants.updates import OPTIMIZER

MUTANTS = (*DROPOUT, *ARCHITECTURE, *SETTINGS, *SAMPLING, *LOSSES, *OPTIMIZER, *ONE_TWIN)
