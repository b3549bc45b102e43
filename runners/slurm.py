"""Runs jobs on a SLURM cluster: an array for each group, one `squeue` for all of them, everything on disk.

What lies in the folder of a runner:

    jobs.jsonl              what was intended, submitted, refused and how it ended; the intent is written (and
                            synced) before sbatch is called, so that no crash in between submits twice
    submit/N/job.sbatch     the batch script            submit/N/argv.json     sbatch's command line
    submit/N/elements.sh    one command per element     submit/N/sbatch.out    what sbatch answered
    submit/N/exit/I         exit code of element I      submit/N/slurm-I.out   SLURM's own words about it
"""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from runners import slurm_queue, slurm_script
from runners.base import Job, JobId, JobState
from runners.subprocess import describe_exit

FIRST_DELAY_S = 1.0
STEADY_DELAY_S = 15.0
LONGEST_DELAY_S = 60.0
LONGEST_DELAY_AFTER_ERRORS_S = 300.0
MARKS_EVERY_S = 0.5
ABSENT_BEFORE_LOST = 2
EXCLUDED_FOR_S = 3600.0
CANCEL_WAITS_S = 120.0
IDS_PER_CALL = 200

_START_MARK = re.compile(r"(\d+)\.start(\d+)@(.*)$")
_PENDING = JobState("pending")
_NEVER_SUBMITTED = JobState("cancelled", reason="never submitted", kind="unsent")


@dataclass
class _Element:
    """One job of ours as an element of an array."""

    id: JobId
    submission: int
    index: int
    state: JobState = _PENDING
    absent: int = 0
    killed: JobState | None = None
    """Its worker got SIGKILL, says its mark; SLURM may know that it was for want of memory."""
    restarts: int = 0
    """How often SLURM has started it again, as far as it was told."""


@dataclass
class _Submission:
    """One array: intended, and with a `slurm` id once it is known to be submitted."""

    number: int
    name: str
    group: str
    elements: list[_Element]
    jobs: tuple[Job, ...] = ()
    slurm: str = ""
    settled: bool = False
    absent: int = 0
    marks: frozenset[str] = frozenset()

    @property
    def live(self) -> list[_Element]:
        return [element for element in self.elements if not element.state.over]


_Restart = tuple[_Submission, _Element, int, str]
"""An element that starts again: which time, and on which node (empty while it waits)."""


@dataclass(frozen=True)
class Tested:
    """What SLURM says of an array that was not submitted."""

    group: str
    script: Path
    accepted: bool
    words: str


