"""Makes the demo's texts: micro Python functions and small arithmetic, with a part held out from training.

A micro function is a chain of one to three operations on an int, a string or a list. What is held out is
decided by a hash of the thing itself, not by its place in a stream, so longer training never reaches into it:

- a chain of two or three operations by its *sequence* of operations, whatever the constants and the wording;
- a single operation by its body (operation and constants), whatever the wording;
- an arithmetic question by its kind and its two numbers, in either order.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

END = "<|endoftext|>"
TURN, TURN_END = "<|im_start|>", "<|im_end|>"
FIM_PREFIX, FIM_MIDDLE, FIM_SUFFIX = "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"
SPECIAL_TOKENS = (END, TURN, TURN_END, FIM_PREFIX, FIM_MIDDLE, FIM_SUFFIX)

HELD_OUT_CHAINS = 0.2
HELD_OUT_SINGLES = 0.2
HELD_OUT_QUESTIONS = 0.1

VARIABLE = {"int": "x", "str": "s", "list": "xs"}
LETTERS = "abcdeimnorst"

Draw = Callable[[random.Random], int | str]


def _number(rng: random.Random) -> int:
    return rng.randint(2, 9) if rng.random() < 0.7 else rng.randint(10, 99)


def _count(rng: random.Random) -> int:
    return rng.randint(1, 6)


def _divisor(rng: random.Random) -> int:
    return rng.randint(3, 9)  # not 2: that is the body of another operation


def _threshold(rng: random.Random) -> int:
    return rng.randint(2, 9) if rng.random() < 0.7 else rng.randint(10, 30)


def _stride(rng: random.Random) -> int:
    return rng.randint(4, 9)  # "every 4th": from here on the ordinal always ends in "th"


def _letter(rng: random.Random) -> str:
    return rng.choice(LETTERS)


def _word(rng: random.Random) -> str:
    return "".join(rng.choice(LETTERS) for _ in range(rng.choice((1, 1, 2))))


@dataclass(frozen=True)
class Operation:
    """One thing done to a value: how it is asked for in words, and the expression that does it."""

    name: str
    domain: str
    wordings: tuple[str, ...]
    expression: str
    """Holds ``V`` where the variable stands, and ``{0}``, ``{1}`` for constants."""
    draws: tuple[Draw, ...] = ()

    def write(self, rng: random.Random) -> tuple[str, str]:
        """The words and the expression, with the same freshly drawn constants."""
        constants = [draw(rng) for draw in self.draws]
        expression = self.expression.replace("V", VARIABLE[self.domain]).format(*constants)
        return rng.choice(self.wordings).format(*constants), expression


STEPS = (
    Operation("add", "int", ("add {0} to it", "increase it by {0}"), "V + {0}", (_number,)),
    Operation("sub", "int", ("subtract {0} from it", "decrease it by {0}"), "V - {0}", (_number,)),
    Operation("mul", "int", ("multiply it by {0}",), "V * {0}", (_number,)),
    Operation("mod", "int", ("take the remainder modulo {0}", "take it modulo {0}"), "V % {0}", (_number,)),
    Operation("div", "int", ("divide it by {0} and round down",), "V // {0}", (_number,)),
    Operation("neg", "int", ("negate it", "flip its sign"), "-V"),
    Operation("square", "int", ("square it",), "V * V"),
    Operation("absolute", "int", ("take the absolute value",), "abs(V)"),
    Operation("at_least", "int", ("raise it to at least {0}",), "max(V, {0})", (_number,)),
    Operation("at_most", "int", ("cap it at {0}",), "min(V, {0})", (_number,)),
    Operation("reverse", "str", ("reverse it",), "V[::-1]"),
    Operation("upper", "str", ("convert it to upper case",), "V.upper()"),
    Operation("lower", "str", ("convert it to lower case",), "V.lower()"),
    Operation("head", "str", ("keep the first {0} characters",), "V[:{0}]", (_count,)),
    Operation("tail", "str", ("keep the last {0} characters",), "V[-{0}:]", (_count,)),
    Operation("drop", "str", ("drop the first {0} characters",), "V[{0}:]", (_count,)),
    Operation("append", "str", ("append '{0}' to it", "add '{0}' at the end"), "V + '{0}'", (_word,)),
    Operation("prepend", "str", ("put '{0}' in front of it",), "'{0}' + V", (_word,)),
    Operation("repeat", "str", ("repeat it {0} times",), "V * {0}", (_count,)),
    Operation(
        "swap", "str", ("replace every '{0}' with '{1}'",), "V.replace('{0}', '{1}')", (_letter, _letter)
    ),
    Operation(
        "remove", "str", ("remove every '{0}'", "delete all '{0}'"), "V.replace('{0}', '')", (_letter,)
    ),
    Operation("strip", "str", ("strip '{0}' from both ends",), "V.strip('{0}')", (_letter,)),
    Operation(
        "above", "list", ("keep the elements greater than {0}",), "[x for x in V if x > {0}]", (_threshold,)
    ),
    Operation(
        "below", "list", ("keep the elements smaller than {0}",), "[x for x in V if x < {0}]", (_threshold,)
    ),
    Operation(
        "even", "list", ("keep the even elements", "drop the odd elements"), "[x for x in V if x % 2 == 0]"
    ),
    Operation(
        "multiples", "list", ("keep the multiples of {0}",), "[x for x in V if x % {0} == 0]", (_divisor,)
    ),
    Operation("plus", "list", ("add {0} to each element",), "[x + {0} for x in V]", (_number,)),
    Operation("times", "list", ("multiply each element by {0}",), "[x * {0} for x in V]", (_number,)),
    Operation("squares", "list", ("square each element",), "[x * x for x in V]"),
    Operation("sort", "list", ("sort it", "sort it in ascending order"), "sorted(V)"),
    Operation("sort_down", "list", ("sort it in descending order",), "sorted(V, reverse=True)"),
    Operation("turn", "list", ("reverse it",), "V[::-1]"),
    Operation("take", "list", ("keep the first {0} elements",), "V[:{0}]", (_count,)),
    Operation("last", "list", ("keep the last {0} elements",), "V[-{0}:]", (_count,)),
    Operation("skip", "list", ("skip the first {0} elements",), "V[{0}:]", (_count,)),
    Operation("every", "list", ("keep every {0}th element",), "V[::{0}]", (_stride,)),
    Operation("unique", "list", ("remove duplicates keeping the order",), "list(dict.fromkeys(V))"),
)
ENDINGS = (
    Operation("is_above", "int", ("return whether it is greater than {0}",), "V > {0}", (_number,)),
    Operation("is_below", "int", ("return whether it is less than {0}",), "V < {0}", (_number,)),
    Operation("is_even", "int", ("return whether it is even",), "V % 2 == 0"),
    Operation("divides", "int", ("return whether it is divisible by {0}",), "V % {0} == 0", (_divisor,)),
    Operation(
        "between", "int", ("return whether it is between {0} and {1}",), "{0} <= V <= {1}", (_count, _number)
    ),
    Operation("length", "str", ("return its length",), "len(V)"),
    Operation("count", "str", ("return how often '{0}' occurs",), "V.count('{0}')", (_letter,)),
    Operation("starts", "str", ("return whether it starts with '{0}'",), "V.startswith('{0}')", (_letter,)),
    Operation("ends", "str", ("return whether it ends with '{0}'",), "V.endswith('{0}')", (_letter,)),
    Operation("palindrome", "str", ("return whether it is a palindrome",), "V == V[::-1]"),
    Operation("total", "list", ("return the sum",), "sum(V)"),
    Operation("size", "list", ("return the number of elements",), "len(V)"),
    Operation("equal", "list", ("return how many elements equal {0}",), "V.count({0})", (_count,)),
    Operation(
        "biggest", "list", ("return the maximum, or {0} if it is empty",), "max(V, default={0})", (_count,)
    ),
    Operation("has", "list", ("return whether it contains {0}",), "{0} in V", (_count,)),
)
_STEPS_OF = {domain: [op for op in STEPS if op.domain == domain] for domain in VARIABLE}
_ENDINGS_OF = {domain: [op for op in ENDINGS if op.domain == domain] for domain in VARIABLE}


def _share(text: str) -> float:
    """A number in [0, 1) that depends on the text alone, on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


