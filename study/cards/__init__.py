"""Flash cards about the transformer, from what the project knows of itself.

notes   questions and answers: from traced shapes, the converter's table, the defects, words, experiments
deck    an Anki package of them
"""
