"""Tests that must live in the same module as the code they test: the strongest form there is of a weak thing.

Candidate and tests share this process, so a program written against this very file can forge a pass. What is
done stops the rest: references are taken before the program runs, the result collector is not a
`unittest.TestResult` that could be patched, what was replaced in `builtins` or `unittest` is noticed, every
statically counted test must have run and none been skipped, and the word that ends a pass is handed out only
after the last test returned.
"""

from __future__ import annotations

import builtins
import ctypes
import marshal
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

from evalsuite.sandbox.inside import plain

_write, _read, _leave = os.write, os.read, os._exit
_FREE_TO_REPLACE = frozenset(
    ("print", "input", "open", "exit", "quit", "help", "copyright", "credits", "license", "_")
)


def _send(channel: int, text: str) -> None:
    data = text.encode()
    data = len(data).to_bytes(4, "little") + data
    while data:
        data = data[_write(channel, data) :]


def _receive(channel: int) -> Any:
    data = b""
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "little"):
        more = _read(channel, 4096)
        if not more:
            _leave(0)
        data += more
    return marshal.loads(data[4:])


def _edition(space: dict[str, Any]) -> ctypes.c_uint64 | None:
    """The number that CPython 3.6 to 3.12 gives each state of a dictionary, behind its three first words.

    Looking at every built-in instead copies the pages of them all, a tenth of what a small program costs.
    """
    if sys.implementation.name != "cpython" or not (3, 6) <= sys.version_info < (3, 13):
        return None
    return ctypes.c_uint64.from_address(id(space) + 3 * ctypes.sizeof(ctypes.c_ssize_t))


class Fingerprint:
    """What the verdict rests on, as identities taken before the program could touch it."""

    def __init__(self) -> None:
        self.builtins = [
            (name, value) for name, value in vars(builtins).items() if name not in _FREE_TO_REPLACE
        ]
        self.edition = _edition(vars(builtins))
        self.edition_before = 0
        self.holders: list[tuple[str, Any]] = []
        self.before: list[dict[str, tuple[Any, ...]]] = []

    def watch_unittest(self) -> None:
        """Take in the test library too; a child that needs it does so unless its worker already has."""
        if self.holders:
            return
        import unittest
        import unittest.case
        import unittest.result
        import unittest.suite

        for module in (unittest, unittest.case, unittest.suite, unittest.result):
            self.holders.append((module.__name__, module))
            for name, value in sorted(vars(module).items()):
                if isinstance(value, type) and value.__module__.startswith("unittest"):
                    self.holders.append((f"{module.__name__}.{name}", value))
        self.before = [self._take(holder) for _, holder in self.holders]

    @staticmethod
    def _take(holder: Any) -> dict[str, tuple[Any, ...]]:
        taken = {}
        for name, value in list(vars(holder).items()):
            if isinstance(value, ModuleType) or name in ("__doc__", "__warningregistry__"):
                continue
            function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
            # The objects themselves are kept, so that an id cannot be used again for another one.
            taken[name] = (
                value,
                getattr(function, "__code__", None),
                getattr(function, "__defaults__", None),
            )
        return taken

    def changed(self) -> str:
        """The first thing that is not what it was, or an empty string."""
        if sys.gettrace() is not None or sys.getprofile() is not None:
            return "a trace function is set"
        for label, holder in self.holders:
            if isinstance(holder, ModuleType) and sys.modules.get(label) is not holder:
                return f"{label} was replaced"
        if self.edition is None or self.edition.value != self.edition_before:
            now = vars(builtins)
            gap = object()
            for name, value in self.builtins:
                if now.get(name, gap) is not value:
                    return f"builtins.{name} was replaced"
        for (label, holder), before in zip(self.holders, self.before):  # noqa: B905 - old interpreters too
            found = self._take(holder)
            for name, parts in before.items():
                if name not in found or any(a is not b for a, b in zip(parts, found[name])):  # noqa: B905
                    return f"{label}.{name} was replaced"
            if isinstance(holder, type):
                for name in found:
                    if name not in before and not name.startswith("_abc_"):
                        return f"{label}.{name} was added"
        return ""


def stranger(kind: Any, real: type, known: list[str] | None) -> str:
    """The first class that the tests' own class was not written to have, or an empty string."""
    ancestors = kind.__mro__
    if known is None:
        return ""  # the tests build on a library's class
    if real not in ancestors:
        return f"{kind.__name__} is no test case"
    others = [
        base.__name__ for base in ancestors if base not in (real, object) and base.__name__ not in known
    ]
    return f"{kind.__name__} derives from {others[0]}" if others else ""


