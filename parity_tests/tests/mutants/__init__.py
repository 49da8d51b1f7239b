"""Mutation testing: each mistake in the table is written into a copy of the sources, and a test must see it.

`python -m parity_tests.tests.mutants` runs the table; a test of the default suite holds its rows true.
"""
