"""The trusted side of tests that share a process with the code they test."""

from __future__ import annotations

import ast
import functools
import marshal
import os
import secrets
import socket
import time
from importlib.util import MAGIC_NUMBER
from typing import Any

from evalsuite import syntax
from evalsuite.errors import UserError
from evalsuite.sandbox import wire
from evalsuite.sandbox.jobs import ending, job_limits, memory_file, read_back
from evalsuite.sandbox.outcome import Limits, Outcome, Status
from evalsuite.sandbox.worker import Worker

_LONGEST_SEAL = 256


def test_names(test: str, class_name: str) -> list[str]:
    """The test methods of a class, its bases in the same source included, told without running anything."""
    try:
        tree = syntax.module(test)
    except SyntaxError as error:
        raise UserError(f"the tests do not parse: {error}", expected="Python source") from error
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    if class_name not in classes:
        raise UserError(f"the tests define no class {class_name!r}", expected=", ".join(classes) or "a class")
    names: set[str] = set()
    waiting, seen = [class_name], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in classes:
            continue
        seen.add(name)
        for node in classes[name].body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test"):
                names.add(node.name)
        waiting += [base.id for base in classes[name].bases if isinstance(base, ast.Name)]
    if not names:
        raise UserError(f"the class {class_name!r} has no test methods", expected="methods named test...")
    return sorted(names)


def class_names(test: str) -> list[str] | None:
    """The classes that a test source defines; None where one may build on a test case of some library."""
    tree = syntax.module(test)
    origins = _origins(tree)
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found.append(node.name)
            if any(_is_of_a_library(base, origins) for base in node.bases):
                return None
    return found


def _origins(tree: ast.AST) -> dict[str, str]:
    """The module that each imported name comes from."""
    origins: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            origins.update({alias.asname or alias.name: node.module or "" for alias in node.names})
        elif isinstance(node, ast.Import):
            origins.update({alias.asname or alias.name: alias.name for alias in node.names})
    return origins


def _is_of_a_library(base: ast.expr, origins: dict[str, str]) -> bool:
    """Whether a base class is a test case, and not `unittest`'s own."""
    if isinstance(base, ast.Attribute):
        name, holder = base.attr, ast.unparse(base.value)
    elif isinstance(base, ast.Name):
        name, holder = base.id, base.id
    else:
        return False
    if not name.endswith("TestCase"):
        return False
    origin = origins.get(holder, "unittest" if holder == name else holder)
    return name != "TestCase" or origin.partition(".")[0] != "unittest"


@functools.lru_cache(maxsize=1024)
def _compiled(test: str, name: str) -> bytes | None:
    """The tests as bytecode, so that they are compiled once and not for every answer."""
    try:
        return marshal.dumps(compile(test, name, "exec", dont_inherit=True))
    except (SyntaxError, ValueError):
        return None  # the program's process will say it in its own words