class Collector:
    """Takes what `unittest` reports about each test; the interface of a result without being one."""

    def __init__(self) -> None:
        self.verdicts: dict[str, list[str]] = {}
        self.ended: set[str] = set()
        self.shouldStop = self.failfast = self.buffer = self.tb_locals = False
        self._testRunEntered = False
        self._mirrorOutput = False

    @staticmethod
    def _name(test: Any) -> str:
        return str(getattr(test, "_testMethodName", test))

    def _note(self, test: Any, verdict: str) -> None:
        self.verdicts.setdefault(self._name(test), []).append(verdict)

    def startTest(self, test: Any) -> None:
        self.verdicts.setdefault(self._name(test), [])

    def stopTest(self, test: Any) -> None:
        self.ended.add(self._name(test))

    def startTestRun(self) -> None:
        """Nothing to prepare."""

    def stopTestRun(self) -> None:
        """Nothing to close."""

    def addSuccess(self, test: Any) -> None:
        self._note(test, "ok")

    def addFailure(self, test: Any, error: Any) -> None:
        self._note(test, "fail: " + self._text(error))

    def addError(self, test: Any, error: Any) -> None:
        self._note(test, "error: " + self._text(error))

    def addSkip(self, test: Any, reason: Any) -> None:
        self._note(test, "skip")

    def addExpectedFailure(self, test: Any, error: Any) -> None:
        self._note(test, "expected failure")

    def addUnexpectedSuccess(self, test: Any) -> None:
        self._note(test, "unexpected success")

    def addSubTest(self, test: Any, part: Any, error: Any) -> None:
        if error is not None:
            self._note(test, "fail: " + self._text(error))

    def addDuration(self, test: Any, elapsed: float) -> None:
        """Durations are of no use here."""

    def wasSuccessful(self) -> bool:
        return all(verdicts == ["ok"] for verdicts in self.verdicts.values())

    @staticmethod
    def _text(error: Any) -> str:
        try:
            return f"{error[0].__name__}: {error[1]}"[:300]
        except BaseException:  # an error whose text cannot be made is still an error
            return "unprintable"


_fingerprint = Fingerprint()


def prepare() -> None:
    """Take the fingerprints while nothing foreign has run; every fork inherits them."""
    if _fingerprint.edition is not None:
        _fingerprint.edition_before = _fingerprint.edition.value
    if "unittest" in sys.modules:
        _fingerprint.watch_unittest()


def run(job: dict[str, Any], channel: int, leave: Callable[[int], NoReturn] = _leave) -> NoReturn:
    """Run the program and its tests, then ask for the word that seals the result."""
    name = job["module"]
    fingerprint = _fingerprint
    changed, encode = Fingerprint.changed, plain.encode
    if job["unittest_class"] is not None:
        fingerprint.watch_unittest()
        make_suite = sys.modules["unittest"].TestSuite
        test_case = sys.modules["unittest"].TestCase
    odd = ""
    results: dict[str, list[str]] = {}
    phase = "compile"
    try:
        candidate = compile(job["source"], job["name"], "exec", dont_inherit=True)
        if job["test_code"] is not None:
            tests = marshal.loads(job["test_code"])  # compiled by the trusted side for this very interpreter
        else:
            tests = compile(job["test"], job["name"], "exec", dont_inherit=True)
        phase = "load"
        space: dict[str, Any] = {}
        if name is not None:
            module = ModuleType(name)
            module.__dict__.update(__builtins__=builtins, __file__=job["name"])
            sys.modules[name] = module
            space = module.__dict__
        exec(candidate, space)
        phase = "test"
        exec(tests, space)
        if job["unittest_class"] is not None:
            kind = space[job["unittest_class"]]
            odd = stranger(kind, test_case, job["classes"])
            collector = Collector()
            make_suite([kind(test) for test in job["expected"]]).run(collector)
            results = {
                test: verdicts if test in collector.ended or verdicts else ["never ended"]
                for test, verdicts in collector.verdicts.items()
            }
    except BaseException as error:
        _send(channel, f'["x","{phase}",[{plain.describe_error(error)}]]')
        leave(1)
    odd = odd or changed(fingerprint)
    verdicts_of = [[test, verdicts] for test, verdicts in results.items()]
    # The usual end is written out: what the encoder touches is a share of a small program's cost.
    _send(channel, encode(["d", verdicts_of, odd]) if verdicts_of or odd else '["d",[],""]')
    word = _receive(channel)
    _send(channel, f'["p","{word}"]')
    leave(0)
