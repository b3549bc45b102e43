"""`evalsuite doctor --compare-backends MODEL`: whether every engine here gives one model the same answers.

All backends get the same prompts, one backend after the other, and are compared with the first: the token ids
of the prompts, the greedy texts, the log-likelihoods of given continuations.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalsuite.errors import UserError, nearest_name
from evalsuite.verbs.backends import BACKENDS, Asking, Backend, BackendFailed, Question, Told, ask, missing

SHOWN = 24
SHOTS = "".join(f"Question: what is {at} + {at + 3}?\nAnswer: {2 * at + 3}\n\n" for at in range(6))
# What tells engines apart: code, spaces at an end, other scripts, few-shot blocks, very short prompts.
QUESTIONS = tuple(
    Question(prompt, continuation)
    for prompt, continuation in (
        ("def add(a, b):\n", "    return a + b\n"),
        ('def is_even(n: int) -> bool:\n    """True for even numbers."""\n', "    return n % 2 == 0\n"),
        ("for i in range(3):\n    ", "print(i)\n"),
        ("\tif (a < b) {\n", "\t\treturn a;\n"),
        ("SELECT name FROM users WHERE", " id = 1;"),
        ("The capital of France is", " Paris."),
        ("Question: what is 12 + 30?\nAnswer:", " 42"),
        (f"{SHOTS}Question: what is 8 + 11?\nAnswer:", " 19"),
        ("你好，世界。", "你好"),
        ("Naïve café — 3 × 4 =", " 12"),
        ("x", " = 1"),
        ("1, 2, 3, 4,", " 5"),
    )
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of this comparison, beside the verb's own."""
    group = parser.add_argument_group("compare backends")
    group.add_argument("--compare-backends", metavar="MODEL", help="a checkpoint: a folder or a hub name")
    group.add_argument(
        "--backends", metavar="A,B", help=f"which, the reference first; of {', '.join(BACKENDS)}"
    )
    group.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="BACKEND=PATH",
        help="the interpreter of a backend in another environment (for llama.cpp-serve: its program)",
    )
    group.add_argument(
        "--prompts", metavar="FILE", help="one prompt per line, or JSON lines with prompt and continuation"
    )
    group.add_argument("--chat", action="store_true", help="send the prompts as messages of a user")
    group.add_argument("--max-out-len", type=int, default=32, metavar="N", help="tokens of a text (32)")
    group.add_argument("--dtype", help="of all backends (float32 where there is no GPU)")
    group.add_argument(
        "--tolerance", type=float, help="of a log-likelihood (0.001 in float32, else 0.1 per continuation)"
    )
    group.add_argument("--gguf", default="", metavar="FILE", help="the same model for llama.cpp")
    group.add_argument("--trust-remote-code", action="store_true", help="run code of the checkpoint")


def compare(words: argparse.Namespace) -> int:
    """Ask, compare, print; 0 when all agree, 1 when something differs or a backend failed."""
    from runners.gpus import find_gpus

    on_gpu = len(find_gpus()) > 0
    dtype = words.dtype or (None if on_gpu else "float32")
    asking = Asking(
        words.compare_backends,
        read_questions(Path(words.prompts)) if words.prompts else QUESTIONS,
        words.chat,
        words.max_out_len,
        dtype,
        words.gguf,
        words.trust_remote_code,
        on_gpu,
        _pythons(words.python),
    )
    backends, absent = _chosen(words.backends, asking)
    tolerance = words.tolerance or (1e-3 if dtype == "float32" else 0.1)
    say(f"{asking.model}: {len(asking.questions)} prompts, texts of up to {asking.max_out_len} tokens")
    tokens = Tokens(asking)
    reference: Told | None = None
    rows: list[Row] = []
    for backend in backends:
        try:
            told = ask(backend, asking)
        except BackendFailed as error:
            rows.append(Row(backend.name, failure=str(error)))
        else:
            rows.append(
                Row(backend.name, told.version)
                if reference is None
                else compared(backend.name, told, reference, asking, tokens, tolerance)
            )
            reference = reference or told
        say(rows[-1].render())
    for name, wants in absent.items():
        say(f"{name:<20} not here: {wants}")
    return int(any(row.differs for row in rows))


