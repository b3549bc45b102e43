"""The one kind of error that a user can cause, told without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user wrote or asked for is wrong: what, where, what was expected, the nearest right name.

    Everything else that goes wrong is a defect of ours and keeps its traceback.
    """

    def __init__(self, what: str, *, where: str = "", expected: str = "", nearest: str = "") -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.nearest = nearest
        super().__init__(self.render())

    def render(self) -> str:
        """One line (or a few) that tells a user what to change."""
        text = self.located()
        if self.expected:
            text += f"; expected {self.expected}"
        if self.nearest:
            text += f"; did you mean {self.nearest!r}?"
        return text

    def located(self) -> str:
        """What is wrong, and where."""
        return f"{self.where}: {self.what}" if self.where else self.what


class NotHere(UserError):
    """What one dataset needs is not on this machine (files, a compiler, a library); others do without."""

    def located(self) -> str:
        """What is missing comes first: a cell of the table has room for the beginning."""
        return f"{self.what} ({self.where})" if self.where else self.what


class UserErrors(UserError):
    """Several user errors found in one pass, so that a config is corrected once and not line by line."""

    def __init__(self, errors: Iterable[UserError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(error.render() for error in self.errors))


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The known name that a mistyped one most likely meant, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return close[0] if close else ""


def describe(error: BaseException) -> str:
    """An error in one line."""
    if isinstance(error, UserError):
        return error.render()
    return f"{type(error).__name__}: {error}".strip().splitlines()[0][:500]


def kind_of(error: BaseException) -> str:
    """The class of an error, for counting and for deciding what to do about it."""
    if isinstance(error, UserError):
        return "user"
    name = type(error).__name__
    return "oom" if "OutOfMemory" in name or isinstance(error, MemoryError) else name
