"""The folder of a run: written, opened, drawn, imported and exported."""
