"""The SLURM runner on a real cluster: arrays, ends of every kind, and drivers that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from live_cluster import ROOT, Cluster, wait

from runners.base import Job, JobState, Resources
from runners.slurm import SlurmRunner, read_record

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(900)]


@pytest.fixture
def name() -> str:
    return f"es-{uuid.uuid4().hex[:8]}"


def job(id: str, script: str, folder: Path, group: str = "w", **needs: Any) -> Job:
    needs.setdefault("options", {"partition": "cpu"})
    return Job(id, ("bash", "-c", script), "", (), folder / f"logs/{id}.log", group, Resources(**needs))


def finish(runner: SlurmRunner, seconds: float = 120) -> Mapping[str, JobState]:
    wait(lambda: all(state.over for state in runner.poll().values()), seconds)
    return runner.poll()


def eager(runner: SlurmRunner) -> SlurmRunner:
    """Asks SLURM each second: tests have no patience."""
    ask = runner._ask

    def soon() -> None:
        ask()
        runner._ask_at = time.monotonic() + 1.0

    runner._ask = soon  # type: ignore[method-assign]
    return runner


def test_array_with_one_failing_index(cluster: Cluster, tmp_path: Path, name: str) -> None:
    runner = SlurmRunner(tmp_path / "slurm", name)
    script = 'echo "$SLURM_ARRAY_TASK_ID"; [ "$SLURM_ARRAY_TASK_ID" != 7 ]'
    runner.submit([job(f"j{i}", script, tmp_path) for i in range(12)])
    states = finish(runner)
    assert {id for id, state in states.items() if state.phase == "failed"} == {"j7"}
    assert states["j7"].reason == "exit code 1"
    assert [row["event"] for row in read_record(tmp_path / "slurm")][:2] == ["intent", "submitted"]
    assert (tmp_path / "logs/j3.log").read_text().splitlines()[-1] == "3"


def test_gpus_are_given_and_throttle_is_kept(cluster: Cluster, tmp_path: Path, name: str) -> None:
    runner = SlurmRunner(tmp_path / "slurm", name, max_running=2)
    script = "echo gpus=$CUDA_VISIBLE_DEVICES; sleep 3"
    runner.submit([job(f"j{i}", script, tmp_path, gpus=2, options={"partition": "gpu"}) for i in range(3)])
    wait(lambda: len(cluster.rows(name, states="R")) == 2)
    assert len(cluster.rows(name, states="PD")) == 1
    finish(runner)
    assert (tmp_path / "logs/j0.log").read_text().splitlines()[-1] == "gpus=0,1"


def test_cancel_one_then_all(cluster: Cluster, tmp_path: Path, name: str) -> None:
    stranger = cluster.ask("sbatch", "--parsable", "-J", "stranger", "-o", "/dev/null", "--wrap", "sleep 100")
    runner = eager(SlurmRunner(tmp_path / "slurm", name))
    runner.submit([job(f"j{i}", "sleep 100", tmp_path) for i in range(4)])
    wait(lambda: all(s.phase == "running" for s in runner.poll().values()))
    runner.cancel(["j1"])
    assert [state.phase for state in runner.poll().values()].count("running") == 3
    assert runner.poll()["j1"].kind == "cancelled"
    runner.cancel()
    assert {state.phase for state in runner.poll().values()} == {"cancelled"}
    assert [row[1] for row in cluster.rows("stranger") if row[0] == stranger] == ["RUNNING"]


def test_notice_requeues_and_the_log_goes_on(cluster: Cluster, tmp_path: Path, name: str) -> None:
    runner = eager(SlurmRunner(tmp_path / "slurm", name))
    script = (
        f'echo restart=${{SLURM_RESTART_COUNT:-0}}; [ -n "$SLURM_RESTART_COUNT" ] && exit 0; '
        f"trap 'echo told; exit 75' TERM; touch {tmp_path}/up; while :; do sleep .1; done"
    )
    runner.submit([job("a", script, tmp_path)])
    wait((tmp_path / "up").exists)
    cluster.ask("scancel", "--signal=USR1", "--batch", cluster.rows(name)[0][0])
    assert finish(runner)["a"].phase == "done"
    said = [line for line in (tmp_path / "logs/a.log").read_text().splitlines() if not line.startswith("---")]
    assert said == ["restart=0", "told", "restart=1"]


def test_memory_is_named_as_the_cause(cluster: Cluster, tmp_path: Path, name: str) -> None:
    runner = eager(SlurmRunner(tmp_path / "slurm", name))
    script = f"exec {sys.executable} -c 'x = bytearray(300 << 20); import time; time.sleep(60)'"
    runner.submit([job("a", script, tmp_path, memory_mb=50)])
    assert finish(runner)["a"].kind == "oom"


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ({"cpus": 64}, "not available"),
        ({"gpus": 3, "options": {"partition": "gpu"}}, "not available"),
        ({"options": {"partition": "nope"}}, "invalid partition"),
    ],
)
def test_impossible_request_is_refused_in_slurms_words(
    cluster: Cluster, tmp_path: Path, name: str, needs: dict[str, Any], words: str
) -> None:
    runner = SlurmRunner(tmp_path / "slurm", name)
    asked = job("a", "true", tmp_path, **needs)
    tested = runner.test_only([asked])[0]
    assert not tested.accepted and words in tested.words
    runner.submit([asked])
    state = runner.poll()["a"]
    assert state.kind == "refused" and words in state.reason
    assert cluster.rows(name) == []


def test_more_jobs_than_an_array_may_have(cluster: Cluster, tmp_path: Path, name: str) -> None:
    runner = SlurmRunner(tmp_path / "slurm", name, max_running=1)
    runner.submit([job(f"j{i}", "sleep 30", tmp_path) for i in range(2500)])
    submitted = [row for row in read_record(tmp_path / "slurm") if row["event"] == "intent"]
    assert [len(row["jobs"]) for row in submitted] == [1001, 1001, 498]
    assert submitted[1]["jobs"][0] == "j1001"
    assert len(cluster.rows(name)) == 2500
    runner.cancel()
    assert cluster.rows(name, states="PD,R") == []


def test_driver_killed_between_intent_and_id(cluster: Cluster, tmp_path: Path, name: str) -> None:
    """sbatch has been called, its answer has not been written: the next driver finds the job by its name."""
    driver = f"""
