"""BM25: the rows that share the question's rarest words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import log

from evalsuite.prompt.retrievers.base import Row, Shots, check_enough

# Words, numbers and single marks; writing systems without spaces are taken character by character.
_TOKEN = re.compile(r"[぀-ヿ㐀-䶿一-鿿가-힯]|[^\W぀-ヿ㐀-䶿一-鿿가-힯]+|[^\w\s]")


def tokenize(text: str) -> list[str]:
    """The words of a text as they stand, marks apart from words."""
    return _TOKEN.findall(text)


class Okapi:
    """Okapi BM25 over tokenized texts; words that most texts have count a quarter of the mean rarity."""

    def __init__(self, texts: Sequence[Sequence[str]], k1: float = 1.5, b: float = 0.75, floor: float = 0.25):
        self._k1 = k1
        self._counts = [Counter(text) for text in texts]
        lengths = [len(text) for text in texts]
        mean = sum(lengths) / len(texts) if texts and sum(lengths) else 1.0
        self._norms = [k1 * (1 - b + b * length / mean) for length in lengths]
        self._places: dict[str, list[int]] = {}
        for at, counts in enumerate(self._counts):
            for word in counts:
                self._places.setdefault(word, []).append(at)
        size = len(texts)
        rarity = {
            word: log(size - len(places) + 0.5) - log(len(places) + 0.5)
            for word, places in self._places.items()
        }
        least = floor * (sum(rarity.values()) / len(rarity) if rarity else 0.0)
        self._rarity = {word: value if value >= 0 else least for word, value in rarity.items()}

    def scores(self, query: Sequence[str]) -> list[float]:
        """How well each text fits the query; a word counts as often as the query has it."""
        scores = [0.0] * len(self._counts)
        for word in query:
            rarity = self._rarity.get(word)
            if rarity is None:
                continue
            for at in self._places[word]:
                count = self._counts[at][word]
                scores[at] += rarity * count * (self._k1 + 1) / (count + self._norms[at])
        return scores


class BM25Retriever:
    """The rows that fit the question best, the best first; of equal ones the earlier row."""

    def __init__(self, shots: Shots, ice_num: int = 1) -> None:
        rows = shots.rows()
        check_enough(ice_num, len(rows))
        self._shots = shots
        self._shown = ice_num
        self._okapi = Okapi([tokenize(shots.text(row)) for row in rows])

    def pick(self, index: int, fields: Row) -> Sequence[int]:
        scores = self._okapi.scores(tokenize(self._shots.text(fields)))
        return sorted(range(len(scores)), key=lambda at: (-scores[at], at))[: self._shown]
