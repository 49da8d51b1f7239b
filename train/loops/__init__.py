"""The training loops, one a framework, and what they share."""
