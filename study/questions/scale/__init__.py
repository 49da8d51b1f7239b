"""Why are scores divided by the square root of head_dim? What becomes of them, and of the loss, without it.

jax_unscaled  attention without the division in Flax; torch_unscaled its mirror
study         scores, weights and gradients at the start, and the loss in the end, over head_dim
picture       all of it over head_dim
"""
