"""Notebooks in percent format: Jupyter, VS Code and plain Python open them, one a part of a transformer."""
