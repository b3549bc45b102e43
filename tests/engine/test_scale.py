"""What a task costs does not grow with the number of tasks: calls are counted, not seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from evalsuite.settle import Settler
from tests.engine.conftest import ROOT, Bench

COUNTED = """
import json, os, sys
from collections import Counter
from pathlib import Path

counts = Counter()
scandir, fsync = os.scandir, os.fsync


class CountedScandir:
    def __init__(self, path='.'):
        counts['scandir'] += 1
        self.found = scandir(path)

    def __iter__(self):
        for entry in self.found:
            counts['entries'] += 1
            yield entry

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.found.close()


def counted_fsync(descriptor):
    counts['fsync'] += 1
    fsync(descriptor)


os.scandir, os.fsync = CountedScandir, counted_fsync
sys.addaudithook(lambda event, args: counts.update([event]) if event in ('open', 'os.rename') else None)

from evalsuite.drive import DriveOptions, Driver, Pool
from evalsuite.plan import Plan
from evalsuite.store.folder import RunFolder
from evalsuite.worker import main
from runners.local import LocalRunner

folder = RunFolder(Path(sys.argv[1]))
plan = Plan.load(folder.plan_file)
pool = Pool(LocalRunner(), 0, outlives_driver=True)
driver = Driver(folder, plan, pool, pool, DriveOptions())
told = {}


def stage(name, work):
    before = counts.copy()
    work()
    told[name] = counts - before


driver.seed()
stage('poll', driver._step)
stage('infer', lambda: main([sys.argv[1], 'infer-echo', 'w']))
stage('eval', lambda: main([sys.argv[1], 'eval', 'j']))
for _ in range(3):
    driver._watcher.look()
stage('look', driver._watcher.look)
assert driver._watcher.look().scored == len(list(plan.tasks('eval')))
print(json.dumps(told))
"""


def calls(bench: Bench, tasks: int) -> dict[str, dict[str, int]]:
    """What a run of this many tasks of one sample asks of the file system, by stage."""
    from evalsuite.config.read import read_config
    from evalsuite.partitioners import Partitioner
    from evalsuite.plan import HashCache, build_plan

    bench.data(tasks, name=f"d{tasks}")
    config = read_config(bench.config(datasets=[f"d{tasks}"], name=f"c{tasks}"), ())
    partitioner = Partitioner(num_worker=tasks, min_task_size=1)
    os.chdir(bench.folder)
    plan = build_plan(config, partitioner=partitioner, hashes=HashCache(None), history={})
    run = bench.folder / f"run{tasks}"
    plan.save(run / "tasks" / "plan.json")
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, str(run)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, dict[str, int]] = json.loads(done.stdout)
    return told


@pytest.fixture
def home() -> Iterator[None]:
    here = Path.cwd()
    yield
    os.chdir(here)


def test_what_a_task_costs_does_not_grow_with_the_number_of_tasks(bench: Bench, home: None) -> None:
    few, many = calls(bench, 128), calls(bench, 640)

    def more(stage: str, call: str) -> float:
        return (many[stage].get(call, 0) - few[stage].get(call, 0)) / 512

    # claim, finish, and the task that judges becomes ready; a folder that is full costs one more
    assert 3 <= more("infer", "os.rename") < 3.05 and 2 <= more("eval", "os.rename") < 2.05
    # rows are written, and synced once; eval reads the answers and writes its own
    assert more("infer", "fsync") == more("eval", "fsync") == 1
    assert more("infer", "open") <= 3 and more("eval", "open") <= 5
    for stage in ("infer", "eval"):
        assert more(stage, "scandir") < 0.1  # a batch of tasks is listed once, and no row file ever
        assert more(stage, "entries") < 2
    for call in ("scandir", "entries", "open"):
        assert more("poll", call) <= 0  # whether any task is there: the first one tells
        assert more("look", call) < 0.02  # finished tasks are counted once: folders that rest are not listed


class Disk:
    """Notes what is asked of it; a bad one fails."""

    def __init__(self, *, bad: bool = False) -> None:
        self.told: list[str] = []
        self._bad = bad

    def sync(self) -> None:
        if self._bad:
            raise OSError("no space left")
        self.told.append("synced")

    def mark(self) -> None:
        self.told.append("marked")


def test_a_task_is_marked_only_after_its_rows_are_on_the_disk() -> None:
    settler = Settler()
    disks = [Disk() for _ in range(50)]
    for disk in disks:
        settler.submit(disk.sync, disk.mark)
    settler.drain()
    assert all(disk.told == ["synced", "marked"] for disk in disks)


def test_a_disk_that_fails_leaves_the_task_unmarked_and_is_told() -> None:
    settler = Settler()
    bad, good = Disk(bad=True), Disk()
    settler.submit(bad.sync, bad.mark)
    settler.submit(good.sync, good.mark)
    with pytest.raises(OSError, match="no space left"):
        settler.drain()
    assert bad.told == [] and good.told == ["synced", "marked"]
    settler.close()


def key(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()[:32]


def test_old_answers_are_read_once_however_many_tasks_ask(tmp_path: Path, monkeypatch: Any) -> None:
    from evalsuite.store import reuse
    from evalsuite.store.answers import answer_file, answer_row, shard_name
    from evalsuite.store.folder import RunFolder
    from evalsuite.store.rows import RowWriter
    from evalsuite.types import Answer

    run = RunFolder(tmp_path / "20260101_000000")
    for start in range(50):
        place = run.predictions("m", "d") / answer_file(shard_name(start, start + 1, "a" * 32), 0)
        with RowWriter(place) as writer:
            writer.append(answer_row(key(start), start, str(start), 0, "", Answer("k", "t")))
    reads: list[Path] = []
    read_lines = reuse.read_lines
    monkeypatch.setattr(reuse, "read_lines", lambda path: (reads.append(path), read_lines(path))[1])
    old = reuse.OldAnswers(run, (), "m", "d")
    found = [row["key"] for at in range(200) for _, row in old.find((at, at + 1), {key(at + 7)})]
    assert found == [key(at) for at in range(7, 50)]  # rows moved by seven; later ones were never there
    assert len(reads) <= 50 + 50 + 43  # each near its new place, once for the index, once where it was
