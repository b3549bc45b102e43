"""MultiPL-E programs from continuations, by language, and what programs in general are asked. Pure functions.

The rules are those of Qwen's evaluation: a continuation ends at the stop strings of the language's first row,
and the tests follow on a new line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalsuite.evaluators.code.fences import blocks
from evalsuite.evaluators.code.python_text import cut

END_TOKENS = ("<|endoftext|>", "<|endofmask|>", "</s>", "<|im_end|>")
_TS_STOPS = ("\nexport", "\nimport", "\nexport default", "\nimport default", "\nconsole.log")
_CPP_HEADERS = (
    *("stdlib.h", "algorithm", "math.h", "stdio.h", "vector", "string", "climits", "cstring", "iostream"),
    "cassert",
)
_CS_USINGS = (
    *("System.Numerics", "System.Diagnostics", "System.Collections.Generic", "System.Linq", "System.Text"),
    *("System.Security.Cryptography", "System.Collections.Generic"),
)


def stops_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a continuation ends."""
    more = _TS_STOPS if fields["language"] == "ts" else ()
    return (*END_TOKENS, *fields["first_stops"], *more)


def body_part(fields: Mapping[str, Any], text: str) -> str:
    """Prompt and continuation up to its end, as the tests want it before them.

    A text that repeats the prompt is taken from behind it.
    """
    stem = fields["stem"]
    if text.lstrip().startswith(stem):
        text = text.lstrip()[len(stem) :].removeprefix("\n")
    return f"{fields['prompt']}\n{cut(text, stops_of(fields))}"


def program(fields: Mapping[str, Any], body: str) -> str:
    """The whole program of a base answer: what the language needs first, the code, the tests."""
    language, tests = str(fields["language"]), str(fields["tests"])
    if language == "cpp":
        missing = [
            f"#include<{name}>" for name in _CPP_HEADERS if f"#include<{name}>" not in fields["prompt"]
        ]
        return "\n".join(missing) + "\n\n" + body + "\n" + tests
    if language == "cs":
        return "\n".join(f"using {name};" for name in _CS_USINGS) + "\n\n" + body + "\n" + tests
    if language == "php":
        opening = "" if "<?php" in body else "<?php\n"
        return f"{opening}{body}\n{tests}?>"
    return f"{body}\n{tests}"


def signature(fields: Mapping[str, Any]) -> str:
    """The beginning of the last line of the prompt up to its bracket: how the function is declared."""
    if fields["language"] == "python":
        # Python's rows name the function at the end of their tests.
        called = re.search(r"check\((\w+)\)\s*$", fields["tests"])
        if called:
            return f"def {called[1]}"
    lines = [line for line in fields["stem"].split("\n") if line.strip()]
    declared = [line for line in lines if "(" in line and not line.strip().startswith(("//", "#", "*", "/*"))]
    line = declared[-1] if declared else lines[-1]
    return " ".join(line.split("(")[0].split())


def function_name(fields: Mapping[str, Any]) -> str:
    """The name of the function that is asked for."""
    return signature(fields).split(" ")[-1]


def has_helpers(fields: Mapping[str, Any], source: str) -> bool:
    """Whether a Python program defines the functions that its prompt shows beside the one asked for."""
    names = re.findall(r"^def (\w+)", fields["prompt"], re.MULTILINE)
    return all(re.search(rf"^def {name}\b", source, re.MULTILINE) for name in names[:-1])


_DECLARED = {
    "cpp": r"^\w[^\n;=]*[\s&*]NAME\s*\(",
    "java": r"\bstatic\b[^\n;=]*\bNAME\s*\(",
    "cs": r"\bstatic\b[^\n;=]*\bNAME\s*\(",
    "sh": r"^(?:function\s+)?NAME\s*\(\s*\)",
}


def is_whole(fields: Mapping[str, Any], text: str) -> bool:
    """Whether a text declares the function itself and does not just continue the prompt."""
    pattern = _DECLARED.get(fields["language"])
    if pattern is None:
        return signature(fields) in " ".join(text.split())
    return (
        re.search(pattern.replace("NAME", re.escape(function_name(fields))), text, re.MULTILINE) is not None
    )


def is_chat(fields: Mapping[str, Any], text: str) -> bool:
    """Whether a text is an answer of its own (fenced code, or the whole function) and no continuation.

    A base model may well write fences after the function's end: only what comes before it tells.
    """
    if text.lstrip().startswith(fields["stem"]):
        return False
    if fields["language"] == "python":
        return is_whole(fields, text) or text.lstrip().startswith(("```", "~~~")) or not text[:1].isspace()
    begin = cut(text, stops_of(fields))
    return "```" in begin or bool(blocks(begin)) or is_whole(fields, begin)


def with_marker(language: str, source: str, word: str) -> str:
    """The program with a last statement that prints `word`: a pass must have come to its end.

    C# keeps the published rule, by which its exit code does not count. Go's test runner says `ok` of a
    program that leaves with 0 before its tests, so its test has to say the word too.
    """
    if language == "go":
        return _before_closing(source, 1, f'\tt.Log("{word}")\n')
    if language in ("cpp", "rs"):
        line = f'    puts("{word}");\n' if language == "cpp" else f'    println!("{word}");\n'
        return _before_closing(source, 1, line)
    if language in ("java", "cs"):
        call = "System.out.println" if language == "java" else "Console.WriteLine"
        return _before_closing(source, 2, f'    {"System." if language == "cs" else ""}{call}("{word}");\n')
    if language in ("js", "ts"):
        return f'{source}\nconsole.log("{word}");\n'
    if language == "php":
        return f'{source.removesuffix("?>")}\necho "{word}";\n?>'
    if language == "sh":
        return f"{source}\n__evaluated=$?; echo {word}; exit $__evaluated\n"
    return source


def _before_closing(source: str, number: int, line: str) -> str:
    at = len(source)
    for _ in range(number):
        at = source.rfind("}", 0, at)
        if at < 0:
            return source
    return source[:at] + line + source[at:]
