"""The one error a user of `data` sees."""


class DataError(ValueError):
    """Data that cannot be used: the message names the thing, its value and the remedy."""
