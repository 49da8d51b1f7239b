"""What is wrong where two models part: known mistakes, recognised by their numbers; no framework."""
