"""What is said to the learner instead of a grade."""


class GradeError(ValueError):
    """The file cannot be graded; the message says what to write."""
