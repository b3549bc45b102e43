"""Runs on a SLURM cluster: workers as job arrays, a driver that may go, a coordinator job that stays."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import runpy
import shlex
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalsuite.config.find import config_roots, match
from evalsuite.drive import FAR_LEASE_SECONDS, DriveOptions, Pool
from evalsuite.errors import UserError, UserErrors
from evalsuite.store.files import read_json, write_json
from evalsuite.store.folder import RunFolder
from runners.base import Job, JobId, JobState, Resources
from runners.slurm import SlurmRunner
from runners.slurm_script import AGAIN_IF_KILLED, OPTIONS, check_options

INFER_WORKERS = 32
EVAL_WORKERS = 8
COORDINATOR = "coordinator"
COORDINATOR_VARIABLE = "EVALSUITE_COORDINATOR"
BAD_NODE_TASKS = 2
ENGINE_KEYS = (
    *("type", "task", "max_num_workers", "max_workers_per_gpu", "retry", "debug", "keep_tmp_file"),
    *("lark_bot_url", "concurrent_users", "task_prefix", "cluster", "quotatype", "extra_command"),
)
_NODE_KINDS = ("exit", "killed", "launch")


# ----------------------------------------------------------------------------- options
def cluster_options(runner_cfg: Mapping[str, Any], flags: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """What is asked of SLURM for the workers of a stage: the site's file, the config, then the flags."""
    options: dict[str, Any] = {}
    name = flags.get("cluster") or runner_cfg.get("cluster") or os.environ.get("EVALSUITE_CLUSTER")
    if name:
        options |= site_options(str(name), stage)
    options |= {key: value for key, value in runner_cfg.items() if key not in ENGINE_KEYS}
    options |= {key: value for key, value in flags.items() if key not in ("quotatype", "cluster")}
    # OpenCompass's words for what stock SLURM has no word of its own for
    commands = (shlex.split(command) for command in runner_cfg.get("extra_command") or ())
    extra = [*options.get("extra", ()), *itertools.chain.from_iterable(commands)]
    quota = flags.get("quotatype") or runner_cfg.get("quotatype")
    if quota:
        extra.append(f"--quotatype={quota}")
    if extra:
        options["extra"] = extra
    options = {key: value for key, value in options.items() if value is not None}
    problems = check_options(options)
    if problems:
        known = f"among {', '.join(OPTIONS)}"
        raise UserErrors([UserError(text, where=f"{stage}.runner", expected=known) for text in problems])
    return options


def site_options(name: str, stage: str) -> dict[str, Any]:
    """The options of a file in configs/clusters: `slurm` for all workers, `infer`, `eval` for a stage."""
    found = match("clusters", name, config_roots())
    values = runpy.run_path(str(found[0].path))
    return {**values.get("slurm", {}), **values.get(stage, {})}


