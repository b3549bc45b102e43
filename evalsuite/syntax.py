"""Python texts as trees, one at a time, and without a word about them.

The parser of Python 3.11 (but for its latest releases) counts its depth for all threads together: of texts
that several threads parse at once, some in a hundred thousand are refused with a SystemError. And what
`warnings.catch_warnings` puts back may be what another thread had set for a moment.
"""

from __future__ import annotations

import ast
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_one_at_a_time = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Alone with the parser, and no warnings about what it reads."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def module(text: str) -> ast.Module:
    """The tree of a whole text; raises what `ast.parse` raises."""
    with quiet():
        return ast.parse(text)


def expression(text: str) -> ast.expr:
    """The tree of one expression; raises what `ast.parse` raises."""
    with quiet():
        return ast.parse(text, mode="eval").body


def literal(text: str) -> Any:
    """The value of a literal; raises what `ast.literal_eval` raises."""
    with quiet():
        return ast.literal_eval(text)
