"""One run of very many trivial samples: memory of each process, CPU for each sample, and the same at a tenth.

    python benchmarks/bench_large.py [--samples 1000000] [--folder DIR]

The model answers at once, so that what is measured is the engine: plan, infer by two workers, eval, summary.
What grows faster than the number of samples shows in the ratio of the two runs.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from bench_engine import ROOT, prepare
from measure import say, table


@dataclass(frozen=True)
class Ran:
    """What a run cost: CPU and wall seconds, and the peak of resident memory by kind of process."""

    cpu_s: float
    wall_s: float
    peaks: dict[str, float]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--folder", help="where the run lies (default: among temporary files)")
    words = parser.parse_args()
    rows = []
    for samples in (words.samples // 10, words.samples):
        with tempfile.TemporaryDirectory(prefix="evalsuite-large-", dir=words.folder) as name:
            prepare(Path(name), 1, samples)
            ran = run(Path(name), samples)
        memory = [f"{ran.peaks.get(kind, 0):.0f}" for kind in ("driver", "infer", "eval")]
        rows.append(
            [
                f"{samples}",
                f"{ran.cpu_s:.1f}",
                f"{ran.wall_s:.1f}",
                f"{1000 * ran.cpu_s / samples:.3f}",
                *memory,
            ]
        )
        say(" | ".join(rows[-1]))
    head = [
        "samples",
        "CPU s",
        "wall s",
        "CPU ms per sample",
        "driver MB",
        "infer worker MB",
        "eval worker MB",
    ]
    say("\n" + table(rows, head))


def run(folder: Path, samples: int) -> Ran:
    """One whole run; its table must count every sample."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    command = [sys.executable, str(ROOT / "run.py"), "ours.py", "--fresh"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    peaks: dict[str, float] = {}
    threading.Thread(target=watch, args=(process.pid, peaks), daemon=True).start()
    output, _ = process.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode or f"(n={samples})" not in output:
        raise SystemExit(f"the run ended with {process.returncode}:\n{output}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(cpu, time.monotonic() - began, peaks)


def watch(pid: int, peaks: dict[str, float]) -> None:
    """The peak of each kind of process, as the system keeps it."""
    try:
        root = psutil.Process(pid)
        while True:
            for member in [root, *root.children(recursive=True)]:
                try:
                    words = member.cmdline()
                    kind = "driver" if member == root else words[words.index("--class") + 1].split("-")[0]
                    status = Path(f"/proc/{member.pid}/status").read_text()
                except (psutil.NoSuchProcess, ValueError, OSError):
                    continue
                peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
                if peak:
                    peaks[kind] = max(peaks.get(kind, 0.0), int(peak[0]) / 1024)
            time.sleep(0.2)
    except psutil.NoSuchProcess:
        return


if __name__ == "__main__":
    main()
