"""Grades answers that were produced elsewhere, for the verb `score`."""

from evalsuite.score.grade import grade

__all__ = ["grade"]
