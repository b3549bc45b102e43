"""Whole runs on a real cluster, and what is done to them: every sample is in the table exactly once."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from live_cluster import Cluster, wait

from runners.slurm import read_record
from tests.engine.conftest import Bench
from tests.engine.test_faults import all_there

pytestmark = pytest.mark.slurm

SIZE = 240


@pytest.fixture
def bench(cluster: Cluster, tmp_path: Path) -> Bench:
    """A folder whose runs go to the cluster."""
    return Bench(tmp_path)


def configure(bench: Bench, workers: int = 3, seconds: float = 0.05, tasks: int = 12, **options: Any) -> None:
    """A dataset and an echo model that takes its time, with workers on the cluster."""
    faults = options.pop("faults", {})
    options = {"type": "slurm", "partition": "cpu", **options}
    bench.data(SIZE)
    bench.config(
        model={"latency": seconds, "faults": faults},
        infer={
            "partitioner": {"type": "num_worker", "num_worker": tasks},
            "runner": {**options, "max_num_workers": workers},
        },
        eval={"runner": {"type": "slurm", "partition": "cpu", "max_num_workers": 1}},
    )


def end(process: subprocess.Popen[str], status: int = 0, seconds: float = 200) -> tuple[str, str]:
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == status, f"status {process.returncode}\n{out}\n{err}"
    return out, err


def answered(bench: Bench) -> int:
    runs = sorted((bench.folder / "outputs/c").glob("2*"))
    return len(bench.rows(run=runs[-1])) if runs else 0


def jobs(bench: Bench, group: str = "infer") -> list[str]:
    """The ids of all jobs that were submitted for a stage."""
    record = read_record(bench.latest / "slurm")
    return [
        id
        for row in record
        if row["event"] == "intent" and row["group"].startswith(group)
        for id in row["jobs"]
    ]


def element(cluster: Cluster, bench: Bench, states: str = "R") -> list[list[str]]:
    """Infer workers in SLURM: [id, state, node]."""
    return [
        row for row in cluster.rows(f"es-{bench.latest.name}", "%i|%T|%N|%j", states) if "infer" in row[3]
    ]


def complete(bench: Bench) -> None:
    all_there(bench, SIZE)
    assert bench.result()["accuracy"] == 100.0


def worker_pid(owner: str) -> int:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if owner.encode() in words and b"worker" in words:
                return int(entry.name)
    raise AssertionError(f"no process of {owner}")


def worker_logs(bench: Bench) -> str:
    return "".join(path.read_text() for path in (bench.latest / "logs").glob("infer*.log"))


def preempt(cluster: Cluster) -> None:
    """A job of higher priority that wants three whole nodes."""
    words = ("-p", "cpu", "-c", "4", "-N", "3", "-J", "high", "-o", "/dev/null", "--wrap", "sleep 3")
    cluster.ask("sbatch", *words)


def test_same_table_as_on_this_machine(bench: Bench) -> None:
    configure(bench, seconds=0.0)
    there, _ = bench.run("c.py", "--fresh")
    complete(bench)
    assert "sbatch" in json.loads((bench.latest / "slurm/submit/1/argv.json").read_text())[0]
    bench.config(infer={"runner": {"type": "subprocess", "max_num_workers": 2}})
    here, _ = bench.run("c.py", "--fresh")
    assert there == here


def test_flag_sends_any_config_to_slurm(bench: Bench) -> None:
    bench.data(SIZE)
    bench.config()
    bench.run("c.py", "--slurm", "-p", "cpu", "--time", "10", "--exclude", "n1,n2,n3")
    complete(bench)
    argv = json.loads((bench.latest / "slurm/submit/1/argv.json").read_text())
    assert {"--partition=cpu", "--time=10", "--exclude=n1,n2,n3"} <= set(argv)


def test_detached_run_is_finished_by_its_coordinator(cluster: Cluster, bench: Bench) -> None:
    configure(bench)
    bench.run("c.py", "--detach")
    wait(
        lambda: (
            (bench.latest / "summary").is_dir() and not cluster.rows(f"es-{bench.latest.name}", states="PD,R")
        )
    )
    complete(bench)
    out, _ = bench.run("attach", str(bench.latest))
    assert "100.00" in out


def test_driver_killed_and_attach_goes_on_with_the_same_jobs(bench: Bench) -> None:
    configure(bench)
    process = bench.start("c.py")
    wait(lambda: answered(bench) > 10)
    process.kill()
    process.communicate()
    before = jobs(bench)
    out, _ = end(bench.start("attach", str(bench.latest)))
    complete(bench)
    assert "100.00" in out
    assert jobs(bench) == before


def test_second_driver_only_watches(bench: Bench) -> None:
    configure(bench)
    process = bench.start("c.py")
    wait(lambda: answered(bench) > 10)
    before = jobs(bench)
    out, err = end(bench.start("attach", str(bench.latest)))
    assert "driven by process" in err and "100.00" in out
    end(process)
    assert jobs(bench) == before
    complete(bench)


def test_interrupt_without_a_terminal_leaves_the_jobs(cluster: Cluster, bench: Bench) -> None:
    configure(bench, seconds=0.2)
    process = bench.start("c.py", stdin=subprocess.DEVNULL)
    wait(lambda: answered(bench) > 5)
    process.send_signal(signal.SIGINT)
    _, err = end(process, 130)
    assert "jobs go on without this driver" in err
    assert element(cluster, bench)
    bench.run("attach", "--cancel", str(bench.latest))
    assert not cluster.rows(f"es-{bench.latest.name}", states="PD,R")
    bench.run("c.py", "-r")
    complete(bench)


def test_worker_killed_loses_only_its_share(cluster: Cluster, bench: Bench) -> None:
    configure(bench)
    process = bench.start("c.py")
    wait(lambda: answered(bench) > 10)
    os.kill(worker_pid(jobs(bench)[0]), signal.SIGKILL)
    end(process)
    complete(bench)
    assert len(jobs(bench)) >= 3


def test_poison_task_is_given_up_and_the_rest_is_done(bench: Bench) -> None:
    configure(bench, seconds=0.0, faults={"crash_on": "what is 77?", "crash_how": "exit"})
    out, _ = end(bench.start("c.py", "--retry", "2"), 1)
    failed = re.search(r"failed (\d+)/240", out)
    assert failed and 1 <= int(failed.group(1)) <= SIZE // 12
    assert "inference: killed by SIGKILL (exit 137)" in out
    reasons = next((bench.latest / "tasks/infer-echo/reasons").iterdir()).read_text().splitlines()
    assert len(reasons) == 3


def test_bad_node_is_excluded_and_named(bench: Bench) -> None:
    prolog = ['if [ "$SLURMD_NODENAME" = n1 ]; then exit 1; fi']
    configure(bench, workers=6, prolog=prolog)
    _, err = end(bench.start("c.py"))
    assert "node n1 failed 2 different tasks and is not used any more" in err
    assert any(
        row["event"] == "exclude" and row["node"] == "n1" for row in read_record(bench.latest / "slurm")
    )
    complete(bench)


def test_one_worker_cancelled_by_hand_is_not_replaced(cluster: Cluster, bench: Bench) -> None:
    configure(bench)
    process = bench.start("c.py")
    wait(lambda: answered(bench) > 10)
    cluster.ask("scancel", element(cluster, bench)[0][0])
    end(process)
    assert len(jobs(bench)) == 3
    complete(bench)


def test_all_workers_cancelled_by_hand_is_an_interruption(cluster: Cluster, bench: Bench) -> None:
    configure(bench, seconds=0.3)
    process = bench.start("c.py")
    wait(lambda: answered(bench) > 5)
    cluster.ask("scancel", element(cluster, bench)[0][0].partition("_")[0])
    _, err = end(process, 130)
    assert "Resume with" in err
    bench.run("attach", "--cancel", str(bench.latest))
    bench.config(
        model={"latency": 0.0},
        infer={"runner": {"type": "subprocess", "max_num_workers": 2}},
    )
    bench.run("c.py", "-r")
    assert bench.result()["accuracy"] == 100.0


def test_impossible_request_is_refused_before_the_queue(cluster: Cluster, bench: Bench) -> None:
    configure(bench, cpus=64)
    out, _ = bench.run("c.py", "--dry-run", status=2)
    assert "SLURM refuses it: Requested node configuration is not available" in out
    assert not (bench.folder / "outputs/c").exists() or not list((bench.folder / "outputs/c").glob("2*"))
    out, _ = bench.run("c.py", status=1)
    assert "Requested node configuration is not available" in out
    assert not element(cluster, bench, "all")


def test_preemption_puts_workers_back_in_the_queue(cluster: Cluster, bench: Bench) -> None:
    configure(bench, workers=3, seconds=0.1, partition="spot", cpus=4)
    process = bench.start("c.py")
    wait(lambda: answered(bench) > 10)
    preempt(cluster)
    end(process)
    complete(bench)
    assert len(jobs(bench)) == 3  # SLURM started them again; nobody submitted more
    assert "start 2" in worker_logs(bench)


def test_preemption_with_grace_gives_leases_back(cluster: Cluster, bench: Bench) -> None:
    configure(bench, workers=3, seconds=0.1, partition="grace", cpus=4, notice_s=30)
    process = bench.start("c.py")
    wait(lambda: answered(bench) > 10)
    preempt(cluster)
    end(process)
    complete(bench)
    assert "start 2" in worker_logs(bench)
    keys = [row["key"] for row in bench.rows()]
    assert len(keys) == len(set(keys))  # it was asked politely: nothing in flight was lost


@pytest.mark.slow
def test_controller_outage(cluster: Cluster, bench: Bench) -> None:
    configure(bench, seconds=0.15)
    process = bench.start("c.py")
    wait(lambda: answered(bench) > 10)
    time.sleep(6)  # the controller saves its state every few seconds
    cluster("kill-ctld")
    time.sleep(10)
    cluster("start-ctld")
    end(process)
    complete(bench)


@pytest.mark.slow
@pytest.mark.parametrize("requeue", [True, False])
def test_node_power_cut(cluster: Cluster, bench: Bench, requeue: bool) -> None:
    configure(bench, workers=3, seconds=0.3, cpus=4, extra=[] if requeue else ["--no-requeue"])
    process = bench.start("c.py")
    wait(lambda: answered(bench) > 10)
    node = element(cluster, bench)[0][2]
    cluster("kill-node", node)
    end(process)
    complete(bench)


@pytest.mark.slow
def test_orphan_of_a_dead_step_daemon_changes_nothing(cluster: Cluster, bench: Bench) -> None:
    """SLURM takes the job for lost while its worker lives and writes on."""
    configure(bench, workers=2, seconds=0.5, cpus=4, extra=["--no-requeue"])
    process = bench.start("c.py")
    wait(lambda: answered(bench) > 4)
    pid = worker_pid(jobs(bench)[0])
    while "slurmstepd" not in Path(f"/proc/{pid}/comm").read_text():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert pid > 1
    os.kill(pid, signal.SIGKILL)
    end(process)
    complete(bench)


@pytest.mark.slow
def test_time_limit_requeues_and_keeps_what_was_done(bench: Bench) -> None:
    """A minute is the shortest limit; the notice comes 40 s before, and the job goes on after it."""
    configure(bench, workers=2, seconds=0.5, tasks=2, time="1", notice_s=40)
    end(bench.start("c.py"))
    complete(bench)
    assert len(jobs(bench)) == 2
    keys = [row["key"] for row in bench.rows()]
    assert len(keys) <= SIZE + 2 * 2  # redone is at most what was in flight
    assert "start 2" in worker_logs(bench)


@pytest.mark.slow
def test_time_limit_without_notice_is_retried_from_what_is_on_disk(bench: Bench) -> None:
    configure(bench, workers=1, seconds=0.45, tasks=1, time="1", extra=["--signal=B:CONT@10"])
    end(bench.start("c.py", "--retry", "0"))
    complete(bench)
    states = [row for row in read_record(bench.latest / "slurm") if row["event"] == "over"]
    assert any(row["kind"] == "timeout" for row in states)
    assert len({row["key"] for row in bench.rows()}) == SIZE


def test_nothing_waits_for_another_job_to_succeed(bench: Bench) -> None:
    """A dependency on a job that failed is never satisfied; readiness is in the run folder instead."""
    configure(bench, seconds=0.0)
    bench.run("c.py", "--dry-run")
    bench.run("c.py")
    for script in (bench.latest / "slurm").rglob("job.sbatch"):
        assert "--dependency" not in script.read_text()
    assert shutil.which("sbatch")
