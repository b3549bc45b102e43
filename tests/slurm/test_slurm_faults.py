"""What machines and disks do to whole runs: no sample is lost, none counts twice, and it is told."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_bench import SIZE, ClusterBench, worker_pid
from live_cluster import Cluster, wait

from runners.slurm import read_record

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(900)]


def preempt(cluster: Cluster) -> None:
    """A job of higher priority that wants three whole nodes."""
    words = ("-p", "cpu", "-c", "4", "-N", "3", "-J", "high", "-o", "/dev/null", "--wrap", "sleep 3")
    cluster.ask("sbatch", *words)


# ----------------------------------------------------------------------------- workers and their nodes
def test_worker_killed_loses_only_its_share(bench: ClusterBench) -> None:
    bench.configure()
    process = bench.begin()
    os.kill(worker_pid(bench.jobs()[0]), signal.SIGKILL)
    bench.end(process)
    bench.complete("ended early on n.: killed by SIGKILL.*; its task goes on elsewhere")
    assert len(bench.rows()) <= SIZE + 1  # what was on disk is not asked again


def test_worker_that_is_frozen_loses_its_lease_and_is_not_waited_for(
    cluster: Cluster, bench: ClusterBench
) -> None:
    bench.configure(seconds=0.1, lease_s=15)
    process = bench.begin()
    frozen = bench.elements()[0][0]
    cluster.ask("scontrol", "suspend", frozen)
    bench.end(process)
    bench.complete("gave no sign of life for 15 s", "does not end: stopped")


def test_worker_that_wakes_up_late_changes_nothing(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(seconds=0.3, lease_s=15)
    process = bench.begin()
    frozen = bench.elements()[0][0]
    cluster.ask("scontrol", "suspend", frozen)
    wait(lambda: any("no sign of life" in line for line in bench.told()))
    cluster.ask("scontrol", "resume", frozen)
    bench.end(process)
    bench.complete()


def test_bad_node_is_excluded_and_named(bench: ClusterBench) -> None:
    prolog = ['if [ "$SLURMD_NODENAME" = n1 ]; then exit 1; fi']
    bench.configure(workers=6, prolog=prolog)
    _, err = bench.end(bench.start("c.py"))
    assert "node n1 failed" in err
    bench.complete(
        r"node n1 failed \d+ workers with different tasks and is not used any more", "on n1: exit code 1"
    )
    record = read_record(bench.latest / "slurm")
    assert any(row["event"] == "exclude" and row["node"] == "n1" for row in record)


def test_node_without_python_is_found_out(bench: ClusterBench) -> None:
    prolog = ['if [ "$SLURMD_NODENAME" = n1 ]; then shift; set -- /gone/venv/bin/python "$@"; fi']
    bench.configure(workers=6, prolog=prolog)
    bench.end(bench.start("c.py"))
    bench.complete("on n1: exit code 127: the command was not found", "node n1 .* is not used any more")


def test_no_node_has_python(bench: ClusterBench) -> None:
    bench.configure(workers=2, prolog=['shift; set -- /gone/venv/bin/python "$@"'])
    out, _ = bench.end(bench.start("c.py"), 1)
    assert f"failed {SIZE}/{SIZE}" in out and "exit code 127: the command was not found" in out
    assert not any("is not used any more" in line for line in bench.told())  # else no node would be left


def test_clocks_that_disagree(bench: ClusterBench) -> None:
    """Nodes whose clocks are hours apart, to what Python is told."""
    place = bench.folder / "skew"
    place.mkdir()
    (place / "sitecustomize.py").write_text(
        "import os, time\n"
        "ahead = {'n1': 7200.0, 'n2': -7200.0}.get(os.environ.get('SLURMD_NODENAME', ''), 0.0)\n"
        "now = time.time\n"
        "time.time = lambda: now() + ahead\n"
    )
    bench.configure(workers=4, cpus=4, prolog=[f"export PYTHONPATH={place}:$PYTHONPATH"])
    process = bench.begin()
    os.kill(worker_pid(bench.jobs()[0]), signal.SIGKILL)
    bench.end(process)
    bench.complete()


def test_node_taken_down_in_mid_run(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(cpus=4, seconds=0.1)
    process = bench.begin()
    node = bench.elements()[0][2]
    cluster.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    bench.end(process)
    bench.complete(r"stopped \(its node (failed|was lost)\)")


def test_node_drained_in_mid_run(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(cpus=4, workers=2, seconds=0.05)
    process = bench.begin()
    node = bench.elements()[0][2]
    cluster.ask("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
    os.kill(worker_pid(bench.jobs()[0]), signal.SIGKILL)
    bench.end(process)
    bench.complete("killed by SIGKILL")


def test_slurmd_is_restarted(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(cpus=4, seconds=0.1)
    process = bench.begin()
    for node in cluster.nodes:
        cluster("stop-node", node)
        cluster("start-node", node)
    bench.end(process)
    bench.complete()
    assert len(bench.jobs()) == 3


@pytest.mark.parametrize("requeue", [True, False])
def test_node_power_cut(cluster: Cluster, bench: ClusterBench, requeue: bool) -> None:
    bench.configure(seconds=0.3, cpus=4, extra=[] if requeue else ["--no-requeue"])
    process = bench.begin()
    cluster("kill-node", bench.elements()[0][2])
    bench.end(process)
    bench.complete("stopped|ended early on n.: ")  # SLURM itself calls it now this, now that


def test_orphan_of_a_dead_step_daemon_changes_nothing(bench: ClusterBench) -> None:
    """SLURM takes the job for lost while its worker lives and writes on."""
    bench.configure(workers=2, seconds=0.5, cpus=4, extra=["--no-requeue"])
    process = bench.begin(answers=4)
    pid = worker_pid(bench.jobs()[0])
    while "slurmstepd" not in Path(f"/proc/{pid}/comm").read_text():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert pid > 1
    os.kill(pid, signal.SIGKILL)
    bench.end(process)
    bench.complete()


# ----------------------------------------------------------------------------- time and memory
def test_time_limit_requeues_and_keeps_what_was_done(bench: ClusterBench) -> None:
    """A minute is the shortest limit; the notice comes 40 s before, and the job goes on after it."""
    bench.configure(workers=2, seconds=0.5, tasks=2, size=160, time="1", notice_s=40)
    bench.end(bench.start("c.py"))
    bench.complete(r"stopped \(ahead of a time limit or a preemption\)")
    assert len(bench.jobs()) == 2
    assert len(bench.rows()) <= 160 + 2 * 2  # redone is at most what was in flight
    assert "start 2" in bench.logs()


def test_time_limit_without_notice_is_retried_from_what_is_on_disk(bench: ClusterBench) -> None:
    bench.configure(workers=1, seconds=0.8, tasks=1, size=120, time="1", extra=["--signal=B:CONT@10"])
    bench.end(bench.start("c.py", "--retry", "0"))
    bench.complete("ran into its time limit")
    assert len({row["key"] for row in bench.rows()}) == len(bench.rows()) == 120


GREEDY = '''
"""A model whose memory grows with its batch."""
import time

from evalsuite.models.echo import EchoModel


class Greedy(EchoModel):
    def __init__(self, batch_size=8, mb=60, **settings):
        super().__init__(**settings)
        self.held = b"x" * (batch_size * mb << 20)
        time.sleep(4)
'''


def greedy(bench: ClusterBench, **model: object) -> None:
    (bench.folder / "greedy.py").write_text(GREEDY)
    bench.configure(
        workers=1, seconds=0.0, tasks=2, model={"type": "greedy.Greedy", "batch_size": 8, **model}, mem="450M"
    )


def test_out_of_memory_is_tried_again_with_a_smaller_batch(bench: ClusterBench) -> None:
    greedy(bench)
    bench.end(bench.start("c.py", "--retry", "1"))
    bench.complete("ended early on n.: out of memory: SLURM killed it")


def test_out_of_memory_with_every_batch_is_reported(bench: ClusterBench) -> None:
    greedy(bench, mb=600)
    out, _ = bench.end(bench.start("c.py", "--retry", "1"), 1)
    assert f"failed {SIZE}/{SIZE}" in out and "inference: out of memory: SLURM killed it" in out
    assert any("out of memory" in line for line in bench.told()) and not bench.rows()


# ----------------------------------------------------------------------------- the queue
def test_preemption_puts_workers_back_in_the_queue(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(seconds=0.1, partition="spot", cpus=4)
    process = bench.begin()
    preempt(cluster)
    bench.end(process)
    bench.complete(r"stopped \(preempted\)")
    assert len(bench.jobs()) == 3, bench.told()  # SLURM started them again; nobody submitted more
    assert "start 2" in bench.logs()


def test_preemption_with_grace_gives_leases_back(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(seconds=0.1, partition="grace", cpus=4, notice_s=30)
    process = bench.begin()
    preempt(cluster)
    bench.end(process)
    bench.complete(r"stopped \((ahead of a time limit or a preemption|preempted)\)")
    assert "start 2" in bench.logs()
    keys = [row["key"] for row in bench.rows()]
    assert len(keys) == len(set(keys))  # it was asked politely: nothing in flight was lost


def test_worker_held_by_somebody_is_named_and_not_waited_for(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(seconds=0.1)
    process = bench.begin()
    cluster.ask("scontrol", "requeuehold", bench.elements()[0][0])
    bench.end(process)
    bench.complete("waits and will not start by itself: held")
    assert not bench.elements("PD,R")


# ----------------------------------------------------------------------------- the controller
def test_controller_outage(cluster: Cluster, bench: ClusterBench) -> None:
    bench.configure(seconds=0.2)
    process = bench.begin()
    cluster.save(bench.elements()[0][0])
    cluster("kill-ctld")
    wait(lambda: any("SLURM gives no answer" in line for line in bench.told()))
    cluster("start-ctld")
    bench.end(process)
    bench.complete("SLURM gives no answer")
    assert len(bench.jobs()) == 3


def test_controller_that_forgets_all_jobs(cluster: Cluster, bench: ClusterBench) -> None:
    """It died before it had written down what it did; and accounting, which could tell, is not there."""
    bench.configure(seconds=0.2)
    process = bench.begin()
    cluster("kill-ctld")
    cluster("wipe-ctld")
    cluster("start-ctld")
    bench.end(process)
    bench.complete("no accounting here", "SLURM does not know it any more")


@pytest.mark.parametrize(
    "answer",
    [
        "echo '<html>502 Bad Gateway</html>'",
        "echo 'slurm_load_jobs error: Unexpected message received' >&2; exit 1",
        "sleep 300",
    ],
    ids=["garbage", "failure", "silence"],
)
def test_squeue_that_does_not_answer_is_never_taken_for_an_end(bench: ClusterBench, answer: str) -> None:
    bench.configure(seconds=0.1)
    bench.shim("squeue", f'if [ -e $HERE/mute ]; then {answer}; else exec $REAL "$@"; fi\n')
    (bench.folder / "mute").touch()
    process = bench.begin()
    bench.end(process)
    bench.complete("SLURM gives no answer")
    assert len(bench.jobs()) == 3


# ----------------------------------------------------------------------------- the run folder
def test_torn_and_empty_files_are_made_again(bench: ClusterBench) -> None:
    """What a power cut leaves behind: half rows, and files that are shorter than they were."""
    bench.configure(seconds=0.1, workers=2)
    process = bench.begin()
    wait(lambda: any(bench.latest.glob("tasks/eval/done/*/*")))  # a slice was answered and judged
    process.kill()
    process.communicate()
    bench.run("attach", "--cancel", str(bench.latest))
    for number, path in enumerate(sorted(bench.latest.glob("predictions/*/*/*.jsonl"))):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // (2 + number % 2)])
    for path in sorted(bench.latest.glob("scores/*/*/*.jsonl"))[:1]:
        path.write_bytes(path.read_bytes()[:-30])
    bench.run("c.py", "-r")
    bench.complete("answers of . slices are not there any more; they are asked again")


def test_score_files_cut_short_behind_their_marks_are_made_again(bench: ClusterBench) -> None:
    bench.configure(seconds=0.0)
    bench.run("c.py")
    scores = sorted(bench.latest.glob("scores/*/*/*.jsonl"))
    scores[0].write_bytes(scores[0].read_bytes()[:-30])
    scores[1].unlink()
    bench.run("c.py", "-r")
    bench.complete("2 score files are not as they were left; they are made again")


def test_lease_folder_deleted_by_hand(bench: ClusterBench) -> None:
    bench.configure(seconds=0.1)
    process = bench.begin()
    shutil.rmtree(bench.latest / "tasks/infer-echo/leased")
    bench.end(process)
    bench.complete("vanished from the run folder; they are back")


@pytest.fixture
def small_disk(bench: ClusterBench) -> Iterator[Path]:
    """The folder of runs on a file system of its own, which is soon full."""
    place = bench.folder / "outputs"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_full_disk_stops_the_run_cleanly_and_room_lets_it_go_on(
    bench: ClusterBench, small_disk: Path
) -> None:
    bench.configure(seconds=0.05)
    process = bench.begin()
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError as error:
            assert "No space left" in str(error)
    out, err = bench.end(process, 1)
    assert "No space left on device" in out + err and "Traceback" not in err
    filler.unlink()
    bench.run("c.py", "-r")
    bench.complete()
