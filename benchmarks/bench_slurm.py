"""What a run on a real SLURM cluster costs beside its work: claims, submissions, and a driver that waits.

    eval "$(tests/slurm/cluster up)"; python benchmarks/bench_slurm.py [--partition cpu] [--wait 60]

1. N tasks that do nothing, four workers: seconds from the start of the first worker to the last task done.
2. Calls of sbatch for each array.
3. A driver while its workers work for long: its CPU, and how often it calls SLURM.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from runners.slurm import read_record  # noqa: E402

CONFIG = """
models = [dict(type='EchoModel', abbr='echo', path='echo', max_out_len=16, latency={latency})]
datasets = [dict(
    type='JsonlDataset', abbr='d', path='d.jsonl',
    reader_cfg=dict(input_columns=['question'], output_column='answer'),
    infer_cfg=dict(prompt_template=dict(type='PromptTemplate', template='{{question}}'),
                   retriever=dict(type='ZeroRetriever'), inferencer=dict(type='GenInferencer')),
    eval_cfg=dict(evaluator=dict(type='AccEvaluator')))]
runner = dict(type='slurm', partition='{partition}', max_num_workers=4)
infer = dict(partitioner=dict(type='num_worker', num_worker={tasks}, min_task_size=1), runner=runner)
eval = dict(runner=dict(runner, max_num_workers=1))
work_dir = 'outputs'
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partition", default="cpu")
    parser.add_argument("--wait", type=float, default=60.0, help="seconds to watch a waiting driver")
    options = parser.parse_args()
    if shutil.which("sbatch") is None:
        raise SystemExit('no sbatch here: eval "$(tests/slurm/cluster up)" brings up a test cluster')
    for count in (100, 2000):
        with tempfile.TemporaryDirectory(prefix="evalsuite-bench-") as folder:
            place(Path(folder), options.partition, count, count, 0.0)
            subprocess.run(command(), cwd=folder, capture_output=True, check=True)
            report(Path(folder), count)
    with tempfile.TemporaryDirectory(prefix="evalsuite-bench-") as folder:
        place(Path(folder), options.partition, 4, 8, options.wait + 60)
        watch(Path(folder), options.wait)


def command() -> list[str]:
    """The run, as a user starts it."""
    return [sys.executable, str(ROOT / "run.py"), "c.py", "--mode", "infer", "--fresh"]


def place(folder: Path, partition: str, tasks: int, samples: int, latency: float) -> None:
    """Write a config and its dataset."""
    (folder / "c.py").write_text(CONFIG.format(partition=partition, tasks=tasks, latency=latency))
    lines = (f'{{"id": "{i}", "question": "q{i}", "answer": "q{i}"}}\n' for i in range(samples))
    (folder / "d.jsonl").write_text("".join(lines))


def run_folder(folder: Path) -> Path:
    """The one run below a folder."""
    return next(folder.glob("outputs/2*"))


def report(folder: Path, count: int) -> None:
    """From first start to last mark, by the times of the files that workers left."""
    run = run_folder(folder)
    # A rename leaves the file's own time of change as it was, and marks when it happened beside it.
    marks = [path.stat().st_ctime for path in run.glob("tasks/infer-echo/done/*/*")]
    # SLURM makes a job's own log at the moment when it starts the job.
    starts = [path.stat().st_mtime for path in run.glob("slurm/submit/*/slurm-*.out")]
    record = read_record(run / "slurm")
    arrays = sum(row["event"] == "intent" for row in record)
    calls = sum(row["event"] == "submitted" for row in record)
    seconds = max(marks) - min(starts)
    print(
        f"{len(marks)} tasks of {count} samples, 4 workers: {seconds:.2f} s from first start to all done; ",
        end="",
    )
    print(f"{calls} sbatch for {arrays} arrays")


def watch(folder: Path, seconds: float) -> None:
    """CPU and SLURM calls of a driver whose workers are busy."""
    shims = folder / "bin"
    shims.mkdir()
    for tool in ("squeue", "sbatch", "scontrol", "sacct", "scancel"):
        real = shutil.which(tool)
        (shims / tool).write_text(
            f'#!/bin/sh\necho {tool} $(date +%s.%N) >> {folder}/calls\nexec {real} "$@"\n'
        )
        (shims / tool).chmod(0o755)
    env = {**os.environ, "PATH": f"{shims}:{os.environ['PATH']}"}
    driver = subprocess.Popen(
        command(), cwd=folder, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(45)  # until the polls have reached their steady pace
    process = psutil.Process(driver.pid)
    before, began = process.cpu_times(), time.time()
    time.sleep(seconds)
    after, ended = process.cpu_times(), time.time()
    calls = [float(line.split()[1]) for line in (folder / "calls").read_text().splitlines()]
    recent = sum(began <= at <= ended for at in calls)
    cpu = after.user + after.system - before.user - before.system
    print(f"driver while waiting: {cpu / seconds:.2%} CPU, {recent} SLURM calls in {seconds:.0f} s")
    driver.terminate()
    driver.wait()
    cancel = [sys.executable, str(ROOT / "run.py"), "attach", "--cancel", str(run_folder(folder))]
    subprocess.run(cancel, cwd=folder, capture_output=True, check=True)


if __name__ == "__main__":
    main()