# ----------------------------------------------------------------------------- the runner of a run folder
@dataclass
class ClusterRunner:
    """The SLURM runner of a run: tells what SLURM does, and leaves jobs alone when the driver goes.

    What it tells is kept in the run folder too, for those who come back to a run that they left.
    """

    show: Callable[[str], object] = lambda line: sys.stderr.write(f"{line}\n")
    max_running: int | None = None
    folder: RunFolder | None = None
    asks: bool = True
    """Whether there is somebody who can be asked what becomes of the jobs."""
    _slurm: SlurmRunner | None = None
    _told: set[tuple[JobId, str]] = field(default_factory=set)
    _failed_on: dict[str, list[frozenset[str]]] = field(default_factory=dict)
    _excluded: set[str] = field(default_factory=set)
    _failures: dict[str, list[_Failure]] = field(default_factory=dict)

    @property
    def slurm(self) -> SlurmRunner:
        """The runner itself, once the run folder is known."""
        if self._slurm is None:
            raise RuntimeError("the cluster runner was used before its run folder was known")
        return self._slurm

    def open(self, folder: RunFolder) -> None:
        """Work in this run folder from now on, with the jobs that are in it already."""
        self.folder = folder
        digest = hashlib.sha256(str(folder.path.resolve()).encode()).hexdigest()[:6]
        self._slurm = SlurmRunner(folder.path / "slurm", f"es-{folder.stamp}-{digest}", self.max_running)

    # ------------------------------------------------------------------ the protocol of runners
    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand jobs to SLURM."""
        self.slurm.submit(jobs)
        self._tell()

    def poll(self) -> Mapping[JobId, JobState]:
        """The state of all jobs, the coordinator's among them."""
        states = self.slurm.poll()
        for id, state in states.items():
            if state.kind in ("held", "impossible") and (id, state.kind) not in self._told:
                self._told.add((id, state.kind))
                self.tell(f"{id} waits and will not start by itself: {state.reason}")
        self._tell()
        return states

    def cancel(self, ids: Sequence[JobId] | None = None, *, now: bool = False) -> None:
        """End these jobs; when the driver itself ends (None), only if the user says so."""
        if ids is not None:
            self.slurm.cancel(ids, now=now)
            return
        live = sum(not state.over for state in self.slurm.poll().values())
        if not live or self.folder is None:
            return
        question = f"\n{live} jobs of this run are in SLURM. Cancel them? [y/N] "
        if self.asks and not now and _confirmed(question):
            self.slurm.cancel()
            self._tell()
            return
        where = self.folder.path
        self.say(f"{live} jobs go on without this driver: `evalsuite attach {where}` continues here,")
        self.say(f"`evalsuite attach {where} --cancel` ends them")

    def jobs(self) -> Mapping[JobId, str]:
        """Every job of this run with the queue that it works for."""
        return {id: group for id, group in self.slurm.jobs().items() if group != COORDINATOR}

    def finish(self) -> None:
        """The run is over: a coordinator that still waits in the queue has nothing to do."""
        states = self.slurm.poll()
        mine = os.environ.get(COORDINATOR_VARIABLE)
        groups = self.slurm.jobs()
        waiting = [id for id in states if groups[id] == COORDINATOR and not states[id].over and id != mine]
        if waiting:
            self.slurm.cancel(waiting)
        self._tell()

    # ------------------------------------------------------------------ nodes
    def failed(self, worker: JobId, state: JobState, tasks: Collection[str]) -> None:
        """A worker ended early, which is told; when different tasks fail on a node, the node is at fault."""
        self._failures.setdefault(state.reason, []).append(_Failure(worker, state.node, len(tasks)))
        if state.kind not in _NODE_KINDS or not state.node or state.node in self._excluded:
            return
        failed = self._failed_on.setdefault(state.node, [])
        held = frozenset(tasks or [worker])
        # One task that kills whoever holds it says nothing against the node.
        if all(held.isdisjoint(other) for other in failed):
            failed.append(held)
        if len(failed) >= BAD_NODE_TASKS and self._elsewhere_is_better():
            self._excluded.add(state.node)
            words = f"node {state.node} failed {len(failed)} workers with different tasks"
            self.tell(f"{words} and is not used any more")
            self.slurm.exclude(state.node)

    def _elsewhere_is_better(self) -> bool:
        """Whether some node has a worker and no failure: where all fail alike, no node is at fault."""
        states = self.slurm.poll().values()
        return any(
            s.phase in ("running", "done") and s.node and s.node not in self._failed_on for s in states
        )

    # ------------------------------------------------------------------ telling
    def say(self, text: str) -> None:
        """Say it to whoever watches."""
        self.show(f"slurm: {text}")

    def tell(self, text: str) -> None:
        """Say it to whoever watches, and keep it for those who do not."""
        self.say(text)
        if self.folder is not None:
            with contextlib.suppress(OSError):  # a full disk is no reason to stop driving
                self.folder.tell(text)

    def _tell(self) -> None:
        notes, self.slurm.notes[:] = list(self.slurm.notes), []
        for note in dict.fromkeys(notes):
            self.tell(note)
        failures, self._failures = self._failures, {}
        for reason, failed in failures.items():
            self.tell(_in_one_line(reason, failed))


@dataclass(frozen=True)
class _Failure:
    """One worker that failed, where, and how many tasks it had in hand."""

    worker: JobId
    node: str
    tasks: int


def _in_one_line(reason: str, failed: Sequence[_Failure]) -> str:
    """What happened to workers that failed alike, and what becomes of their tasks."""
    nodes = ", ".join(sorted({one.node for one in failed if one.node}))
    who = f"worker {failed[0].worker}" if len(failed) == 1 else f"{len(failed)} workers"
    tasks = sum(one.tasks for one in failed)
    left = f"; the {tasks} tasks it held go on elsewhere" if tasks > 1 else "; its task goes on elsewhere"
    return f"{who} ended early{f' on {nodes}' if nodes else ''}: {reason}{left if tasks else ''}"


def _confirmed(question: str) -> bool:
    """Whether somebody at a terminal says yes; where there is nobody, or a second Ctrl-C, it is a no."""
    if not sys.stdin.isatty():
        return False
    try:
        return input(question).strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        return False


def cluster_pool(runner: ClusterRunner, workers: int, options: Mapping[str, Any]) -> Pool:
    """The workers of a stage on a cluster."""
    lease_seconds = float(options.get("lease_s", FAR_LEASE_SECONDS))
    return Pool(
        runner,
        workers,
        outlives_driver=True,
        options=options,
        lease_seconds=lease_seconds,
        failed=runner.failed,
    )


