"""From what a model wrote to Python code: fences, continuations, stop strings. Pure functions."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from evalsuite import syntax
from evalsuite.evaluators.code.fences import Block, before_fence, blocks
from evalsuite.evaluators.code.needed import without_demonstrations

_FENCE_LINE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})", re.MULTILINE)
_FUTURE = re.compile(r"^from __future__ import [^\n]*$", re.MULTILINE)
_ALIEN = re.compile("[\0\ud800-\udfff]")
_MOST_PARSED = 4_000_000

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


def parses(code: str) -> bool:
    """Whether a text is Python by its grammar."""
    try:
        syntax.module(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def cut(text: str, stops: Sequence[str]) -> str:
    """The text up to the earliest of the stop strings."""
    ends = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    return text[: min(ends)] if ends else text


def defines(code: str, name: str) -> bool:
    """Whether a text holds a definition of that name at the left margin."""
    return (
        re.search(rf"^(?:async[ \t]+def|def|class)[ \t]+{re.escape(name)}\b", code, re.MULTILINE) is not None
    )


def fenced(text: str, entry: str = "") -> str | None:
    """The last block that defines `entry` and is Python, else the last Python block, else the longest.

    None without any block. What stands before a first bare fence counts as one when the prompt may have
    opened it: it defines `entry`, or the other fences do not come in pairs without it.
    """
    found = [block for block in _with_begun(text, entry) if block.code.strip()]
    if not found:
        return None
    if entry:
        codes = [_at_margin(block.code, entry) for block in found]
        defining = [code for code in codes if defines(code, entry)]
        if defining:
            return next((code for code in reversed(defining) if parses(code)), defining[-1])
    python = [block for block in found if block.language in ("python", "py", "python3")]
    if python and not entry:
        return python[-1].code
    return max(python or found, key=lambda block: len(block.code)).code


def _with_begun(text: str, entry: str) -> list[Block]:
    before = before_fence(text)
    if before.strip() and parses(before) and entry and defines(before, entry):
        rest = text[len(before) :].partition("\n")[2]
        return [Block("", before), *blocks(rest)]
    if before.strip() and (parses(before) or before[:1] in " \t"):
        rest = text[len(before) :].partition("\n")[2]
        if len(_FENCE_LINE.findall(rest)) % 2 == 0:
            return [Block("", before), *blocks(rest)]
    return blocks(text)


def _at_margin(code: str, entry: str) -> str:
    """Code moved to the left margin where that is what keeps it from defining `entry`."""
    if defines(code, entry):
        return code
    moved = textwrap.dedent(code)
    return moved if defines(moved, entry) else code


def completion_end(text: str, stops: Sequence[str] = FUNCTION_STOPS) -> str:
    """A continuation of a function's prompt, cut where the function has ended; tabs become four spaces."""
    return cut(text, stops).replace("\t", "    ")


def assembled(prompt: str, text: str, entry: str, stops: Sequence[str] = FUNCTION_STOPS) -> str | None:
    """The program that an answer to a function-completion prompt stands for; None when it holds no code.

    Three kinds of answer are understood: a continuation of the prompt, a whole function or module, and a chat
    answer with fenced code of either kind. The prompt's own text goes before, so that its imports and helper
    functions are there; a second definition replaces the first. Of a whole module, what only shows the
    function at work is left out.
    """
    if not text.strip():
        return None
    end = completion_end(text, stops)
    continued = joined(prompt, end)
    if _continues(prompt, text, end, entry) and parses(continued):
        return continued
    block = fenced(text, entry)
    if block is not None and not defines(block, entry):
        return with_body(prompt, block)
    code = _at_margin(text, entry) if block is None else block
    if not defines(code, entry):
        return continued
    return behind(prompt, without_demonstrations(whole_part(code, entry), entry))


def _continues(prompt: str, text: str, end: str, entry: str) -> bool:
    """Whether a text goes on with the prompt: with a function that is asked for in words, or inside the
    prompt's own function, when its first line is indented and is not its head.
    """
    if not defines(prompt, entry) and defines(end, entry):
        return True
    first = next((line for line in text.split("\n") if line.strip()), "")
    return first[:1] in (" ", "\t") and not defines(first.strip(), entry)


def with_body(prompt: str, block: str) -> str:
    """A fenced block that can only be the function's body, moved to where the body is when it stands
    elsewhere.
    """
    as_given = joined(prompt, block)
    moved = joined(prompt, textwrap.indent(textwrap.dedent(block), "    "))
    return moved if not _compiles(as_given) and _compiles(moved) else as_given


def _compiles(code: str) -> bool:
    """Whether a text is Python by more than its grammar: a `return` has a function around it, too."""
    try:
        with syntax.quiet():
            compile(code, "<answer>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def behind(prompt: str, code: str) -> str:
    """A module behind its prompt; what it imports from the future goes before both."""
    future = _FUTURE.findall(code)
    return "".join(f"{line}\n" for line in future) + joined(prompt, _FUTURE.sub("", code) if future else code)


def joined(prompt: str, code: str) -> str:
    """Code behind its prompt, on a line of its own unless it continues the prompt's last line."""
    glue = "" if prompt.endswith("\n") or code.startswith("\n") or not prompt else "\n"
    return prompt + glue + code


def whole_part(text: str, entry: str) -> str:
    """The longest run of lines that is Python, if it defines `entry`; the text itself when it already is, or
    when nothing better is in it.
    """
    if parses(text):
        return text
    found = longest_python(text)
    return found if defines(found, entry) else text


def longest_python(text: str) -> str:
    """The longest run of lines (blank ones not counted, the first of equals) that is Python by its grammar.

    A run has at least two lines, as in EvalPlus. Where a run stops being Python, no longer run from the same
    line can be any: so each line begins few parses. How much is parsed in all is bounded.
    """
    lines = text.split("\n")
    filled, ends = [0], [0]
    for line in lines:
        filled.append(filled[-1] + bool(line.strip()))
        ends.append(ends[-1] + len(line) + 1)
    best, found = 0, lines[0]
    left = _MOST_PARSED
    for first in range(len(lines) - 1):
        last = len(lines)
        if not _may_begin(lines[first]):
            continue
        while last > first + 1 and filled[last] - filled[first] > best and left > 0:
            while last > first + 2 and not lines[last - 1].strip():
                last -= 1
            part = "\n".join(lines[first:last])
            broken = broken_line(part)
            # A parser reads to where it breaks; the rest is only copied.
            read = ends[last if broken is None else min(last, first + broken)] - ends[first]
            left -= read + len(part) // 64
            if broken is not None and part.rstrip("\n").endswith("\\"):  # a line's continuation by nothing
                for more in (last + 1, last + 2):
                    if broken is None or more > len(lines) or lines[more - 1].strip():
                        break
                    part = "\n".join(lines[first:more])
                    broken = broken_line(part)
            if broken is None:
                best, found = filled[last] - filled[first], part
                break
            last = min(last - 1, first + broken - 1)
    return found


def broken_line(code: str) -> int | None:
    """The line (from 1) at which a text stops being Python; None when it is Python to its end."""
    try:
        syntax.module(code)
    except SyntaxError as error:
        return error.lineno if error.lineno and error.lineno > 0 else code.count("\n") + 1
    except (ValueError, MemoryError, RecursionError):
        alien = _ALIEN.search(code)
        return code.count("\n", 0, alien.start() if alien else None) + 1
    return None


def _may_begin(line: str) -> bool:
    """Whether a module may begin with this line: an indented one cannot, unless it is a comment or blank."""
    return line[:1] not in (" ", "\t") or not line.strip() or line.lstrip().startswith("#")
