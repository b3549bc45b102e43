"""Split verdicts: the code under test only computes; tests, expected values and comparisons stay in this
process.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NoReturn

from evalsuite.sandbox import harness, wire
from evalsuite.sandbox.jobs import ending, job_limits, memory_file, read_back
from evalsuite.sandbox.outcome import CallResult, Died, Limits, Outcome, Raised, Returned, Status, TimedOut
from evalsuite.sandbox.worker import Ended, Worker

_BATCH = 256
_MOST_KEPT = 256 << 20  # bytes of frames whose values are kept together; a right answer to MBPP+ has 147 MB
_PAUSE_S = 0.0005
_SYNTAX = ("SyntaxError", "IndentationError", "TabError")


class Stopped(BaseException):
    """The program inside cannot answer any more. Not an Exception, so that a test's own `except` lets it
    pass.
    """


class Overtime(BaseException):
    """The trusted check itself ran past its deadline."""


class Session:
    """One program under test, for the length of one verdict."""

    def __init__(self, worker: Worker, source: str, entry: str, limits: Limits, mutates: bool) -> None:
        self.worker = worker
        self.job = {"kind": "calls", "source": source, "entry": entry, "until": "told", "stdio": [1, 2]}
        self.limits = limits
        self.mutates = mutates
        self.dead = ""  # why it cannot answer any more: load, late, ended, protocol, large
        self.dead_detail = ""
        self.failed_to_load: tuple[str, Exception] | None = None
        self.answered = False
        self.ended: Ended | None = None
        self.wall_s = 0.0
        self.stdout = ""
        self._buffer = bytearray()
        self._size = 0  # of the frame that came last

    def __enter__(self) -> Session:
        ours, theirs = socket.socketpair()
        self._channel = ours
        self._waiting = select.poll()  # and not select: a service may have thousands of descriptors open
        self._waiting.register(ours, select.POLLIN)
        self._printed = memory_file()
        self._started = time.monotonic()
        self.deadline = self._started + self.limits.wall_s
        try:
            job = {**self.job, **job_limits(self.limits)}
            self.worker.begin(job, (self._printed, self._printed, theirs.fileno()))
        except BaseException:
            ours.close()
            os.close(self._printed)
            raise
        finally:
            theirs.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and not self.answered and not self.dead:
                self._synchronise()
            self.worker.stop(late=self.dead == "late")
            self.ended = self.worker.finish()
            if self.dead == "ended" and self.ended.signal == signal.SIGKILL:
                harness.stop_if_out_of_memory()
            self.wall_s = time.monotonic() - self._started
            self.stdout = read_back(self._printed, self.limits.out_kb).decode("utf-8", "replace")
        finally:
            self._channel.close()
            os.close(self._printed)

    # ---- talking ----

    def proxy(self, *arguments: Any, **named: Any) -> Any:
        """Call the program's entry: its value, or its exception raised here."""
        self._send([(list(arguments), named, 0.0)])
        message = self._receive()
        word = message[0]
        try:
            if word == "r" and len(message) == (3 if self.mutates else 2):
                if self.mutates:
                    _patch(arguments, message[2])
                return message[1]
            if word == "e" and len(message) == 3:
                error = wire.error_from(message[1], message[2])
            else:
                raise wire.ProtocolError("an answer that was not asked for")
        except wire.ProtocolError as broken:
            self._die("protocol", str(broken))
        raise error

    def stream(
        self,
        calls: Sequence[tuple[Sequence[Any], Mapping[str, Any]]],
        per_call_s: float | Sequence[float] | None,
        stop_on: Callable[[int, CallResult], bool] | None,
    ) -> list[CallResult]:
        """Answers to many calls, in order; the program runs ahead while they are read here."""
        if per_call_s is None or isinstance(per_call_s, (int, float)):
            spans = [float(per_call_s or 0)] * len(calls)
        else:
            spans = [float(span) for span in per_call_s]
        results: list[CallResult] = []
        kept = 0
        try:
            for first in range(0, len(calls), _BATCH):
                batch = calls[first : first + _BATCH]
                self._send(
                    [
                        (list(arguments), dict(named), span)
                        for (arguments, named), span in zip(batch, spans[first:], strict=False)
                    ]
                )
                for _ in batch:
                    result = self._call_result(self._receive(ahead=True))
                    kept += self._size
                    if kept > _MOST_KEPT:
                        self._die("large", f"the values are larger than {_MOST_KEPT >> 20} MB together")
                    results.append(result)
                    if stop_on is not None and stop_on(len(results) - 1, result):
                        return results
        except Stopped:
            return results
        return results

    def _call_result(self, message: list[Any]) -> CallResult:
        try:
            if message[0] == "r" and len(message) == (3 if self.mutates else 2):
                return Returned(message[1], tuple(message[2]) if self.mutates else None)
            if message[0] == "e" and len(message) == 3:
                error = wire.error_from(message[1], message[2])
                return Raised(message[1][0], message[2], tuple(message[1][1:])) if error else TimedOut()
            if message == ["t"]:
                return TimedOut()
            raise wire.ProtocolError("an answer that was not asked for")
        except (wire.ProtocolError, TypeError) as broken:
            self._die("protocol", str(broken))

    def _synchronise(self) -> None:
        """Learn whether the program loaded, when no call has told so."""
        try:
            self._send([])
            if self._receive() != ["n"]:
                self._die("protocol", "an answer that was not asked for")
        except Stopped:
            return  # why is noted

    def _send(self, calls: list[tuple[list[Any], Mapping[str, Any], float]]) -> None:
        if self.dead:
            raise Stopped(self.dead)
        data = wire.pack((self.mutates, calls))
        try:
            self._channel.settimeout(self._left())
            self._channel.sendall(data)
        except TimeoutError:
            self._die("late", "")
        except OSError:
            self._hear_last_words()

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _hear_last_words(self) -> None:
        """The other end is closed: it may have said why before."""
        self._receive()
        self._die("ended", "")

    def _receive(self, ahead: bool = False) -> list[Any]:
        buffer = self._buffer
        try:
            while len(buffer) < 4 or len(buffer) < 4 + int.from_bytes(buffer[:4], "little"):
                if len(buffer) >= 4 and int.from_bytes(buffer[:4], "little") > wire.MAX_FRAME:
                    self._die("protocol", "a frame too large")
                if ahead and not self._waiting.poll(0):
                    time.sleep(_PAUSE_S)  # let answers gather: waking up for each one costs more than it does
                self._channel.settimeout(self._left())
                data = self._channel.recv(1 << 18)
                if not data:
                    self._die("ended", "")
                buffer += data
        except TimeoutError:
            self._die("late", "")
        except OSError:
            self._die("ended", "")
        end = 4 + int.from_bytes(buffer[:4], "little")
        data = bytes(buffer[4:end])
        self._size = max(len(data), 10 * data.count(b"["))  # a list takes far more here than on its way
        del buffer[:end]
        try:
            message = wire.unpack(data)
            if message[0] == "x" and len(message) == 4:
                self.failed_to_load = (str(message[1]), wire.error_from(message[2], message[3]))
                self._die("load", "")
        except wire.ProtocolError as broken:
            self._die("protocol", str(broken))
        self.answered = True
        return message

    def _die(self, why: str, detail: str) -> NoReturn:
        self.dead, self.dead_detail = why, detail
        raise Stopped(why)

    # ---- the verdict ----

    def verdict(self, failure: BaseException | None) -> Outcome:
        """The outcome after the session, given what the check raised (None: it was content)."""
        assert self.ended is not None
        status, detail = self._status(failure)
        return Outcome(
            status,
            detail[:1000],
            self.ended.cpu_s,
            self.wall_s,
            None,
            "split",
            self.worker.kind.level,
            self.stdout,
            "",
            self.ended.exit_code if self.dead == "ended" else None,
        )

    def _status(self, failure: BaseException | None) -> tuple[Status, str]:
        assert self.ended is not None
        if self.dead == "protocol":
            return "tampered", f"protocol: {self.dead_detail}"
        if self.failed_to_load is not None:
            return _load_failure(*self.failed_to_load)
        status, detail = ending(self.ended, self.limits)
        if status in ("timeout", "oom"):
            return status, detail
        if self.dead == "late":
            return "timeout", f"wall time over {self.limits.wall_s:g} s"
        if self.dead == "large":
            return "fail", self.dead_detail
        if self.dead == "ended":
            if self.ended.why == "told" and self.ended.signal == signal.SIGKILL:
                return "fail", "the process closed its channel before it answered"
            if status == "crash":
                return status, detail
            return (
                "fail",
                f"the process ended by itself (exit code {self.ended.exit_code}) before it answered",
            )
        if isinstance(failure, Overtime):
            return "timeout", f"wall time over {self.limits.wall_s:g} s in the check"
        if failure is None:
            return "pass", ""
        name = type(failure).__name__
        said = _said(failure)
        if isinstance(failure, MemoryError):
            return "oom", f"{name}: {said}"
        return "fail", f"{name}: {said}" if said else name

    def completed(self, results: list[CallResult]) -> tuple[CallResult, ...]:
        """The answers, with the program's death as the last one when it died."""
        if self.dead:
            status, detail = self._status(None)
            return (*results, Died(status, detail))
        return tuple(results)


