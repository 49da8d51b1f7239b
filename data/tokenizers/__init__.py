"""Tokenizers: trained, run, and their files."""
