"""Finding the table between two models: which weights are each other's, and how their axes lie."""