def _said(failure: BaseException) -> str:
    """An exception's message; it may hold values of the program, and numbers too large to be written."""
    try:
        return str(failure)
    except (ValueError, RecursionError, MemoryError) as error:
        return f"(its message cannot be made: {error})"


def _load_failure(phase: str, error: Exception) -> tuple[Status, str]:
    text = str(error)
    name = type(error).__name__
    told = text if text.startswith(name) or isinstance(error, wire.RemoteError) else f"{name}: {text}"
    if isinstance(error, MemoryError):
        return "oom", told
    if phase == "compile" or name in _SYNTAX:
        return "compile_error", told
    return "fail", f"while loading: {told}"


def _patch(arguments: Sequence[Any], changed: Any) -> None:
    """Change lists, dicts and sets in place as the program changed its copies."""
    if type(changed) is not list or len(changed) != len(arguments):
        raise wire.ProtocolError("arguments came back in another number")
    for ours, theirs in zip(arguments, changed, strict=True):
        if type(ours) is list and type(theirs) is list:
            ours[:] = theirs
        elif (type(ours) is dict and type(theirs) is dict) or (type(ours) is set and type(theirs) is set):
            ours.clear()
            ours.update(theirs)


class Watchdog:
    """Ends checks that run past their deadline, by raising in their thread.

    A check is trusted code, but it works on what the program returned; a value can make a loop of it endless.
    """

    _ROUND_S = 0.25

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: dict[int, float] = {}
        self._fired: set[int] = set()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def run(
        self, session: Session, check: Callable[[Callable[..., Any]], None], wall_s: float
    ) -> BaseException | None:
        """Run the check over the session's proxy: what it raised, or None."""
        me = threading.get_ident()
        try:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._patrol, name="sandbox-deadlines", daemon=True
                    )
                    self._thread.start()
                self._active[me] = time.monotonic() + wall_s + 1
            try:
                check(session.proxy)
            finally:
                with self._lock:
                    self._active.pop(me, None)
                    if me in self._fired:
                        self._fired.discard(me)
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(me), None)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as failure:  # whatever a test raises is a verdict
            return failure
        return None

    def _patrol(self) -> None:
        while not self._closed.wait(self._ROUND_S):
            now = time.monotonic()
            with self._lock:
                for thread, deadline in self._active.items():
                    if now > deadline and thread not in self._fired:
                        self._fired.add(thread)
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(
                            ctypes.c_ulong(thread), ctypes.py_object(Overtime)
                        )

    def close(self) -> None:
        self._closed.set()