import os, signal
from pathlib import Path
from runners.base import Job, Resources
from runners.slurm import SlurmRunner
runner = SlurmRunner(Path({str(tmp_path)!r}) / "slurm", {name!r})
runner._settle = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
needs = Resources(options={{"partition": "cpu"}})
argv = ("bash", "-c", "echo here; sleep 3")
logs = Path({str(tmp_path)!r})
runner.submit([Job(f"j{{i}}", argv, "", (), logs / f"{{i}}.log", "w", needs) for i in range(3)])
"""
    died = subprocess.run([sys.executable, "-c", driver], cwd=ROOT, check=False)
    assert died.returncode == -signal.SIGKILL
    assert [row["event"] for row in read_record(tmp_path / "slurm")] == ["intent"]
    runner = eager(SlurmRunner(tmp_path / "slurm", name))
    assert {state.phase for state in finish(runner).values()} == {"done"}
    assert len({row[0].partition("_")[0] for row in cluster.rows(name)}) == 1
    assert [(tmp_path / f"{i}.log").read_text().count("here") for i in range(3)] == [1, 1, 1]


def test_driver_killed_while_jobs_run_is_replaced(cluster: Cluster, tmp_path: Path, name: str) -> None:
    SlurmRunner(tmp_path / "slurm", name).submit([job("a", "sleep 2; exit 5", tmp_path)])
    after = SlurmRunner(tmp_path / "slurm", name)
    assert finish(after)["a"].reason == "exit code 5"


def test_node_power_cut_without_requeue(cluster: Cluster, tmp_path: Path, name: str) -> None:
    runner = eager(SlurmRunner(tmp_path / "slurm", name))
    options = {"partition": "cpu", "nodelist": "n2", "extra": ["--no-requeue"]}
    runner.submit([job("a", f"touch {tmp_path}/up; sleep 100", tmp_path, options=options)])
    wait((tmp_path / "up").exists)
    cluster("kill-node", "n2")
    state = finish(runner)["a"]
    assert (state.phase, state.node) == ("failed", "n2")
    assert state.kind in ("node_fail", "launch")  # SLURM itself calls it now this, now that


def test_controller_outage_is_unknown_and_passes(cluster: Cluster, tmp_path: Path, name: str) -> None:
    runner = eager(SlurmRunner(tmp_path / "slurm", name))
    runner.submit(
        [job("a", f"touch {tmp_path}/up; while [ ! -e {tmp_path}/go ]; do sleep .1; done", tmp_path)]
    )
    wait((tmp_path / "up").exists)
    cluster.save(cluster.rows(name)[0][0])  # what dies right after a start has not saved its state yet
    cluster("kill-ctld")
    wait(lambda: runner.poll()["a"].phase == "unknown")
    runner.submit([job("b", "true", tmp_path, group="later")])
    assert not runner.poll()["b"].over
    cluster("start-ctld")
    (tmp_path / "go").touch()
    runner._send_at = 0.0
    states = finish(runner)
    assert {id: state.phase for id, state in states.items()} == {"a": "done", "b": "done"}
    assert os.environ["SLURM_CONF"]
