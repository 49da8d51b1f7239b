"""What shows that two training runs are the same: the preflight, and runs side by side."""
