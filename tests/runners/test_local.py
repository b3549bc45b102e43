"""The runner that stays in this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from runners.base import Job
from runners.local import LocalRunner

SEEN: list[tuple[str, ...]] = []


def work(args: list[str]) -> int:
    SEEN.append((*args, os.environ.get("LOCAL_RUNNER_TEST", "")))
    return int(args[0])


def raises(args: list[str]) -> int:
    raise ValueError("the row has no field 'x'")


def leaves(args: list[str]) -> int:
    sys.exit(args[0])


def interrupts(args: list[str]) -> int:
    raise KeyboardInterrupt


def job(id: str, function: str, *args: str, log: Path = Path("unused.log")) -> Job:
    return Job(id, (), f"{__name__}:{function}", args, log, env={"LOCAL_RUNNER_TEST": "here"})


def test_each_poll_runs_one_job_here_with_its_arguments_and_environment() -> None:
    SEEN.clear()
    runner = LocalRunner()
    runner.submit([job("a", "work", "0"), job("b", "work", "3")])
    assert SEEN == []
    assert {id: s.phase for id, s in runner.poll().items()} == {"a": "done", "b": "pending"}
    states = runner.poll()
    assert (states["b"].phase, states["b"].exit_code, states["b"].reason) == ("failed", 3, "exit code 3")
    assert SEEN == [("0", "here"), ("3", "here")]
    assert "LOCAL_RUNNER_TEST" not in os.environ


def test_exception_is_a_failure_with_its_traceback_in_the_log(tmp_path: Path) -> None:
    runner = LocalRunner()
    runner.submit([job("a", "raises", log=tmp_path / "logs/a.log")])
    state = runner.poll()["a"]
    assert (state.phase, state.reason) == ("failed", "ValueError: the row has no field 'x'")
    assert "Traceback" in (tmp_path / "logs/a.log").read_text()


def test_exception_reaches_a_debugger_when_asked() -> None:
    runner = LocalRunner(raise_errors=True)
    runner.submit([job("a", "raises"), job("b", "work", "0")])
    with pytest.raises(ValueError, match="no field"):
        runner.poll()
    assert runner.poll()["b"].phase == "done"


def test_interrupt_passes_through_and_cancel_takes_the_rest() -> None:
    runner = LocalRunner()
    runner.submit([job("a", "interrupts"), job("b", "work", "0")])
    with pytest.raises(KeyboardInterrupt):
        runner.poll()
    runner.cancel()
    assert {id: s.phase for id, s in runner.poll().items()} == {"a": "cancelled", "b": "cancelled"}


def test_exit_calls_are_read_as_the_interpreter_reads_them() -> None:
    runner = LocalRunner()
    runner.submit([job("a", "leaves", "a message")])
    assert runner.poll()["a"].exit_code == 1


def test_a_job_that_is_not_over_cannot_be_submitted_again() -> None:
    runner = LocalRunner()
    runner.submit([job("a", "work", "0")])
    with pytest.raises(ValueError, match="already pending"):
        runner.submit([job("a", "work", "0")])
    runner.poll()
    runner.submit([job("a", "work", "0")])
    assert runner.poll()["a"].phase == "done"
