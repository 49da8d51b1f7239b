"""Where a model looks: the attention weights of a text, as numbers, pictures and a page.

heads         the weights of every head of every layer, in either framework
jax_weights   read off Flax's taps, torch_weights off PyTorch's
statistics    what each head does: entropy, and the share on the previous, the first and the same token
picture       one head, or all at a glance
translation   the three attentions of an encoder-decoder
draw          from a run and a text to a file
foreign       from the weights of a model of one's own
page          as one HTML file: point at a token and see where it looks
"""
