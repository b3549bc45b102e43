"""What dies, when, and how often does not matter: every sample is in the results exactly once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable

import psutil
import pytest

from tests.engine.conftest import Bench

Ready = Callable[..., Bench]


def all_there(bench: Bench, size: int, dataset: str = "d") -> None:
    """Each sample has one verdict in the finished score files, and the table counts each once."""
    from evalsuite.plan import Plan, TaskFinder
    from evalsuite.store.answers import score_file, shard_name
    from evalsuite.store.folder import RunFolder
    from evalsuite.store.rows import read_rows

    folder = RunFolder(bench.latest)
    plan = Plan.load(folder.plan_file)
    tasks = TaskFinder(plan.pairs, "eval")
    marks = list(folder.queue("eval").entries("done"))
    assert sorted(mark.name for mark in marks) == sorted(task.name for task in plan.tasks("eval"))
    seen: Counter[int] = Counter()
    for mark in marks:
        task, pair = tasks.task(mark.name)
        shard = shard_name(task.start, task.stop, pair.eval_fingerprint)
        for row in read_rows(folder.scores(task.model, task.dataset) / score_file(shard, mark)):
            seen[row["index"]] += 1
    assert sorted(seen) == list(range(size)) and set(seen.values()) == {1}


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The worker processes of a driver."""
    try:
        return [p for p in psutil.Process(process.pid).children() if "worker" in p.cmdline()]
    except psutil.NoSuchProcess:
        return []


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def answered(bench: Bench) -> int:
    """How many answers are on disk in the newest run, if there is one."""
    runs = sorted((bench.folder / "outputs" / "c").glob("2*"))
    return len(bench.rows(run=runs[-1])) if runs else 0


def test_a_worker_that_dies_is_replaced_and_its_answers_are_kept(ready: Ready) -> None:
    bench = ready(200, model={"latency": 0.005})
    process = bench.start("c.py")
    wait_for(lambda: answered(bench) > 20)
    victims = [p for p in workers_of(process) if any("infer" in word for word in p.cmdline())]
    victims[0].kill()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "100.00 ≥98.12 (n=200)" in out
    all_there(bench, 200)
    assert len(bench.rows()) == 200  # nothing that was on disk is asked again


def test_driver_killed_then_resumed(ready: Ready) -> None:
    bench = ready(200, model={"latency": 0.005})
    process = bench.start("c.py")
    wait_for(lambda: answered(bench) > 20)
    workers = workers_of(process)
    process.kill()
    process.communicate()
    psutil.wait_procs(workers, timeout=10)
    kept = answered(bench)
    out, _ = bench.run("c.py", "-r")
    assert "(n=200)" in out
    all_there(bench, 200)
    assert kept < 200 and len(bench.rows()) <= 200 + 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_fifty_random_moments(ready: Ready) -> None:
    """The driver or a worker is killed at random moments; what was on disk is never asked again."""
    size = 2000
    bench = ready(size, model={"latency": 0.004})
    rng = random.Random(7)
    bench.run("c.py", "--mode", "infer", "--cfg-options", "datasets.0.reader_cfg.test_range=[0:1]")
    words = ["c.py", "-r"]
    kills = 0
    while kills < 50:
        process = bench.start(*words)
        time.sleep(rng.uniform(0.3, 1.6))
        workers = workers_of(process)
        victim = rng.choice(["driver", "worker"])
        if process.poll() is not None:
            process.communicate()
            break
        if victim == "worker" and workers:
            rng.choice(workers).kill()
            kills += 1
            time.sleep(rng.uniform(0.0, 0.5))
        process.kill()
        kills += 1
        process.communicate()
        psutil.wait_procs(workers, timeout=10)
    out, err = bench.run(*words)
    assert f"(n={size})" in out, err
    all_there(bench, size)
    keys = Counter(row["key"] for row in bench.rows() if "reused" not in row)
    repeated = sum(count - 1 for count in keys.values())
    assert len(keys) == size and repeated <= 3 * kills  # only what was in flight


def test_a_frozen_worker_that_wakes_up_and_writes_late_changes_nothing(bench: Bench) -> None:
    from evalsuite.store.answers import answer_file, answer_row, merged_rows, shard_name
    from evalsuite.store.entries import Entry, Outcome
    from evalsuite.store.leases import Lease, Queue, seed_tasks
    from evalsuite.store.reaper import Reaper
    from evalsuite.store.rows import RowWriter
    from evalsuite.types import Answer

    queue = Queue(bench.folder / "q")
    seed_tasks(queue, [Entry("t", batch="generate-500-0")])
    clock = [0.0]
    reaper = Reaper(queue, lease_seconds=10, clock=lambda: clock[0])
    shard = shard_name(0, 2, "f" * 32)

    def write(lease: Lease, *texts: str) -> RowWriter:
        writer = RowWriter(bench.folder / answer_file(shard, lease.entry.attempts))
        for index, text in enumerate(texts):
            writer.append(answer_row("k" * 32, index, str(index), 0, "", Answer("k", text)))
        return writer

    frozen = queue.claim("frozen", "generate")
    assert frozen is not None
    late = write(frozen, "first")
    for clock[0] in (0.0, 4.0, 8.0, 11.0, 13.0):
        reaper.sweep()
    second = queue.claim("second", "generate")
    assert second is not None and second.entry.failures == 1
    write(second, "again", "other")
    assert second.done(Outcome(2))
    late.append(answer_row("k" * 32, 1, "1", 0, "", Answer("k", "too late")))
    assert not frozen.done(Outcome(2)) and frozen.lost
    (mark,) = queue.entries("done")
    assert mark.owner == "second" and mark.outcome == Outcome(2)
    assert len(merged_rows(bench.folder, shard, mark.attempts + 1)) == 2


