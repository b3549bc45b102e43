"""Workers that somebody else starts: a plain loop of a shell does what a cluster does."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.engine.conftest import ROOT, Bench
from tests.engine.test_faults import all_there, wait_for


def test_workers_of_a_shell_loop_do_the_work_of_a_driver_that_starts_none(bench: Bench) -> None:
    bench.data(60)
    bench.config(infer={"partitioner": {"type": "num_worker", "num_worker": 6}})
    driver = bench.start("c.py", "--max-num-workers", "0")
    wait_for(lambda: list((bench.folder / "outputs").glob("c/2*/tasks/eval/waiting/*")))
    loop = f'for i in 1 2; do "{sys.executable}" -m evalsuite worker --run "$RUN" --class infer-echo & done; '
    loop += f'"{sys.executable}" -m evalsuite worker --run "$RUN" --class eval; wait'
    env = {**os.environ, "PYTHONPATH": str(ROOT), "RUN": str(bench.latest)}
    subprocess.run(["bash", "-c", loop], env=env, cwd=bench.folder, check=True, timeout=60)
    out, err = driver.communicate(timeout=60)
    assert driver.returncode == 0, err
    assert "100.00" in out
    all_there(bench, 60)


def test_a_restarted_worker_takes_up_what_its_earlier_start_held(bench: Bench) -> None:
    bench.data(40)
    bench.config(model={"latency": 0.05}, infer={"partitioner": {"type": "num_worker", "num_worker": 2}})
    driver = bench.start("c.py", "--max-num-workers", "0")
    wait_for(lambda: list((bench.folder / "outputs").glob("c/2*/tasks/eval/waiting/*")))
    words = [sys.executable, "-m", "evalsuite", "worker", "--run", str(bench.latest), "--class"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    first = subprocess.Popen([*words, "infer-echo", "--owner", "w"], env=env, cwd=bench.folder)
    wait_for(lambda: len(bench.rows()) > 3)
    first.kill()
    first.wait()
    began = time.monotonic()
    again = {**env, "SLURM_RESTART_COUNT": "1"}
    subprocess.run(
        [*words, "infer-echo", "--owner", "w"], env=again, cwd=bench.folder, check=True, timeout=60
    )
    subprocess.run([*words, "eval"], env=env, cwd=bench.folder, check=True, timeout=60)
    out, _ = driver.communicate(timeout=60)
    assert "100.00" in out
    assert time.monotonic() - began < 60  # and not the silence after which a lease is taken for lost
    all_there(bench, 40)
    names = {path.name for path in bench.latest.glob("predictions/*/*/*.jsonl")}
    owners = {path.parent.name for path in bench.latest.glob("tasks/infer-echo/done/*/*")}
    assert any(name.endswith(".0.jsonl") for name in names) and any(
        name.endswith(".1.jsonl") for name in names
    )
    assert owners == {"w.1-0"}
