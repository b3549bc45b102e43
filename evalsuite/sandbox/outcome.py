"""What is asked of a sandbox and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

Isolation = Literal["strong", "medium", "weak"]
Integrity = Literal["split", "inproc", "exitcode"]
Status = Literal["pass", "fail", "timeout", "crash", "oom", "compile_error", "tampered", "harness_error"]
Flavour = Literal["lean", "scientific"]

LEVELS: tuple[Isolation, ...] = ("weak", "medium", "strong")


@dataclass(frozen=True)
class Limits:
    """What one program may use. Processor time is the first limit, wall time a generous second."""

    cpu_s: float = 10
    wall_s: float = 30
    mem_mb: int = 1024
    nproc: int = 64
    fsize_mb: int = 32
    out_kb: int = 256


@dataclass(frozen=True)
class Outcome:
    """The verdict on one program, with how far the walls and the verdict itself can be trusted.

    `harness_error` is never the program's fault. For a program that is only run (no tests), `pass` means
    that it ended by itself with exit code 0.
    """

    status: Status
    detail: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    tests: tuple[bool, ...] | None = None
    integrity: Integrity = "exitcode"
    isolation: Isolation = "weak"
    stdout: str = ""
    stderr: str = ""
    exit_code: int | None = None

    @property
    def passed(self) -> bool:
        return self.status == "pass"

    def compared(self, right: bool, detail: str = "", tests: tuple[bool, ...] | None = None) -> Outcome:
        """The verdict after what a program printed was compared out here, where the program cannot reach."""
        if self.status != "pass":
            return replace(self, integrity="split", tests=tests)
        return replace(
            self, status="pass" if right else "fail", detail=detail, tests=tests, integrity="split"
        )


@dataclass(frozen=True)
class Returned:
    """One call came back with a value (plain data; anything else is a `wire.Opaque`)."""

    value: Any
    arguments: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Raised:
    """One call ended with an exception, told by name, base classes and message."""

    kind: str
    message: str
    bases: tuple[str, ...] = ()


@dataclass(frozen=True)
class TimedOut:
    """One call used more time than it may."""


@dataclass(frozen=True)
class Died:
    """The process ended, or spoke nonsense, before this call was answered; the calls after it were not
    made.
    """

    status: Status
    detail: str


CallResult = Returned | Raised | TimedOut | Died


@dataclass(frozen=True)
class Calls:
    """All calls of one program: results in order (shorter than asked when stopped), and the program's
    outcome.
    """

    results: tuple[CallResult, ...]
    outcome: Outcome

    @property
    def answered(self) -> int:
        """How many calls the program answered: its death on a call is a result too, and no answer."""
        return sum(not isinstance(result, Died) for result in self.results)


@dataclass(frozen=True)
class Capabilities:
    """What this machine offers: the best level, the walls that stand, and those that do not, with the
    reason.
    """

    level: Isolation
    layers: tuple[str, ...]
    missing: tuple[str, ...] = ()
    machine: str = ""
    kernel: str = ""
    details: dict[str, str] = field(default_factory=dict)
