"""What does a small GPT learn of Shakespeare? The complete works, in words and what lies between them.

words      the text cut at the boundaries of words, and a vocabulary; what a rare word costs, spelled
own_words  a text written by the trained model, and how much of it is copied
study      the training, and what counting alone reaches
picture    the losses over the steps
"""
