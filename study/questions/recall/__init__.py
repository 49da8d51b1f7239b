"""How does a transformer stand to recurrence, and to time? A symbol is recalled after a growing distance.

task         a symbol, noise, and the question which it was
settings     a recurrent network and a transformer of as many parameters
jax_lstm     the recurrent one in Flax; torch_lstm its mirror
chain        how many matrix products of a program wait for each other
measures     the time of a step over lengths, and what either keeps of a sequence
study        both trained over all distances
picture      steps and times
"""
