"""A dataset that cannot be judged here is left out before anything is asked, and named; the others run."""

from __future__ import annotations

import pytest

from tests.engine.conftest import Bench

BLOCKED = """
from evalsuite.errors import UserError
from evalsuite.evaluators.basic import AccEvaluator


class NeedsTool(AccEvaluator):
    def obstacle(self, samples):
        raise UserError("Fortran is not installed", expected="the Debian package gfortran")
"""


def test_the_others_run_and_the_status_tells(bench: Bench) -> None:
    bench.data(5, "good")
    bench.data(5, "bad")
    (bench.folder / "needy.py").write_text(BLOCKED)
    path = bench.config(datasets=["good", "bad"])
    path.write_text(
        path.read_text() + "datasets[1]['eval_cfg'] = dict(evaluator=dict(type='needy.NeedsTool'))\n"
    )
    out, err = bench.run("c.py", status=1)
    assert "bad is left out" in err and "gfortran" in err
    assert "(n=5)" in out and "Fortran" in out
    assert not (bench.latest / "predictions" / "echo" / "bad").exists()


def test_nothing_left_is_refused_before_anything_starts(bench: Bench) -> None:
    bench.data(5)
    (bench.folder / "needy.py").write_text(BLOCKED)
    bench.config(dataset={"eval_cfg": {"evaluator": {"type": "needy.NeedsTool"}}})
    _, err = bench.run("c.py", status=2)
    assert "no dataset can be judged" in err and not (bench.folder / "outputs").exists()


AWAY = """
from evalsuite.datasets.tables import JsonlDataset
from evalsuite.errors import NotHere


class Away(JsonlDataset):
    def rows(self, start=0):
        raise NotHere("3 of 3 databases are missing", expected="DB/DB.sqlite")
"""


@pytest.mark.parametrize("mode", ["all", "infer"])
def test_data_that_is_not_here_leaves_out_its_dataset_alone(bench: Bench, mode: str) -> None:
    bench.data(5, "good")
    bench.data(5, "bad")
    (bench.folder / "away.py").write_text(AWAY)
    path = bench.config(datasets=["good", "bad"])
    path.write_text(path.read_text() + "datasets[1]['type'] = 'away.Away'\n")
    out, err = bench.run("c.py", "--mode", mode, status=1)
    assert "bad is left out: 3 of 3 databases are missing; expected DB/DB.sqlite" in err
    assert mode == "infer" or ("(n=5)" in out and "3 of 3 databases" in out)
    assert (bench.latest / "predictions" / "echo" / "good").exists()
    assert not (bench.latest / "predictions" / "echo" / "bad").exists()
