"""Which dimensions do queries, keys and values have? Each varied alone, and heads at the same total.

jax_widths  attention whose values have a width of their own in Flax; torch_widths its mirror
study       the widths that are tried, trained alike; the rank of what was learned
picture     the loss over each width, and the singular values of Q K^T
"""
