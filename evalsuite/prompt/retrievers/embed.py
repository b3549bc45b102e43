"""Texts as vectors, for retrievers that look for likeness.

The embedder is named in the config and never replaced by another one: `sentence-transformers` (the default,
as in OpenCompass, with the model it names), `hashed-tfidf` (no model: words and their rarity), or the dotted
path of a function from a list of texts to a list of vectors.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from math import log
from typing import Any
from zlib import crc32

from evalsuite.errors import UserError, nearest_name

Embed = Callable[[Sequence[str]], Any]
NAMES = ("sentence-transformers", "hashed-tfidf")
_WORD = re.compile(r"\w+")


def embedder(name: str, model: str, corpus: Sequence[str], batch_size: int) -> Embed:
    """The function that turns texts into rows of a numpy matrix; `corpus` teaches it what is rare."""
    if name == "sentence-transformers":
        return _sentence_transformers(model, batch_size)
    if name == "hashed-tfidf":
        return HashedTfidf(corpus)
    if "." not in name:
        raise UserError(
            f"unknown embedder {name!r}",
            where="infer_cfg.retriever.embedder",
            expected=", ".join(NAMES) + ", or the dotted path of a function",
            nearest=nearest_name(name, NAMES),
        )
    made: Embed = own_function(name)
    return made


def own_function(path: str) -> Any:
    """A function of the user's, by its dotted path."""
    from evalsuite.registry import load

    module, _, name = path.rpartition(".")
    return load(f"{module}:{name}", path)


class HashedTfidf:
    """Words counted, weighed by rarity and thrown into a fixed number of places; no meaning, only words."""

    def __init__(self, corpus: Sequence[str], places: int = 2048) -> None:
        self._places = places
        seen: Counter[int] = Counter()
        for text in corpus:
            seen.update({self._place(word) for word in _WORD.findall(text.lower())})
        size = len(corpus)
        self._rarity = [1.0 + log((1 + size) / (1 + seen[place])) for place in range(places)]

    def __call__(self, texts: Sequence[str]) -> Any:
        import numpy

        matrix = numpy.zeros((len(texts), self._places), dtype="float32")
        for at, text in enumerate(texts):
            for place, count in Counter(self._place(word) for word in _WORD.findall(text.lower())).items():
                matrix[at, place] = count * self._rarity[place]
        return unit(matrix)

    def _place(self, word: str) -> int:
        return crc32(word.encode("utf-8", "surrogatepass")) % self._places


def unit(matrix: Any) -> Any:
    """Rows of length one; a row of zeros stays."""
    import numpy

    lengths = numpy.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / numpy.where(lengths == 0, 1, lengths)


def nearest(rows: Any, vector: Any, count: int) -> list[int]:
    """The rows with the largest inner product, the largest first; of equal ones the earlier row."""
    import numpy

    return [int(at) for at in numpy.argsort(-(rows @ vector), kind="stable")[:count]]


def _sentence_transformers(model: str, batch_size: int) -> Embed:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as missing:
        raise UserError(
            "examples are looked for with sentence-transformers, which is not installed",
            where="infer_cfg.retriever",
            expected="pip install sentence-transformers, or embedder='hashed-tfidf' (words, not meaning)",
        ) from missing
    loaded = SentenceTransformer(model)

    def embed(texts: Sequence[str]) -> Any:
        return loaded.encode(list(texts), batch_size=batch_size, show_progress_bar=False)

    return embed
