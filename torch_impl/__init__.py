"""The mirror of `jax_impl` in PyTorch: same files, same names, same arguments in the same order."""
