"""The end of a run: results, the table in three formats, exports, and how long things took."""

from __future__ import annotations

import sys
from pathlib import Path

from evalsuite.collect import Marks, collect, keep, kept, settled
from evalsuite.export import export_pair
from evalsuite.plan import Pair, Plan
from evalsuite.store.files import read_json, write_atomic, write_json
from evalsuite.store.folder import RunFolder, list_runs
from evalsuite.summarizers import build_table, render_csv, render_md, render_txt
from evalsuite.types import Result


def report(folder: RunFolder, plan: Plan, *, mode: str = "all", details: bool = True) -> int:
    """Results, summary files and the printed table; the exit status says whether all is there."""
    if mode == "infer":
        sys.stderr.write(f"inference is done. Score it with --mode eval -r {folder.stamp}\n")
        return _infer_status(folder, plan)
    marks = Marks(folder)
    results = [_result(folder, plan, pair, marks, details=details) for pair in plan.pairs]
    table = build_table(
        results,
        plan.summarizer,
        models=[model.abbr for model in plan.models],
        datasets=[dataset.abbr for dataset in plan.datasets],
        missing={
            (model.abbr, name): reason for name, reason in plan.blocked.items() for model in plan.models
        },
        labels={m.abbr: str(m.config.get("summarizer_abbr") or m.abbr) for m in plan.models},
    )
    (folder.path / "summary").mkdir(exist_ok=True)
    text = render_txt(table)
    for suffix, content in (("txt", text), ("csv", render_csv(table)), ("md", render_md(table))):
        write_atomic(folder.summary_file(suffix), content)
    write_json(folder.path / "timing.json", timing(plan, marks))
    sys.stdout.write(text.rstrip() + "\n")
    sys.stderr.write(f"summary: {folder.summary_file('txt')}\n")
    return 1 if plan.blocked or any(result.counts.errors for result in results) else 0


def _result(folder: RunFolder, plan: Plan, pair: Pair, marks: Marks, *, details: bool) -> Result:
    """The result of one (model x dataset), exported; rows are read only if they changed since then."""
    rests_on = settled(plan, pair, marks)
    result = kept(folder, pair, rests_on)
    if result is None:
        result = collect(folder, plan, pair, marks)
        export_pair(folder, plan, pair, result, details=details)
        keep(folder, pair, result, rests_on)
    return result


def _infer_status(folder: RunFolder, plan: Plan) -> int:
    failures = 0
    for model in plan.models:
        queue = folder.queue(model.queue)
        for entry in queue.entries("failed"):
            reasons = queue.reasons(entry.name) or [{"reason": "unknown"}]
            sys.stderr.write(f"failed: {model.abbr} {entry.name}: {reasons[-1]['reason']}\n")
            failures += 1
        for entry in queue.entries("done"):
            failed = entry.outcome.failed if entry.outcome else 0
            if failed:
                sys.stderr.write(f"failed: {model.abbr} {entry.name}: {failed} answers\n")
                failures += failed
    return 1 if failures or plan.blocked else 0


def timing(plan: Plan, marks: Marks) -> dict[str, float]:
    """Seconds for one sample of each (model x dataset), for the plans of later runs."""
    measured: dict[str, float] = {}
    for pair in plan.pairs:
        seconds = samples = 0.0
        for task in pair.tasks("infer"):
            mark = marks.of(task)
            if mark and mark.outcome and not mark.outcome.reused:
                seconds += mark.outcome.seconds
                samples += task.stop - task.start
        if samples:
            measured[f"{pair.model}/{pair.dataset}"] = seconds / samples
    return measured


def history(parent: Path) -> dict[str, float]:
    """What samples took in earlier runs of this work directory; the newest word counts."""
    known: dict[str, float] = {}
    for run in list_runs(parent)[-10:]:
        known.update(read_json(run / "timing.json", {}))
    return known
