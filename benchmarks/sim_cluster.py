"""How well pulled tasks fill a large cluster: real leases on a real file system, in simulated time.

    python benchmarks/sim_cluster.py [--workers 1000] [--tasks 100000] [--mean 60] [--sigma 1.0] [--load 120]

Each simulated worker claims and finishes tasks through evalsuite's own lease code, in a temporary folder;
only the work itself, the load of a model and the latency of the file system are numbers on a simulated clock.
Compared with: one job for each task (a model load for each), and a static partition into equal estimated
sizes, in which each part is a job. Estimates are wrong by a log-normal factor, as they are in life.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evalsuite.pulse import BEATS_PER_LEASE
from evalsuite.store import leases
from evalsuite.store.entries import Entry, Outcome

KIND = "generate"
OPERATIONS = ("open", "os.rename", "os.scandir", "os.mkdir", "os.rmdir", "os.remove")
OPERATIONS_OF_A_BEAT = 4  # open, write, truncate, close


def main() -> None:
    """Run the simulation and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--mean", type=float, default=60.0, help="seconds of a task, on average")
    parser.add_argument("--sigma", type=float, default=1.0, help="of the logarithm of a task's seconds")
    parser.add_argument(
        "--error", type=float, default=0.3, help="sigma of the logarithm of an estimate's error"
    )
    parser.add_argument("--load", type=float, default=120.0, help="seconds to load a model")
    parser.add_argument("--start", type=float, default=5.0, help="seconds to start a job")
    parser.add_argument("--operation", type=float, default=0.001, help="seconds of a file-system operation")
    parser.add_argument("--entry", type=float, default=5e-6, help="seconds to list one entry of a folder")
    parser.add_argument("--lease", type=float, default=150.0, help="seconds of silence that end a lease")
    parser.add_argument("--folder", help="where the queue lies (default: among temporary files)")
    parser.add_argument("--seed", type=int, default=1)
    o = parser.parse_args()
    rng = random.Random(o.seed)
    scale = math.log(o.mean) - o.sigma**2 / 2
    seconds = [rng.lognormvariate(scale, o.sigma) for _ in range(o.tasks)]
    estimates = [s * rng.lognormvariate(0.0, o.error) for s in seconds]
    bound = o.start + o.load + max(sum(seconds) / o.workers, max(seconds))
    longest = max(seconds)
    print(
        f"{o.workers} workers, {o.tasks} tasks, mean {o.mean:g} s, longest {longest:.0f} s, load {o.load:g} s"
    )
    print(f"lower bound of the makespan: {bound:.0f} s")
    began = time.perf_counter()
    makespan, counts = pulled(o, seconds, estimates)
    real = time.perf_counter() - began
    show("pulled through leases", makespan, bound)
    print(f"    {operations(counts) / o.tasks:.2f} file-system operations a task:", end=" ")
    print(", ".join(f"{name} {count / o.tasks:.2f}" for name, count in sorted(counts.items())))
    beats = o.workers / (o.lease / BEATS_PER_LEASE)
    print(f"    hearts: {OPERATIONS_OF_A_BEAT * beats:.0f} operations a second, whatever the tasks are")
    print(f"    {real / o.tasks * 1e6:.0f} us of real time a task")
    show("one job for each task", fifo([o.start + o.load + s for s in seconds], o.workers), bound)
    for parts in (o.workers, 4 * o.workers):
        lengths = static(seconds, estimates, parts, o.start + o.load)
        show(f"OpenCompass's size partition, {parts} jobs", fifo(lengths, o.workers), bound)


def show(name: str, makespan: float, bound: float) -> None:
    """One line of the table."""
    print(f"{name:<38} {makespan:8.0f} s   {makespan / bound:6.3f} of the lower bound")


def pulled(o: Any, seconds: Sequence[float], estimates: Sequence[float]) -> tuple[float, Counter[str]]:
    """The makespan when workers pull, each through its own queue object, and what that asked of the disk."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="evalsuite-sim-", dir=o.folder) as folder:
        root = Path(folder)
        batch_of = leases.batches((str(i), KIND, estimate) for i, estimate in enumerate(estimates))
        entries = [Entry(name, batch=batch) for name, batch in batch_of.items()]
        leases.seed_tasks(leases.Queue(root), entries)
        count_operations(counts)
        queues = [leases.Queue(root) for _ in range(o.workers)]
        held: dict[int, leases.Lease] = {}
        events = [(o.start + o.load * random.Random(i).uniform(0.9, 1.0), i) for i in range(o.workers)]
        heapq.heapify(events)
        done = 0
        makespan = 0.0
        while events:
            now, worker = heapq.heappop(events)
            before = counts.copy()
            if worker in held:
                done += held.pop(worker).done(Outcome(1))
                makespan = max(makespan, now)
            lease = queues[worker].claim(f"w{worker}", KIND, rng=random.Random(now))
            spent = cost(o, counts - before)
            if lease is not None:
                held[worker] = lease
                heapq.heappush(events, (now + spent + seconds[int(lease.name)], worker))
        left = Counter(counts)
        if done != o.tasks or len(queues[0].names("done")) != o.tasks:
            raise SystemExit(f"{done} of {o.tasks} tasks were done exactly once")
    return makespan, left


def cost(o: Any, counts: Counter[str]) -> float:
    """Seconds on the simulated clock that these operations take."""
    return float(operations(counts) * o.operation + counts["entry"] * o.entry)


def operations(counts: Counter[str]) -> int:
    """All that was asked of the file system, a listing counted as one."""
    return sum(count for name, count in counts.items() if name not in ("missed", "entry"))


def count_operations(counts: Counter[str]) -> None:
    """Count what the lease code asks of the file system: the interpreter tells of each call by itself.

    It tells nothing of `stat`, which is asked once or twice when a rename found its file gone.
    """
    move, listed = leases.move, leases.listed

    def heard(event: str, args: tuple[Any, ...]) -> None:
        if event in OPERATIONS:
            counts[event] += 1

    def counted_move(source: str, target: str) -> bool:
        won = move(source, target)
        if not won:
            counts["missed"] += 1
            counts["stat"] += 2
        return won

    def counted_listed(folder: str) -> Iterator[str]:
        for name in listed(folder):
            counts["entry"] += 1
            yield name

    sys.addaudithook(heard)
    leases.move = counted_move
    leases.listed = counted_listed


def fifo(lengths: Sequence[float], slots: int) -> float:
    """The makespan of jobs that start in order as slots get free."""
    ends = [0.0] * slots
    for length in lengths:
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)


def static(seconds: Sequence[float], estimates: Sequence[float], parts: int, overhead: float) -> list[float]:
    """Lengths of jobs made by cutting the list of tasks, in order, into parts of equal estimated size."""
    size = sum(estimates) / parts
    lengths: list[float] = []
    filled = size
    for actual, estimate in zip(seconds, estimates, strict=True):
        if filled + estimate > size:
            lengths.append(overhead)
            filled = 0.0
        lengths[-1] += actual
        filled += estimate
    return lengths


if __name__ == "__main__":
    main()
