"""Leases: one winner, nothing lost, whoever dies and whenever."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.store import leases
from evalsuite.store.entries import Entry, Outcome
from evalsuite.store.leases import STATES, Queue, batches, seed_tasks
from evalsuite.store.reaper import Reaper

KIND = "generate"


def entries(costs: Mapping[str, float]) -> list[Entry]:
    """Tasks of these names and costs, as a plan puts them in."""
    batch_of = batches((name, KIND, cost) for name, cost in costs.items())
    return [Entry(name, batch=batch) for name, batch in batch_of.items()]


TEN = {f"t.{number}-x": 1.0 for number in range(10)}


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    queue = Queue(tmp_path / "q")
    seed_tasks(queue, entries(TEN), ["later"])
    return queue


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_task_is_claimed_once(queue: Queue) -> None:
    first, second = Queue(queue.root), Queue(queue.root)
    names = []
    while (lease := first.claim("a", KIND)) or (lease := second.claim("b", KIND)):
        names.append(lease.name)
    assert sorted(names) == sorted(f"t.{number}-x" for number in range(10))


RACE = """
import sys
from pathlib import Path
from evalsuite.store.entries import Outcome
from evalsuite.store.leases import Queue
queue, me = Queue(Path(sys.argv[1])), sys.argv[2]
while lease := queue.claim(me, "generate"):
    lease.done(Outcome(1))
    print(lease.name)
