"""MultiPL-E: programs of ten languages with their tests beside them, by the rules of Qwen's evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar, Literal

from evalsuite.bounds import Positive, Seconds
from evalsuite.errors import UserError
from evalsuite.evaluators.base import AnsweredSample
from evalsuite.evaluators.code import multipl_e_chat as chat_rules
from evalsuite.evaluators.code import multipl_e_older as older
from evalsuite.evaluators.code import multipl_e_text as text_rules
from evalsuite.evaluators.code.base import CodeEvaluator, not_run, score_of
from evalsuite.evaluators.code.multipl_e_verdict import cpp_flags, verdict
from evalsuite.evaluators.code.python_tests import run_python_tests
from evalsuite.sandbox import Isolation, Limits, Outcome, installed
from evalsuite.types import Answer, Sample, Score

_SANDBOX_NAMES = {"sh": "bash", "rs": "rust"}
_NUMERICS = ("-r:System.Numerics.dll",)
_TS_FLAGS = ("--target", "ES2015", "--lib", "ES2015,DOM")
_CHAT_SECONDS = {"js": 5, "cs": 10}
_JAVA_8 = ("--release", "8")
_TUPLES = "javatuples"
_TS_CHAT_FLAGS = ("--target", "esnext")
_CHUNK = 40


@dataclass(frozen=True)
class _Reading:
    """What an answer is read as: a program, and another one where the two readings of chat answers differ."""

    source: str
    chat: bool = False
    other: str | None = None


@dataclass(frozen=True)
class _Program:
    """One program to run: whose it is, its source, and the word that it prints at its end."""

    sample: Sample
    repeat: int
    language: str
    source: str
    word: str
    chat: bool

    def verdict(self, outcome: Outcome) -> Outcome:
        """What its end means."""
        return verdict(self.language, outcome, self.word, self.chat)


class MultiPLEEvaluator(CodeEvaluator):
    """Builds and runs each program with its tests.

    Left to itself, each setting is what the published figures were made with, which differs between the
    tables of base and of chat models; the metric named with it says what the other reading changes.

    `chat` (whether answers are those of chat models) goes by the form of each answer. `chat_reading` takes
    the code out of chat answers as `"published"` or `"mended"`, as the language declares a function
    (`other_chat`, where the two differ). `hide` takes commands away from Bash: `bc` (`with_hidden`).
    `php_semantics` is `"7.4"` for chat answers and `"8.1"` for others, or `"current"` (`other_php`).
    `java_semantics` is `"8"`, without org.javatuples when the program runs, for chat answers and `"current"`
    for others (`other_java`). `cs_numerics` compiles C# with System.Numerics for chat answers (`other_cs`).
    `seconds` is the time limit of a run, in processor seconds.
    """

    forms: ClassVar[tuple[str, ...]] = ("generation",)
    parts: ClassVar[dict[str, str]] = {
        "with_hidden": "with_hidden_",
        "other_php": "other_php_",
        "other_java": "other_java_",
        "other_cs": "other_cs_",
        "other_chat": "other_chat_",
    }

    def __init__(
        self,
        hide: Sequence[str] = ("bc",),
        php_semantics: Literal["7.4", "8.1", "current"] | None = None,
        java_semantics: Literal["8", "current"] | None = None,
        cs_numerics: bool | None = None,
        chat: bool | None = None,
        chat_reading: Literal["published", "mended"] = "published",
        seconds: Seconds | None = None,
        workers: Positive | None = None,
        k: Positive | Sequence[Positive] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw)
        for name, given, known in (
            ("php_semantics", php_semantics, ("7.4", "8.1", "current", None)),
            ("java_semantics", java_semantics, ("8", "current", None)),
            ("chat_reading", chat_reading, ("published", "mended")),
        ):
            if given not in known:
                raise UserError(f"no {name} {given!r}", expected=" or ".join(repr(each) for each in known))
        self.hide = tuple(hide)
        self.chat = chat
        self.chat_reading = chat_reading
        self.php_semantics = php_semantics
        self.java_semantics = java_semantics
        self.cs_numerics = cs_numerics
        self.seconds = seconds
        self.compile_limits = Limits(cpu_s=60, wall_s=240, mem_mb=4096, nproc=256)

    def _limits(self, language: str, chat: bool) -> Limits:
        seconds = self.seconds or (_CHAT_SECONDS.get(language, 15) if chat else 10)
        return Limits(cpu_s=seconds, wall_s=6 * seconds, mem_mb=4096, nproc=256)

    def program(self, sample: Sample, answer: Answer) -> str | None:
        """The program that an answer stands for, tests included; None when there is no code in it."""
        reading = self._read(sample, answer)
        return reading.source if reading else None

    def _read(self, sample: Sample, answer: Answer) -> _Reading | None:
        fields, text = sample.fields, answer.text
        if answer.extra.get("form") == "generation":
            return _Reading(text_rules.program(fields, text))
        if not text.strip():
            return None
        if self.raw:
            body = text if text_rules.is_whole(fields, text) else fields["prompt"] + text
            return _Reading(text_rules.program(fields, body))
        chat = text_rules.is_chat(fields, text) if self.chat is None else self.chat
        if chat:
            first, other = chat_rules.published_program(fields, text), chat_rules.mended_program(fields, text)
            if self.chat_reading == "mended":
                first, other = other, first
            return _Reading(first, True, None if chat_rules.is_same(first, other) else other)
        return _Reading(text_rules.program(fields, text_rules.body_part(fields, text)))

    def obstacle(self, samples: Iterable[Sample]) -> None:
        """The walls, and the language's own tools."""
        super().obstacle(samples)
        name = str(next(iter(samples)).fields["language"])
        if name != "python":
            installed(_SANDBOX_NAMES.get(name, name))

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Run one program, and the one of the other reading where there is one."""
        reading = self._read(sample, answer)
        if reading is None:
            return not_run(sample, repeat, "unextracted", "no code in the answer")
        score = self._verdict_on(sample, repeat, reading.source, reading.chat)
        if reading.other is None or score.status == "error":
            return score
        return _with_other(score, self._verdict_on(sample, repeat, reading.other, reading.chat))

    def _verdict_on(self, sample: Sample, repeat: int, source: str, chat: bool) -> Score:
        language = str(sample.fields["language"])
        if language == "python":
            return self._python_tests(sample, repeat, source, chat)
        program = _Program(sample, repeat, language, *_marked(language, source), chat)
        special = {"php": self._php, "cs": self._cs, "java": self._java, "sh": self._bash}.get(language)
        if special is not None:
            return special(program)
        flags = cpp_flags(sample.fields) if language == "cpp" and not chat else ()
        return self._scored(program, self._run(program, flags))

    def _python_tests(self, sample: Sample, repeat: int, source: str, chat: bool) -> Score:
        tests = str(sample.fields["tests"])
        name, prompt = text_rules.function_name(sample.fields), str(sample.fields["prompt"])
        if chat and not text_rules.has_helpers(sample.fields, source):
            prompt = ""  # its tests find what the program defines, and no more
        body, limits = source.removesuffix("\n" + tests), self._limits("python", chat)
        outcome = run_python_tests(self.sandbox, body, tests, name, limits, prompt, by_check=True)
        return score_of(sample, repeat, outcome)

    def _bash(self, program: _Program) -> Score:
        """A Bash program; both readings of one that misses a hidden command."""
        outcome = self._run(program, hide=self.hide)
        score = self._scored(program, outcome)
        if not self.hide:
            return score
        missed = any(f"{name}: command not found" in outcome.stderr for name in self.hide)
        if missed and not score.correct:
            outcome = self._run(program)
        return replace(score, metrics={"with_hidden": self._passes(program, outcome)})

    def _java(self, program: _Program) -> Score:
        """A Java program; both readings of one that Java 8, or a run without org.javatuples, may fail."""
        semantics = self.java_semantics or ("8" if program.chat else "current")
        now = self._run(program)
        if not self._passes(program, now) or not (program.chat or semantics == "8"):
            return self._scored(program, now)  # what fails today failed then
        then = self._run(program, _JAVA_8, (_TUPLES,))
        chosen, other = (then, now) if semantics == "8" else (now, then)
        score, passes = self._scored(program, chosen), self._passes(program, other)
        return replace(score, metrics={"other_java": passes}) if passes != score.correct else score

    def _cs(self, program: _Program) -> Score:
        """A C# program; both readings of one that the assembly System.Numerics makes a difference to."""
        numerics = program.chat if self.cs_numerics is None else self.cs_numerics
        outcome = self._run(program, _NUMERICS if numerics else ())
        score = self._scored(program, outcome)
        if score.correct is None:
            return score
        metrics = {"to_the_end": float(score.correct and program.word in outcome.stdout)}
        if older.uses_numerics(program.source):
            other = self._run(program, () if numerics else _NUMERICS)
            metrics["other_cs"] = self._passes(program, other)
        return replace(score, metrics=metrics)

    def _php(self, program: _Program) -> Score:
        """A PHP program; both readings of one that an older PHP takes otherwise."""
        semantics = self.php_semantics or ("7.4" if program.chat else "8.1")
        published = semantics if semantics != "current" else "7.4" if program.chat else "8.1"
        before = replace(program, source=older.older_php(program.source, published))
        if before.source == program.source:
            return self._scored(program, self._run(program))
        now, then = self._run(program), self._run(before)
        chosen, other = (now, then) if semantics == "current" else (then, now)
        return replace(self._scored(program, chosen), metrics={"other_php": self._passes(program, other)})

    def _run(self, program: _Program, flags: Sequence[str] = (), hide: Sequence[str] = ()) -> Outcome:
        return self.sandbox.language(
            _SANDBOX_NAMES.get(program.language, program.language),
            program.source,
            limits=self._limits(program.language, program.chat),
            compile_limits=self.compile_limits,
            hide=hide,
            flags=flags,
        )

    def _scored(self, program: _Program, outcome: Outcome) -> Score:
        return score_of(program.sample, program.repeat, program.verdict(outcome))

    def _passes(self, program: _Program, outcome: Outcome) -> float:
        return float(program.verdict(outcome).status == "pass")

    def score(self, items: Iterable[AnsweredSample]) -> Iterator[Score]:
        """Judge every answer; TypeScript is compiled many files at a time."""
        stream = iter(items)
        first = next(stream, None)
        if first is None:
            return
        if first[0].fields["language"] != "ts":
            yield from super().score(_chain(first, stream))
            return
        rows = ((s, a, r) for s, answers in _chain(first, stream) for r, a in enumerate(answers))
        while chunk := list(islice(rows, _CHUNK * self.workers)):
            yield from self._typescript(chunk)

    def _typescript(self, chunk: Sequence[tuple[Sample, Answer, int]]) -> Iterator[Score]:
        """A continuation that passes with today's library is confirmed with the published one where that may
        differ.
        """
        programs: list[_Program] = []
        others: dict[int, int] = {}  # where the other reading of a program is
        for sample, answer, repeat in chunk:
            reading = self._read(sample, self.heard(answer))
            if reading is None:
                yield not_run(sample, repeat, "unextracted", "no code in the answer")
                continue
            if reading.other is not None:
                others[len(programs)] = len(programs) + 1
            programs += [
                _Program(sample, repeat, "ts", *_marked("ts", source), reading.chat)
                for source in (reading.source, reading.other)
                if source is not None
            ]
        found: dict[int, Outcome] = {}
        for chat in (False, True):
            alike = [at for at, program in enumerate(programs) if program.chat == chat]
            found.update(self._checked(programs, alike, _TS_CHAT_FLAGS if chat else (), chat))
        again = [
            at
            for at, program in enumerate(programs)
            if not program.chat
            and self._passes(program, found[at])
            and older.needs_published_library(program.source)
        ]
        for flags in (_TS_FLAGS, ("--target", "es5")):
            found.update(self._checked(programs, again, flags, False))
            again = [at for at in again if not self._passes(programs[at], found[at])]
        for at, program in enumerate(programs):
            if at - 1 in others:
                continue
            score, other = self._scored(program, found[at]), others.get(at)
            yield _with_other(score, self._scored(programs[other], found[other])) if other else score

    def _checked(
        self, programs: Sequence[_Program], chosen: Sequence[int], flags: Sequence[str], chat: bool
    ) -> dict[int, Outcome]:
        """How the chosen programs end, compiled with these flags."""
        outcomes = self.sandbox.language_batch(
            "ts",
            [programs[at].source for at in chosen],
            limits=self._limits("ts", chat),
            compile_limits=self.compile_limits,
            flags=flags,
        )
        return dict(zip(chosen, outcomes, strict=True))


def _with_other(score: Score, other: Score) -> Score:
    """A verdict, and what the other reading of a chat answer makes of it, where that could be judged."""
    if other.correct is None:
        return score
    return replace(score, metrics={**score.metrics, "other_chat": float(other.correct)})


def _chain(first: AnsweredSample, rest: Iterator[AnsweredSample]) -> Iterator[AnsweredSample]:
    yield first
    yield from rest


def _marked(language: str, source: str) -> tuple[str, str]:
    word = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return text_rules.with_marker(language, source, word), word
