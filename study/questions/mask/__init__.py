"""Does a decoder see what it is to say? Random digits, then the same backwards: half of them cannot be known.

digits      the task, its optimum, and what a loss says about the mask
jax_leaks   decoders whose mask lets something through; torch_leaks their mirror
study       the correct decoder and the leaking ones, trained alike
picture     their losses against the optimum
"""