"""


def test_processes_that_race_share_the_tasks_without_overlap(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "q")
    seed_tasks(queue, entries({f"task-{number}": 1.0 for number in range(300)}))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(queue.root), f"w{n}"], stdout=subprocess.PIPE, text=True
        )
        for n in range(4)
    ]
    claimed = [name for worker in workers for name in worker.communicate()[0].split()]
    assert len(claimed) == len(set(claimed)) == 300
    assert queue.names("done") == set(claimed)


def test_longer_tasks_are_claimed_first_and_those_of_another_plan_never(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "q")
    costs = {f"t.{number}-x": 2.0**number for number in range(-5, 5)}
    seed_tasks(queue, entries(costs))
    order = []
    while lease := queue.claim("a", KIND, lambda name: costs[name] >= 0.5):
        order.append(lease.name)
    assert order == sorted((name for name in costs if costs[name] >= 0.5), key=lambda name: -costs[name])
    assert queue.names("ready") == {name for name in costs if costs[name] < 0.5}


def test_a_claim_takes_tasks_of_its_kind(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "q")
    batch_of = batches([("a", "generate", 1.0), ("b", "loglikelihood", 8.0)])
    seed_tasks(queue, [Entry(name, batch=batch) for name, batch in batch_of.items()])
    assert [queue.claim("w", "generate"), queue.claim("w", "generate")][1] is None
    assert queue.names("leased") == {"a"}


def test_a_task_that_comes_back_is_found_though_its_batch_was_spent(queue: Queue) -> None:
    leases = [queue.claim("w", KIND) for _ in TEN]
    assert queue.claim("w", KIND) is None and not list(queue.folder("ready").iterdir())
    assert leases[3] is not None and leases[3].give_back()
    again = queue.claim("w", KIND)
    assert again is not None and again.name == leases[3].name
    assert again.entry.attempts == 1 and again.entry.failures == 0


def test_what_a_claim_lists_does_not_grow_with_tasks_and_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = 0
    listed = leases.listed

    def counted(folder: str) -> Iterator[str]:
        nonlocal seen
        for name in listed(folder):
            seen += 1
            yield name

    monkeypatch.setattr(leases, "listed", counted)
    costs = []
    for size, pulling in ((1000, 50), (4000, 200)):
        root = tmp_path / str(size)
        seed_tasks(Queue(root), entries({f"t{number}": 1.0 for number in range(size)}))
        workers = [Queue(root) for _ in range(pulling)]
        rng = random.Random(5)
        seen = claimed = 0
        while claimed < size:
            for worker in workers:
                lease = worker.claim("w", KIND, rng=rng)
                claimed += lease is not None and lease.done(Outcome(1))
        costs.append(seen / size)
    assert costs[1] < 1.5 * costs[0], costs


def test_a_name_tells_all_of_an_entry() -> None:
    entry = Entry("d.1-0-16-abc", 1, 2, 3, "eval-500-w.1-0", "w.1", Outcome(16, 1, 4, 0.25))
    assert Entry.parse(entry.file) == entry
    assert Entry.parse(entry.bare, "b") == Entry("d.1-0-16-abc", 1, 2, 3, "b")
    assert Entry.parse(".nfs00a1") is None and Entry.parse("notes.txt") is None


def test_a_silent_worker_loses_its_task_and_a_late_one_notices(queue: Queue) -> None:
    clock = Clock()
    reaper = Reaper(queue, lease_seconds=30, clock=clock)
    lease = queue.claim("frozen", KIND)
    assert lease is not None
    for clock.now in (0.0, 10.0, 20.0, 29.0):
        reaper.sweep()
        assert queue.names("leased") == {lease.name}
    clock.now = 31.0
    reaper.sweep()
    clock.now = 60.0
    reaper.sweep()
    assert lease.name in queue.names("ready")
    assert not lease.done(Outcome(1)) and lease.lost
    assert lease.name not in queue.names("done")
    again = Queue(queue.root).claim("other", KIND, lambda name: name == lease.name)
    assert again is not None and again.entry.failures == again.entry.attempts == 1
    assert "no sign of life" in queue.reasons(lease.name)[0]["reason"]


def test_a_watcher_that_was_away_itself_takes_nobody_for_dead(queue: Queue) -> None:
    clock = Clock()
    reaper = Reaper(queue, lease_seconds=30, clock=clock)
    lease = queue.claim("steady", KIND)
    assert lease is not None
    for clock.now in (0.0, 10.0, 500.0, 510.0):
        assert reaper.sweep() == []
    assert queue.names("leased") == {lease.name}
    for clock.now in (520.0, 525.0):
        silent = reaper.sweep()
    assert silent == ["steady"] and queue.names("leased") == set()


def test_a_folder_that_was_taken_away_is_empty_and_its_tasks_can_be_put_back(queue: Queue) -> None:
    for _ in range(3):
        assert queue.claim("w", KIND) is not None
    shutil.rmtree(queue.folder("leased"))
    shutil.rmtree(queue.folder("ready"))
    assert queue.names("leased") == set() and queue.claim("w", KIND) is None
    assert seed_tasks(queue, entries(TEN)) == 10
    assert seed_tasks(queue, entries(TEN)) == 0
    assert queue.claim("w", KIND) is not None


def test_a_beating_heart_keeps_the_lease_even_when_the_clock_is_set_back(queue: Queue) -> None:
    clock = Clock()
    reaper = Reaper(queue, lease_seconds=30, clock=clock)
    lease = queue.claim("steady", KIND)
    assert lease is not None
    for step in range(10):
        queue.beat("steady", {lease.name: {"done": step}})
        then = 1_000_000 - 1000 * step  # the wall clock runs backwards
        os.utime(queue.folder("workers") / "steady", (then, then))
        clock.now += 20
        reaper.sweep()
    assert queue.names("leased") == {lease.name}


def test_a_failing_task_comes_back_with_growing_pauses_and_is_given_up(queue: Queue) -> None:
    clock = Clock()
    reaper = Reaper(queue, retry=2, backoff=10, clock=clock)
    pauses = []
    while True:
        lease = queue.claim("w", KIND, lambda name: name == "t.3-x")
        assert lease is not None
        lease.fail(f"boom {lease.entry.failures}")
        began = clock.now
        while "t.3-x" not in queue.names("ready") and "t.3-x" not in queue.names("failed"):
            reaper.sweep()
            clock.now += 1
        if "t.3-x" in queue.names("failed"):
            break
        pauses.append(clock.now - began)
    assert len(pauses) == 2 and 10 <= pauses[0] < 15 < 20 <= pauses[1] < 25
    assert [row["reason"] for row in queue.reasons("t.3-x")] == ["boom 0", "boom 1", "boom 2"]


def test_uncounted_failures_are_free(queue: Queue) -> None:
    reaper = Reaper(queue, retry=0)
    for _ in range(5):
        lease = queue.claim("w", KIND, lambda name: name == "t.1-x")
        assert lease is not None and lease.entry.failures == 0
        lease.fail("preempted", kind="preempted", counted=False)
        reaper.sweep()


def test_the_dead_workers_leases_end_at_once_and_only_theirs(queue: Queue) -> None:
    reaper = Reaper(queue)
    mine = [queue.claim("job-1", KIND) for _ in range(3)]
    other = queue.claim("job-10", KIND)
    assert reaper.release(["job-1"], "exit 137") == 3
    assert all(lease is not None and not lease.done(Outcome(1)) for lease in mine)
    assert other is not None and other.done(Outcome(1))


def test_a_waiting_task_is_promoted_once(queue: Queue) -> None:
    for _ in range(3):
        queue.promote(Entry("later", answers=2, batch="eval-500-w-0"))
    assert "later" in queue.names("ready") and not queue.names("waiting")
    lease = queue.claim("judge", "eval")
    assert lease is not None and lease.entry.answers == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=40), st.integers(0, 2**32))
def test_no_sequence_of_moves_loses_or_doubles_a_task(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, int]], seed: int
) -> None:
    queue = Queue(tmp_path_factory.mktemp("q") / "q")
    names = {f"t{number}" for number in range(4)}
    seed_tasks(queue, entries(dict.fromkeys(sorted(names), 1.0)))
    clock = Clock()
    reaper = Reaper(queue, retry=1, lease_seconds=5, backoff=2, clock=clock)
    rng = random.Random(seed)
    held = []
    for kind, which in moves:
        if kind == 0 and (lease := queue.claim(f"w{which}", KIND, rng=rng)):
            held.append(lease)
        elif held and kind in (1, 2, 3):
            lease = held.pop(which % len(held))
            if kind == 1:
                lease.done(Outcome(1))
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
