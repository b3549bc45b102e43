"""Answers as chat and base models give them: what is taken from each for the program."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evalsuite.evaluators.code.fences import Block, blocks
from evalsuite.evaluators.code.needed import without_demonstrations
from evalsuite.evaluators.code.python_text import assembled, longest_python, parses
from evalsuite.evaluators.code.said import said

PROMPT = 'from typing import List\n\n\ndef double(x: int) -> int:\n    """ Twice x. """\n'
WHOLE = "def double(x):\n    return 2 * x\n"
FENCED = f"```python\n{WHOLE}```\n"

GIVES_THE_FUNCTION = {
    "prose around": f"Sure!\n\n{FENCED}\nIt doubles its argument.",
    "python3": FENCED.replace("python", "python3"),
    "capital": FENCED.replace("python", "Python"),
    "with a title": FENCED.replace("python", 'python title="a.py"'),
    "pandoc": FENCED.replace("python", "{.python .numberLines}"),
    "tildes": FENCED.replace("```", "~~~"),
    "four backticks": FENCED.replace("```", "````"),
    "indented under a list": "1. Do it:\n" + "".join(f"   {line}\n" for line in FENCED.splitlines()),
    "behind a bullet": "- ```python\n  def double(x):\n      return 2 * x\n  ```\n",
    "unclosed": FENCED.rsplit("```", 1)[0],
    "unclosed, then another": f"```python\n{WHOLE}\n```python\nprint(double(3))\n```",
    "closed on the last line of code": f"```python\n{WHOLE.rstrip()}```\nDone.",
    "closed with words behind": f"```python\n{WHOLE}``` That is it.\n",
    "the prompt had opened it": f"{WHOLE}```\nUsage:\n```python\nprint(double(2))\n```\n",
    "carriage returns": f"Here:\r\n{FENCED}".replace("\n", "\r\n"),
    "a mark of the file's beginning": f"\ufeff{WHOLE}",
    "tabs": "```python\ndef double(x):\n\treturn 2 * x\n```",
    "usage in a second block": f"{FENCED}\n```python\nassert double(2) == 5\n```",
    "a draft first": f"```python\ndef double(x):\n    return x\n```\nNo, wait.\n{FENCED}",
    "cut off in a later block": f"{FENCED}\nOr shorter:\n```python\ndef double(x):\n    return (2 *",
    "cut off behind the function": f"```python\n{WHOLE}\ndef main():\n    print('unfini",
    "its prompt repeated": f"{FENCED.replace(WHOLE, PROMPT + '    return 2 * x' + chr(10))}",
    "an import from the future": f"```python\nfrom __future__ import annotations\n{WHOLE}```",
    "a body alone": "```python\n    return 2 * x\n```",
    "a body at the left margin": "```python\ny = x + x\nreturn y\n```",
    "all moved right": "".join(f"    {line}\n" for line in WHOLE.splitlines()),
    "wrong tests behind it": f"{WHOLE}\nassert double(2) == 5\n",
    "demonstrations": f"```python\n{WHOLE}\nfor x in [1, 'a', None]:\n    print(double(x) + 1)\n```",
    "a main part": f"{WHOLE}\nif __name__ == '__main__':\n    raise SystemExit(double(1))\n",
    "input": f"```python\n{WHOLE}\nn = int(input('n? '))\nm = n + 1\nprint(double(m))\n```",
    "a main function": f"{WHOLE}\ndef main():\n    print(double(int(input())))\n\nmain()\n",
    "its exit": f"{WHOLE}\nimport sys\nsys.exit(1)\n",
    "a table that it needs": "TABLE = []\nfor i in range(9):\n    TABLE.append(2 * i)\n"
    "def double(x):\n    return TABLE[x]\n",
    "a word of the fence left over": f"python\n{WHOLE}",
    "a thought first": f"<think>\nMaybe\n```python\ndef double(x):\n    return 7\n```\n</think>\n\n{FENCED}",
    "a thought that the prompt opened": f"def double(x): return 0\n</think>\n{FENCED}",
    "a turn's tokens": f"<|im_start|>assistant\n{WHOLE}<|im_end|>\n<|im_start|>user\nThanks",
    "an end of text in a fence": f"```python\n{WHOLE}<|endoftext|>import this",
    "a continuation": "    return 2 * x\n\n\ndef test():\n    assert double(1) == 3\n",
    "a continuation on a new line": "\n    return 2 * x",
    "a continuation, and the same again": f"    return 2 * x\n\n\n{PROMPT}    return 3 * x\n",
    "a continuation, then a chat": "    return 2 * x\n```\n\nThis works:\n```python\ndouble(2)\n```",
    "a helper of its own": f"import math\n\ndef twice(x):\n    return math.prod((2, x))\n\n{WHOLE}".replace(
        "return 2 * x", "return twice(x)"
    ),
    "a function by assignment": "```python\ndouble = lambda x: 2 * x\n```",
    "prose without a fence": f"The function is\n{WHOLE}\nas was asked for.",
}
GIVES_NO_FUNCTION = {
    "only a thought": "<think>\ndef double(x):\n    return 2 * x\n",
    "nothing": "",
    "blanks": " \n\t\n",
    "a token": "<|im_end|>\ndef double(x):\n    return 2 * x\n",
}
NOT_WHAT_WAS_ASKED = {
    "a method of a class": "```python\nclass Solution:\n    def double(self, x):\n        return 2 * x\n```",
    "a body at the left margin without a fence": "return 2 * x\n",
    "another name": "```python\ndef twice(x):\n    return 2 * x\n```",
}


def result_of(program: str) -> object:
    """What the program's `double` makes of 4; nothing of the module is printed or asked for."""
    space: dict[str, object] = {"__name__": "__main__"}
    exec(compile(program, "answer", "exec"), space)
    return space["double"](4)  # type: ignore[operator]


