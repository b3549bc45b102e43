"""A model that runs out of memory is tried again with smaller batches."""

from __future__ import annotations

from tests.engine.conftest import Bench

HUNGRY = """
from evalsuite.models.echo import EchoModel


class Hungry(EchoModel):
    def __init__(self, path='echo', batch_size=1):
        super().__init__(path)
        self.batch_size = batch_size

    def generate(self, requests):
        with open('batches', 'a') as file:
            file.write(f'{self.batch_size}\\n')
        if self.batch_size > 2:
            raise MemoryError('too large a batch')
        return super().generate(requests)
"""


def test_batches_get_smaller_until_they_fit(bench: Bench) -> None:
    bench.data(10)
    (bench.folder / "hungry.py").write_text(HUNGRY)
    bench.config(model={"type": "hungry.Hungry", "batch_size": 8})
    out, _ = bench.run("c.py", "--retry", "2", "--max-num-workers", "1")
    assert "100.00" in out
    assert (bench.folder / "batches").read_text().split() == ["8", "4", "2"]