@dataclass
class SlurmRunner:
    """Starts jobs on a SLURM cluster.

    `name` begins the name of each of its jobs and must be unique to the run. At most `max_running` jobs of
    a group run at once. A folder that has a jobs.jsonl is attached to: its jobs are then known as if this
    object had submitted them. Whoever uses it sees to it that there is one runner per folder at a time.
    """

    folder: Path
    name: str
    max_running: int | None = None
    timeout_s: float = slurm_queue.TIMEOUT_S
    clock: Callable[[], float] = time.monotonic
    rng: random.Random = field(default_factory=random.Random)
    notes: list[str] = field(default_factory=list)
    """What a user should be told, once; whoever shows it empties the list."""

    def __post_init__(self) -> None:
        self._states: dict[JobId, JobState] = {}
        self._groups: dict[JobId, str] = {}
        self._where: dict[JobId, _Element] = {}
        self._submissions: dict[int, _Submission] = {}
        self._waiting: list[Job] = []
        self._excluded: dict[str, float] = {}
        self._tested: set[str] = set()
        self._array_limit = 0
        self._sacct_works: bool | None = None
        self._silent = False
        self._delay = FIRST_DELAY_S
        self._ask_at = self._marks_at = self._send_at = 0.0
        self._send_delay = STEADY_DELAY_S
        self._attach()

    # ------------------------------------------------------------------ the protocol
    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand these jobs to SLURM; those that it will not take yet wait here."""
        for job in jobs:
            if job.id in self._states:
                raise ValueError(f"job {job.id!r} was submitted before")
            self._states[job.id] = JobState("pending")
            self._groups[job.id] = job.group
            self._waiting.append(job)
        self._send()

    def poll(self) -> Mapping[JobId, JobState]:
        """The state of every job; asks SLURM only when it is time to."""
        now = self.clock()
        if now >= self._marks_at:
            self._marks_at = now + MARKS_EVERY_S
            for submission in self._submissions.values():
                if submission.live:
                    self._read_marks(submission)
        if now >= self._ask_at and self._open():
            self._ask()
        if self._waiting and now >= self._send_at:
            self._send()
        return dict(self._states)

    def cancel(self, ids: Sequence[JobId] | None = None, *, now: bool = False) -> None:
        """Cancel these jobs, and only ever jobs of ours; returns when SLURM says that they are gone."""
        wanted = set(self._states if ids is None else ids)
        for job in self._waiting:
            if job.id in wanted:
                self._states[job.id] = JobState("cancelled", reason="never submitted", kind="cancelled")
        self._waiting = [job for job in self._waiting if job.id not in wanted]
        end = self.clock() + CANCEL_WAITS_S
        pause = 0.5
        told: set[JobId] = set()
        while self.clock() < end:
            self._marks_at = 0.0
            for submission in self._open():
                self._read_marks(submission)
            open_ones = [s for s in self._open() if not s.settled or any(e.id in wanted for e in s.live)]
            if not open_ones:
                return
            fresh = self._words_for(wanted - told)
            for i in range(0, len(fresh), IDS_PER_CALL):
                if now:
                    slurm_queue.call(["scancel", "--signal=KILL", "--full", *fresh[i : i + IDS_PER_CALL]])
                said = slurm_queue.call(["scancel", *fresh[i : i + IDS_PER_CALL]], timeout_s=self.timeout_s)
                if said.failure:
                    self.notes.append(f"scancel: {said.failure}")
                    break
            else:
                told |= {e.id for s in self._open() if s.slurm for e in s.live if e.id in wanted}
            self._ask()
            time.sleep(pause)
            pause = min(4.0, pause * 1.5)
        self.notes.append(f"SLURM did not confirm within {CANCEL_WAITS_S:g} s that all jobs are cancelled")

    # ------------------------------------------------------------------ more than the protocol
    def jobs(self) -> Mapping[JobId, str]:
        """Every job that this folder knows of, with its group."""
        return dict(self._groups)

    def exclude(self, node: str) -> None:
        """Keep away from a node for a while: submissions to come, and arrays that still wait."""
        self._excluded[node] = time.time() + EXCLUDED_FOR_S
        self._write({"event": "exclude", "node": node, "until": self._excluded[node]})
        away = ",".join(self._away())
        for submission in self._open():
            if submission.slurm and any(e.state.phase == "pending" for e in submission.live):
                words = ["scontrol", "update", f"JobId={submission.slurm}", f"ExcNodeList={away}"]
                said = slurm_queue.call(words, timeout_s=self.timeout_s)
                # Elements of the array that run or are over cannot be changed, and need not be.
                if said.failure and not slurm_queue.says_too_late(said.failure):
                    self.notes.append(f"cannot keep job {submission.slurm} off {node}: {said.failure}")

    def test_only(self, jobs: Sequence[Job]) -> list[Tested]:
        """Write all that a submission would write, and ask SLURM whether it would take it."""
        answers = []
        for number, chunk in enumerate(self._arrays(jobs), start=self._next_number()):
            words = self._prepare(number, chunk)
            said = self._sbatch(number, ["sbatch", "--test-only", *words[1:]], chunk[0])
            text = said.failure or said.out or said.aside  # 'Job 7 to start at ...' comes on stderr
            path = self.folder / f"submit/{number}/job.sbatch"
            answers.append(Tested(chunk[0].group, path, not said.failure, _plain(text)))
        return answers

    # ------------------------------------------------------------------ submitting
    def _send(self) -> None:
        chunks = self._arrays(self._waiting)
        self._waiting = []
        while chunks:
            chunk = chunks.pop(0)
            outcome = self._send_array(chunk)
            if outcome == "sent":
                self._send_delay = STEADY_DELAY_S
            if outcome == "limit" and len(chunk) > 1:
                # Fewer workers do the same work: they pull their tasks, and the others may come later.
                half = len(chunk) // 2
                chunks[:0] = [chunk[:half], chunk[half:]]
            elif outcome in ("limit", "later"):
                self._waiting += [job for rest in (chunk, *chunks) for job in rest]
                chunks = []
                self._send_later()

    def _send_later(self) -> None:
        self._send_at = self.clock() + self._send_delay * self.rng.uniform(1.0, 1.2)
        self._send_delay = min(LONGEST_DELAY_AFTER_ERRORS_S, self._send_delay * 2)

    def _arrays(self, jobs: Sequence[Job]) -> list[list[Job]]:
        """Jobs that can share an array, in arrays that SLURM takes."""
        if not self._array_limit:
            self._array_limit = slurm_queue.array_limit(self.timeout_s)
        alike: dict[str, list[Job]] = {}
        for job in jobs:
            key = json.dumps([job.group, asdict(job.resources), sorted(job.env.items())], default=dict)
            alike.setdefault(key, []).append(job)
        size = self._array_limit
        return [group[i : i + size] for group in alike.values() for i in range(0, len(group), size)]

    def _send_array(self, chunk: list[Job]) -> str:
        """Submit one array: sent, refused, or (limit, later) to be tried again."""
        number = self._next_number()
        words = self._prepare(number, chunk)
        kind = json.dumps([w for w in words if not w.startswith(("--job-name", "--array", "--output", "/"))])
        if kind not in self._tested:
            # Plain sbatch takes some requests that can never start; with --test-only it refuses them.
            said = self._sbatch(number, ["sbatch", "--test-only", *words[1:]], chunk[0])
            if said.transient:
                self.notes.append(f"SLURM does not answer, trying again: {_plain(said.failure)}")
                return "later"
            if said.failure and not said.limit:
                self._refuse(chunk, said.failure)
                return "refused"
            self._tested.add(kind)
        elements = [_Element(job.id, number, index) for index, job in enumerate(chunk)]
        name = words[1].partition("=")[2]
        submission = _Submission(number, name, chunk[0].group, elements, tuple(chunk))
        ids = [job.id for job in chunk]
        intent = {"event": "intent", "n": number, "name": name, "group": chunk[0].group, "jobs": ids}
        self._write({**intent, "at": time.time()}, sync=True)
        self._submissions[number] = submission
        self._where.update({element.id: element for element in elements})
        said = self._sbatch(number, words, chunk[0])
        match = re.search(r"^(\d+)(;\S+)?\s*$", said.out, re.M)
        if not said.failure and match:
            self._settle(submission, match.group(1))
            self._ask_soon()
            return "sent"
        if said.failure and (said.limit or not said.transient):
            self._unsend(submission)
            if said.limit:
                self.notes.append(f"SLURM takes no more jobs now: {_plain(said.failure)}")
                return "limit"
            self._refuse(chunk, said.failure)
            return "refused"
        # No clear answer: it may be in the queue all the same. Its name will tell.
        self.notes.append(
            f"sbatch gave no clear answer ({_plain(said.failure or said.out)}); looking for the job"
        )
        self._ask_soon()
        return "unsettled"

    def _prepare(self, number: int, chunk: Sequence[Job]) -> list[str]:
        """Write the files of a submission; the command line that submits it."""
        place = self.folder.absolute() / f"submit/{number}"
        (place / "exit").mkdir(parents=True, exist_ok=True)
        first = chunk[0]
        label = re.sub(r"[^A-Za-z0-9_.-]+", "-", first.group or "job")[:48]
        words = slurm_script.sbatch_options(
            first,
            name=f"{self.name}-{number}-{label}",
            folder=place,
            size=len(chunk),
            throttle=self.max_running,
            excluded=self._away(),
        )
        mounts = [self.folder.absolute().parent]
        text = slurm_script.script(words, place, first.resources.options.get("prolog") or ())
        (place / "job.sbatch").write_text(text, encoding="utf-8")
        (place / "elements.sh").write_text(slurm_script.elements(chunk, mounts), encoding="utf-8")
        argv = ["sbatch", *words, "--parsable", str(place / "job.sbatch")]
        (place / "argv.json").write_text(json.dumps(argv, indent=1) + "\n", encoding="utf-8")
        return argv

    def _sbatch(self, number: int, argv: Sequence[str], job: Job) -> slurm_queue.Said:
        env = slurm_script.submit_environment(job, os.environ)
        said = slurm_queue.call(argv, env, self.timeout_s)
        with (self.folder / f"submit/{number}/sbatch.out").open("a", encoding="utf-8") as file:
            file.write(f"{said.out}{said.aside}{said.failure}".rstrip() + "\n")
        return said

    def _settle(self, submission: _Submission, slurm: str) -> None:
        submission.slurm, submission.settled = slurm, True
        self._write({"event": "submitted", "n": submission.number, "slurm": slurm}, sync=True)

    def _unsend(self, submission: _Submission) -> None:
        """An intent that came to nothing."""
        self._write({"event": "unsent", "n": submission.number})
        del self._submissions[submission.number]
        for element in submission.elements:
            del self._where[element.id]

    def _refuse(self, chunk: Sequence[Job], words: str) -> None:
        for job in chunk:
            self._states[job.id] = JobState(
                "failed", reason=f"SLURM refuses it: {_plain(words)}", kind="refused"
            )

    def _next_number(self) -> int:
        """Numbers are never used twice: a folder that is there belongs to an earlier submission."""
        taken = [int(p.name) for p in self.folder.glob("submit/[0-9]*") if p.name.isdigit()]
        return max(taken, default=0) + 1

    # ------------------------------------------------------------------ looking
    def _open(self) -> list[_Submission]:
        return [s for s in self._submissions.values() if s.live]

    def _ask_soon(self) -> None:
        self._delay = FIRST_DELAY_S
        self._ask_at = self.clock() + self._delay

    def _ask(self) -> None:
        """One squeue for everything that is open."""
        opened = self._open()
        rows, failure = slurm_queue.squeue([s.name for s in opened], self.timeout_s)
        if failure:
            if not self._silent:
                self.notes.append(
                    f"SLURM gives no answer ({_plain(failure)}); workers go on, it is asked again"
                )
            self._silent = True
            self._delay = min(LONGEST_DELAY_AFTER_ERRORS_S, max(STEADY_DELAY_S, self._delay * 2))
            for submission in opened:
                for element in submission.live:
                    self._set(
                        element, JobState("unknown", reason=f"SLURM gives no answer: {_plain(failure)}")
                    )
        else:
            if self._silent:
                self.notes.append("SLURM answers again")
            self._silent = False
            grow = 2.0 if self._delay < STEADY_DELAY_S else 1.3
            steady = STEADY_DELAY_S if self._delay < STEADY_DELAY_S else LONGEST_DELAY_S
            self._delay = min(steady, self._delay * grow)
            self._digest(opened, rows)
        self._ask_at = self.clock() + self._delay * self.rng.uniform(1.0, 1.2)

    def _digest(self, opened: Sequence[_Submission], rows: Sequence[slurm_queue.Row]) -> None:
        found: dict[str, dict[int, slurm_queue.Row]] = {}
        for row in rows:
            found.setdefault(row.name, {})[row.index] = row
        held: list[str] = []
        again: list[_Restart] = []
        for submission in opened:
            mine = found.get(submission.name, {})
            if not submission.settled:
                if mine:
                    self._settle(submission, next(iter(mine.values())).job)
                    self.notes.append(
                        f"job {submission.slurm} had been submitted though nobody noted its number"
                    )
                else:
                    self._resolve_absent(submission)
                    continue
            self._read_marks(submission)
            for element in submission.live:
                row_found = mine.get(element.index)
                if row_found is None:
                    self._missing(submission, element)
                    continue
                element.absent = 0
                state = slurm_queue.state_of(row_found)
                if state.phase == "pending" and element.state.phase == "running":
                    again.append((submission, element, element.restarts + 1, ""))
                if state.kind == "launch" and row_found.state == "PENDING":
                    held.append(f"{submission.slurm}_{element.index}")
                self._set(element, self._explain(submission, element, state))
        self._tell_restarts(again)
        if held:  # SLURM holds what it could not launch; it would wait for an administrator for ever
            slurm_queue.call(["scancel", *held], timeout_s=self.timeout_s)

    def _resolve_absent(self, submission: _Submission) -> None:
        """An intent without an id that SLURM does not know: after a second look, it was never submitted."""
        self._read_marks(submission)
        submission.absent += 1
        if submission.absent < ABSENT_BEFORE_LOST or not submission.live:
            return
        if len(submission.live) < len(submission.elements):  # some have ended: it was there, and is gone
            submission.settled = True
            return
        self._unsend(submission)
        if submission.jobs:
            self._waiting += submission.jobs
            self._send_later()
        for element in submission.elements:
            again = JobState("pending") if submission.jobs else _NEVER_SUBMITTED
            self._states[element.id] = again

    def _missing(self, submission: _Submission, element: _Element) -> None:
        """SLURM forgets jobs minutes after their end; and once may be an error."""
        element.absent += 1
        if element.absent < ABSENT_BEFORE_LOST:
            return
        state = None
        if self._sacct_works is not False:
            state, failure = slurm_queue.sacct(submission.slurm, element.index, self.timeout_s)
            if failure and self._sacct_works is None:
                self.notes.append(f"no accounting here ({_plain(failure)}): exit codes on disk must do")
            self._sacct_works = not failure
        lost = JobState(
            "failed", reason="SLURM does not know it any more, and it left no exit code", kind="lost"
        )
        self._set(element, self._explain(submission, element, state or lost))

    def _explain(self, submission: _Submission, element: _Element, state: JobState) -> JobState:
        """A bad end with the cause that SLURM's own output of the job gives away."""
        if state.phase != "failed":
            return state
        path = self.folder / f"submit/{submission.number}/slurm-{element.index}.out"
        if state.kind in ("launch", "exit", "lost"):
            if slurm_queue.says_out_of_memory(_tail(path)):
                return replace(state, reason="out of memory: SLURM killed it", kind="oom")
            return element.killed or state
        return state

    def _read_marks(self, submission: _Submission) -> None:
        """Exit codes that the jobs left themselves: the truth, and there long before SLURM says so."""
        place = self.folder / f"submit/{submission.number}/exit"
        try:
            names = set(os.listdir(place))  # noqa: PTH208 - names only, and hundreds of times
        except FileNotFoundError:
            return
        self._read_starts(submission, names)
        for element in submission.live:
            if str(element.index) not in names:
                continue
            try:
                words = (place / str(element.index)).read_text().split()
            except FileNotFoundError:  # it has been started again just now
                continue
            if len(words) == 3 and words[0].isdigit():
                state = _from_mark(int(words[0]), words[2])
                if state.kind != "killed":
                    self._set(element, state)
                elif element.killed is None:
                    element.killed = state
                    self._ask_soon()

    def _read_starts(self, submission: _Submission, names: set[str]) -> None:
        """Elements that SLURM has started again since the last look."""
        again: list[_Restart] = []
        for name in names - submission.marks:
            match = _START_MARK.match(name)
            if match and int(match.group(2)):
                element = submission.elements[int(match.group(1))]
                again.append((submission, element, int(match.group(2)), match.group(3)))
        submission.marks = frozenset(names)
        self._tell_restarts(again)

    def _tell_restarts(self, again: Sequence[_Restart]) -> None:
        """Say once for each new start why the one before it ended, and who took it up where."""
        by_cause: dict[str, list[str]] = {}
        for submission, element, number, node in sorted(again, key=lambda one: one[2]):
            if number <= element.restarts:
                continue
            element.restarts = number
            self._write({"event": "restart", "job": element.id, "start": number + 1, "node": node})
            path = self.folder / f"submit/{submission.number}/slurm-{element.index}.out"
            before, _, _ = _tail(path).partition(f"{slurm_script.START_LINE} {number}\n")
            cause = slurm_queue.cause_of_restart(before.rpartition(slurm_script.START_LINE)[2])
            where = f"started again on {node}" if node else "in the queue again"
            by_cause.setdefault(f"stopped ({cause}), {where}", []).append(element.id)
        for words, ids in by_cause.items():
            who = f"worker {ids[0]}" if len(ids) == 1 else f"{len(ids)} workers ({ids[0]}, ...)"
            self.notes.append(f"{who} {words}; nothing is lost")

    def _set(self, element: _Element, state: JobState) -> None:
        element.state = self._states[element.id] = state
        if state.over:
            self._write({"event": "over", "job": element.id, **asdict(state)})

    def _words_for(self, wanted: set[JobId]) -> list[str]:
        """The shortest names for these jobs: a whole array by its id, else its elements."""
        words: list[str] = []
        for submission in self._open():
            mine = [e for e in submission.live if e.id in wanted]
            if not submission.slurm or not mine:
                continue
            if len(mine) == len(submission.live):
                words.append(submission.slurm)
            else:
                words += [f"{submission.slurm}_{element.index}" for element in mine]
        return words

    def _away(self) -> list[str]:
        return sorted(node for node, until in self._excluded.items() if until > time.time())

    # ------------------------------------------------------------------ the record
    def _write(self, row: Mapping[str, Any], *, sync: bool = False) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        data = (json.dumps(dict(row), ensure_ascii=False) + "\n").encode()
        descriptor = os.open(self.folder / "jobs.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, data)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _attach(self) -> None:
        """Know what an earlier runner of this folder did."""
        record = self.folder / "jobs.jsonl"
        if record.exists() and not record.read_bytes().endswith(b"\n"):
            with record.open("ab") as file:  # the writer died in the middle of a line; the next starts anew
                file.write(b"\n")
        for row in read_record(self.folder):
            event, number = row.get("event"), row.get("n", 0)
            if event == "intent":
                elements = [_Element(id, number, index) for index, id in enumerate(row["jobs"])]
                self._submissions[number] = _Submission(number, row["name"], row["group"], elements)
                for element in elements:
                    self._where[element.id] = element
                    self._groups[element.id] = row["group"]
                    self._states[element.id] = JobState("unknown", reason="not asked yet")
            elif event == "submitted":
                submission = self._submissions[number]
                submission.slurm, submission.settled = row["slurm"], True
            elif event == "unsent":
                for element in self._submissions.pop(number).elements:
                    del self._where[element.id]
                    self._states[element.id] = _NEVER_SUBMITTED
            elif event == "over":
                fields = {key: row[key] for key in ("phase", "exit_code", "reason", "kind", "node")}
                self._where[row["job"]].state = self._states[row["job"]] = JobState(**fields)
            elif event == "restart":
                self._where[row["job"]].restarts = row["start"] - 1
            elif event == "exclude":
                self._excluded[row["node"]] = row["until"]
        for submission in self._submissions.values():
            for element in submission.live:
                element.state = self._states[element.id]


def read_record(folder: Path) -> list[dict[str, Any]]:
    """The rows of jobs.jsonl; a torn line is as if it had never been written."""
    try:
        lines = (folder / "jobs.jsonl").read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines if line.endswith("}")]


def _from_mark(code: int, node: str) -> JobState:
    if code == 0:
        return JobState("done", 0, node=node)
    if code == slurm_script.REQUEUE_EXIT:
        return JobState("failed", code, "stopped before its time limit", "stopped", node)
    if code == 137:
        words = f"{describe_exit(code)}: probably out of memory, or killed by hand"
        return JobState("failed", code, words, "killed", node)
    return JobState("failed", code, describe_exit(code), "exit", node)


def _tail(path: Path, size: int = 4096) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def _plain(text: str) -> str:
    """SLURM's words in one line, without the name of the program before them."""
    words = r"\b((sbatch|squeue|slurm_load_jobs|allocation)[ :]+(error|failure)|sbatch): *"
    return re.sub(words, "", " ".join(text.split()))
