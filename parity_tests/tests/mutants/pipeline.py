"""Mistakes in the training pipeline: data, tasks, reports, loops; and in a study."""

from parity_tests.tests.mutants.batches import BATCH
from parity_tests.tests.mutants.grok import GROK
from parity_tests.tests.mutants.loops import LOOPS
from parity_tests.tests.mutants.reports import REPORTS
from parity_tests.tests.mutants.sets import SETS
from parity_tests.tests.mutants.tasks import TASKS

MUTANTS = (*BATCH, *SETS, *TASKS, *REPORTS, *LOOPS, *GROK)
