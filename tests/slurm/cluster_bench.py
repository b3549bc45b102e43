"""A bench whose runs go to the test cluster, and what must be so after every fault."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from live_cluster import Cluster, command, processes, wait

from runners.slurm import read_record
from tests.engine.conftest import Bench
from tests.engine.test_faults import all_there

SIZE = 240


class ClusterBench(Bench):
    """A folder whose runs go to a cluster."""

    cluster: Cluster
    size = SIZE

    def configure(
        self,
        workers: int = 3,
        seconds: float = 0.05,
        tasks: int = 12,
        size: int = SIZE,
        model: Mapping[str, Any] = {},
        **options: Any,
    ) -> None:
        """A dataset and an echo model that takes its time, with workers on the cluster."""
        self.size = size
        self.data(size)
        self.config(
            model={"latency": seconds, **model},
            infer={
                "partitioner": {"type": "num_worker", "num_worker": tasks},
                "runner": {"type": "slurm", "partition": "cpu", **options, "max_num_workers": workers},
            },
            eval={"runner": {"type": "slurm", "partition": "cpu", "max_num_workers": 1}},
        )

    def begin(self, *words: str, answers: int = 10, **kwargs: Any) -> subprocess.Popen[str]:
        """Start a run, and wait until some answers of it are on disk."""
        process = self.start("c.py", *words, **kwargs)
        wait(lambda: self.answered() > answers or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        return process

    def answered(self) -> int:
        """How many answers are on disk in the newest run, if there is one."""
        runs = sorted((self.folder / "outputs/c").glob("2*"))
        return len(self.rows(run=runs[-1])) if runs else 0

    def jobs(self, group: str = "infer") -> list[str]:
        """The ids of all jobs that were submitted for a stage."""
        record = read_record(self.latest / "slurm")
        return [
            id
            for row in record
            if row["event"] == "intent" and row["group"].startswith(group)
            for id in row["jobs"]
        ]

    def elements(self, states: str = "R", group: str = "infer") -> list[list[str]]:
        """Workers in SLURM: [id, state, node]."""
        rows = self.cluster.rows(f"es-{self.latest.name}", "%i|%T|%N|%j", states)
        return [row for row in rows if group in row[3]]

    def told(self) -> list[str]:
        """What the user of the newest run was told while it went on."""
        try:
            return (self.latest / "logs/told.txt").read_text().splitlines()
        except FileNotFoundError:
            return []

    def logs(self) -> str:
        """The logs of all infer workers."""
        return "".join(path.read_text() for path in (self.latest / "logs").glob("infer*.log"))

    def shim(self, name: str, text: str) -> Path:
        """A program that stands before SLURM's own one, which is $REAL in its text."""
        place = self.folder / "shims"
        place.mkdir(exist_ok=True)
        real = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        path = place / name
        path.write_text(f"#!/bin/bash\nHERE={self.folder}\nREAL={real}\n{text}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.env["PATH"] = f"{place}{os.pathsep}{os.environ['PATH']}"
        return path

    # ------------------------------------------------------------------ what must be so
    def end(self, process: subprocess.Popen[str], status: int = 0, seconds: float = 240) -> tuple[str, str]:
        """Wait for a program's end; its output and its messages."""
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"no end after {seconds:g} s\n{out}\n{err}") from None
        assert process.returncode == status, f"status {process.returncode}\n{out}\n{err}"
        return out, err

    def complete(self, *said: str) -> None:
        """No sample is lost, none counts twice, and each of these patterns is in a line that was told."""
        all_there(self, self.size)
        assert self.result()["accuracy"] == 100.0
        for pattern in said:
            assert any(re.search(pattern, line) for line in self.told()), (pattern, self.told())


def worker_pid(owner: str) -> int:
    """The process of a worker on any of the virtual nodes."""
    found = [pid for pid in processes(owner) if "worker" in command(pid)]
    assert found, f"no process of {owner}"
    return found[0]
