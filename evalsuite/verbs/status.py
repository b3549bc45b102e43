"""`evalsuite status RUN`: how far a run is, from another shell, while it goes on or afterwards."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from evalsuite.cli import parser
from evalsuite.errors import UserError
from evalsuite.store.folder import RunFolder, is_run, list_runs

TOLD_LINES = 5


def main(argv: Sequence[str]) -> int:
    """Print one snapshot of a run; status 1 when something failed for good."""
    options = parser("status", "How far a run is.")
    options.add_argument(
        "run", nargs="?", default="outputs", help="a run folder, or a folder of runs (the latest)"
    )
    words = options.parse_args(list(argv))
    folder = find_run(Path(words.run))
    from evalsuite.plan import Plan
    from evalsuite.progress import Watcher
    from evalsuite.report.board import render

    plan = Plan.load(folder.plan_file)
    snapshot = Watcher(folder, plan).look()
    owners = [owner for state in snapshot.queues.values() for owner in state.owners]
    lines = [str(folder.path), *render(snapshot, 0.0, owners), *folder.told()[-TOLD_LINES:]]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if any(line.lost_tasks or line.failed for line in snapshot.lines) else 0


def find_run(place: Path) -> RunFolder:
    """The run at a path, or the latest one somewhere below it."""
    if is_run(place):
        return RunFolder(place)
    below = [place, *(p for p in place.iterdir() if p.is_dir())] if place.is_dir() else []
    runs = sorted((run for folder in below for run in list_runs(folder)), key=lambda run: run.name)
    if not runs:
        raise UserError("there is no run here", where=str(place), expected="a run folder")
    return RunFolder(runs[-1])
