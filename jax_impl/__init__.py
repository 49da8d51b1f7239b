"""The models in Flax: arithmetic as pure functions, linen modules that only declare parameters."""