# ----------------------------------------------------------------------------- before: would SLURM take it?
def ask_only(jobs: Sequence[Job]) -> tuple[bool, str]:
    """Whether SLURM would take these jobs, and its own words about each, with where to read it."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="evalsuite-dry-run-"))
    lines = []
    answers = SlurmRunner(folder, "es-dry-run").test_only(jobs)
    for tested in answers:
        verdict = "SLURM would take it" if tested.accepted else "SLURM refuses it"
        lines.append(f"{tested.group}: {verdict}: {tested.words}\n  {tested.script}")
    return all(tested.accepted for tested in answers), "\n".join(lines) + "\n"


# ----------------------------------------------------------------------------- without a driver
def remember(folder: RunFolder, options: DriveOptions, pools: Mapping[str, Pool], details: bool) -> None:
    """Keep what another driver must know to carry on; of secrets only the names."""
    stages = {
        stage: {"workers": pool.workers, "options": dict(pool.options)} for stage, pool in pools.items()
    }
    secret = {name for name in options.env if name.startswith("EVALSUITE_SECRET_")}
    value = {
        "mode": options.mode,
        "retry": options.retry,
        "single": sorted(options.single),
        "details": details,
        "env": {name: text for name, text in options.env.items() if name not in secret},
        "secrets": sorted(secret),
        "cwd": str(Path.cwd()),
        "stages": stages,
    }
    write_json(folder.tasks / "drive.json", value)


@dataclass(frozen=True)
class Remembered:
    """How a run was to be driven."""

    options: DriveOptions
    pools: Mapping[str, Pool]
    runner: ClusterRunner
    details: bool
    cwd: Path


def recall(folder: RunFolder) -> Remembered:
    """What `remember` kept of a run."""
    value = read_json(folder.tasks / "drive.json")
    if value is None:
        raise UserError(
            "this run has no workers on a cluster",
            where=str(folder.path),
            expected="a run that was started with --slurm; others are resumed with -r",
        )
    absent = [name for name in value["secrets"] if name not in os.environ]
    if absent:
        raise UserError(
            "the keys that this run's models need are not here",
            where="environment",
            expected=f"{', '.join(absent)} to be set",
        )
    env = {**value["env"], **{name: os.environ[name] for name in value["secrets"]}}
    options = DriveOptions(value["mode"], value["retry"], env, frozenset(value["single"]))
    runner = ClusterRunner()
    runner.open(folder)
    pools = {
        stage: cluster_pool(runner, kept["workers"], kept["options"])
        for stage, kept in value["stages"].items()
    }
    return Remembered(options, pools, runner, value["details"], Path(value["cwd"]))


def submit_coordinator(runner: ClusterRunner, pool: Pool, env: Mapping[str, str]) -> None:
    """A small job that drives the run when nobody is logged in; at most one of them."""
    if runner.folder is None:
        raise RuntimeError("a coordinator needs a run folder")
    states = runner.slurm.poll()
    if any(group == COORDINATOR and not states[id].over for id, group in runner.slurm.jobs().items()):
        return
    options = {key: value for key, value in pool.options.items() if key not in ("cpus", "nodes", "mem")}
    options[AGAIN_IF_KILLED] = 1
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    where = str(runner.folder.path)
    id = f"{COORDINATOR}-{os.getpid()}-{os.urandom(2).hex()}"
    job = Job(
        id=id,
        argv=(sys.executable, "-m", "evalsuite", "attach", where, "--coordinate"),
        entry="evalsuite.verbs.attach:main",
        args=(where, "--coordinate"),
        log=runner.folder.logs / f"{id}.log",
        group=COORDINATOR,
        resources=Resources(options=options),
        env={"PYTHONPATH": path, COORDINATOR_VARIABLE: id, **env},
    )
    runner.submit([job])


def tell_detached(runner: ClusterRunner) -> int:
    """Say how to come back to a run left to the cluster; status 1 when SLURM took none of its jobs."""
    states = runner.poll()
    refused = sorted({state.reason for state in states.values() if state.phase == "failed"})
    for reason in refused:
        runner.say(reason)
    if states and all(state.over for state in states.values()) and refused:
        return 1
    where = runner.folder.path if runner.folder else ""
    sys.stderr.write(f"detached; `evalsuite attach {where}` shows and continues it\n")
    return 0


# ----------------------------------------------------------------------------- inside a job
def incarnation(owner: str, folder: RunFolder, queue: str) -> str:
    """The owner's name of a worker that SLURM may have started before, with what it held given back.

    SLURM starts a job again only after its node was lost or its processes were ended. What an orphan of the
    earlier start still writes goes to files of the earlier name, and its leases are gone.
    """
    restart = int(os.environ.get("SLURM_RESTART_COUNT", "0") or 0)
    if not restart:
        return owner
    tasks = folder.queue(queue)
    for entry in list(tasks.entries("leased")):
        if entry.is_owned_by(owner):
            tasks.give_back(entry)  # unless somebody else was faster
    return f"{owner}.{restart}"
