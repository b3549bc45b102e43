"""`evalsuite attach RUN`: go on with a run whose workers are on a cluster, from any host."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalsuite.cli import EXIT_INTERRUPTED, parser
from evalsuite.store.folder import RunFolder
from evalsuite.verbs.status import find_run

EXIT_AGAIN = 75
"""A coordinator that was told to stop leaves with this, and its job is queued again."""
WAIT_SECONDS = 10.0


def main(argv: Sequence[str]) -> int:
    """Drive the run, or watch it where somebody else drives; or end its jobs."""
    options = parser("attach", "Continue with a run whose workers are on a cluster.")
    options.add_argument("run", nargs="?", default="outputs", help="a run folder, or a folder of runs")
    options.add_argument("--cancel", action="store_true", help="end all jobs of this run")
    options.add_argument(
        "--coordinate", action="store_true", help="wait until nobody drives, then drive (in a job)"
    )
    words = options.parse_args(list(argv))
    folder = RunFolder(find_run(Path(words.run)).path.absolute())
    if words.cancel:
        return _cancel(folder)
    return _drive(folder, coordinate=words.coordinate)


def _cancel(folder: RunFolder) -> int:
    from evalsuite.cluster import ClusterRunner

    runner = ClusterRunner()
    runner.open(folder)
    live = [id for id, state in runner.slurm.poll().items() if not state.over]
    runner.cancel(live)
    left = sum(not runner.slurm.poll()[id].over for id in live)
    sys.stderr.write(
        f"{len(live) - left} jobs ended; `evalsuite run CONFIG -r {folder.stamp}` goes on later\n"
    )
    return 1 if left else 0


def _drive(folder: RunFolder, *, coordinate: bool) -> int:
    from evalsuite.cluster import recall
    from evalsuite.conclude import report
    from evalsuite.drive import Driver, Interrupted, driving
    from evalsuite.launch import terminates, watch
    from evalsuite.plan import Plan
    from evalsuite.report.board import Board

    kept = recall(folder)
    os.chdir(kept.cwd)  # the paths of its datasets are as they were written then
    with terminates(kept.runner):
        try:
            while True:
                with driving(folder) as other:
                    if other is None:
                        plan = Plan.load(folder.plan_file)
                        board = Board()
                        kept.runner.show = board.note
                        pools = kept.pools
                        infer, evaluate, tell = pools["infer"], pools["eval"], kept.runner.tell
                        driver = Driver(
                            folder, plan, infer, evaluate, kept.options, board.show, tell, board.note
                        )
                        driver.run()
                        kept.runner.finish()
                        return report(folder, plan, mode=kept.options.mode, details=kept.details)
                    if not coordinate:
                        sys.stderr.write(f"driven by process {other.get('pid')} on {other.get('host')}\n")
                        status: Any = watch(folder)
                        return int(status) or _show(folder)
                time.sleep(WAIT_SECONDS)
        except (Interrupted, KeyboardInterrupt) as stopped:
            by_hand = isinstance(stopped, Interrupted) and stopped.args
            if by_hand:
                sys.stderr.write(f"stopped: {stopped.args[0]}; nothing is lost\n")
            return EXIT_AGAIN if coordinate and not by_hand else EXIT_INTERRUPTED


def _show(folder: RunFolder) -> int:
    """The table that another driver has written."""
    file = folder.summary_file("txt")
    if not file.exists():
        return 1
    sys.stdout.write(file.read_text(encoding="utf-8"))
    return 0
