"""Stages, resuming and reuse: the same table however it was reached, and nothing asked twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import Bench

Ready = Callable[..., Bench]


def test_all_stages_in_one_go(ready: Ready) -> None:
    bench = ready(40)
    out, err = bench.run("c.py")
    assert "100.00 ≥91.24 (n=40)" in out
    assert len(bench.rows()) == len(bench.rows("scores")) == 40
    assert "run folder" in err


@pytest.mark.parametrize("runner", ["local", "subprocess"])
def test_stage_by_stage_gives_the_same_table(ready: Ready, runner: str) -> None:
    bench = ready(30, infer={"runner": {"type": runner}}, eval={"runner": {"type": runner}})
    whole, _ = bench.run("c.py", "--fresh")
    bench.run("c.py", "--fresh", "--mode", "infer")
    assert not list(bench.latest.glob("scores/*"))
    scored, _ = bench.run("c.py", "--mode", "eval", "-r")
    shown, _ = bench.run("c.py", "--mode", "viz", "-r")
    assert whole == scored == shown


def test_debug_runs_everything_in_one_process(ready: Ready) -> None:
    bench = ready(10)
    out, _ = bench.run("c.py", "--debug")
    assert "(n=10)" in out and not list(bench.latest.glob("logs/*"))


LOCAL = {"runner": {"type": "local"}}


@pytest.mark.parametrize("how", ["--debug", "local", "local judge"])
def test_in_one_process_a_failed_model_ends_the_run_as_it_does_in_several(ready: Ready, how: str) -> None:
    stages = {"infer": LOCAL, "eval": LOCAL} if how == "local" else {"eval": LOCAL}
    bench = ready(30, model={"mode": "field"}, **(stages if how != "--debug" else {}))
    out, err = bench.run("c.py", *(["--debug"] if how == "--debug" else []), status=1, timeout=30)
    assert "failed 30/30" in out and "needs the text to look for" in out
    assert "Traceback" not in out + err
    if how != "local judge":  # the words of a worker of this process are the user's to read, once
        assert err.count("needs the text to look for") == 1


def test_in_one_process_a_defect_is_tried_again_and_told_with_its_traceback(ready: Ready) -> None:
    bench = ready(4, model={"faults": {"crash_after": 0, "crash_how": "raise"}})
    out, err = bench.run("c.py", "--debug", "--retry", "1", status=1, timeout=30)
    assert "failed 4/4" in out and err.count("Traceback") == 2


def test_a_finished_run_rerun_does_nothing(ready: Ready) -> None:
    bench = ready(30)
    first, _ = bench.run("c.py")
    files = {path: path.stat().st_mtime_ns for path in bench.latest.glob("*/*/*/*.jsonl")}
    again, _ = bench.run("c.py", "-r")
    assert first == again
    assert files == {path: path.stat().st_mtime_ns for path in bench.latest.glob("*/*/*/*.jsonl")}
    assert not [row for row in bench.rows() if "reused" in row]


def test_unchanged_requests_are_reused_across_runs_and_changed_ones_are_not(ready: Ready) -> None:
    bench = ready(30)
    bench.run("c.py")
    first = bench.latest
    bench.data(40, start=10)  # rows 10..29 stay, at other places; ten are new
    bench.run("c.py")
    assert bench.latest != first
    rows = bench.rows()
    assert len(rows) == 40
    assert {row["id"] for row in rows if "reused" in row} == {f"q{n}" for n in range(10, 30)}
    bench.config(model={"max_out_len": 17})
    bench.run("c.py")
    assert not [row for row in bench.rows() if "reused" in row]
    bench.run("c.py", "--fresh")
    assert not [row for row in bench.rows() if "reused" in row]


def test_a_resumed_run_with_a_changed_evaluator_scores_again_without_the_model(ready: Ready) -> None:
    bench = ready(20)
    bench.run("c.py")
    before = len(bench.rows())
    bench.config(
        dataset={
            "eval_cfg": {
                "evaluator": {"type": "AccEvaluator"},
                "pred_postprocessor": {"type": "first-capital"},
            }
        }
    )
    out, err = bench.run("c.py", "-r")
    assert "scored again" in err and "0.00" in out
    assert len(bench.rows()) == before


def test_a_resume_asks_what_failed_again_and_judges_nothing_twice(ready: Ready) -> None:
    judge = "from evalsuite.evaluators.basic import RateEvaluator\n\n\n"
    judge += "class Noting(RateEvaluator):\n    headline = 'same'\n\n    def right(self, text, reference):\n"
    judge += "        open('judged.txt', 'a').write(reference.splitlines()[0] + '\\n')\n        return True\n"
    bench = ready(
        20,
        model={"faults": {"error_on": "what is 7?", "transient": False}},
        dataset={"eval_cfg": {"evaluator": {"type": "noting.Noting"}}},
    )
    (bench.folder / "noting.py").write_text(judge)
    bench.run("c.py", status=1)
    _, err = bench.run("c.py", "-r", status=1)
    assert "answers failed in 1 of the tasks: they are asked again" in err
    judged = (bench.folder / "judged.txt").read_text().splitlines()
    assert len(judged) == len(set(judged)) == 19
    assert [row["prompt"] for row in bench.rows()].count("Q: what is 7?\nA:") == 2


def test_a_data_file_that_changed_is_noticed_and_only_changed_samples_are_asked(ready: Ready) -> None:
    bench = ready(20)
    bench.run("c.py")
    lines = (bench.folder / "d.jsonl").read_text().splitlines()
    row = json.loads(lines[3])
    lines[3] = json.dumps({**row, "question": "changed?", "answer": "Q: changed?\nA:"})
    (bench.folder / "d.jsonl").write_text("\n".join(lines) + "\n")
    out, err = bench.run("c.py", "-r")
    assert "its data changed" in err and "100.00 ≥83.89 (n=20)" in out
    asked = [row for row in bench.rows() if "reused" not in row]
    assert len(asked) == 21 and any("changed" in row["prompt"] for row in asked)
    (bench.folder / "d.jsonl").write_text("\n".join(lines).replace("changed?", "once more?") + "\n")
    _, err = bench.run("c.py", "--mode", "eval", "-r", status=1)
    assert "its data changed" in err and "taken in by -r without --mode" in err
    out, _ = bench.run("c.py", "-r")
    assert "100.00 ≥83.89 (n=20)" in out


def test_a_k_without_effect_is_told(ready: Ready) -> None:
    bench = ready(4, dataset={"n": 4, "k": [1, 2]})
    _, err = bench.run("c.py")
    assert "datasets[0].k: k=[1, 2] says nothing" in err
    bench = ready(4, dataset={"n": 4, "k": 4})
    _, err = bench.run("c.py")
    assert "says nothing" not in err


def test_repeats_are_asked_each_and_counted_by_sample(ready: Ready) -> None:
    bench = ready(10, dataset={"n": 4}, model={"mode": "hash"})
    out, _ = bench.run("c.py", status=0)
    assert "(n=10)" in out
    rows = bench.rows()
    assert len(rows) == 40 and len({row["key"] for row in rows}) == 40
    assert len({row["answer"]["text"] for row in rows if row["index"] == 0}) == 4


def test_test_range_takes_slices_of_slices(ready: Ready) -> None:
    bench = ready(
        40,
        dataset={
            "reader_cfg": {
                "input_columns": ["question"],
                "output_column": "answer",
                "test_range": "[10:30][::3]",
            }
        },
    )
    bench.run("c.py")
    assert sorted(row["id"] for row in bench.rows()) == sorted(f"q{n}" for n in range(10, 30, 3))


def test_many_datasets_share_one_model_load_per_worker(bench: Bench) -> None:
    names = [f"d{n}" for n in range(12)]
    for name in names:
        bench.data(5, name)
    bench.config(datasets=names)
    out, _ = bench.run("c.py")
    assert out.count("(n=5)") == 12
    loads = list((bench.latest / "models").glob("*.json"))
    assert 1 <= len(loads) <= 2
    assert len(loads) == len({json.loads(path.read_text())["owner"] for path in loads})


def test_eval_without_a_run_is_refused(ready: Ready) -> None:
    bench = ready(5)
    _, err = bench.run("c.py", "--mode", "eval", status=2)
    assert "-r" in err and "Traceback" not in err
    assert not (bench.folder / "outputs").exists()


def test_dry_run_tells_the_plan_and_leaves_no_trace(ready: Ready) -> None:
    bench = ready(40)
    out, _ = bench.run("c.py", "--dry-run")
    assert "makespan" in out and "Q: what is 0?" in out and "40 samples" in out
    assert not (bench.folder / "outputs").exists()


def test_a_dry_run_says_that_it_guesses_until_a_run_was_timed(ready: Ready) -> None:
    bench = ready(5)
    guess, _ = bench.run("c.py", "--dry-run")
    bench.run("c.py")
    known, _ = bench.run("c.py", "--dry-run")
    assert "the estimate is a guess" in guess and "guess" not in known


def test_status_tells_how_far_a_run_is(ready: Ready) -> None:
    bench = ready(20)
    bench.run("c.py")
    out, _ = bench.run("status", str(bench.latest))
    assert "answered 20/20" in out and "scored 20" in out


def test_names_beside_a_config_choose_among_its_models(ready: Ready, tmp_path: Path) -> None:
    bench = ready(5)
    bench.run("c.py", "--models", "ec*")
    _, err = bench.run("c.py", "--models", "ekko", status=2)
    assert "ekko" in err
    _, err = bench.run("c.py", "--models", "ec*", "ekko", status=2)
    assert "'ekko' is none of this config's models" in err
    _, err = bench.run("c.py", "--datasets", "nope", "*", status=2)
    assert "'nope' is none of this config's datasets" in err


def test_combinations_follow_the_models_that_are_chosen(bench: Bench) -> None:
    bench.data(4, "one")
    bench.data(4, "two")
    path = bench.config(datasets=["one", "two"])
    path.write_text(
        path.read_text()
        + "models = [dict(models[0], abbr=name) for name in ('left', 'right')]\n"
        + "model_dataset_combinations = [\n"
        + "    dict(models=models[:1], datasets=datasets[:1]),\n"
        + "    dict(models=models[1:], datasets=datasets[1:])]\n"
    )
    out, _ = bench.run("c.py")
    assert out.count("(n=4)") == 2 and out.count("not asked for") == 2
    out, _ = bench.run("c.py", "--models", "right")
    assert out.count("(n=4)") == 1 and "left" not in out


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("-r",)])
def test_a_work_directory_that_is_a_file_is_told_in_one_line(ready: Ready, more: tuple[str, ...]) -> None:
    bench = ready(5)
    _, err = bench.run("c.py", "-w", "d.jsonl", *more, status=2)
    assert err.count("\n") == 1 and "d.jsonl: this cannot be a work directory: it is no folder" in err
