"""The comparison harness, a library usable on any pair of models, and the tests."""
