"""A run as a program: a folder that JAX and PyTorch open without us."""
