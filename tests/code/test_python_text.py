"""Python code out of what models write."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.evaluators.code.fences import blocks
from evalsuite.evaluators.code.python_text import (
    assembled,
    completion_end,
    cut,
    fenced,
    longest_python,
)
from evalsuite.evaluators.code.sanitize import sanitized, sanitized_bigcodebench

PROMPT = 'from typing import List\n\n\ndef double(x: int) -> int:\n    """ Twice x. """\n'
PIECES = st.sampled_from(
    [
        "```",
        "```python\n",
        "\n```\n",
        "def double(x):\n",
        "    return x\n",
        "\n",
        "text ",
        "\t",
        "import os\n",
        '"""',
        "é",
        "\x00",
    ]
)


def value_of(program: str | None) -> int:
    """What double(4) is."""
    assert program is not None
    space: dict[str, object] = {}
    exec(program, space)
    return space["double"](4)  # type: ignore[operator]


@pytest.mark.parametrize(
    "text",
    [
        "    return 2 * x\n",
        "    return 2 * x\n\n\ndef other():\n    broken(",
        "\treturn 2 * x",
        "    return 2 * x\n```\nThat is all.",
        "def double(x):\n    return 2 * x",
        "Here you are:\n\n```python\ndef double(x: int) -> int:\n    return 2 * x\n```\nIt doubles.",
        "```\ndef double(x):\n    return 2 * x\n```",
        "```python\ndef double(x):\n    return 2 * x\n",
        "```python\n    return 2 * x\n```",
        "First a wrong try:\n```python\nprint('no')\n```\nNow:\n```py\ndef double(x):\n    return 2*x\n```",
        "def double(x: int) -> int:\n    return 2 * x\n```\nEnd of the block that the prompt had opened.",
        "Sure, the function is\ndef double(x):\n    return 2 * x\nand that is it.",
        "from typing import List\ndef double(x: List) -> int:\n    return 2 * x\n",
    ],
)
def test_every_way_of_answering_gives_the_function(text: str) -> None:
    assert value_of(assembled(PROMPT, text, "double")) == 8


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_an_empty_answer_holds_no_code(text: str) -> None:
    assert assembled(PROMPT, text, "double") is None


def test_the_block_with_the_function_wins_over_a_longer_one() -> None:
    text = "```python\n" + "x = 1\n" * 50 + "```\n```python\ndef double(x):\n    return 1\n```"
    assert fenced(text, "double") == "def double(x):\n    return 1\n"


def test_a_continuation_ends_at_the_earliest_stop() -> None:
    assert completion_end("    return 1\nprint(2)\ndef f(): pass") == "    return 1"
    assert cut("abc", []) == "abc"


def test_sanitizing_keeps_what_the_function_needs() -> None:
    text = (
        "Some words.\nimport os\nLIMIT = 3\nUNUSED = 4\ndef helper(a):\n    return a * LIMIT\n"
        "def double(x):\n    return helper(x)\ndef stranger():\n    return 1\nprint(double(3))\n"
    )
    assert sanitized(text, "double") == (
        "import os\nLIMIT = 3\ndef helper(a):\n    return a * LIMIT\ndef double(x):\n    return helper(x)"
    )


def test_the_first_definition_of_a_name_is_kept() -> None:
    assert sanitized("def f():\n    return 1\ndef f():\n    return 2\n", "f") == "def f():\n    return 1"


def test_bigcodebench_keeps_functions_without_return_and_drops_closing_uses() -> None:
    text = "def f():\n    print(1)\nresult = f()\n"
    assert sanitized_bigcodebench(text, "f") == "def f():\n    print(1)"


def test_the_longest_run_of_python_lines_is_found_between_words() -> None:
    assert longest_python("I say:\nx = 1\ny = 2\nand that's it") == "x = 1\ny = 2"


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_no_text_breaks_extraction(text: str) -> None:
    program = assembled(PROMPT, text, "double")
    assert program is None or program.startswith(PROMPT)
    assert isinstance(sanitized(text, "double"), str)
    assert isinstance(sanitized_bigcodebench(text, "double"), str)
    assert all(isinstance(block.code, str) for block in blocks(text))


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_cut_into_a_part_of_itself(text: str) -> None:
    found = longest_python(text)
    assert found in text
    if found.count("\n") >= 1 and found.strip():
        ast.parse(found)
