"""A dataset that cannot be judged here is left out before anything is asked, and named; the others run."""

from __future__ import annotations

from tests.engine.conftest import Bench

BLOCKED = """
from evalsuite.errors import UserError
from evalsuite.evaluators.basic import AccEvaluator


class NeedsTool(AccEvaluator):
    def obstacle(self, sample):
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