def say(text: str) -> None:
    """A line at once, since a backend may take minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# --------------------------------------------------------------------------- what is asked
def read_questions(file: Path) -> list[Question]:
    """The questions of a file: JSON lines (prompt, continuation), or one prompt per line."""
    if not file.is_file():
        raise UserError("no such file", where=f"--prompts {file}", expected="a text file or JSON lines")
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not lines:
        raise UserError("no prompts in it", where=f"--prompts {file}")
    if file.suffix != ".jsonl":
        return [Question(line) for line in lines]
    questions = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            questions.append(Question(str(row["prompt"]), str(row.get("continuation", ""))))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UserError(
                "no object with a prompt",
                where=f"--prompts {file}, line {number}",
                expected='{"prompt": "...", "continuation": "..."}',
            ) from None
    return questions


def _pythons(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in given:
        name, mark, path = word.partition("=")
        if not mark or not path:
            raise UserError(f"{word!r} names no interpreter", where="--python", expected="BACKEND=PATH")
        found[_known(name, "--python").name] = path
    return found


def _known(name: str, where: str) -> Backend:
    if name not in BACKENDS:
        raise UserError(
            f"no backend {name!r}",
            where=where,
            expected=", ".join(BACKENDS),
            nearest=nearest_name(name, BACKENDS),
        )
    return BACKENDS[name]


def _chosen(wanted: str | None, asking: Asking) -> tuple[list[Backend], dict[str, str]]:
    """The backends to ask, the reference first, and what the others want."""
    named = [_known(name.strip(), "--backends") for name in wanted.split(",")] if wanted else []
    lacking = {one.name: missing(one, asking) for one in named or BACKENDS.values()}
    absent = {name: wants for name, wants in lacking.items() if wants}
    if named and absent:
        name, wants = next(iter(absent.items()))
        raise UserError(f"{name} cannot run here", where="--backends", expected=wants)
    chosen = [BACKENDS[name] for name in lacking if name not in absent]
    if len(chosen) < 2:
        raise UserError(
            f"only {chosen[0].name} is installed" if chosen else "no backend is installed",
            where="--compare-backends",
            expected="two at least, or --python BACKEND=PATH for one in another environment. "
            + "; ".join(f"{name}: {wants}" for name, wants in absent.items()),
        )
    return chosen, absent


# --------------------------------------------------------------------------- what is compared
@dataclass
class Row:
    """One backend beside the reference; without words for anything it is the reference itself."""

    name: str
    version: str = ""
    tokens: str = ""
    texts: str = ""
    scores: str = ""
    notes: list[str] = field(default_factory=list)
    differs: bool = False
    failure: str = ""

    def __post_init__(self) -> None:
        self.differs = self.differs or bool(self.failure)

    def render(self) -> str:
        """The backend's line, and one for each difference."""
        head = f"{self.name:<20} "
        if self.failure:
            return head + "failed:\n" + "\n".join(f"    {line}" for line in self.failure.splitlines())
        said = "; ".join(part for part in (self.tokens, self.texts, self.scores) if part)
        version = f"({self.version}) " if self.version else ""
        return "\n".join([head + version + (said or "reference"), *(f"    {note}" for note in self.notes)])


def compared(name: str, told: Told, reference: Told, asking: Asking, tokens: Tokens, tolerance: float) -> Row:
    """A backend's answers against the reference's."""
    row = Row(name, told.version)
    _compare_ids(row, told, reference)
    _compare_texts(row, told, reference, asking, tokens)
    _compare_scores(row, told, reference, asking, tokens, tolerance)
    return row


def _compare_ids(row: Row, told: Told, reference: Told) -> None:
    places = sorted(reference.answers)
    if told.ids is not None and reference.ids is not None:
        wrong = [at for at in places if told.ids[at] != reference.ids[at]]
        row.tokens = f"token ids {_of(places, wrong)}"
        for at in wrong:
            pairs = zip(told.ids[at], reference.ids[at], strict=False)
            place = next((n for n, (one, other) in enumerate(pairs) if one != other), None)
            where = "in their number" if place is None else f"from token {place} on"
            sizes = f"{len(told.ids[at])} and {len(reference.ids[at])} tokens"
            row.notes.append(f"prompt {at}: its token ids differ {where} ({sizes})")
    else:
        counts = [(told.answers[at].prompt_tokens, reference.answers[at].prompt_tokens) for at in places]
        known = [at for at in places if counts[at][0]]
        wrong = [at for at in known if counts[at][0] != counts[at][1]]
        row.tokens = f"token counts {_of(known, wrong)}" if known else "token ids not told"
        row.notes += [f"prompt {at}: {counts[at][0]} and {counts[at][1]} tokens" for at in wrong]
    row.differs |= bool(wrong)


