"""MultiPL-E programs of chat answers, in two readings. Pure functions.

A program is its language's imports, the answer's code, and the tests. The readings differ in the code alone:
the published one, of Qwen's evaluation of chat models, finds the function, the class or the main program by
what their names look like, and a right answer that is written otherwise fails by it; the mended one does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from evalsuite.evaluators.code import multipl_e_mended as mended
from evalsuite.evaluators.code.multipl_e_text import function_name

_CPP_HEADERS = (
    *("optional", "cassert", "stdlib.h", "algorithm", "cmath", "math.h", "numeric", "stdio.h", "vector"),
    *("set", "map", "queue", "stack", "list", "deque", "boost/any.hpp", "string", "climits", "cstring"),
    *("iostream", "sstream", "fstream"),
)
_JAVA_IMPORTS = (
    *("java.util.*", "java.lang.reflect.*", "org.javatuples.*", "java.security.*", "java.math.*"),
    *("java.io.*", "java.util.stream.*"),
)
_CS_USINGS = (
    *("System", "System.Numerics", "System.Diagnostics", "System.Collections.Generic", "System.Linq"),
    *("System.Text", "System.Security.Cryptography"),
)
_PYTHON_IMPORTS = (
    *("import math", "import re", "import sys", "import copy", "import datetime", "import itertools"),
    *("import collections", "import heapq", "import statistics", "import functools", "import hashlib"),
    *("import numpy", "import numpy as np", "import string", "from typing import *"),
    "from collections import *",
)


def published_program(fields: Mapping[str, Any], text: str) -> str:
    """The whole program of a chat answer as published; mended for a language that was not published."""
    reading = _PUBLISHED.get(fields["language"])
    if reading is None:
        return mended_program(fields, text)
    return _whole(fields, reading(fields, _first_closed_block(text)))


def mended_program(fields: Mapping[str, Any], text: str) -> str:
    """The whole program of a chat answer, mended."""
    return _whole(fields, mended.code(fields, text))


def is_same(one: str, other: str) -> bool:
    """Whether two programs differ in empty lines at most."""
    return one == other or _lines(one) == _lines(other)


def _lines(program: str) -> list[str]:
    return [line for line in program.split("\n") if line.strip()]


def _whole(fields: Mapping[str, Any], code: str) -> str:
    return f"{_HEADS.get(fields['language'], _bare)(code)}\n{fields['tests']}"


# ---------------------------------------------------------------------- what comes first
def _bare(code: str) -> str:
    return code


def _python_head(code: str) -> str:
    return "\n".join((*_PYTHON_IMPORTS, code))


def _java_head(code: str) -> str:
    return "\n".join((*(f"import {name};" for name in _JAVA_IMPORTS), code))


def _cpp_head(code: str) -> str:
    lines = (f"#include<{name}>" for name in _CPP_HEADERS)
    return "\n".join((*(line for line in lines if line not in code), code))


def _cs_head(code: str) -> str:
    known = [f"using {name};" for name in _CS_USINGS]
    return "\n".join((*known, *(line for line in code.split("\n") if line.strip() not in known)))


_HEADS: dict[str, Callable[[str], str]] = {
    "python": _python_head,
    "java": _java_head,
    "cpp": _cpp_head,
    "cs": _cs_head,
}


# ---------------------------------------------------------------------- the code, as published
def _first_closed_block(text: str) -> str:
    fence = text.find("```")
    begin = text.find("\n", fence + 3) + 1 if fence >= 0 else 0
    end = text.find("```", begin) if begin else -1
    if end >= 0:
        return text[begin:end]
    # Of a block that does not close all was taken, its fence included, which nothing could pass.
    opened = max(fence, text.find("~~~"))
    code = text.find("\n", opened) + 1 if opened >= 0 else 0
    return mended.first_block(text) if code and text[code:].strip() else text


def _python(fields: Mapping[str, Any], code: str) -> str:
    code = code.replace("```", "")
    name = _first(r"assert (.*?)\(.*?\)", fields["tests"])
    return code if name is None or name in code else fields["prompt"] + code


def _java(fields: Mapping[str, Any], code: str) -> str:
    name = _first(r"assert\((.*?)\(.*?\)\);\n", fields["tests"], re.DOTALL)
    static = code.find("public static ")
    declared = code.find(f" {name or function_name(fields)}(", static + len("public static "))
    if min(static, declared, code.find(")", declared)) < 0:
        code = f"{fields['prompt']}\n{code}"
    elif "class Problem" not in code:
        code = f"class Problem {{\n{code}"
    code = _without_block(code.replace("public class Problem", "class Problem"), "public static void main")
    surplus = code.count("{") - code.count("}")
    return _before_brace(code, 2 - surplus) if surplus in (0, 1) else code


def _cpp(fields: Mapping[str, Any], code: str) -> str:
    code = _without_block(code, "main()")
    code = mended.without_namespace(fields, code)
    return _before_brace(f"{code}\n", 1)


def _cs(fields: Mapping[str, Any], code: str) -> str:
    usings = [line for line in code.split("\n") if line.startswith("using")]
    name = _first(r"Debug.Assert\((.*?)\(.*?\)\)", fields["tests"], re.DOTALL)
    if f" {name or function_name(fields)}(" not in code:
        code = fields["prompt"] + code
    elif "class Problem" not in code:
        code = f"class Problem {{\n{code}"
        code += "}\n" * (code.count("{") - code.count("}"))
    lines = code.split("\n")
    found = _block(lines, "class Problem")
    code = "\n".join(lines[found[0] : found[1] + 1]) if found else code
    return "\n".join((*usings, _before_brace(_without_block(code, "static void Main"), 2)))


def _php(fields: Mapping[str, Any], code: str) -> str:
    code = code.replace("?>", "")
    # The first `function` of the prompt is often a word of its comment: then the prompt comes twice.
    name = _first(r"function (.*?)\(.*?\)", fields["prompt"], re.DOTALL)
    if f"function {name}" not in code:
        code = fields["prompt"] + code
    return code if "<?php" in code else f"<?php\n{code}"


def _script(fields: Mapping[str, Any], code: str) -> str:
    word = "function" if fields["language"] == "ts" else "function "
    return code if word in code else fields["prompt"] + code


def _sh(fields: Mapping[str, Any], code: str) -> str:
    if f"{'_'.join(fields['task_id'].split('_')[2:])}()" not in code:
        code = fields["prompt"] + code
    return _before_brace(code, 1)


_PUBLISHED: dict[str, Callable[[Mapping[str, Any], str], str]] = {
    "python": _python,
    "java": _java,
    "cpp": _cpp,
    "cs": _cs,
    "php": _php,
    "js": _script,
    "ts": _script,
    "sh": _sh,
}


def _first(pattern: str, text: str, flags: int = 0) -> str | None:
    found = re.search(pattern, text, flags)
    return found[1] if found else None


def _before_brace(code: str, number: int) -> str:
    """The lines before the `number`-th one from the end that is only a closing brace; where there are fewer,
    before the first of them, and nothing where there is none.
    """
    lines = code.split("\n")
    closing = [at for at, line in enumerate(lines) if line.strip() == "}"]
    return "\n".join(lines[: closing[-number:][0]] if closing else [])


def _without_block(code: str, word: str) -> str:
    """The code without the lines of the block that begins where the word stands."""
    lines = code.split("\n")
    found = _block(lines, word)
    return "\n".join(lines[: found[0]] + lines[found[1] + 1 :]) if found else code


def _block(lines: list[str], word: str) -> tuple[int, int] | None:
    """The first and the last line of what the word begins, by counting braces; None when they do not fit."""
    begin, depth = -1, 0
    for at, line in enumerate(lines):
        if word in line:
            begin = at
        if begin < 0:
            continue
        for char in line:
            depth += (char == "{") - (char == "}")
            if char == "}" and depth <= 0:
                return (begin, at) if depth == 0 else None
    return None
