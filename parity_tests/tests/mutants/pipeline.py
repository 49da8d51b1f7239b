"""Mistakes in the training pipeline: data, tasks, loops."""

from parity_tests.tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = ()
