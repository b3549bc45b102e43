"""One program in one worker: its limits, its files, and how its end is read."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from dataclasses import dataclass
from typing import Any

from evalsuite.sandbox import harness
from evalsuite.sandbox.outcome import Limits, Outcome, Status
from evalsuite.sandbox.worker import Ended, Worker

_LAST_WORDS = 4096


def job_limits(limits: Limits, address_space: bool = True) -> dict[str, Any]:
    """The limits of one program in the form a worker takes them."""
    mega = 1 << 20
    kinds = [
        (resource.RLIMIT_CPU, max(1, -int(-limits.cpu_s // 1))),
        (resource.RLIMIT_FSIZE, limits.fsize_mb * mega),
        (resource.RLIMIT_NOFILE, 256 if address_space else 1024),
        (resource.RLIMIT_NPROC, limits.nproc + 2),
    ]
    if address_space:
        kinds.append((resource.RLIMIT_AS, limits.mem_mb * mega))
        kinds.append((resource.RLIMIT_STACK, 64 * mega))
    return {"limits": kinds, "memory": limits.mem_mb * mega}


def memory_file(content: bytes = b"") -> int:
    """A file without a name, to hand in or to take what a program prints."""
    handle = os.memfd_create("evalsuite")
    if content:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
        os.lseek(handle, 0, os.SEEK_SET)
    return handle


def read_back(handle: int, limit_kb: int) -> bytes:
    """What a program wrote; of more than the limit its beginning and its end, where the last word is."""
    size = limit_kb << 10
    whole = os.fstat(handle).st_size
    end = min(_LAST_WORDS, size // 2) if whole > size else 0
    return os.pread(handle, size - end, 0) + os.pread(handle, end, whole - end)


def ending(ended: Ended, limits: Limits) -> tuple[Status, str]:
    """How a program ended, as a status: `pass` for exit code 0."""
    if ended.why == "memory":
        return "oom", f"held more than {limits.mem_mb} MB"
    if ended.signal == signal.SIGXCPU or ended.cpu_s > limits.cpu_s:
        return "timeout", f"processor time over {limits.cpu_s:g} s"
    if ended.why == "late":
        busy = f", {ended.waited_s:.1f} s of it without a processor" if ended.waited_s >= 0 else ""
        return "timeout", f"wall time over {limits.wall_s:g} s{busy}"
    if ended.signal in (signal.SIGPROF, signal.SIGVTALRM):
        return "timeout", "a call used more processor time than it may"
    if ended.signal:
        with contextlib.suppress(ValueError):
            return "crash", f"ended by {signal.Signals(ended.signal).name}"
        return "crash", f"ended by signal {ended.signal}"
    if ended.exit_code:
        return "fail", f"exit code {ended.exit_code}"
    return "pass", ""


@dataclass(frozen=True)
class Ran:
    """A whole program that has run: how it ended and what it wrote."""

    ended: Ended
    wall_s: float
    stdout: bytes
    stderr: bytes


def run_raw(
    worker: Worker,
    job: dict[str, Any],
    limits: Limits,
    stdin: bytes = b"",
    address_space: bool = True,
    keep_kb: int | None = None,
) -> Ran:
    """One whole program in a worker, with its input and output in files without a name."""
    handles: list[int] = []
    try:
        for content in (stdin, b"", b""):
            handles.append(memory_file(content))
        started = time.monotonic()
        whole = {"until": "exit", "stdio": [0, 1, 2], **job, **job_limits(limits, address_space)}
        worker.begin(whole, handles)
        ended = worker.finish(started + limits.wall_s)
        if ended.why == "exit" and ended.signal == signal.SIGKILL:
            harness.stop_if_out_of_memory()
        wall = time.monotonic() - started
        size = keep_kb or limits.out_kb
        return Ran(ended, wall, read_back(handles[1], size), read_back(handles[2], size))
    finally:
        for handle in handles:
            os.close(handle)


def run_job(
    worker: Worker, job: dict[str, Any], limits: Limits, stdin: bytes = b"", address_space: bool = True
) -> Outcome:
    """One whole program in a worker as an outcome: `pass` for exit code 0."""
    ran = run_raw(worker, job, limits, stdin, address_space)
    stdout, stderr = (part.decode("utf-8", "replace") for part in (ran.stdout, ran.stderr))
    status, detail = ending(ran.ended, limits)
    if status == "fail" and stderr:
        last = stderr.rstrip().rpartition("\n")[2]
        detail = f"{detail}: {last[:300]}"
        if last.startswith("MemoryError"):
            status = "oom"
        elif last.startswith(("SyntaxError", "IndentationError", "TabError")) and job["kind"] == "program":
            status = "compile_error"
    return Outcome(
        status, detail, ran.ended.cpu_s, ran.wall_s, None, "exitcode", worker.kind.level, stdout, stderr,
        ran.ended.exit_code,
    )  # fmt: skip