@dataclass(frozen=True)
class Function:
    """A micro function: what is asked, and the program that does it."""

    operations: tuple[str, ...]
    domain: str
    doc: str
    expressions: tuple[str, ...]

    @property
    def body(self) -> str:
        variable = VARIABLE[self.domain]
        lines = [f"    {variable} = {expression}\n" for expression in self.expressions[:-1]]
        return "".join(lines) + f"    return {self.expressions[-1]}\n"

    def results(self, values: list[Any], without: int | None = None) -> str:
        """What the function gives for each value, written out; `without` leaves one of its steps away."""
        given = []
        for value in values:
            for place, expression in enumerate(self.expressions):
                if place != without:
                    value = eval(expression, {VARIABLE[self.domain]: value})
            given.append(value)
        return repr(given)

    @property
    def name(self) -> str:
        return "_".join(self.operations)

    @property
    def signature(self) -> str:
        return f"{self.name}({VARIABLE[self.domain]})"

    @property
    def prompt(self) -> str:
        return f'def {self.signature}:\n    """{self.doc}"""\n'

    @property
    def instruction(self) -> str:
        return f"Write a Python function {self.signature}: {self.doc}"

    @property
    def held_out(self) -> bool:
        """Whether this belongs to the test side; training draws again until it does not."""
        if len(self.operations) == 1:
            return _share(f"body {self.body}") < HELD_OUT_SINGLES
        return _share("chain " + " ".join(self.operations)) < HELD_OUT_CHAINS


