"""Comparing two traces of one computation: numpy only, no framework."""
