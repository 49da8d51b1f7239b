"""Mistakes in the training pipeline: data, tasks, reports, loops; in a study, in imports."""

from parity_tests.tests.mutants.batches import BATCH
from parity_tests.tests.mutants.beside import FILES_BESIDE
from parity_tests.tests.mutants.grok import GROK
from parity_tests.tests.mutants.loops import LOOPS
from parity_tests.tests.mutants.own import OWN_DATA
from parity_tests.tests.mutants.reports import REPORTS
from parity_tests.tests.mutants.sets import SETS
from parity_tests.tests.mutants.tasks import TASKS

MUTANTS = (*BATCH, *SETS, *OWN_DATA, *TASKS, *REPORTS, *LOOPS, *GROK, *FILES_BESIDE)
