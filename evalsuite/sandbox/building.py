"""Compile and run programs of any language in a worker."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalsuite.sandbox import harness, toolchains
from evalsuite.sandbox.harness import WorkerLost
from evalsuite.sandbox.jobs import job_limits, memory_file, run_job, run_raw
from evalsuite.sandbox.outcome import Isolation, Limits, Outcome
from evalsuite.sandbox.toolchains import Language, Toolchain
from evalsuite.sandbox.worker import Kind, Worker, environment

_CHECK_TYPES = Path(__file__).parent / "inside" / "check_types.js"
_RESIDENT_S = 30.0  # for one program in the resident compiler; what takes longer is compiled alone
_HEADER = re.compile(rb"^\s*#\s*include\s*<bits/stdc\+\+\.h>", re.MULTILINE)
# What can reach beyond a file: modules and what they share, global scope, names and words in disguise.
_TS_SHARED = re.compile(r"\b(?:import|export|module|namespace|global|globalThis|require|await)\b|///|\\u")
_TS_REQUIRE = re.compile(r"^declare var require: any;\n?|\brequire\((['\"])(?:node:)?\w+\1\)", re.MULTILINE)
_KILLED = "Killed signal terminated program"  # as g++ says of its own parts


@dataclass(frozen=True)
class Program:
    """One program as it is asked for."""

    row: Language
    toolchain: Toolchain
    source: str
    limits: Limits
    compile_limits: Limits
    env: Mapping[str, str]
    flags: tuple[str, ...] = ()
    marker: str | None = None

    def text(self) -> tuple[bytes, str]:
        """The source with a fresh marker in it, and the marker."""
        if self.marker is None:
            return self.source.encode("utf-8", "replace"), ""
        word = secrets.token_hex(16)
        return self.source.replace(self.marker, word).encode("utf-8", "replace"), word


def tools_kind(base: Kind, hide: Sequence[str] = ()) -> Kind:
    """Workers that see every installed toolchain; hidden commands are not found on their PATH, and hidden
    libraries (`javatuples`) not by what runs.
    """
    binds = [folder for toolchain in toolchains.languages().values() for folder in toolchain.binds]
    binds += toolchains.configuration_folders()
    for folder in (toolchains.precompiled_header(), toolchains.resident_javac()):
        if folder is not None:
            binds.append(folder if not folder.endswith(".h") else os.path.dirname(folder))  # noqa: PTH120
    return replace(
        base, tmp_mb=512, inodes=20000, binds=tuple(dict.fromkeys(binds)), hide=tuple(hide), preloads=False
    )


def _job(
    worker: Worker,
    program: Program,
    words: tuple[str, ...],
    files: Mapping[str, bytes],
    without: Sequence[str] = (),
) -> dict[str, Any]:
    argv = program.toolchain.command(words, without)
    return {
        "kind": "exec",
        "argv": argv,
        "files": dict(files),
        "env": {
            **environment(worker.home, worker.temporary),
            **({"PATH": "/.path"} if worker.kind.hide else {}),
            **program.toolchain.environment(program.row),
            **program.env,
        },
    }


def run(worker: Worker, program: Program, classes: Mapping[str, bytes] | None = None) -> Outcome:
    """Build, if the language is built, then run: exit code 0 (and the marker, if there is one) passes.

    `classes` are the files of a program that was built before.
    """
    text, word = program.text()
    files = {program.row.file: text}
    spent = 0.0
    continues = False
    if classes is not None:
        files = dict(classes)
    elif program.row.build:
        built = _build(worker, program, files)
        if built.status != "pass":
            return built
        spent = built.cpu_s
        continues, files = True, {}
    job = {**_job(worker, program, program.row.run, files, worker.kind.hide), "continues": continues}
    outcome = run_job(worker, job, program.limits, address_space=False)
    outcome = replace(outcome, cpu_s=outcome.cpu_s + spent)
    if outcome.status == "pass" and word and word not in outcome.stdout:
        return replace(outcome, status="fail", detail="ended with exit code 0 before its tests did")
    return outcome


def _build(worker: Worker, program: Program, files: dict[str, bytes]) -> Outcome:
    """Compile; a failure with the precompiled header counts only when it fails without, too."""
    words = (*program.row.build, *program.flags)
    header = toolchains.precompiled_header() if program.row.name == "cpp" and not program.flags else None
    if header is not None and _HEADER.search(files[program.row.file]):
        outcome = _compile(worker, program, (*words, "-include", header, "-Winvalid-pch"), files)
        if outcome.status in ("pass", "timeout"):
            return outcome
    return _compile(worker, program, words, files)


def _compile(worker: Worker, program: Program, words: tuple[str, ...], files: dict[str, bytes]) -> Outcome:
    job = {**_job(worker, program, words, files), "keep": True}
    outcome = run_job(worker, job, program.compile_limits, address_space=False)
    if outcome.status == "pass":
        return outcome
    if outcome.status in ("timeout", "oom"):
        return replace(outcome, detail=f"compiler: {outcome.detail}")
    if _KILLED in outcome.stderr:
        harness.stop_if_out_of_memory()  # a program can make the compiler say so as well
    if outcome.detail == "ended by SIGKILL":
        raise WorkerLost("the compiler was killed from outside: is the machine out of memory?")
    said = (outcome.stderr or outcome.stdout).strip().partition("\n")[0]
    return replace(outcome, status="compile_error", detail=f"compiler: {said[:300] or outcome.detail}")


def compile_error(said: str, isolation: Isolation, wall_s: float = 0.0) -> Outcome:
    """The verdict on a program that a compiler which serves many did not take."""
    first = said.strip().partition("\n")[0]
    return Outcome(
        "compile_error", f"compiler: {first[:300]}", 0.0, wall_s, None, "exitcode", isolation, "", said, 1
    )


# ---- one tsc for many programs ----


def stands_alone(source: str) -> bool:
    """Whether a TypeScript program is a script that cannot reach beyond itself; others are compiled alone."""
    return not _TS_SHARED.search(_TS_REQUIRE.sub("", source))


def batch_typescript(worker: Worker, programs: Sequence[Program]) -> list[bytes | str | None]:
    """The JavaScript of each program, or what the compiler has against it as text; None where it does not
    say.
    """
    files = {f"{at}.ts": program.source.encode("utf-8", "replace") for at, program in enumerate(programs)}
    files["check_types.js"] = _CHECK_TYPES.read_bytes()
    library = os.path.join(os.path.dirname(programs[0].toolchain.parts["tsc"]), "typescript.js")  # noqa: PTH118, PTH120
    row, limits = programs[0].row, programs[0].compile_limits
    flags = (*(word for word in row.build[2:] if word != row.file), *programs[0].flags)
    words = ("{node}", "check_types.js", library, str(len(programs)), *flags)
    job = _job(worker, programs[0], words, files)
    wide = replace(limits, cpu_s=limits.cpu_s * 2, fsize_mb=256)
    ran = run_raw(worker, job, wide, address_space=False, keep_kb=64 << 10)
    found: list[bytes | str | None] = [None] * len(programs)
    for line in ran.stdout.decode("utf-8", "replace").splitlines():
        with contextlib.suppress(ValueError, TypeError, KeyError, IndexError):  # a torn last line: not said
            answer = json.loads(line)
            found[answer["at"]] = answer["js"].encode() if "js" in answer else answer.get("said")
    return found


# ---- one javac for many programs ----


class ResidentJavac:
    """A compiler that stays: one virtual machine behind the walls, one request at a time."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.lock = threading.Lock()
        self.worker: Worker | None = None
        self.channel: socket.socket | None = None
        self.deadline = 0.0

    def compile(self, program: Program) -> tuple[bool, str, dict[str, bytes]] | None:
        """(compiled, what the compiler said, class files), or None when it has to be done alone."""
        text, _ = program.text()
        with self.lock:
            try:
                channel = self._start(program)
                self.deadline = time.monotonic() + min(_RESIDENT_S, program.compile_limits.wall_s)
                channel.settimeout(self._left())
                parts = [flag.encode() for flag in program.flags]
                channel.sendall(
                    len(parts).to_bytes(4, "big")
                    + b"".join(len(part).to_bytes(4, "big") + part for part in (*parts, text))
                )
                done = self._number(channel)
                if done < 0:
                    return None
                said = self._bytes(channel).decode("utf-8", "replace")
                classes: dict[str, bytes] = {}
                for _ in range(min(self._number(channel), 10_000)):
                    name = self._bytes(channel).decode("utf-8", "replace").replace(".", "/")
                    classes[f"out/{name}.class"] = self._bytes(channel)
                return done == 1, said, classes
            except (OSError, WorkerLost):
                self._stop()
                return None

    def _start(self, program: Program) -> socket.socket:
        if self.channel is not None:
            return self.channel
        folder = toolchains.resident_javac()
        if folder is None:
            raise WorkerLost("no resident compiler")
        self.worker = Worker(self.kind)
        self.worker.start()
        words = ("{java}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m", "-cp", folder,
                 "ResidentCompiler", "-proc:none", "-cp", "{javatuples}")  # fmt: skip
        ours, theirs = socket.socketpair()
        complaints = memory_file()
        limits = replace(program.compile_limits, cpu_s=1 << 20, mem_mb=1536)
        job = {
            **_job(self.worker, program, words, {}),
            **job_limits(limits, address_space=False),
            "until": "told",
            "stdio": [0, 1, 2],
        }
        try:
            self.worker.begin(job, (theirs.fileno(), theirs.fileno(), complaints))
        finally:
            theirs.close()
            os.close(complaints)
        self.channel = ours
        return ours

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the compiler is too slow")
        return left

    def _exactly(self, channel: socket.socket, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            channel.settimeout(self._left())
            more = channel.recv(min(size - len(data), 1 << 18))
            if not more:
                raise WorkerLost("the compiler ended")
            data += more
        return bytes(data)

    def _number(self, channel: socket.socket) -> int:
        return int.from_bytes(self._exactly(channel, 4), "big", signed=True)

    def _bytes(self, channel: socket.socket) -> bytes:
        size = self._number(channel)
        if not 0 <= size <= 64 << 20:
            raise WorkerLost("the compiler sent nonsense")
        return self._exactly(channel, size)

    def _stop(self) -> None:
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        if self.worker is not None:
            self.worker.close()
            self.worker = None

    def close(self) -> None:
        with self.lock:
            self._stop()


def java_classes(
    resident: ResidentJavac, program: Program, isolation: Isolation
) -> Outcome | dict[str, bytes] | None:
    """Class files of a program, its compile error, or None when it has to be compiled alone."""
    started = time.monotonic()
    answer = resident.compile(program)
    if answer is None:
        return None
    done, said, classes = answer
    if done:
        return classes
    return compile_error(said, isolation, time.monotonic() - started)
