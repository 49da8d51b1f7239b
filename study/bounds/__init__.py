"""What the bounds of other projects' tests let pass, by the defects of our own."""
