"""Grades answers that were produced elsewhere: the `score` verb."""

from evalsuite.score.grade import grade, main

__all__ = ["grade", "main"]
