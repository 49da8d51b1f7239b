"""Playing with a language model: what it can do, and what it cannot.

language      a run's tokenizer and length, without a framework; log_probs of tokens, in either one
bits          bits per byte and perplexities of texts (texts reads them)
shots         labels by log-probability, after examples or none; sorting likewise; few_shot is what they share
openings      one text after several others, and the words that decide
multiverse    a tree of continuations from one cache (jax_branches, torch_branches), grown as growth says
tables        at a terminal; page, as one HTML file
"""
