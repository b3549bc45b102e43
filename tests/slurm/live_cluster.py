"""The live test cluster, as tests see it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

SCRIPT = Path(__file__).with_name("cluster")
ROOT = Path(__file__).resolve().parents[2]


class Cluster:
    """The test cluster, and the faults that one can bring upon it."""

    nodes = ("n1", "n2", "n3", "n4")

    def __call__(self, *words: str) -> str:
        """One verb of the cluster script."""
        done = subprocess.run([str(SCRIPT), *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"cluster {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def ask(self, *argv: str) -> str:
        """What a SLURM client prints."""
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    def save(self, element: str) -> None:
        """Until the controller has written down what jobs there are: it writes when one has changed."""
        before = self._saved_at()
        self.ask("scontrol", "update", f"jobid={element}", "comment=saved")
        wait(lambda: self._saved_at() > before)

    def _saved_at(self) -> int:
        file = Path(os.environ["SLURM_CONF"]).parents[1] / "ctld/job_state"
        return file.stat().st_mtime_ns if file.exists() else 0

    def rows(self, name: str, fields: str = "%i|%T|%N", states: str = "all") -> list[list[str]]:
        """Array elements whose job name begins with `name`."""
        lines = self.ask("squeue", "-h", "-r", "-t", states, "-o", f"%j|{fields}").splitlines()
        return [line.split("|")[1:] for line in lines if line.startswith(name)]


def wait(condition: Callable[[], object], seconds: float = 120, every: float = 0.1) -> None:
    """Until it is so; a loaded machine gets time, a broken one does not hang the tests."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(every)


def processes(word: str) -> list[int]:
    """Processes with this word on their command line."""
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [number for number in numbers if word in command(number)]


def command(pid: int) -> list[str]:
    """The words of a process's command line; none when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
