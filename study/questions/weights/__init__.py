"""Which other functions of queries and keys give weights? Five of them, trained alike.

jax_weights  additive, cosine, bilinear and linear attention in Flax; torch_weights their mirror
study        them and the scaled dot product on text and on digits backwards
picture      the curves, and where a head of each looks
"""