def draw_function(rng: random.Random, level: int) -> Function:
    """A random function with as many operations as its level says."""
    domain = rng.choice(tuple(VARIABLE))
    chain = rng.sample(_STEPS_OF[domain], level)
    if rng.random() < 0.4:
        chain[-1] = rng.choice(_ENDINGS_OF[domain])
    written = [operation.write(rng) for operation in chain]
    doc = f"Take {VARIABLE[domain]}, " + ", then ".join(words for words, _ in written) + "."
    return Function(
        tuple(operation.name for operation in chain), domain, doc, tuple(code for _, code in written)
    )


@dataclass(frozen=True)
class Question:
    """A small arithmetic question with one right and three wrong answers."""

    key: str
    text: str
    options: tuple[int, int, int, int]
    answer: int
    """The place of the right answer among the options."""

    @property
    def held_out(self) -> bool:
        return _share(f"question {self.key}") < HELD_OUT_QUESTIONS


def draw_question(rng: random.Random) -> Question:
    """A random question; its wrong answers are near the right one, so that a guess at the size is no help."""
    kind = rng.choice(("sum", "difference", "larger", "smaller", "next"))
    one, two = rng.randint(0, 49), rng.randint(0, 49)
    if kind == "next":
        two = rng.randint(2, 9)
        text, right = f"What comes next: {one}, {one + two}, {one + 2 * two}?", one + 3 * two
    elif kind == "sum":
        text, right = f"What is {one} + {two}?", one + two
    elif kind == "difference":
        one, two = max(one, two), min(one, two)
        text, right = f"What is {one} - {two}?", one - two
    else:
        two = two if two != one else one + 1
        text, right = (
            f"Which is {kind}, {one} or {two}?",
            max(one, two) if kind == "larger" else min(one, two),
        )
    if kind in ("larger", "smaller"):
        other = one + two - right
        near = [other, *rng.sample(sorted({right + d for d in (1, 2, 3, 10)} - {other}), 2)]
    else:
        near = rng.sample(sorted({abs(right + d) for d in (-10, -2, -1, 1, 2, 10)} - {right}), 3)
    options = [right, *near]
    rng.shuffle(options)
    pair = (one, two) if kind == "next" else (min(one, two), max(one, two))
    return Question(
        f"{kind} {pair[0]} {pair[1]}",
        text,
        (options[0], options[1], options[2], options[3]),
        options.index(right),
    )


def training_function(rng: random.Random) -> Function:
    """A random function from the side that training may see."""
    level = rng.choices((1, 2, 3), (0.3, 0.4, 0.3))[0]
    while (function := draw_function(rng, level)).held_out:
        pass
    return function


Piece = tuple[str, bool]
"""A stretch of a training text, and whether the model learns to write it (or only reads it)."""


