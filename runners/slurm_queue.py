"""What SLURM says of jobs, read with distrust: an answer that cannot be understood is no answer."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runners.base import JobState
from runners.slurm_script import KILLED_LINE, NOTICE_LINE

TIMEOUT_S = 20.0
_FORMAT = "%i|%T|%N|%j|%r"
_ROW = re.compile(r"(\d+)(?:_(\d+))?\|([A-Z_]+)\|([^|]*)\|([^|]*)\|(.*)$")

_RUNNING = {
    "RUNNING",
    "CONFIGURING",
    "COMPLETING",
    "SUSPENDED",
    "STOPPED",
    "SIGNALING",
    "STAGE_OUT",
    "RESIZING",
}
_PENDING = {"PENDING", "REQUEUED", "REQUEUE_FED"}
_HELD = {"REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
_OVER = {
    "TIMEOUT": ("timeout", "ran into its time limit"),
    "DEADLINE": ("timeout", "ran into its deadline"),
    "NODE_FAIL": ("node_fail", "its node was lost"),
    "BOOT_FAIL": ("node_fail", "its node did not boot"),
    "PREEMPTED": ("preempted", "preempted by a job of higher priority"),
    "OUT_OF_MEMORY": ("oom", "out of memory"),
    "LAUNCH_FAILED": ("launch", "SLURM could not launch it"),
    "RECONFIG_FAIL": ("launch", "SLURM could not configure its node"),
}
_NEVER = re.compile(
    r"PartitionConfig|PartitionTimeLimit|PartitionNodeLimit|BadConstraints|InvalidAccount|InvalidQOS|"
    r"AccountNotAllowed|QOSNotAllowed|DependencyNeverSatisfied|NodeConfig"
)
_HELD_AFTER_LAUNCH = re.compile(r"launch[ _]failed[ _]requeued[ _]held", re.IGNORECASE)
_HELD_BY_SOMEBODY = re.compile(r"JobHeld|held[ _]state", re.IGNORECASE)
_OOM = re.compile(r"exceeded memory limit|oom[-_ ]kill|Out Of Memory", re.IGNORECASE)
_CAUSES = {
    "PREEMPTION": "preempted",
    "NODE FAILURE": "its node failed",
    "TIME LIMIT": "its time limit",
    "JOB REQUEUE": "requeued by hand",
}
_ENDED = re.compile(rf"DUE TO ({'|'.join(_CAUSES)})", re.IGNORECASE)
_TRANSIENT = re.compile(
    r"Unable to contact|Socket timed out|Connection refused|Connection timed out|temporarily|"
    r"Zero Bytes|backup controller|try again|Communication connection failure|Slurm is busy",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"MaxSubmit|Job violates accounting/QOS policy|MaxJobCount|job limit", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One line of squeue: one array element."""

    job: str
    index: int
    state: str
    node: str
    name: str
    reason: str


@dataclass(frozen=True)
class Said:
    """What a SLURM command answered; `failure` in words when it gave no usable answer."""

    out: str = ""
    failure: str = ""
    aside: str = ""
    """What it wrote to stderr though it did what was asked."""

    @property
    def transient(self) -> bool:
        """Whether the same command may well work a little later."""
        return bool(_TRANSIENT.search(self.failure))

    @property
    def limit(self) -> bool:
        """Whether a limit on how many jobs one may have in the queue was hit."""
        return bool(_LIMIT.search(self.failure))


