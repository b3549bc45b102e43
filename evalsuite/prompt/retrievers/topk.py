"""Top-k: the rows whose vectors are nearest to the question's."""

from __future__ import annotations

from collections.abc import Sequence

from evalsuite.prompt.retrievers.base import Row, Shots, check_enough
from evalsuite.prompt.retrievers.embed import embedder, nearest


class TopkRetriever:
    """The nearest rows by inner product, the nearest first."""

    def __init__(
        self,
        shots: Shots,
        ice_num: int = 1,
        embedder_name: str = "sentence-transformers",
        model: str = "all-mpnet-base-v2",
        batch_size: int = 32,
    ) -> None:
        import numpy

        texts = [shots.text(row) for row in shots.rows()]
        check_enough(ice_num, len(texts))
        self.shots = shots
        self.shown = ice_num
        self.count = len(texts)
        self._embed = embedder(embedder_name, model, texts, batch_size)
        self.rows = numpy.asarray(self._embed(texts), dtype="float32")

    def near(self, fields: Row, count: int) -> list[int]:
        """The rows nearest to a question."""
        return nearest(self.rows, self.vector(fields), count)

    def vector(self, fields: Row) -> object:
        """The question's vector."""
        import numpy

        return numpy.asarray(self._embed([self.shots.text(fields)]), dtype="float32")[0]

    def pick(self, index: int, fields: Row) -> Sequence[int]:
        return self.near(fields, self.shown)
