"""From what a model wrote to Python code: fences, continuations, stop strings. Pure functions."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

_FENCE_LINE = re.compile(r"^[ \t]*```+[ \t]*([\w+#.-]*)[^\n]*$", re.MULTILINE)

# Where a completion of a function ends when the model goes on to something else.
FUNCTION_STOPS = (
    "<|endoftext|>",
    "<|endofmask|>",
    "<|im_end|>",
    "</s>",
    "\nif __name__",
    "\ndef main(",
    "\nprint(",
    "\ndef ",
    "\nclass ",
    "\nimport ",
    "\nfrom ",
    "\nassert ",
    "\n```",
)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language word and its content."""

    language: str
    code: str


def parses(code: str) -> bool:
    """Whether a text is Python by its grammar."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def cut(text: str, stops: Sequence[str]) -> str:
    """The text up to the earliest of the stop strings."""
    ends = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    return text[: min(ends)] if ends else text


def blocks(text: str) -> list[Block]:
    """The fenced blocks; a last one that never closes goes on to the end.

    A text that begins inside a block (the prompt ended with an opening fence) gives what stands before its
    first bare fence, when that is all there is before it.
    """
    marks = list(_FENCE_LINE.finditer(text))
    found: list[Block] = []
    start = 0
    if len(marks) % 2 and marks and not marks[0][1] and text[: marks[0].start()].strip():
        before = text[: marks[0].start()]
        if parses(before) or before[:1] in " \t":
            found.append(Block("", before.rstrip("\n") + "\n"))
            start = 1
    for opening in range(start, len(marks), 2):
        begin = marks[opening].end() + 1
        end = marks[opening + 1].start() if opening + 1 < len(marks) else len(text)
        found.append(Block(marks[opening][1].lower(), text[begin:end]))
    return found


def defines(code: str, name: str) -> bool:
    """Whether a text holds a definition of that name at the left margin."""
    return (
        re.search(rf"^(?:async[ \t]+def|def|class)[ \t]+{re.escape(name)}\b", code, re.MULTILINE) is not None
    )


def fenced(text: str, entry: str = "") -> str | None:
    """The block that defines `entry`, else the last Python block, else the longest; None without any."""
    found = [block for block in blocks(text) if block.code.strip()]
    if not found:
        return None
    if entry:
        defining = [block for block in found if defines(block.code, entry)]
        if defining:
            return defining[-1].code
    python = [block for block in found if block.language in ("python", "py", "python3")]
    if python and not entry:
        return python[-1].code
    return max(python or found, key=lambda block: len(block.code)).code


def completion_end(text: str, stops: Sequence[str] = FUNCTION_STOPS) -> str:
    """A continuation of a function's prompt, cut where the function has ended; tabs become four spaces."""
    return cut(text, stops).replace("\t", "    ")


def assembled(prompt: str, text: str, entry: str, stops: Sequence[str] = FUNCTION_STOPS) -> str | None:
    """The program that an answer to a function-completion prompt stands for; None when it holds no code.

    Three kinds of answer are understood: a continuation of the prompt, a whole function or module, and a chat
    answer with fenced code of either kind. The prompt's own text goes before, so that its imports and helper
    functions are there; a second definition replaces the first.
    """
    if not text.strip():
        return None
    block = fenced(text, entry)
    if block is not None:
        # A block without the function can only be the body of it.
        return joined(prompt, block)
    if defines(text, entry):
        return joined(prompt, whole_part(text))
    return joined(prompt, completion_end(text, stops))


def joined(prompt: str, code: str) -> str:
    """Code behind its prompt, on a line of its own unless it continues the prompt's last line."""
    glue = "" if prompt.endswith("\n") or code.startswith("\n") or not prompt else "\n"
    return prompt + glue + code


def whole_part(text: str) -> str:
    """The longest run of lines of a chatty answer that is Python; the text itself when it already is."""
    if parses(text):
        return text
    found = longest_python(text)
    return found if found.strip() else text


def longest_python(text: str) -> str:
    """The longest run of lines (blank ones not counted, the first of equals) that is Python by its grammar.

    A run has at least two lines, as in EvalPlus. Candidates are tried from the longest down, so that a text
    which is Python as a whole costs one parse.
    """
    lines = text.split("\n")
    total = len(lines)
    filled = [0]
    for line in lines:
        filled.append(filled[-1] + bool(line.strip()))
    windows = [
        (filled[last + 1] - filled[first], first, last)
        for first in range(total)
        for last in range(first + 1, total)
    ]
    windows.sort(key=lambda window: (-window[0], window[1], window[2]))
    for size, first, last in windows:
        if size == 0:
            break
        if _may_begin(lines[first]) and parses("\n".join(lines[first : last + 1])):
            return "\n".join(lines[first : last + 1])
    return lines[0]


def _may_begin(line: str) -> bool:
    """Whether a module may begin with this line: an indented one cannot, unless it is a comment or blank."""
    return line[:1] not in (" ", "\t") or not line.strip() or line.lstrip().startswith("#")
