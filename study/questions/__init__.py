"""The questions of a curriculum (Hilton 2023, chapter 1), each answered by an experiment.

task        rows of tokens, and which of them count
jax_side    a model in training, in JAX; torch_side its mirror
fit         one run: what it is trained on, watched, until when
text        the language reference that comes with Python, as windows; learned what attention is tried on
jax_decoder a GPT of other blocks; torch_decoder its mirror
ask         all runs of a question: parity first, a record and a picture that grow with them
"""
