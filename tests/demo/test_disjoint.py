"""The demo's tests never occur in training, and its rows are right: the training stream is made again."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

import pytest

from tools import demo_tasks, train_demo_model
from tools.demo_tasks import FIM_MIDDLE, FIM_PREFIX, FIM_SUFFIX, Function

# The larger model reads 54 000 documents (data/demo/README.md); this is well above that.
DOCUMENTS = 60_000
OPERATIONS = {operation.name: operation for operation in demo_tasks.STEPS + demo_tasks.ENDINGS}
PROGRAM = re.compile(r'def \w+\(\w+\):\n    """.*"""\n((?:    .*\n)+)')
TASKS = train_demo_model.read_rows(train_demo_model.HOME / "microcode.jsonl")
QUESTIONS = train_demo_model.read_rows(train_demo_model.HOME / "arithmetic.jsonl")
EXAMPLES = train_demo_model.read_rows(train_demo_model.HOME / "arithmetic_train.jsonl")


@dataclass(frozen=True)
class Stream:
    text: str
    bodies: frozenset[str]
    chains: frozenset[str]
    questions: frozenset[str]


def filled(document: str) -> str:
    """A file with a hole, with what was cut out put back."""
    prefix, _, rest = document.removeprefix(FIM_PREFIX).partition(FIM_SUFFIX)
    suffix, _, middle = rest.partition(FIM_MIDDLE)
    return prefix + middle + suffix


@pytest.fixture(scope="module")
def stream() -> Stream:
    made = itertools.islice(demo_tasks.training_texts(train_demo_model.TRAINING_SEED), DOCUMENTS)
    text = "\n".join(filled(one) if one.startswith(FIM_PREFIX) else one for one in made)
    return Stream(
        text,
        frozenset(PROGRAM.findall(text)),
        frozenset(re.findall(r"def (\w+)\(", text)),
        frozenset(re.findall(r"Question: (.*)", text)),
    )


def function_of(task: dict[str, Any]) -> Function:
    """The micro function that a row was written from, read back from its name and its solution."""
    names: list[str] = []
    rest = task["entry_point"]
    while rest:
        name = max((name for name in OPERATIONS if f"{rest}_".startswith(f"{name}_")), key=len)
        names.append(name)
        rest = rest[len(name) + 1 :]
    expressions = [
        re.sub(r"^    (return|\w+ =) ", "", line) for line in task["canonical_solution"].splitlines()
    ]
    return Function(tuple(names), OPERATIONS[names[0]].domain, "", tuple(expressions))


def passes(task: dict[str, Any], body: str) -> bool:
    scope: dict[str, Any] = {}
    exec(task["prompt"] + body + task["test"], scope)
    try:
        scope["check"](scope[task["entry_point"]])
    except AssertionError:
        return False
    return True


def test_the_stream_made_again_is_the_one_that_trains(stream: Stream) -> None:
    assert len(stream.bodies) > 5000
    assert len(stream.chains) > 1000
    assert len(stream.questions) > 5000


def test_every_task_is_on_the_held_out_side() -> None:
    for task in TASKS:
        function = function_of(task)
        assert function.body == task["canonical_solution"]
        assert len(function.operations) == task["level"]
        assert function.held_out, task["task_id"]


def test_no_task_occurs_in_training(stream: Stream) -> None:
    for task in TASKS:
        assert task["prompt"] not in stream.text, task["task_id"]
        assert task["instruction"] not in stream.text, task["task_id"]
        assert task["canonical_solution"] not in stream.bodies, task["task_id"]
        if task["level"] > 1:
            assert task["entry_point"] not in stream.chains, task["task_id"]


def test_no_question_occurs_in_training_in_either_order(stream: Stream) -> None:
    for row in QUESTIONS:
        one, *between, two = re.split(r"(\d+)", row["question"])[1:-1]
        assert row["question"] not in stream.questions
        if "next" not in row["question"]:
            swapped = row["question"].replace(one + "".join(between) + two, two + "".join(between) + one)
            if " - " not in swapped:
                assert swapped not in stream.questions


def test_examples_are_no_questions() -> None:
    assert not {row["question"] for row in EXAMPLES} & {row["question"] for row in QUESTIONS}


def test_no_task_or_question_comes_twice() -> None:
    assert len({task["prompt"] for task in TASKS}) == len(TASKS) == 180
    assert len({task["canonical_solution"] for task in TASKS}) == len(TASKS)
    assert len({row["question"] for row in QUESTIONS}) == len(QUESTIONS) == 150


def test_every_canonical_solution_passes_and_an_empty_one_does_not() -> None:
    for task in TASKS:
        assert passes(task, task["canonical_solution"]), task["task_id"]
        assert not passes(task, "    return None\n"), task["task_id"]


def test_tests_notice_a_missing_step() -> None:
    for task in TASKS:
        *steps, last = task["canonical_solution"].splitlines(keepends=True)
        variable = re.findall(r"\((\w+)\)", task["prompt"])[0]
        for place in range(len(steps)):
            assert not passes(task, "".join(steps[:place] + steps[place + 1 :]) + last), task["task_id"]
        assert not passes(task, "".join(steps) + f"    return {variable}\n"), task["task_id"]


@pytest.mark.parametrize("row", [QUESTIONS[0], QUESTIONS[-1], *EXAMPLES[:3]], ids=lambda row: row["id"])
def test_options_differ(row: dict[str, Any]) -> None:
    assert len({row[letter] for letter in "ABCD"}) == 4


def test_marked_answers_are_right() -> None:
    for row in QUESTIONS + EXAMPLES:
        numbers = [int(number) for number in re.findall(r"\d+", row["question"])]
        if "What is" in row["question"]:
            expected = eval(re.findall(r"What is (.*)\?", row["question"])[0])
        elif "next" in row["question"]:
            expected = 2 * numbers[2] - numbers[1]
        else:
            expected = (max if "larger" in row["question"] else min)(numbers)
        assert row[row["answer"]] == str(expected)


def test_shipped_rows_are_what_the_tool_writes() -> None:
    assert demo_tasks.code_tasks(train_demo_model.TASK_SEED, per_level=60) == TASKS
    assert demo_tasks.questions(train_demo_model.TASK_SEED, 150, held_out=True) == QUESTIONS
    assert demo_tasks.questions(train_demo_model.TASK_SEED, 40, held_out=False) == EXAMPLES
