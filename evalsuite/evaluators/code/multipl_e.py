"""MultiPL-E: programs of ten languages with their tests beside them, by the rules of Qwen's evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, ClassVar, Literal

from evalsuite.errors import UserError
from evalsuite.evaluators.base import AnsweredSample
from evalsuite.evaluators.code import multipl_e_chat as chat_rules
from evalsuite.evaluators.code import multipl_e_text as text_rules
from evalsuite.evaluators.code.base import CodeEvaluator, not_run, score_of
from evalsuite.evaluators.code.python_tests import run_python_tests
from evalsuite.sandbox import Isolation, Limits, Outcome, installed
from evalsuite.types import Answer, Sample, Score

_SANDBOX_NAMES = {"sh": "bash", "rs": "rust"}
_NUMERICS = ("-r:System.Numerics.dll",)
_TS_FLAGS = ("--target", "ES2015", "--lib", "ES2015,DOM")
_CS_CHAT_FAILURES = ("System.Diagnostics.DefaultTraceListener.Fail", "Unhandled Exception")
_TS_CHAT_FLAGS = ("--target", "esnext")
_CHUNK = 40


@dataclass(frozen=True)
class _Reading:
    """What an answer is read as: a program, and another one where the two readings of chat answers differ."""

    source: str
    chat: bool = False
    other: str | None = None


class MultiPLEEvaluator(CodeEvaluator):
    """Builds and runs each program with its tests.

    `hide` takes commands away from Bash: the published figures were made without `bc` (also run with it, the
    metric `with_hidden` says what that changes). `php_semantics="8.1"` is the published reading, in which
    `str_split("")` holds one empty text; the other reading is the metric `other_php`. C# was compiled without
    System.Numerics for the published table of base models, and with it for that of chat models: left to
    itself, `cs_numerics` goes by the form of the answer, and the other reading is the metric `other_cs`.
    `chat` says whether answers are those of chat models, which were put together and judged by rules of their
    own; left to itself, it goes by the form of the answer. `chat_reading="published"` takes the code out of
    them as those figures were made, `"mended"` as the language declares a function; where the two programs
    differ, the other verdict is the metric `other_chat`. `seconds` is the time limit of a run, in processor
    seconds.
    """

    forms: ClassVar[tuple[str, ...]] = ("generation",)
    parts: ClassVar[dict[str, str]] = {
        "with_hidden": "with_hidden_",
        "other_php": "other_php_",
        "other_cs": "other_cs_",
        "other_chat": "other_chat_",
    }

    def __init__(
        self,
        hide: Sequence[str] = (),
        php_semantics: Literal["8.1", "current"] = "8.1",
        cs_numerics: bool | None = None,
        chat: bool | None = None,
        chat_reading: Literal["published", "mended"] = "published",
        seconds: float = 10,
        workers: int | None = None,
        k: int | Sequence[int] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw)
        if php_semantics not in ("8.1", "current"):
            raise UserError(f"no PHP semantics {php_semantics!r}", expected="8.1 or current")
        if chat_reading not in ("published", "mended"):
            raise UserError(f"no reading of chat answers {chat_reading!r}", expected="published or mended")
        self.hide = tuple(hide)
        self.chat = chat
        self.chat_reading = chat_reading
        self.php_semantics = php_semantics
        self.cs_numerics = cs_numerics
        self.limits = Limits(cpu_s=seconds, wall_s=6 * seconds, mem_mb=4096, nproc=256)
        self.compile_limits = Limits(cpu_s=60, wall_s=240, mem_mb=4096, nproc=256)

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
        if text_rules.is_chat(fields, text) if self.chat is None else self.chat:
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
        other = self._verdict_on(sample, repeat, reading.other, reading.chat)
        return _with_other(score, other)

    def _verdict_on(self, sample: Sample, repeat: int, source: str, chat: bool) -> Score:
        language = str(sample.fields["language"])
        if language == "python":
            return self._python_tests(sample, repeat, source)
        source, word = _marked(language, source)
        if language == "php" and text_rules.splits_texts(source):
            return self._php(sample, repeat, source, word)
        if language == "cs":
            return self._cs(sample, repeat, source, word, chat)
        flags = _flags(sample.fields) if language == "cpp" and not chat else ()
        outcome = self._run(language, source, flags)
        score = score_of(sample, repeat, _verdict(language, outcome, word, chat))
        if self.hide and language == "sh":
            shown = outcome
            if not score.correct and any(
                f"{name}: command not found" in outcome.stderr for name in self.hide
            ):
                shown = self._run(language, source, (), hide=())
            right = _verdict(language, shown, word, chat).status == "pass"
            return replace(score, metrics={"with_hidden": float(right)})
        return score

    def _python_tests(self, sample: Sample, repeat: int, source: str) -> Score:
        tests = str(sample.fields["tests"])
        name, prompt = text_rules.function_name(sample.fields), str(sample.fields["prompt"])
        body = source.removesuffix("\n" + tests)
        return score_of(
            sample, repeat, run_python_tests(self.sandbox, body, tests, name, self.limits, prompt)
        )

    def _cs(self, sample: Sample, repeat: int, source: str, word: str, chat: bool) -> Score:
        """A C# program; both readings of one that the assembly System.Numerics makes a difference to."""
        numerics = chat if self.cs_numerics is None else self.cs_numerics
        outcome = self._run("cs", source, _NUMERICS if numerics else ())
        score = score_of(sample, repeat, _verdict("cs", outcome, word, chat))
        if score.correct is None:
            return score
        metrics = {"to_the_end": float(score.correct and word in outcome.stdout)}
        if text_rules.uses_numerics(source):
            other = _verdict("cs", self._run("cs", source, () if numerics else _NUMERICS), word, chat)
            metrics["other_cs"] = float(other.status == "pass")
        return replace(score, metrics=metrics)

    def _php(self, sample: Sample, repeat: int, source: str, word: str) -> Score:
        """Both readings of a PHP program that splits texts into letters."""
        now, before = (
            _verdict("php", self._run("php", text), word)
            for text in (source, text_rules.before_php_8_2(source))
        )
        chosen, other = (now, before) if self.php_semantics == "current" else (before, now)
        score = score_of(sample, repeat, chosen)
        return replace(score, metrics={"other_php": float(other.status == "pass")})

    def _run(
        self, language: str, source: str, flags: Sequence[str] = (), hide: Sequence[str] | None = None
    ) -> Outcome:
        return self.sandbox.language(
            _SANDBOX_NAMES.get(language, language),
            source,
            limits=self.limits,
            compile_limits=self.compile_limits,
            hide=(self.hide if language == "sh" else ()) if hide is None else hide,
            flags=flags,
        )

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
        answers: list[tuple[Sample, int]] = []
        programs: list[tuple[int, bool, str, str]] = []  # whose, of a chat, the source, its marker
        for sample, answer, repeat in chunk:
            reading = self._read(sample, self.heard(answer))
            if reading is None:
                yield not_run(sample, repeat, "unextracted", "no code in the answer")
                continue
            for source in (reading.source, reading.other):
                if source is not None:
                    programs.append((len(answers), reading.chat, *_marked("ts", source)))
            answers.append((sample, repeat))
        marked = [(source, word) for _, _, source, word in programs]
        continued = [at for at, (_, chat, _, _) in enumerate(programs) if not chat]
        found = self._checked(marked, continued, ())
        found.update(
            self._checked(marked, [at for at in range(len(programs)) if at not in found], _TS_CHAT_FLAGS)
        )
        again = [
            at
            for at in continued
            if found[at].status == "pass" and text_rules.needs_published_library(marked[at][0])
        ]
        for flags in (_TS_FLAGS, ("--target", "es5")):
            found.update(self._checked(marked, again, flags))
            again = [at for at in again if found[at].status != "pass"]
        scores: list[list[Score]] = [[] for _ in answers]
        for at, (whose, _, _, _) in enumerate(programs):
            scores[whose].append(score_of(*answers[whose], found[at]))
        for first, *others in scores:
            yield _with_other(first, others[0]) if others else first

    def _checked(
        self, marked: Sequence[tuple[str, str]], chosen: Sequence[int], flags: Sequence[str]
    ) -> dict[int, Outcome]:
        """The verdicts on the chosen programs (source and marker), compiled with these flags."""
        outcomes = self.sandbox.language_batch(
            "ts",
            [marked[at][0] for at in chosen],
            limits=self.limits,
            compile_limits=self.compile_limits,
            flags=flags,
        )
        return {at: _verdict("ts", each, marked[at][1]) for at, each in zip(chosen, outcomes, strict=True)}


