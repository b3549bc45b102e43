"""Runs each job as a process of its own on this machine, as many at once as its GPUs and CPUs allow."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runners.base import Job, JobId, JobState
from runners.gpus import VISIBLE_DEVICES, Gpus, find_gpus

_PR_SET_PDEATHSIG = 1
_VMSTAT = Path("/proc/vmstat")


@dataclass
class _Running:
    job: Job
    process: subprocess.Popen[bytes]
    gpus: tuple[str, ...]
    oom_kills: int
    cancelled: bool = False


class SubprocessRunner:
    """One process, in a session of its own, per job.

    `max_num_workers` jobs run at once; a GPU is shared by at most `max_workers_per_gpu` jobs; `cpus`, when
    given, is the sum of CPUs that running jobs may ask for. `gpus` are the devices to hand out: a number, a
    list of names, or None for all that are visible. Jobs that do not fit wait, and a job that waits for GPUs
    is not overtaken by a later one that wants GPUs too. `die_with_driver` asks the kernel to end the
    jobs when the driver ends, however it ends. No threads: things move when `poll` is called.
    """

    def __init__(
        self,
        max_num_workers: int,
        max_workers_per_gpu: int = 1,
        gpus: int | Sequence[str] | None = None,
        cpus: int | None = None,
        *,
        die_with_driver: bool = False,
        grace_s: float = 10.0,
    ) -> None:
        if max_num_workers < 1 or max_workers_per_gpu < 1:
            raise ValueError("max_num_workers and max_workers_per_gpu must be at least 1")
        self.max_num_workers = max_num_workers
        self.max_workers_per_gpu = max_workers_per_gpu
        self.cpus = cpus
        self.grace_s = grace_s
        self._given_gpus = gpus
        self._found: Gpus | None = None
        self._before_exec = _die_with(os.getpid()) if die_with_driver else None
        self._waiting: list[Job] = []
        self._running: dict[JobId, _Running] = {}
        self._states: dict[JobId, JobState] = {}

    @property
    def gpus(self) -> Gpus:
        """The devices to hand out; looked for once, when the first job wants to know."""
        if self._found is None:
            given = self._given_gpus
            if given is None:
                self._found = find_gpus()
            elif isinstance(given, int):
                self._found = Gpus(tuple(str(i) for i in range(given)))
            else:
                self._found = Gpus(tuple(given))
        return self._found

    def submit(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            old = self._states.get(job.id)
            if old is not None and not old.over:
                raise ValueError(f"job {job.id!r} is already {old.phase}")
            impossible = self._impossible(job)
            if impossible:
                self._states[job.id] = JobState("failed", reason=impossible, kind="launch")
            else:
                self._states[job.id] = JobState("pending")
                self._waiting.append(job)
        self._start_what_fits()

    def poll(self) -> Mapping[JobId, JobState]:
        self._reap()
        self._start_what_fits()
        return dict(self._states)

    def cancel(self, ids: Sequence[JobId] | None = None, *, now: bool = False) -> None:
        wanted = set(self._states if ids is None else ids)
        for id in wanted.intersection(job.id for job in self._waiting):
            self._states[id] = JobState("cancelled", reason="cancelled before it started", kind="cancelled")
        self._waiting = [job for job in self._waiting if job.id not in wanted]
        doomed = [run for id, run in self._running.items() if id in wanted]
        for run in doomed:
            run.cancelled = True
            _signal_group(run.process.pid, signal.SIGKILL if now else signal.SIGTERM)
        deadline = time.monotonic() + self.grace_s
        while any(run.job.id in self._running for run in doomed):
            self._reap()
            if time.monotonic() > deadline:
                for run in doomed:
                    if run.job.id in self._running:
                        _signal_group(run.process.pid, signal.SIGKILL)
            time.sleep(0.01)

    def _impossible(self, job: Job) -> str:
        """Why this job could never start here, or nothing."""
        need = job.resources
        if need.gpus and need.gpus > len(self.gpus):
            have = f"{len(self.gpus)} visible here" if len(self.gpus) else "none visible here"
            return f"asks for {need.gpus} GPUs, {have} ({self.gpus.variable} or nvidia-smi -L)"
        if self.cpus is not None and need.cpus > self.cpus:
            return f"asks for {need.cpus} CPUs, {self.cpus} are given to this run"
        return ""

    def _start_what_fits(self) -> None:
        left: list[Job] = []
        load = self._gpu_load()
        used = sum(run.job.resources.cpus for run in self._running.values())
        cpus = None if self.cpus is None else self.cpus - used
        gpus_wait = cpus_wait = False
        for job in self._waiting:
            need = job.resources
            if len(self._running) >= self.max_num_workers or (need.gpus and gpus_wait) or cpus_wait:
                left.append(job)
                continue
            devices = sorted((d for d in load if load[d] < self.max_workers_per_gpu), key=lambda d: load[d])
            if len(devices) < need.gpus:
                gpus_wait = True
            elif cpus is not None and need.cpus > cpus:
                cpus_wait = True
            else:
                taken = tuple(devices[: need.gpus])
                if self._start(job, taken):
                    cpus = None if cpus is None else cpus - need.cpus
                    for device in taken:
                        load[device] += 1
                continue
            left.append(job)
        self._waiting = left

    def _gpu_load(self) -> dict[str, int]:
        """Jobs on each device, in the devices' order; empty while no job wants one."""
        if not any(job.resources.gpus for job in self._waiting):
            return {}
        load = dict.fromkeys(self.gpus.ids, 0)
        for run in self._running.values():
            for device in run.gpus:
                load[device] += 1
        return load

    def _start(self, job: Job, gpus: tuple[str, ...]) -> bool:
        # a job that asked for no GPU must not fill the memory of one
        env = {**os.environ, **dict.fromkeys(VISIBLE_DEVICES, ""), **job.env}
        if gpus:
            env[self.gpus.variable] = ",".join(gpus)
        try:
            job.log.parent.mkdir(parents=True, exist_ok=True)
            with job.log.open("ab") as log:
                process = subprocess.Popen(
                    job.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=env,
                    start_new_session=True,
                    preexec_fn=self._before_exec,
                )
        except (OSError, subprocess.SubprocessError) as error:
            self._states[job.id] = JobState("failed", reason=f"cannot start: {error}", kind="launch")
            return False
        self._running[job.id] = _Running(job, process, gpus, _oom_kills())
        self._states[job.id] = JobState("running")
        return True

    def _reap(self) -> None:
        for id, run in list(self._running.items()):
            if os.waitid(os.P_PID, run.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            # While the dead leader is not reaped, nobody else can get its group's number: what it left
            # behind (engine processes that hold a GPU's memory) can be ended without hitting a stranger.
            _signal_group(run.process.pid, signal.SIGKILL)
            code = run.process.wait()
            del self._running[id]
            self._states[id] = _verdict(code, run)


def _verdict(code: int, run: _Running) -> JobState:
    if run.cancelled:
        said = "cancelled" if code in (0, -signal.SIGTERM) else f"cancelled ({describe_exit(code)})"
        return JobState("cancelled", _shell_code(code), said, "cancelled")
    if code == 0:
        return JobState("done", 0)
    said = describe_exit(code)
    if _shell_code(code) == 128 + signal.SIGKILL:
        if _oom_kills() > run.oom_kills:
            return JobState("failed", 137, f"{said}: out of memory, the kernel's OOM killer ran", "oom")
        return JobState("failed", 137, f"{said}: probably out of memory, or killed by hand", "killed")
    return JobState("failed", _shell_code(code), said, "killed" if code < 0 else "exit")


def _shell_code(code: int) -> int:
    return 128 - code if code < 0 else code


def describe_exit(code: int) -> str:
    """An exit status in words: Popen's negative numbers and the shell's 128+n both name their signal."""
    code = _shell_code(code)
    if 128 < code < 128 + signal.NSIG:
        try:
            return f"killed by {signal.Signals(code - 128).name} (exit {code})"
        except ValueError:  # a number between two signals that have names
            return f"exit code {code}"
    meaning = {126: ": the command could not be executed", 127: ": the command was not found"}
    return f"exit code {code}{meaning.get(code, '')}"


def _signal_group(leader: int, number: int) -> None:
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return  # gone already, which is what was wanted
    except PermissionError:
        # only a process that changed its user is left in the group: not ours to end any more
        return


def _oom_kills() -> int:
    """How often this machine's kernel has killed for want of memory; 0 where it does not say."""
    try:
        text = _VMSTAT.read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0


def _die_with(driver: int) -> Callable[[], None]:
    """What a child does before exec so that the kernel ends it when the driver is gone."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != driver:  # it died before the line above
            os._exit(128 + signal.SIGTERM)

    return before_exec
