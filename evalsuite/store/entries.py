"""Names of task files. All that is known of a task stands in its file's name, so that one listing tells the
state of many tasks, and one rename changes it."""

# These run for each task of a run, and a Path costs more than the rename itself:
# ruff: noqa: PTH103, PTH104, PTH110, PTH120
from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Outcome:
    """What a finished task left: rows, how many of them failed or came from earlier runs, seconds, bytes."""

    rows: int = 0
    failed: int = 0
    reused: int = 0
    seconds: float = 0.0
    size: int = 0

    def __str__(self) -> str:
        return f"{self.rows}.{self.failed}.{self.reused}.{round(self.seconds * 1000)}.{self.size}"

    @classmethod
    def parse(cls, text: str) -> Outcome:
        """The outcome that a name speaks of."""
        rows, failed, reused, milliseconds, size = map(int, text.split("."))
        return cls(rows, failed, reused, milliseconds / 1000, size)


@dataclass(frozen=True)
class Entry:
    """One task as its file's name tells it: `[BATCH~]NAME.FAILURES.ATTEMPTS.ANSWERS[@OWNER[~OUTCOME]]`.

    `failures` counts those that speak against the task. `attempts` counts claims that ended before the task
    was done: each had a row file of its own, so the number finds them all without a listing. `answers` is,
    for an eval task, how many attempts at its answers there were. `batch` is where among the ready ones it
    belongs.
    """

    name: str
    failures: int = 0
    attempts: int = 0
    answers: int = 0
    batch: str = ""
    owner: str = ""
    outcome: Outcome | None = None

    @property
    def bare(self) -> str:
        """The file's name where the folder says the rest."""
        return f"{self.name}.{self.failures}.{self.attempts}.{self.answers}"

    @property
    def file(self) -> str:
        """The file's name with all that is known."""
        batch = f"{self.batch}~" if self.batch else ""
        owner = f"@{self.owner}" if self.owner else ""
        return f"{batch}{self.bare}{owner}" + (f"~{self.outcome}" if self.outcome else "")

    @classmethod
    def parse(cls, file: str, batch: str = "") -> Entry | None:
        """The task that a file stands for; None for what is no task (leftovers of a network file system)."""
        head, _, tail = file.partition("@")
        before, found, base = head.rpartition("~")
        owner, ended, outcome = tail.rpartition("~")
        try:
            name, failures, attempts, answers = base.rsplit(".", 3)
            return cls(
                name,
                int(failures),
                int(attempts),
                int(answers),
                before if found else batch,
                owner if ended else tail,
                Outcome.parse(outcome) if ended else None,
            )
        except ValueError:
            return None

    def again(self, *, counted: bool = False) -> Entry:
        """The same task after an attempt that did not finish it."""
        failures = self.failures + counted
        return replace(self, failures=failures, attempts=self.attempts + 1, owner="", outcome=None)

    def is_owned_by(self, worker: str) -> bool:
        """Whether it is held by this worker, in its first start or (`WORKER.1`) a later one."""
        return self.owner == worker or self.owner.startswith(f"{worker}.")


def listed(folder: str) -> Iterator[str]:
    """The names in a folder; none where somebody took it away."""
    try:
        found = os.scandir(folder)
    except FileNotFoundError:
        return
    with found:
        for entry in found:
            yield entry.name


def move(source: str, target: str) -> bool:
    """Rename a file; False when it is not there (any more). A missing folder of the target is made."""
    try:
        os.rename(source, target)
    except FileNotFoundError:
        if not os.path.exists(source):
            return False
        os.makedirs(os.path.dirname(target), exist_ok=True)
        return move(source, target)
    return True
