"""Grokking: a network that generalises long after it memorised (Power et al. 2022), and what it computes
(Nanda et al. 2023).

settings      what a run is, and what is refused
task          the table of a ∘ b modulo a prime, its split, its batches
jax_model     the model in Flax, torch_model in PyTorch
jax_side      training in JAX, many steps a program; torch_side the same in PyTorch
parity        both held together before they train, and over their first steps
fit           one run; observed what is kept of it
mechanism     frequencies, restricted and excluded loss, Gini, weight norm; numpy alone
milestones    when a run passes what is asked of it; median and range
study         seeds and controls, into a record
picture       the record drawn
"""
