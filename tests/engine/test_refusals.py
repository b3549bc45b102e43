"""What would make every number wrong is refused before anything is asked, and leaves no run folder."""

from __future__ import annotations

import pytest

from tests.engine.conftest import Bench

# The check of a config reads no dataset that has a class of its own kind: the plan finds these.
OPAQUE = """
from evalsuite.datasets.tables import JsonlDataset


class Opaque:
    needs = ()

    def __init__(self, path, reader_cfg=None):
        self._inner = JsonlDataset(path, reader_cfg=reader_cfg)
        self.samples, self.examples, self.files = self._inner.samples, self._inner.examples, self._inner.files

    def __len__(self):
        return len(self._inner)
"""


@pytest.fixture(params=["JsonlDataset", "opaque.Opaque"])
def kind(request: pytest.FixtureRequest, bench: Bench) -> str:
    (bench.folder / "opaque.py").write_text(OPAQUE)
    return str(request.param)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"reader_cfg": {"input_columns": ["question"], "output_column": "anser"}},
            ("'anser'", "output_column", "answer, id, question", "did you mean 'answer'?"),
        ),
        (
            {"reader_cfg": {"input_columns": ["qestion"], "output_column": "answer"}},
            ("'qestion'", "input_columns", "answer, id, question", "did you mean 'question'?"),
        ),
        ({"reader_cfg": {"input_columns": ["question"]}}, ("no reference", "answer, id, question")),
        ({"test_range": "[500:600]"}, ("leaves none of the 5 rows", "test_range", "[0:5]")),
    ],
)
def test_a_slip_about_the_rows_stops_the_run(
    bench: Bench, kind: str, given: dict[str, object], words: tuple[str, ...]
) -> None:
    bench.data(5)
    path = bench.config(dataset={"type": kind, **given})
    out, err = bench.run("c.py", status=2)
    for word in (str(path), "'d'", *words):
        assert word in err
    assert not out and not (bench.folder / "outputs").exists()


def test_answers_that_nobody_scores_need_no_reference(bench: Bench, kind: str) -> None:
    bench.data(5)
    bench.config(dataset={"type": kind, "reader_cfg": {"input_columns": ["question"]}})
    bench.run("c.py", "--mode", "infer")
    assert (bench.latest / "predictions" / "echo" / "d").exists()


@pytest.mark.parametrize("n", [0, -2])
def test_no_answers_for_a_sample_are_refused(bench: Bench, n: int) -> None:
    bench.data(5)
    bench.config(dataset={"n": n})
    _, err = bench.run("c.py", status=2)
    assert f"datasets[0].n: {n} is wrong; expected a whole number from 1" in err


def test_the_longest_names_that_are_allowed_can_be_files(bench: Bench) -> None:
    longest = "m/" + "x" * 198
    bench.data(2, "d")
    bench.config(model={"abbr": longest}, dataset={"abbr": "d/" + "y" * 198})
    out, _ = bench.run("c.py")
    assert "(n=2)" in out


def test_a_runner_without_workers_is_refused(bench: Bench) -> None:
    bench.data(2)
    bench.config(infer={"runner": {"type": "subprocess", "max_num_workers": -1}})
    _, err = bench.run("c.py", status=2)
    assert "infer.runner.max_num_workers: -1 is wrong" in err and "Traceback" not in err
