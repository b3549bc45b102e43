"""Leases: one winner, nothing lost, whoever dies and whenever."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.store.leases import STATES, Queue, Reaper, seed_tasks


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    queue = Queue(tmp_path / "q")
    seed_tasks(queue, [f"t.{number}-x" for number in range(10)], ["later"])
    return queue


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_task_is_claimed_once(queue: Queue) -> None:
    first, second = Queue(queue.root), Queue(queue.root)
    names = []
    while (lease := first.claim("a")) or (lease := second.claim("b")):
        names.append(lease.name)
    assert sorted(names) == sorted(f"t.{number}-x" for number in range(10))


RACE = """
import sys
from pathlib import Path
from evalsuite.store.leases import Queue
queue, me = Queue(Path(sys.argv[1])), sys.argv[2]
while lease := queue.claim(me):
    lease.done({"owner": me})
    print(lease.name)
"""


def test_processes_that_race_share_the_tasks_without_overlap(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "q")
    seed_tasks(queue, [f"task-{number}" for number in range(300)])
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(queue.root), f"w{n}"], stdout=subprocess.PIPE, text=True
        )
        for n in range(4)
    ]
    claimed = [name for worker in workers for name in worker.communicate()[0].split()]
    assert len(claimed) == len(set(claimed)) == 300
    assert queue.names("done") == set(claimed)


def test_longer_tasks_are_claimed_first_and_unknown_ones_never(queue: Queue) -> None:
    ranks = {f"t.{number}-x": float(number) for number in range(8)}
    order = []
    while lease := queue.claim("a", ranks.get):
        order.append(lease.name)
    assert order == sorted(ranks, key=lambda name: -ranks[name])
    assert queue.names("ready") == {"t.8-x", "t.9-x"}


def test_a_silent_worker_loses_its_task_and_a_late_one_notices(queue: Queue) -> None:
    clock = Clock()
    reaper = Reaper(queue, lease_seconds=30, clock=clock)
    lease = queue.claim("frozen")
    assert lease is not None
    for clock.now in (0.0, 10.0, 20.0, 29.0):
        reaper.sweep()
        assert queue.names("leased") == {lease.name}
    clock.now = 31.0
    reaper.sweep()
    clock.now = 60.0
    reaper.sweep()
    assert lease.name in queue.names("ready")
    assert not lease.beat({"done": 1}) and lease.lost
    assert not lease.done({}) and lease.name not in queue.names("done")
    again = Queue(queue.root).claim("other", lambda name: 1.0 if name == lease.name else None)
    assert again is not None and again.failures == 1
    assert "no sign of life" in queue.reasons(lease.name)[0]["reason"]


def test_a_watcher_that_was_away_itself_takes_nobody_for_dead(queue: Queue) -> None:
    clock = Clock()
    reaper = Reaper(queue, lease_seconds=30, clock=clock)
    lease = queue.claim("steady")
    assert lease is not None
    for clock.now in (0.0, 10.0, 500.0, 510.0):
        assert reaper.sweep() == []
    assert queue.names("leased") == {lease.name}
    for clock.now in (520.0, 525.0):
        silent = reaper.sweep()
    assert silent == ["steady"] and queue.names("leased") == set()


def test_a_folder_that_was_taken_away_is_empty_and_its_tasks_can_be_put_back(queue: Queue) -> None:
    for _ in range(3):
        assert queue.claim("w") is not None
    shutil.rmtree(queue.folder("leased"))
    shutil.rmtree(queue.folder("ready"))
    assert queue.names("leased") == set() and queue.claim("w") is None
    assert seed_tasks(queue, [f"t.{number}-x" for number in range(10)]) == 10
    assert seed_tasks(queue, [f"t.{number}-x" for number in range(10)]) == 0
    assert queue.claim("w") is not None


def test_a_beating_heart_keeps_the_lease_even_when_the_clock_is_set_back(queue: Queue) -> None:
    clock = Clock()
    reaper = Reaper(queue, lease_seconds=30, clock=clock)
    lease = queue.claim("steady")
    assert lease is not None
    for step in range(10):
        lease.beat()
        os.utime(
            lease.path, (1_000_000 - 1000 * step, 1_000_000 - 1000 * step)
        )  # the wall clock runs backwards
        clock.now += 20
        reaper.sweep()
    assert queue.names("leased") == {lease.name}


def test_a_failing_task_comes_back_with_growing_pauses_and_is_given_up(queue: Queue) -> None:
    clock = Clock()
    reaper = Reaper(queue, retry=2, backoff=10, clock=clock)
    pauses = []
    while True:
        lease = queue.claim("w", lambda name: 1.0 if name == "t.3-x" else None)
        assert lease is not None
        lease.fail(f"boom {lease.failures}")
        began = clock.now
        while "t.3-x" not in queue.names("ready") and "t.3-x" not in queue.names("failed"):
            reaper.sweep()
            clock.now += 1
        if "t.3-x" in queue.names("failed"):
            break
        pauses.append(clock.now - began)
    assert len(pauses) == 2 and 10 <= pauses[0] < 15 < 20 <= pauses[1] < 25
    assert [r["reason"] for r in queue.content("failed", "t.3-x")["reasons"]] == [
        "boom 0",
        "boom 1",
        "boom 2",
    ]


def test_uncounted_failures_are_free(queue: Queue) -> None:
    reaper = Reaper(queue, retry=0)
    for _ in range(5):
        lease = queue.claim("w", lambda name: 1.0 if name == "t.1-x" else None)
        assert lease is not None and lease.failures == 0
        lease.fail("preempted", kind="preempted", counted=False)
        reaper.sweep()


def test_the_dead_workers_leases_end_at_once_and_only_theirs(queue: Queue) -> None:
    reaper = Reaper(queue)
    mine = [queue.claim("job-1") for _ in range(3)]
    other = queue.claim("job-10")
    assert reaper.release(["job-1"], "exit 137") == 3
    assert all(lease is not None and not lease.beat() for lease in mine)
    assert other is not None and other.beat()


def test_a_waiting_task_is_promoted_once(queue: Queue) -> None:
    for _ in range(3):
        queue.promote("later")
    assert "later" in queue.names("ready") and not queue.names("waiting")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=40), st.integers(0, 2**32))
def test_no_sequence_of_moves_loses_or_doubles_a_task(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, int]], seed: int
) -> None:
    queue = Queue(tmp_path_factory.mktemp("q") / "q")
    names = {f"t{number}" for number in range(4)}
    seed_tasks(queue, sorted(names))
    clock = Clock()
    reaper = Reaper(queue, retry=1, lease_seconds=5, backoff=2, clock=clock)
    rng = random.Random(seed)
    held = []
    for kind, which in moves:
        if kind == 0 and (lease := queue.claim(f"w{which}", rng=rng)):
            held.append(lease)
        elif held and kind in (1, 2, 3):
            lease = held.pop(which % len(held))
            if kind == 1:
                lease.done({})
            elif kind == 2:
                lease.give_back()
            else:
                lease.fail("x")
        elif kind == 4:
            clock.now += 4
            reaper.sweep()
        elif kind == 5:
            reaper.release([f"w{which}"], "dead")
        places = [entry.name for state in STATES for entry in queue.entries(state)]
        assert sorted(places) == sorted(names)
