"""A reference on file: what it computed once, held against candidates where it is not installed itself."""