def test_a_second_driver_only_watches(ready: Ready) -> None:
    bench = ready(150, model={"latency": 0.02})
    first = bench.start("c.py")
    wait_for(lambda: answered(bench) > 5)
    workers = workers_of(first)
    for worker in workers:
        worker.suspend()
    second = bench.start("c.py", "-r")
    assert second.stderr is not None
    said = second.stderr.readline()
    for worker in workers:
        worker.resume()
    out, _ = first.communicate(timeout=60)
    second.communicate(timeout=60)
    assert "watching only" in said and second.returncode == 0
    assert first.returncode == 0 and "(n=150)" in out
    all_there(bench, 150)
    assert len(bench.rows()) == 150


def test_ctrl_c_stops_cleanly_and_tells_how_to_resume(ready: Ready) -> None:
    bench = ready(200, model={"latency": 0.01})
    process = bench.start("c.py")
    wait_for(lambda: answered(bench) > 10)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "-r " in err and "Traceback" not in err
    assert not list(bench.latest.glob("tasks/*/leased/*"))
    kept = answered(bench)
    out, _ = bench.run("c.py", "-r")
    assert "(n=200)" in out and len(bench.rows()) <= 200 + 4 and kept < 200


def test_a_failing_sample_counts_and_opens_the_interval(ready: Ready) -> None:
    bench = ready(40, model={"faults": {"error_on": "what is 7?", "transient": False}})
    out, _ = bench.run("c.py", status=1)
    assert "failed 1/40" in out and "97.50..100.00" in out
    assert "what" in out or "server" in out
    assert bench.result()["failed"] == 1


def test_a_worker_killed_for_memory_is_named_and_given_up_after_its_retries(ready: Ready) -> None:
    bench = ready(30, model={"faults": {"crash_on": "what is 11?", "crash_how": "kill"}})
    out, _ = bench.run("c.py", "--retry", "1", status=1)
    assert "failed" in out and "SIGKILL" in out
    rows = bench.rows("scores")
    assert len({row["id"] for row in rows}) >= 15  # the other slices are judged


def test_a_model_that_cannot_be_loaded_fails_its_cells_with_the_cause(ready: Ready) -> None:
    bench = ready(20, model={"faults": {"load_error": "weights are torn"}})
    out, _ = bench.run("c.py", "--retry", "0", status=1)
    assert "failed 20/20" in out and "weights are torn" in out


OWN = """
class Picky:
    needs = ()

    def score(self, items):
        from evalsuite.types import Score
        for sample, answers in items:
            if sample.id == "q3":
                raise ValueError("cannot judge q3")
            for repeat, answer in enumerate(answers):
                yield Score(sample.id, repeat, "right", True)

    def aggregate(self, scores):
        from evalsuite.stats import mean_metric
        return mean_metric(scores)
"""


def test_an_evaluator_that_raises_costs_its_slice_and_is_named(ready: Ready) -> None:
    bench = ready(40, dataset={"eval_cfg": {"evaluator": {"type": "picky.Picky"}}})
    (bench.folder / "picky.py").write_text(OWN)
    out, _ = bench.run("c.py", "--retry", "0", status=1)
    assert "cannot judge q3" in out and "failed " in out


def test_a_read_only_folder_is_told_in_one_line(ready: Ready) -> None:
    bench = ready(5)
    folder = bench.folder / "outputs"
    folder.mkdir(mode=0o500)
    root = os.getuid() == 0  # who may write everywhere, except where nobody can
    if (
        root
        and subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(folder)], check=False).returncode
    ):
        pytest.skip("this machine mounts no tmpfs")
    try:
        _, err = bench.run("c.py", status=2)
        assert "cannot create" in err and "Traceback" not in err
    finally:
        if root:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_disk_that_is_full_stops_the_run_and_a_larger_one_resumes_it(ready: Ready) -> None:
    bench = ready(300, model={"mode": "constant", "text": "x" * 3000, "max_out_len": 4000})
    disk = bench.folder / "outputs"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this machine mounts no tmpfs")
    try:
        out, err = bench.run("c.py", status=None)
        assert "No space left" in out + err
        subprocess.run(["mount", "-o", "remount,size=40m", str(disk)], check=True)
        out, _ = bench.run("c.py", "-r")
        assert "(n=300)" in out
        all_there(bench, 300)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_lease_folder_that_somebody_deletes_costs_no_sample(ready: Ready) -> None:
    bench = ready(
        200, model={"latency": 0.01}, infer={"partitioner": {"type": "num_worker", "num_worker": 4}}
    )
    process = bench.start("c.py")
    wait_for(lambda: answered(bench) > 20)
    shutil.rmtree(bench.latest / "tasks/infer-echo/leased")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "(n=200)" in out, err
    assert "vanished from the run folder; they are back" in err
    all_there(bench, 200)
    assert len({row["key"] for row in bench.rows()}) == 200
