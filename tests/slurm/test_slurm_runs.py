"""Whole runs on a real cluster, as users start, leave, watch and end them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys

import pytest
from cluster_bench import SIZE, ClusterBench, worker_pid
from live_cluster import ROOT, Cluster, command, processes, wait

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(900)]


# ----------------------------------------------------------------------------- the same table
def test_same_table_as_on_this_machine(bench: ClusterBench) -> None:
    bench.configure(seconds=0.0)
    there, _ = bench.run("c.py", "--fresh")
    bench.complete()
    assert "sbatch" in json.loads((bench.latest / "slurm/submit/1/argv.json").read_text())[0]
    bench.config(infer={"runner": {"type": "subprocess", "max_num_workers": 2}})
    here, _ = bench.run("c.py", "--fresh")
    assert there == here


@pytest.mark.slow
def test_the_demo_gives_the_same_table_by_subprocesses_on_slurm_and_left_alone(
    cluster: Cluster, bench: ClusterBench
) -> None:
    """The third time the shell that started it is gone, and the coordinator does the rest."""
    demo = str(ROOT / "configs/eval_demo.py")
    words = ["--fresh", "--max-num-workers", "2", "-w", str(bench.folder / "outputs/c")]
    here, _ = bench.end(bench.start(demo, *words), seconds=400)
    there, _ = bench.end(bench.start(demo, *words, "--slurm", "-p", "cpu"), seconds=400)
    assert there == here
    run = [sys.executable, str(ROOT / "run.py"), demo, *words, "--slurm", "-p", "cpu", "--detach"]
    text = f"{shlex.join(run)}; kill -HUP $$"
    shell = subprocess.Popen(["bash", "-c", text], cwd=bench.folder, start_new_session=True)
    assert shell.wait(timeout=200) == -signal.SIGHUP
    wait(lambda: not cluster.rows(f"es-{bench.latest.name}", states="PD,R"), 400)
    assert next((bench.latest / "summary").glob("*.txt")).read_text().rstrip() == here.rstrip()


def test_flag_sends_any_config_to_slurm(bench: ClusterBench) -> None:
    bench.data(SIZE)
    bench.config()
    bench.run("c.py", "--slurm", "-p", "cpu", "--time", "10", "--exclude", "n1,n2,n3")
    bench.complete()
    argv = json.loads((bench.latest / "slurm/submit/1/argv.json").read_text())
    assert {"--partition=cpu", "--time=10", "--exclude=n1,n2,n3"} <= set(argv)


# ----------------------------------------------------------------------------- without a driver
def detach(bench: ClusterBench) -> None:
    """Start a run and leave it; wait until its workers are at work."""
    bench.run("c.py", "--detach")
    wait(lambda: bench.answered() > 10)


def left_alone(cluster: Cluster, bench: ClusterBench) -> None:
    """Until the cluster has finished the newest run by itself."""
    wait(
        lambda: (
            (bench.latest / "summary").is_dir() and not cluster.rows(f"es-{bench.latest.name}", states="PD,R")
        ),
        240,
    )


def test_detached_run_is_finished_by_its_coordinator(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure()
    detach(bench)
    os.kill(
        worker_pid(bench.jobs()[0]), signal.SIGKILL
    )  # the coordinator sees to it, and tells who comes back
    left_alone(cluster, bench)
    bench.complete("ended early.*SIGKILL")
    out, err = bench.run("attach", str(bench.latest))
    assert "100.00" in out and "SIGKILL" in err
    assert "SIGKILL" in bench.run("status", str(bench.latest))[0]


def test_coordinator_that_is_killed_is_started_again(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(seconds=0.2)
    detach(bench)
    wait(lambda: processes(str(bench.latest)) and processes("--coordinate"))
    found = [pid for pid in processes("--coordinate") if str(bench.latest) in command(pid)]
    os.kill(found[0], signal.SIGKILL)
    left_alone(cluster, bench)
    bench.complete()


def test_attach_takes_over_from_a_cancelled_coordinator(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(seconds=0.1)
    detach(bench)
    wait(lambda: bench.elements("R", "coordinator"))
    cluster.ask("scancel", bench.elements("R", "coordinator")[0][0])
    wait(lambda: not bench.elements("R", "coordinator"))
    out, _ = bench.end(bench.start("attach", str(bench.latest)))
    assert "100.00" in out
    bench.complete("going on with . workers")


# ----------------------------------------------------------------------------- drivers that go
def test_driver_killed_and_attach_goes_on_with_the_same_jobs(bench: ClusterBench) -> None:
    bench.configure()
    process = bench.begin()
    process.kill()
    process.communicate()
    before = bench.jobs()
    out, err = bench.end(bench.start("attach", str(bench.latest)))
    bench.complete("going on with . workers that an earlier driver started")
    assert "100.00" in out and "going on with" in err
    assert bench.jobs() == before


def test_driver_killed_between_intent_and_id_finds_its_job_by_name(bench: ClusterBench) -> None:
    """Row 2 of what can go wrong: sbatch has been called, and nobody noted what it said."""
    bench.configure(seconds=0.3)
    bench.shim(
        "sbatch",
        '$REAL "$@"; code=$?\n'
        'case " $* " in *" --test-only "*) ;; *) mkdir $HERE/once 2>/dev/null && kill -9 $PPID ;; esac\n'
        "exit $code\n",
    )
    process = bench.start("c.py")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    bench.end(bench.start("c.py", "-r", bench.latest.name))
    bench.complete("had been submitted though nobody noted its number")
    assert len(bench.jobs()) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_driver_told_to_stop_leaves_the_jobs(
    cluster: Cluster, bench: ClusterBench, number: signal.Signals
) -> None:
    bench.configure(seconds=0.2)
    process = bench.begin(stdin=subprocess.DEVNULL, answers=5)
    process.send_signal(number)
    _, err = bench.end(process, 130)
    assert "jobs go on without this driver" in err
    assert bench.elements()
    bench.run("attach", "--cancel", str(bench.latest))
    assert not cluster.rows(f"es-{bench.latest.name}", states="PD,R")
    bench.configure(seconds=0.01)
    bench.run("c.py", "-r")
    bench.complete()


def test_second_driver_only_watches(bench: ClusterBench) -> None:
    bench.configure()
    process = bench.begin()
    before = bench.jobs()
    out, err = bench.end(bench.start("attach", str(bench.latest)))
    assert "driven by process" in err and "100.00" in out
    bench.end(process)
    assert bench.jobs() == before
    bench.complete()


# ----------------------------------------------------------------------------- cancelled by hand
def test_one_worker_cancelled_by_hand_is_not_replaced(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure()
    process = bench.begin()
    cluster.ask("scancel", bench.elements()[0][0])
    bench.end(process)
    assert len(bench.jobs()) == 3
    bench.complete("ended early.*cancelled in SLURM")


def test_all_workers_cancelled_by_hand_is_an_interruption(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(seconds=0.3)
    process = bench.begin(answers=5)
    cluster.ask("scancel", bench.elements()[0][0].partition("_")[0])
    _, err = bench.end(process, 130)
    assert "interrupted: its jobs were cancelled; nothing is lost. Resume with" in err
    kept = bench.answered()
    bench.configure(seconds=0.01)
    bench.run("c.py", "-r")
    bench.complete()
    assert len({row["key"] for row in bench.rows()}) == SIZE and kept > 5


# ----------------------------------------------------------------------------- what SLURM does not grant
def test_impossible_request_is_refused_before_the_queue(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(cpus=64)
    out, _ = bench.run("c.py", "--dry-run", status=2)
    assert "SLURM refuses it: Requested node configuration is not available" in out
    assert not (bench.folder / "outputs/c").exists() or not list((bench.folder / "outputs/c").glob("2*"))
    out, _ = bench.run("c.py", status=1)
    assert "Requested node configuration is not available" in out
    assert not bench.elements("all")


def test_dry_run_tells_when_slurm_would_start_it_and_submits_nothing(
    cluster: Cluster, bench: ClusterBench
) -> None:
    bench.configure()
    before = cluster.ask("squeue", "-h", "-t", "all", "-o", "%i")
    out, _ = bench.run("c.py", "--dry-run")
    assert re.search(r"infer-echo: SLURM would take it: Job \d+ to start at \d{4}-", out)
    assert cluster.ask("squeue", "-h", "-t", "all", "-o", "%i") == before


def test_limit_on_submitted_jobs_means_fewer_workers_and_the_same_table(bench: ClusterBench) -> None:
    """The words of a QOS limit, which needs accounting; the rest is the real cluster."""
    bench.configure(workers=4)
    words = "sbatch: error: QOSMaxSubmitJobPerUserLimit"
    bench.shim(
        "sbatch",
        'case " $* " in *" --test-only "* | *" --array=0-0 "*) exec $REAL "$@" ;; esac\n'
        f'echo "{words}" >&2; exit 1\n',
    )
    bench.run("c.py")
    bench.complete("SLURM takes no more jobs now: QOSMaxSubmitJobPerUserLimit")


def test_workers_that_cannot_start_are_not_waited_for(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(workers=4, cpus=4, seconds=0.02)
    cluster.ask(
        "sbatch", "-p", "cpu", "-c", "4", "-N", "3", "-J", "others", "-o", "/dev/null", "--wrap", "sleep 600"
    )
    wait(lambda: cluster.rows("others", states="R"))
    bench.run("c.py")
    bench.complete()
    assert len(bench.jobs()) == 4 and len({row[2] for row in bench.elements("all")} - {""}) == 1
    assert not bench.elements("PD,R") and cluster.rows("others", states="R")


def test_poison_task_is_given_up_and_the_rest_is_done(bench: ClusterBench) -> None:
    bench.configure(seconds=0.0, model={"faults": {"crash_on": "what is 77?", "crash_how": "exit"}})
    out, _ = bench.end(bench.start("c.py", "--retry", "2"), 1)
    failed = re.search(r"failed (\d+)/240", out)
    assert failed and 1 <= int(failed.group(1)) <= SIZE // 12
    assert "inference: killed by SIGKILL (exit 137)" in out
    reasons = [path.read_text() for path in (bench.latest / "tasks/infer-echo/reasons").iterdir()]
    assert max(text.count("SIGKILL") for text in reasons) == 3
    scored = [row["index"] for row in bench.rows("scores")]
    assert len(scored) == len(set(scored)) >= SIZE - SIZE // 12


def test_nothing_waits_for_another_job_to_succeed(bench: ClusterBench) -> None:
    """A dependency on a job that failed is never satisfied; readiness is in the run folder instead."""
    bench.configure(seconds=0.0)
    bench.run("c.py", "--detach")
    scripts = [path.read_text() for path in (bench.latest / "slurm").rglob("job.sbatch")]
    assert len(scripts) == 3 and not any("--dependency" in text for text in scripts)
    left_alone(bench.cluster, bench)
    bench.complete()
    assert shutil.which("sbatch")
