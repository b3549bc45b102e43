"""The sandbox: a pool of workers, and the ways to run a program in one of them."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from evalsuite.cores import processors, usable_cores
from evalsuite.errors import UserError
from evalsuite.sandbox import building, imports, interpreter, sqlite, tests_inside, toolchains
from evalsuite.sandbox.harness import WorkerLost
from evalsuite.sandbox.jobs import run_job
from evalsuite.sandbox.outcome import (
    LEVELS,
    CallResult,
    Calls,
    Flavour,
    Isolation,
    Limits,
    Outcome,
    Raised,
)
from evalsuite.sandbox.probe import probe
from evalsuite.sandbox.split import Session, Watchdog
from evalsuite.sandbox.verdicts import VerdictCache
from evalsuite.sandbox.worker import Kind, Worker

_Result = TypeVar("_Result")
_DEFAULT = Limits()
_COMPILE = Limits(cpu_s=60, wall_s=180, mem_mb=2048, nproc=256, fsize_mb=256)
_SCIENTIFIC_TMP_MB = 256
_FEW = 4  # threads that seldom stand in each other's way, though only one of them can run Python at a time
_LOOKS_FOR_ITSELF = re.compile(
    r"__file__|\.py\b|\b(?:inspect|linecache|runpy|spawn|forkserver|multiprocessing|ProcessPoolExecutor)\b"
)


class _Slot:
    """One place for a program at a time, with its workers of each kind."""

    def __init__(self, processor: int) -> None:
        self.processor = processor
        self.workers: dict[Kind, Worker] = {}

    def worker(self, kind: Kind) -> Worker:
        worker = self.workers.get(kind)
        if worker is None or not worker.alive:
            worker = Worker(kind, self.processor)
            worker.start()
            self.workers[kind] = worker
        return worker

    def drop(self, kind: Kind) -> None:
        worker = self.workers.pop(kind, None)
        if worker is not None:
            worker.close()

    def close(self) -> None:
        for kind in list(self.workers):
            self.drop(kind)


def _processors() -> Iterator[int]:
    """The processors that this process may use, in turn; where to begin is left to chance, since other
    sandboxes may run beside.
    """
    usable = processors()
    return islice(cycle(usable), secrets.randbelow(len(usable)), None)


class Sandbox:
    """Runs programs that nobody trusts. Thread-safe: n threads keep n workers busy.

    `min_level` is the weakest isolation that is accepted; weak isolation must be asked for by name. `level`
    pins the isolation to less than the machine offers. `cache` keeps verdicts of compiled languages by
    content.
    """

    def __init__(
        self,
        workers: int | None = None,
        min_level: Isolation = "strong",
        python: str | None = None,
        level: Isolation | None = None,
        cache: VerdictCache | None = None,
    ) -> None:
        capabilities = probe()
        self.isolation: Isolation = level or capabilities.level
        for name in (min_level, self.isolation):
            if name not in LEVELS:
                raise UserError(f"no isolation level {name!r}", expected=", ".join(LEVELS))
        if LEVELS.index(self.isolation) > LEVELS.index(capabilities.level):
            raise UserError(
                f"this machine offers {capabilities.level} isolation only",
                where="sandbox",
                expected="; ".join(capabilities.missing) or self.isolation,
            )
        if LEVELS.index(self.isolation) < LEVELS.index(min_level):
            raise UserError(
                f"isolation here is {self.isolation}, {min_level} was asked for",
                where="sandbox",
                expected="what is missing: "
                + ("; ".join(capabilities.missing) or "nothing")
                + f". To accept less, say min_level={self.isolation!r}",
            )
        self.interpreter = interpreter.find(python)
        self.size = workers or usable_cores()
        self._free = [_Slot(processor) for processor in islice(_processors(), self.size)]
        self._slots = list(self._free)
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()
        self._alone = threading.Lock()
        self._thread = threading.local()
        self._watchdog = Watchdog()
        self._closed = False
        self._cache = cache
        self._javac: building.ResidentJavac | None = None
        self._javac_lock = threading.Lock()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers. Waits for the programs that are running."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            while len(self._free) < self.size:
                self._changed.wait()
        for slot in self._slots:
            slot.close()
        if self._javac is not None:
            self._javac.close()
        self._watchdog.close()

    def warm(self, flavour: Flavour, programs: int) -> None:
        """Start workers of this flavour for so many programs, in places that are free, side by side.

        Who has something else to do first need not wait for them later. What keeps one from starting is told
        by the first program that wants it.
        """
        places = self._slots[:programs]
        starting = [threading.Thread(target=self._warm, args=(slot, flavour)) for slot in places]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()

    def _warm(self, slot: _Slot, flavour: Flavour) -> None:
        with self._changed:
            if self._closed or slot not in self._free:
                return
            self._free.remove(slot)
        try:
            with contextlib.suppress(Exception):  # told when a program wants it
                slot.worker(self.kind(flavour))
        finally:
            self._give(slot)

    # ---- places and retries ----

    def threads(self, name: str = "") -> ThreadPoolExecutor:
        """As many threads as there are workers, for who has many programs to run.

        Each has a worker of its own. Where they are few, it keeps to that one's processor: the two take
        turns, and nobody has to be woken elsewhere. Many wait for each other, too, and go where there is
        room.
        """
        slots = cycle(self._slots)
        return ThreadPoolExecutor(self.size, name, initializer=lambda: self._settle(next(slots)))

    def _settle(self, slot: _Slot) -> None:
        self._thread.slot = slot
        if self.size > _FEW:
            return
        with contextlib.suppress(OSError, AttributeError):  # not for us to decide, or not this system's way
            os.sched_setaffinity(0, (slot.processor,))

    def _take(self) -> _Slot:
        """A free slot, in the order of asking: who has just given one back does not overtake who waits."""
        with self._changed:
            ticket = object()
            self._waiting.append(ticket)
            try:
                while not self._closed and not (self._free and self._waiting[0] is ticket):
                    self._changed.wait()
                if self._closed:
                    raise RuntimeError("the sandbox is closed")
                slot: _Slot | None = getattr(self._thread, "slot", None)
                if slot is None or slot not in self._free:
                    return self._free.pop()
                self._free.remove(slot)
                return slot
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _give(self, slot: _Slot) -> None:
        with self._changed:
            self._free.append(slot)
            self._changed.notify_all()

    @contextlib.contextmanager
    def _place(self, alone: bool) -> Iterator[_Slot]:
        """One slot; `alone` holds all the others empty meanwhile."""
        if not alone:
            slot = self._take()
            try:
                yield slot
            finally:
                self._give(slot)
            return
        with self._alone:
            slots: list[_Slot] = []
            try:
                for _ in range(self.size):
                    slots.append(self._take())
                yield slots[0]
            finally:
                for slot in slots:
                    self._give(slot)

    def _attempt(
        self, kind: Kind, run: Callable[[Worker], tuple[_Result, Outcome]], limits: Limits
    ) -> tuple[_Result | None, Outcome]:
        """Run with one retry on a fresh worker when the harness fails, and one alone when the machine was
        busy.
        """
        lost: WorkerLost | OSError | None = None
        alone = False
        tries = 0
        while tries < 2:
            tries += 1
            with self._place(alone) as slot:
                try:
                    result, outcome = run(slot.worker(kind))
                except (WorkerLost, OSError) as error:  # no descriptors, no memory, no room: nobody's answer
                    slot.drop(kind)
                    lost = error
                    continue
                except BaseException:
                    slot.drop(kind)  # interrupted: the worker is in the middle of a program
                    raise
            if outcome.status == "timeout" and not alone and self._machine_was_busy(outcome, limits):
                alone = True
                tries = 1
                continue
            return result, outcome
        return None, Outcome("harness_error", str(lost), isolation=self.isolation)

    def _machine_was_busy(self, outcome: Outcome, limits: Limits) -> bool:
        """A wall time-out that used little processor time counts only when nothing else was running."""
        return self.size > 1 and outcome.detail.startswith("wall") and outcome.cpu_s < limits.cpu_s / 2

    def kind(self, flavour: Flavour, **more: Any) -> Kind:
        tmp_mb = _SCIENTIFIC_TMP_MB if flavour == "scientific" else 64
        return Kind(self.interpreter, flavour, self.isolation, **{"tmp_mb": tmp_mb, **more})

    # ---- the ways to run ----

    def calls(
        self,
        source: str,
        entry: str,
        check: Callable[[Callable[..., Any]], None],
        limits: Limits = _DEFAULT,
        mutates: bool = False,
        flavour: Flavour | None = None,
        preamble: str = "",
    ) -> Outcome:
        """Split verdict: `check(proxy)` runs here, `proxy(*args)` runs `entry` of `source` inside.

        `check` raises on failure. With `mutates`, lists, dicts and sets given as arguments are changed in
        place as the program changed them. The program sees arguments and gives plain data back; nothing
        else.
        """
        text = f"{preamble}\n{source}" if preamble else source

        def run(worker: Worker) -> tuple[None, Outcome]:
            with Session(worker, text, entry, limits, mutates) as session:
                failure = self._watchdog.run(session, check, limits.wall_s)
            return None, session.verdict(failure)

        return self._attempt(self.kind(flavour or imports.flavour(text)), run, limits)[1]

    def run_calls(
        self,
        source: str,
        entry: str,
        calls: Sequence[tuple[Sequence[Any], Mapping[str, Any]]],
        limits: Limits = _DEFAULT,
        per_call_s: float | Sequence[float] | None = None,
        stop_on: Callable[[int, CallResult], bool] | None = None,
        mutates: bool = False,
        flavour: Flavour | None = None,
        preamble: str = "",
        hash_seed: int = 0,
    ) -> Calls:
        """Split verdict, many calls at once: the results in order, for the caller to compare out here.

        `hash_seed` is what the hashes of texts come from, and with them the order of their sets.
        `stop_on(index, result)` ends the program as soon as it says so. `per_call_s` limits each call's
        processor time. A call that was not answered because the program ended is `Died`, and is the last
        result.
        """
        text = f"{preamble}\n{source}" if preamble else source

        def run(worker: Worker) -> tuple[tuple[CallResult, ...], Outcome]:
            with Session(worker, text, entry, limits, mutates) as session:
                results = session.stream(calls, per_call_s, stop_on)
            return session.completed(results), session.verdict(None)

        environment = (("PYTHONHASHSEED", str(hash_seed)),) if hash_seed else ()
        kind = self.kind(flavour or imports.flavour(text), environment=environment)
        results, outcome = self._attempt(kind, run, limits)
        return Calls(results or (), outcome)

    def program(
        self,
        source: str,
        stdin: bytes = b"",
        args: Sequence[str] = (),
        files: Mapping[str, bytes] | None = None,
        limits: Limits = _DEFAULT,
        flavour: Flavour | None = None,
        name: str = "main.py",
    ) -> Outcome:
        """A whole Python program: what it printed and its exit code, for the caller to compare out here.

        With `files`, or where it may look for its own, it has its folder on the path and itself in there.
        """
        if files or _LOOKS_FOR_ITSELF.search(source):
            files = {name: source.encode("utf-8", "surrogatepass"), **(files or {})}
        job: dict[str, Any] = {
            "kind": "program",
            "source": source,
            "name": name,
            "args": list(args),
            "files": dict(files or {}),
        }
        kind = self.kind(flavour or imports.flavour(source))
        return self._attempt(kind, lambda worker: (None, run_job(worker, job, limits, stdin)), limits)[1]

    def inproc(
        self,
        source: str,
        test: str,
        limits: Limits = _DEFAULT,
        flavour: Flavour | None = None,
        unittest_class: str | None = None,
        module: str | None = None,
        loopback: bool = False,
    ) -> Outcome:
        """Tests in the program's own module. Stops accidents and ordinary tricks; a forger who aims at it
        wins.

        With `unittest_class`, every test method that the class is seen to define must run and succeed.
        `module` is the name both run under (none: that of a bare `exec`). `loopback` gives a network of only
        this program.
        """
        chosen = flavour or ("scientific" if unittest_class else imports.flavour(source, test))
        kind = self.kind(chosen, loopback=loopback)

        def run(worker: Worker) -> tuple[None, Outcome]:
            return None, tests_inside.run(worker, source, test, limits, unittest_class, module)

        return self._attempt(kind, run, limits)[1]

    def sql(
        self,
        database: str | Path,
        query: str,
        limits: Limits = _DEFAULT,
        max_rows: int = 100_000,
        text_errors: str = "replace",
        root: str | Path | None = None,
    ) -> sqlite.Rows:
        """One SQL statement on a SQLite file that it cannot change.

        `root` is the folder that workers see (the database's own by default): naming one for a whole set of
        databases spares a worker for each.
        """
        file = sqlite.database_file(database)
        folder = str(Path(root).resolve()) if root is not None else str(file.parent)
        kind = self.kind("lean", binds=(folder,))
        arguments = (str(file), query, max_rows, text_errors)

        def run(worker: Worker) -> tuple[tuple[CallResult, ...], Outcome]:
            with Session(worker, sqlite.SOURCE, "query", limits, False) as session:
                results = session.stream([(arguments, {})], None, None)
            return session.completed(results), session.verdict(None)

        results, outcome = self._attempt(kind, run, limits)
        failed = next((result for result in results or () if isinstance(result, Raised)), None)
        if failed is not None and outcome.status == "pass":
            outcome = replace(outcome, status="fail", detail=f"{failed.kind}: {failed.message}")
        return sqlite.read(results or (), outcome)

    # ---- other languages ----

    def language(
        self,
        lang: str,
        source: str,
        marker: str | None = None,
        limits: Limits = _DEFAULT,
        compile_limits: Limits = _COMPILE,
        env: Mapping[str, str] | None = None,
        hide: Sequence[str] = (),
        flags: Sequence[str] = (),
    ) -> Outcome:
        """Build and run a program of any language of the table: exit code 0 passes.

        Where `marker` stands in the source, a fresh random word is put, and a pass must have printed it: it
        belongs after the last test. `hide` makes commands disappear, and libraries that the language runs
        with; `flags` are added to the compiler's.
        """
        program = self._program(lang, source, marker, limits, compile_limits, env, flags)
        if program.row.name == "python":
            return self._python(program)
        key = self._key(program, hide)
        kept = self._cache.get(key) if self._cache is not None else None
        if kept is not None:
            return kept
        outcome = self._run_program(program, hide, None)
        if self._cache is not None:
            self._cache.put(key, outcome)
        return outcome

    def language_batch(
        self,
        lang: str,
        sources: Sequence[str],
        marker: str | None = None,
        limits: Limits = _DEFAULT,
        compile_limits: Limits = _COMPILE,
        env: Mapping[str, str] | None = None,
        hide: Sequence[str] = (),
        flags: Sequence[str] = (),
        batch: int = 40,
    ) -> list[Outcome]:
        """Many programs of one language, on all workers; TypeScript is compiled many files at a time.

        Each is a program of its own to the compiler, which only reads its library once. What may clash with
        that library is compiled alone, by the same command as `language` uses.
        """
        programs = [
            self._program(lang, source, marker, limits, compile_limits, env, flags) for source in sources
        ]
        outcomes: list[Outcome | None] = [None] * len(programs)
        if self._cache is not None:
            outcomes = [self._cache.get(self._key(program, hide)) for program in programs]
        left = [at for at, outcome in enumerate(outcomes) if outcome is None]
        checked: dict[int, Mapping[str, bytes] | Outcome] = {}
        with self.threads() as threads:
            if programs and programs[0].row.name == "ts" and marker is None:
                alike = [at for at in left if building.stands_alone(programs[at].source)]
                groups = [alike[first : first + batch] for first in range(0, len(alike), batch)]
                for found in threads.map(
                    lambda group: self._typescript(programs, group), [g for g in groups if len(g) > 1]
                ):
                    checked.update(found)
            done = threads.map(lambda at: self._run_program(programs[at], hide, checked.get(at)), left)
            for at, outcome in zip(left, done, strict=True):
                outcomes[at] = outcome
                if self._cache is not None:
                    self._cache.put(self._key(programs[at], hide), outcome)
        return [outcome for outcome in outcomes if outcome is not None]

    def _program(
        self,
        lang: str,
        source: str,
        marker: str | None,
        limits: Limits,
        compile_limits: Limits,
        env: Mapping[str, str] | None,
        flags: Sequence[str],
    ) -> building.Program:
        row = toolchains.language(lang)
        toolchain = toolchains.installed(row.name)
        return building.Program(
            row, toolchain, source, limits, compile_limits, dict(env or {}), tuple(flags), marker
        )

    def _python(self, program: building.Program) -> Outcome:
        text, word = program.text()
        outcome = self.program(text.decode(), limits=program.limits)
        if outcome.status == "pass" and word and word not in outcome.stdout:
            return replace(outcome, status="fail", detail="ended with exit code 0 before its tests did")
        return outcome

    def _key(self, program: building.Program, hide: Sequence[str]) -> str:
        return VerdictCache.key(
            language=program.row.name,
            source=program.source,
            version=program.toolchain.version,
            versions=program.toolchain.versions,
            commands=(program.row.build, program.row.run, program.row.environment),
            limits=program.limits,
            compile_limits=program.compile_limits,
            env=dict(program.env),
            flags=program.flags,
            marker=program.marker,
            hide=list(hide),
            isolation=self.isolation,
        )

    def _run_program(
        self, program: building.Program, hide: Sequence[str], classes: Mapping[str, bytes] | Outcome | None
    ) -> Outcome:
        if isinstance(classes, Outcome):
            return classes
        if program.row.name == "python":
            return self._python(program)
        kind = building.tools_kind(self.kind("lean"), hide)
        if program.row.name == "java" and program.marker is None:
            built = building.java_classes(self._resident_javac(), program, self.isolation)
            if isinstance(built, Outcome):
                return built
            classes = built
        return self._attempt(
            kind, lambda worker: (None, building.run(worker, program, classes)), program.limits
        )[1]

    def _resident_javac(self) -> building.ResidentJavac:
        with self._javac_lock:
            if self._javac is None:
                self._javac = building.ResidentJavac(building.tools_kind(self.kind("lean")))
            return self._javac

    def _typescript(
        self, programs: Sequence[building.Program], group: Sequence[int]
    ) -> dict[int, Mapping[str, bytes] | Outcome]:
        """JavaScript of those in the group that type-check, and what is wrong with those that do not."""
        kind = building.tools_kind(self.kind("lean"))
        chosen = [programs[at] for at in group]

        def run(worker: Worker) -> tuple[list[bytes | str | None], Outcome]:
            return building.batch_typescript(worker, chosen), Outcome("pass")

        texts, _ = self._attempt(kind, run, chosen[0].compile_limits)
        found: dict[int, Mapping[str, bytes] | Outcome] = {}
        for at, text in zip(group, texts or [], strict=False):
            if isinstance(text, bytes):
                found[at] = {"main.js": text}
            elif text is not None:
                found[at] = building.compile_error(text, self.isolation)
        return found
