"""Grading a learner's own attention, heads, block or model, in either framework, and saying what is wrong.

The code runs in a process of its own (`process`, `worker`). Its weights are read by names and shapes
(`readings`), its numbers are held against our twin's (`judge`), and where they differ, known mistakes are
planted in the twin, alone and in pairs, until one gives the learner's numbers (`diagnose`).
"""