def _with_other(score: Score, other: Score) -> Score:
    """A verdict, and what the other reading of a chat answer makes of it."""
    return replace(score, metrics={**score.metrics, "other_chat": float(bool(other.correct))})


def _chain(first: AnsweredSample, rest: Iterator[AnsweredSample]) -> Iterator[AnsweredSample]:
    yield first
    yield from rest


def _marked(language: str, source: str) -> tuple[str, str]:
    word = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return text_rules.with_marker(language, source, word), word


def _flags(fields: Mapping[str, Any]) -> tuple[str, ...]:
    return ("-lcrypto", "-lssl") if "162" in fields["task_id"] else ()


def _threw(outcome: Outcome) -> bool:
    """Whether a C# program ended with an exception that nobody caught, by itself and not by a chosen code."""
    return outcome.exit_code == 1 and "Unhandled Exception:" in outcome.stderr


def _verdict(language: str, outcome: Outcome, word: str, chat: bool = False) -> Outcome:
    """The published rule of a language on top of how its program ended, and the marker.

    Of a chat model's answers, a JavaScript program may print what it likes, and a C# program that an exception
    ends is wrong.
    """
    if outcome.status not in ("pass", "fail"):
        return outcome
    reached = word in outcome.stdout
    if language == "js" and not chat:
        quiet = not outcome.stderr and not outcome.stdout.replace(word, "").strip()
        ok = reached and quiet
    elif language == "cs" and chat:
        ok = reached and not any(each in outcome.stderr for each in _CS_CHAT_FAILURES)
    elif language == "cs":
        ok = "Fail" not in outcome.stderr and (reached or _threw(outcome))
    else:
        ok = outcome.status == "pass" and reached
    if ok:
        return replace(outcome, status="pass", detail="")
    if language == "go" and any(f"[{stage} failed]" in outcome.stdout for stage in ("build", "setup")):
        return replace(outcome, status="compile_error")
    detail = outcome.detail
    if outcome.status == "pass":
        detail = "printed or ended otherwise than a passing test does"
    return replace(outcome, status="fail", detail=detail or outcome.stderr[-300:])