def _compare_texts(row: Row, told: Told, reference: Told, asking: Asking, tokens: Tokens) -> None:
    wrong = []
    for at in sorted(reference.answers):
        one, other = told.answers[at], reference.answers[at]
        if one.error or other.error:
            if (one.error is None) != (other.error is None):
                wrong.append(at)
                row.notes.append(f"prompt {at}: {_said(one.error)}, the reference {_said(other.error)}")
            continue
        # A text that ends within a character ends in a sign for it, or in nothing.
        if one.text.rstrip("�") != other.text.rstrip("�"):
            wrong.append(at)
            start = _short(asking.questions[at].prompt)
            row.notes.append(f"prompt {at} ({start}): {tokens.first_difference(one.text, other.text)}")
    row.texts = f"texts {_of(sorted(reference.answers), wrong)}"
    row.differs |= bool(wrong)


def _compare_scores(
    row: Row, told: Told, reference: Told, asking: Asking, tokens: Tokens, tolerance: float
) -> None:
    if told.scores is None or reference.scores is None:
        row.scores = "log-likelihoods not offered"
        return
    gaps: dict[int, float] = {}
    for at in sorted(reference.scores):
        if told.by_text and not tokens.border_is_clean(asking.questions[at]):
            continue  # a text alone cannot say where inside a token the continuation begins
        one, other = told.scores[at], reference.scores[at]
        if one.error or other.error:
            if (one.error is None) != (other.error is None):
                row.differs = True
                row.notes.append(
                    f"log-likelihood {at}: {_said(one.error)}, the reference {_said(other.error)}"
                )
            continue
        gaps[at] = abs(one.options[0].logprob - other.options[0].logprob)
    wrong = [at for at, gap in gaps.items() if not gap <= tolerance]
    for at in wrong:
        pair = f"{told.scores[at].options[0].logprob:.4f} and {reference.scores[at].options[0].logprob:.4f}"
        row.notes.append(f"log-likelihood {at} ({_short(asking.questions[at].continuation)}): {pair}")
    largest = f", largest difference {max(gaps.values()):.1e}" if gaps else ""
    row.scores = f"log-likelihoods {_of(list(gaps), wrong)}{largest}"
    row.differs |= bool(wrong)


def _of(places: Sequence[int], wrong: Sequence[int]) -> str:
    return f"{len(places) - len(wrong)} of {len(places)} equal"


def _said(failure: Any) -> str:
    return f"failed ({failure.kind}: {failure.message})" if failure else "answered"


def _short(text: str) -> str:
    return repr(text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}...")


class Tokens:
    """Texts as the model's own tokens."""

    def __init__(self, asking: Asking) -> None:
        if importlib.util.find_spec("transformers") is None:
            raise UserError(
                "no package transformers, whose tokenizer tells where texts differ",
                where="--compare-backends",
                expected="pip install 'evalsuite[hf]'",
            )
        from transformers import AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(
            asking.model, trust_remote_code=asking.trust_remote_code
        )

    def first_difference(self, text: str, other: str) -> str:
        """Where two texts part, and how each goes on."""
        for at, (one, two) in enumerate(_zipped(self._pieces(text), self._pieces(other))):
            if one != two:
                return f"token {at} of its text is {one!r}, the reference has {two!r}"
        return "other bytes in the same tokens"

    def border_is_clean(self, question: Question) -> bool:
        """Whether prompt and continuation meet between two tokens of their text."""
        head = self._ids(question.prompt.rstrip())
        return self._ids(question.prompt + question.continuation)[: len(head)] == head

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False).input_ids)

    def _pieces(self, text: str) -> list[str]:
        return [str(self._tokenizer.decode([one])) for one in self._ids(text)]


def _zipped(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[str, str]]:
    for at in range(max(len(left), len(right))):
        yield (left[at] if at < len(left) else "(end)"), (right[at] if at < len(right) else "(end)")