@pytest.mark.parametrize("name", list(GIVES_THE_FUNCTION))
def test_the_function_is_found(name: str) -> None:
    program = assembled(PROMPT, said(GIVES_THE_FUNCTION[name]), "double")
    assert program is not None
    assert result_of(program) == 8


@pytest.mark.parametrize("name", list(GIVES_NO_FUNCTION))
def test_no_answer_is_none(name: str) -> None:
    assert assembled(PROMPT, said(GIVES_NO_FUNCTION[name]), "double") is None


@pytest.mark.parametrize("name", list(NOT_WHAT_WAS_ASKED))
def test_what_the_benchmark_does_not_take_stays_wrong(name: str) -> None:
    program = assembled(PROMPT, said(NOT_WHAT_WAS_ASKED[name]), "double")
    assert program is not None
    try:
        assert result_of(program) is None
    except SyntaxError:
        assert "fence" in name


def test_blocks_in_their_order() -> None:
    text = "a\n```\nx\n```\nb\n  ~~~sh\n  y\n  ~~~\n```py\nz```\n````md\n```\ninner\n```\n````\n```c\nlast"
    assert blocks(text) == [
        *(Block("", "x\n"), Block("sh", "y\n"), Block("py", "z\n")),
        *(Block("md", "```\ninner\n```\n"), Block("c", "last")),
    ]


@pytest.mark.parametrize(
    ("code", "left"),
    [
        ("x = f(1)\ny = x + 1\nz = 3\n", "pass\npass\nz = 3\n"),
        ("assert f(1); z = 3\n", "pass; z = 3\n"),
        ("f = cache(f)\n", "f = cache(f)\n"),
        ("try:\n    import numpy\nexcept ImportError:\n    numpy = None\n", None),
        ("import sys\nsys.setrecursionlimit(9)\n", None),
        ("é = 1\nprint('ü'); ö = 2\n", "é = 1\npass; ö = 2\n"),
        ("def g(n): return f(n)\nT = {1: g}\ndef f(n): return T[n](n)\nt = T[1](1)\n", "{}pass\n"),
        ("def f(n): return n\nold = f\ndef f(n): return old(n)\n", None),
        ("def f(n): return n\nold = [f]\ndef w(g): return lambda n: old[0](n)\nf = w(1)\n", None),
        ("class A:\n    def m(self): return f(B)\na = A()\nB = f\ndef f(n): return a.m()\n", None),
        ("def f(n):\n    out = n\n    return out\nout = f(1)\n", "{}pass\n"),
        ("def f(n, k=1): return k\nk = f(1)\n", "{}pass\n"),
        ("def f(n):\n    global k\n    k = n\n    return k\nk = f\n", None),
        ("not python at all", None),
    ],
)
def test_what_only_shows_the_function_is_left_out(code: str, left: str | None) -> None:
    head = code[: code.rstrip("\n").rfind("\n") + 1]
    assert without_demonstrations(code, "f") == (code if left is None else left.replace("{}", head))


def by_trying_all(text: str) -> str:
    """The longest run by its definition: every run of two lines or more is parsed."""
    lines = text.split("\n")
    found, most = lines[0], 0
    for first in range(len(lines)):
        for last in range(first + 2, len(lines) + 1):
            size = sum(bool(line.strip()) for line in lines[first:last])
            part = "\n".join(lines[first:last])
            if size > most and parses(part):
                found, most = part, size
    return found


LINES = st.sampled_from(
    [
        *("def f(x):", "    return x", "  y = 1", "x = 1", "", "  ", "if x:", "else:", "for", "try:", "pass"),
        *("except ValueError:", "    '''", '"""', "g(", ")", "# note", "    # note", "a b", "@d", "x = [1,"),
        *("2]", "\\", "class A:", "\tz = 2", "print 1", "1 = x", "f'{x", "return", "import os", "\x00"),
    ]
)


@settings(max_examples=300)
@example("\\\n\\\n  ")
@example("return\n\\\n\n")
@example("\\\n\n")
@given(st.lists(LINES, max_size=9).map("\n".join))
def test_the_longest_run_is_found_without_trying_all(text: str) -> None:
    assert longest_python(text) == by_trying_all(text)


def test_a_very_long_answer_takes_bounded_time() -> None:
    text = "def f(x):\n    return (x\n" * 4000 + "def g():\n    return 1\n"
    found = longest_python(text)
    assert found in text
    assert not found.strip() or found == text.split("\n")[0] or ast.parse(found)
