"""Encoded texts to numpy batches, as pure functions of seed and step."""