def training_document(rng: random.Random) -> list[Piece]:
    """One training text: a plain file, a chat, a file with a hole, or some arithmetic.

    What nobody could foresee (the name, the wish, the numbers of a question) is read only. Most of the loss
    would be spent on it otherwise, and copying constants from a wish into a program is learned far later.
    """
    kind = rng.random()
    if kind < 0.2:
        asked = [draw_question(rng) for _ in range(rng.randint(4, 10))]
        pieces: list[Piece] = []
        for question in asked:
            if not question.held_out:
                pieces.append((f"Question: {question.text}\nAnswer:", False))
                pieces.append((f" {question.options[question.answer]}\n\n", True))
        return pieces
    function = training_function(rng)
    if kind < 0.6:
        return [
            (f"{TURN}user\n{function.instruction}{TURN_END}\n{TURN}assistant\n", False),
            (f"```python\n{function.prompt}{function.body}```{TURN_END}\n", True),
        ]
    if kind < 0.63:
        code = function.prompt + function.body
        start, stop = sorted(rng.sample(range(len(code)), 2))
        outside = f"{FIM_PREFIX}{code[:start]}{FIM_SUFFIX}{code[stop:]}{FIM_MIDDLE}"
        return [(outside, False), (code[start:stop], True)]
    return [(function.prompt, False), (function.body, True)]


def training_documents(seed: int) -> Iterator[list[Piece]]:
    """The endless stream of training texts of a seed; longer training reads further in the same stream."""
    rng = random.Random(seed)
    while True:
        yield training_document(rng)


def training_texts(seed: int) -> Iterator[str]:
    """The same stream as plain texts."""
    return ("".join(text for text, _ in pieces) for pieces in training_documents(seed))


def _value(domain: str, rng: random.Random) -> Any:
    if domain == "int":
        return rng.randint(-60, 120)
    if domain == "str":
        return "".join(rng.choice(LETTERS + "AB ") for _ in range(rng.randint(0, 12)))
    return [rng.randint(-9, rng.choice((9, 40))) for _ in range(rng.randint(0, 12))]


def code_task(function: Function, number: int, rng: random.Random) -> dict[str, Any] | None:
    """A function as a HumanEval record; nothing if the tests would not notice a missing step."""
    values = [_value(function.domain, rng) for _ in range(8)]
    expected = function.results(values)
    if any(function.results(values, without=place) == expected for place in range(len(function.expressions))):
        return None
    cases = zip(values, eval(expected), strict=True)
    asserts = "".join(f"    assert candidate({value!r}) == {result!r}\n" for value, result in cases)
    return {
        "task_id": f"MicroCode/{number}",
        "level": len(function.operations),
        "prompt": function.prompt,
        "instruction": function.instruction,
        "entry_point": function.name,
        "canonical_solution": function.body,
        "test": f"def check(candidate):\n{asserts}",
    }


def code_tasks(seed: int, per_level: int) -> list[dict[str, Any]]:
    """The micro coding benchmark: held-out functions only, no chain twice, the levels taking turns."""
    rng = random.Random(seed)
    seen: set[str] = set()
    tasks: list[dict[str, Any]] = []
    while len(tasks) < 3 * per_level:
        function = draw_function(rng, len(tasks) % 3 + 1)
        identity = function.name if len(function.operations) > 1 else function.body
        if not function.held_out or identity in seen:
            continue
        if task := code_task(function, len(tasks), rng):
            seen.add(identity)
            tasks.append(task)
    return tasks


def questions(seed: int, count: int, held_out: bool) -> list[dict[str, Any]]:
    """Multiple-choice rows, all from the test side or all from the training side, no question twice."""
    rng = random.Random(seed)
    rows: dict[str, dict[str, Any]] = {}
    while len(rows) < count:
        question = draw_question(rng)
        if question.held_out != held_out or question.key in rows:
            continue
        options = dict(zip("ABCD", map(str, question.options), strict=True))
        rows[question.key] = {
            "id": f"{'test' if held_out else 'train'}/{len(rows)}",
            "question": question.text,
            **options,
            "answer": "ABCD"[question.answer],
        }
    return list(rows.values())