def run(
    worker: Worker, source: str, test: str, limits: Limits, unittest_class: str | None, module: str | None
) -> Outcome:
    """One program with its tests in one process; the pass needs a word that is given out only at the end."""
    expected = test_names(test, unittest_class) if unittest_class else []
    name = f"{module}.py" if module else "<candidate>"
    magic = worker.kind.interpreter.magic
    job: dict[str, Any] = {
        "kind": "inproc",
        "source": source,
        "test": test,
        "test_code": _compiled(test, name) if magic == MAGIC_NUMBER.hex() else None,
        "name": name,
        "module": module,
        "unittest_class": unittest_class,
        "expected": expected,
        "classes": class_names(test) if unittest_class else None,
        "until": "exit",
        "stdio": [1, 2],
        **job_limits(limits),
    }
    word = secrets.token_hex(16)
    ours, theirs = socket.socketpair()
    printed = memory_file()
    started = time.monotonic()
    deadline = started + limits.wall_s
    report: list[Any] | None = None
    broken = ""
    try:
        with theirs:
            worker.begin(job, (printed, printed, theirs.fileno()))
        try:
            report = _read(ours, deadline)
            if report is not None and report[0] == "d":
                ours.sendall(wire.pack(word))
        except wire.ProtocolError as error:
            broken = str(error)
            worker.stop()
        except OSError:
            pass  # it is late or gone; how it ended tells which
        ended = worker.finish(deadline)
        sealed = _said_last(ours) == _frame(f'["p","{word}"]')
        wall = time.monotonic() - started
        stdout = read_back(printed, limits.out_kb).decode("utf-8", "replace")
    finally:
        ours.close()
        os.close(printed)
    tests: tuple[bool, ...] | None = None
    status, detail = ending(ended, limits)
    if broken:
        status, detail = "tampered", f"protocol: {broken}"
    elif report is not None and report[0] == "x" and status not in ("timeout", "oom"):
        status, detail = _not_run(report)
    elif report is not None and report[0] == "d" and sealed and status == "pass":
        status, detail, tests = _judge(report, expected)
    elif status == "pass":
        status, detail = "fail", "the process ended by itself before the tests did"
    elif status == "fail":
        detail = f"the process ended by itself ({detail}) before the tests did"
    return Outcome(
        status,
        detail[:1000],
        ended.cpu_s,
        wall,
        tests,
        "inproc",
        worker.kind.level,
        stdout,
        "",
        ended.exit_code,
    )


def _frame(text: str) -> bytes:
    return len(text).to_bytes(4, "little") + text.encode()


_ALL_WELL = _frame('["d",[],""]')


def _said_last(channel: socket.socket) -> bytes:
    """What a process that is gone has left to be read; to wait for its end alone is one wait less."""
    channel.setblocking(False)
    try:
        return channel.recv(_LONGEST_SEAL)
    except OSError:
        return b""


def _read(channel: socket.socket, deadline: float) -> list[Any] | None:
    """One frame, or None at the end of the stream."""
    data = bytearray()
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "little"):
        if len(data) >= 4 and int.from_bytes(data[:4], "little") > wire.MAX_FRAME:
            raise wire.ProtocolError("a frame too large")
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError  # and not one more try for each byte that still comes
        channel.settimeout(left)
        more = channel.recv(1 << 16)
        if not more:
            return None
        data += more
    if data == _ALL_WELL:
        return ["d", [], ""]  # what most programs say is not taken apart
    return wire.unpack(bytes(data[4 : 4 + int.from_bytes(data[:4], "little")]))


def _not_run(report: list[Any]) -> tuple[Status, str]:
    try:
        _, phase, (names, message) = report
        error = wire.error_from(names, message)
    except (ValueError, TypeError, wire.ProtocolError):
        return "tampered", "protocol: not a report"
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    if isinstance(error, MemoryError):
        return "oom", text
    if phase == "compile":
        return "compile_error", text
    return "fail", text if phase == "test" else f"while loading: {text}"


def _judge(report: list[Any], expected: list[str]) -> tuple[Status, str, tuple[bool, ...] | None]:
    """A complete report: every expected test ran once and succeeded, and nothing was replaced."""
    pairs, changed = (report[1], report[2]) if len(report) == 3 else (None, None)
    if isinstance(changed, str) and changed:
        return "tampered", changed, None
    if not expected:
        return "pass", "", None
    if not isinstance(pairs, list) or any(not isinstance(pair, list) or len(pair) != 2 for pair in pairs):
        return "tampered", "protocol: not a report", None
    results = {str(name): verdicts for name, verdicts in pairs}
    tests = tuple(results.get(name) == ["ok"] for name in expected)
    if set(results) - set(expected):
        return "tampered", "tests ran that the tests do not define", tests
    if all(tests):
        return "pass", "", tests
    first = expected[tests.index(False)]
    said = results.get(first)
    told = "; ".join(str(part) for part in said) if isinstance(said, list) else "did not run"
    return "fail", f"{first}: {told or 'did not end'}", tests
