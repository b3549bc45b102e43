"""The runner that gives each job a process: slots, reasons, logs, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runners.base import Job, Resources
from runners.subprocess import SubprocessRunner, describe_exit


def job(id: str, script: str, folder: Path, **resources: int) -> Job:
    argv = ("bash", "-c", script)
    return Job(id, argv, "", (), folder / f"{id}.log", resources=Resources(**resources))  # type: ignore[arg-type]


def wait(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def finish(runner: SubprocessRunner) -> None:
    wait(lambda: all(state.over for state in runner.poll().values()))


def phases(runner: SubprocessRunner) -> dict[str, str]:
    return {id: state.phase for id, state in runner.poll().items()}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_reasons_are_words(tmp_path: Path) -> None:
    runner = SubprocessRunner(9, gpus=0)
    scripts = {"ok": "exit 0", "code": "exit 3", "kill": "kill -9 $$", "segv": "kill -SEGV $$"}
    runner.submit([job(id, script, tmp_path) for id, script in scripts.items()])
    runner.submit([Job("absent", ("/no/such/program",), "", (), tmp_path / "absent.log")])
    finish(runner)
    states = runner.poll()
    assert states["ok"].phase == "done" and states["ok"].exit_code == 0
    assert (states["code"].exit_code, states["code"].reason, states["code"].kind) == (
        3,
        "exit code 3",
        "exit",
    )
    assert states["kill"].exit_code == 137
    assert states["kill"].reason.startswith("killed by SIGKILL (exit 137): ")
    assert "out of memory" in states["kill"].reason
    assert states["segv"].reason == "killed by SIGSEGV (exit 139)"
    assert states["absent"].kind == "launch" and "/no/such/program" in states["absent"].reason


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9, "killed by SIGKILL (exit 137)"),
        (137, "killed by SIGKILL (exit 137)"),
        (2, "exit code 2"),
        (127, "exit code 127: the command was not found"),
        (255, "exit code 255"),
    ],
)
def test_exit_codes_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words


def test_log_is_appended_with_both_streams(tmp_path: Path) -> None:
    for _ in range(2):
        runner = SubprocessRunner(1, gpus=0)
        runner.submit([job("a", "echo out; echo err >&2", tmp_path / "new")])
        finish(runner)
    assert sorted((tmp_path / "new/a.log").read_text().split()) == ["err", "err", "out", "out"]


def test_jobs_that_do_not_fit_wait_for_a_worker_slot(tmp_path: Path) -> None:
    runner = SubprocessRunner(2, gpus=0)
    runner.submit(
        [job(str(i), f"while [ ! -e {tmp_path}/go ]; do sleep .01; done", tmp_path) for i in range(3)]
    )
    assert phases(runner) == {"0": "running", "1": "running", "2": "pending"}
    (tmp_path / "go").touch()
    finish(runner)
    assert set(phases(runner).values()) == {"done"}


def test_each_job_gets_gpus_of_its_own_and_others_see_none(tmp_path: Path) -> None:
    runner = SubprocessRunner(9, gpus=["2", "5", "7"])
    script = f"echo $CUDA_VISIBLE_DEVICES; while [ ! -e {tmp_path}/go ]; do sleep .01; done"
    jobs = [job("two", script, tmp_path, gpus=2), job("one", script, tmp_path, gpus=1)]
    runner.submit([*jobs, job("late", script, tmp_path, gpus=1), job("none", script, tmp_path)])
    assert phases(runner) == {"two": "running", "one": "running", "late": "pending", "none": "running"}
    (tmp_path / "go").touch()
    finish(runner)
    seen = {id: (tmp_path / f"{id}.log").read_text().strip() for id in ("two", "one", "none")}
    assert seen["none"] == ""
    assert sorted([*seen["two"].split(","), seen["one"]]) == ["2", "5", "7"]


def test_gpus_are_shared_by_as_many_jobs_as_allowed_and_evenly(tmp_path: Path) -> None:
    runner = SubprocessRunner(9, max_workers_per_gpu=2, gpus=2)
    script = f"echo $CUDA_VISIBLE_DEVICES; while [ ! -e {tmp_path}/go ]; do sleep .01; done"
    runner.submit([job(str(i), script, tmp_path, gpus=1) for i in range(5)])
    assert list(phases(runner).values()).count("running") == 4
    (tmp_path / "go").touch()
    finish(runner)
    assert sorted((tmp_path / f"{i}.log").read_text().strip() for i in range(4)) == ["0", "0", "1", "1"]


def test_a_waiting_gpu_job_is_not_overtaken_by_a_smaller_one(tmp_path: Path) -> None:
    runner = SubprocessRunner(9, gpus=2)
    hold = f"while [ ! -e {tmp_path}/go ]; do sleep .01; done"
    runner.submit([job("a", hold, tmp_path, gpus=1)])
    runner.submit([job("big", "true", tmp_path, gpus=2), job("small", "true", tmp_path, gpus=1)])
    assert phases(runner) == {"a": "running", "big": "pending", "small": "pending"}
    (tmp_path / "go").touch()
    finish(runner)


def test_more_gpus_than_exist_is_a_failure_with_both_numbers(tmp_path: Path) -> None:
    runner = SubprocessRunner(9, gpus=2)
    runner.submit([job("a", "true", tmp_path, gpus=3)])
    state = runner.poll()["a"]
    assert (state.phase, state.kind) == ("failed", "launch")
    assert "asks for 3 GPUs, 2 visible here" in state.reason


def test_cpus_are_counted_when_given(tmp_path: Path) -> None:
    runner = SubprocessRunner(9, gpus=0, cpus=3)
    hold = f"while [ ! -e {tmp_path}/go ]; do sleep .01; done"
    runner.submit([job("a", hold, tmp_path, cpus=2), job("b", "true", tmp_path, cpus=2)])
    runner.submit([job("never", "true", tmp_path, cpus=4)])
    assert phases(runner) == {"a": "running", "b": "pending", "never": "failed"}
    (tmp_path / "go").touch()
    finish(runner)
    assert phases(runner)["b"] == "done"


def test_cancel_asks_politely_first_and_takes_the_queue_too(tmp_path: Path) -> None:
    runner = SubprocessRunner(1, gpus=0)
    script = f"trap 'echo asked; exit 75' TERM; touch {tmp_path}/up; while :; do sleep .01; done"
    runner.submit([job("a", script, tmp_path), job("b", "true", tmp_path)])
    wait((tmp_path / "up").exists)
    runner.cancel()
    assert phases(runner) == {"a": "cancelled", "b": "cancelled"}
    assert (tmp_path / "a.log").read_text().endswith("asked\n")
    assert runner.poll()["a"].exit_code == 75


def test_cancel_kills_what_does_not_listen(tmp_path: Path) -> None:
    runner = SubprocessRunner(1, gpus=0, grace_s=0.2)
    runner.submit([job("a", f"trap '' TERM; touch {tmp_path}/up; while :; do sleep .01; done", tmp_path)])
    wait((tmp_path / "up").exists)
    runner.cancel(["a"])
    assert runner.poll()["a"].reason == "cancelled (killed by SIGKILL (exit 137))"


def test_what_a_job_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    runner = SubprocessRunner(1, gpus=0)
    runner.submit([job("a", f"sleep 300 & echo $! > {tmp_path}/pid", tmp_path)])
    finish(runner)
    child = int((tmp_path / "pid").read_text())
    wait(lambda: not alive(child))


@pytest.mark.parametrize(("together", "survives"), [(True, False), (False, True)])
def test_workers_die_with_the_driver_only_if_asked(tmp_path: Path, together: bool, survives: bool) -> None:
    driver = (
        "import sys, time; from pathlib import Path; from runners.base import Job\n"
        "from runners.subprocess import SubprocessRunner\n"
        f"r = SubprocessRunner(1, gpus=0, die_with_driver={together})\n"
        f"r.submit([Job('a', ('sleep', '300'), '', (), Path({str(tmp_path)!r}) / 'a.log')])\n"
        "print(r._running['a'].process.pid, flush=True); time.sleep(300)\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen([sys.executable, "-c", driver], stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    if survives:
        assert alive(worker)
        os.kill(worker, signal.SIGKILL)
    wait(lambda: not alive(worker))