def call(argv: Sequence[str], env: Mapping[str, str] | None = None, timeout_s: float = TIMEOUT_S) -> Said:
    """Run one SLURM command; a hang is a failure too."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env=None if env is None else dict(env),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Said(failure=f"{argv[0]} gave no answer for {timeout_s:g} s: Socket timed out")
    except OSError as error:
        return Said(failure=f"{argv[0]}: {error.strerror}")
    if done.returncode:
        words = " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
        return Said(done.stdout, words)
    return Said(done.stdout, aside=done.stderr)


def squeue(names: Sequence[str], timeout_s: float = TIMEOUT_S) -> tuple[list[Row], str]:
    """All elements of the jobs of these names, ended ones too; or why that is not known now."""
    argv = ["squeue", "-h", "-r", "-t", "all", "-u", str(os.getuid()), "-n", ",".join(names), "-o", _FORMAT]
    said = call(argv, timeout_s=timeout_s)
    if said.failure:
        return [], said.failure
    rows = []
    for line in said.out.splitlines():
        match = _ROW.match(line.strip())
        if match is None:
            return [], f"squeue printed what is not its format: {line[:80]!r}"
        job, index, state, node, name, reason = match.groups()
        rows.append(Row(job, int(index or 0), state, node, name, reason))
    return rows, ""


def state_of(row: Row) -> JobState:
    """A line of squeue in our words."""
    state, reason, node = row.state, row.reason, row.node
    if _HELD_AFTER_LAUNCH.search(reason):
        return JobState(
            "failed", reason="SLURM could not launch it and holds it now", kind="launch", node=node
        )
    if state in _RUNNING:
        return JobState("running", reason="" if state == "RUNNING" else state.lower(), node=node)
    if state in _PENDING or state in _HELD:
        if state in _HELD or _HELD_BY_SOMEBODY.search(reason):
            return JobState("pending", reason=f"held: {reason}", kind="held")
        if _NEVER.search(reason):
            return JobState("pending", reason=f"cannot start as things are: {reason}", kind="impossible")
        return JobState("pending", reason="" if reason == "None" else reason)
    if state == "COMPLETED":
        return JobState("done", 0, node=node)
    if state in ("CANCELLED", "REVOKED"):
        return JobState("cancelled", reason="cancelled in SLURM", kind="cancelled", node=node)
    if state in _OVER:
        kind, words = _OVER[state]
        return JobState("failed", reason=words, kind=kind, node=node)
    if state == "FAILED":
        if "LaunchFailure" in reason:
            words = "SLURM could not run it to its end (its node was lost, or could not start it)"
            return JobState("failed", reason=words, kind="launch", node=node)
        return JobState("failed", reason=f"failed ({reason})", kind="exit", node=node)
    return JobState("unknown", reason=f"SLURM calls it {state}", node=node)


def says_out_of_memory(text: str) -> bool:
    """Whether the words that SLURM left in a job's output speak of memory: often the only evidence."""
    return bool(_OOM.search(text))


def says_too_late(text: str) -> bool:
    """Whether what was asked came too late for a job that has started or ended: no failure at all."""
    return bool(re.search(r"no longer pending|already finished|Invalid job id", text, re.IGNORECASE))


def cause_of_restart(text: str) -> str:
    """Why a job was stopped and queued again, from what it and SLURM wrote into its output until then."""
    if KILLED_LINE in text:
        return "killed"
    if NOTICE_LINE in text:
        return "ahead of a time limit or a preemption"
    found = _ENDED.findall(text)
    return _CAUSES[found[-1].upper()] if found else "its node was lost"


def sacct(job: str, index: int, timeout_s: float = TIMEOUT_S) -> tuple[JobState | None, str]:
    """What accounting remembers of an element that the queue has forgotten; or why it cannot say."""
    argv = ["sacct", "-n", "-X", "-P", "-j", f"{job}_{index}", "-o", "State,ExitCode,NodeList"]
    said = call(argv, timeout_s=timeout_s)
    if said.failure:
        return None, said.failure
    fields = (said.out.splitlines() or [""])[0].split("|")
    if len(fields) != 3:
        return None, ""
    state = state_of(Row(job, index, fields[0].split(" ")[0], fields[2], "", fields[1]))
    return (state if state.over else None), ""


def array_limit(timeout_s: float = TIMEOUT_S) -> int:
    """How many elements an array may have here; SLURM's default where it does not say."""
    match = re.search(
        r"^MaxArraySize\s*=\s*(\d+)", call(["scontrol", "show", "config"], timeout_s=timeout_s).out, re.M
    )
    return max(1, int(match.group(1)) if match else 1001)
