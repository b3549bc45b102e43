"""MultiPL-E programs from answers, language by language: base continuations and chat answers. Pure functions.

The rules are those of Qwen's evaluation: a continuation ends at the stop strings of the language's first row,
a chat answer is its first fenced block, and the tests follow on a new line.
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
_CHAT_CPP_HEADERS = (
    *("stdlib.h", "algorithm", "cmath", "math.h", "numeric", "stdio.h", "vector", "set", "map", "queue"),
    *("stack", "list", "deque", "string", "climits", "cstring", "iostream", "sstream", "fstream"),
    *("boost/any.hpp", "cassert", "unordered_map", "unordered_set"),
)
_CHAT_JAVA_IMPORTS = (
    *("java.util.*", "java.lang.reflect.*", "org.javatuples.*", "java.security.*", "java.math.*"),
    *("java.io.*", "java.util.stream.*"),
)
_CHAT_CS_USINGS = (
    *("System", "System.Numerics", "System.Diagnostics", "System.Collections.Generic", "System.Linq"),
    *("System.Text", "System.Security.Cryptography", "System.Text.RegularExpressions"),
)
_CHAT_PYTHON_IMPORTS = (
    *("import math", "import re", "import sys", "import copy", "import datetime", "import itertools"),
    *("import collections", "import heapq", "import statistics", "import functools", "import hashlib"),
    *("import numpy", "import numpy as np", "import string", "from typing import *"),
    "from collections import *",
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
    return re.search(pattern.replace("NAME", re.escape(_name(fields))), text, re.MULTILINE) is not None


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


def chat_code(text: str) -> str:
    """The first fenced block, one that does not close included; else the whole text."""
    fence = text.find("```")
    begin = text.find("\n", fence) + 1 if fence >= 0 else 0
    if begin:
        end = text.find("```", begin)
        return text[begin:end] if end >= 0 else text[begin:]
    return next((block.code for block in blocks(text)), text)


def chat_program(fields: Mapping[str, Any], text: str) -> str:
    """The whole program of a chat answer."""
    maker = _CHAT.get(fields["language"], _chat_plain)
    return f"{maker(fields, chat_code(text))}\n{fields['tests']}"


def _drop_closing(code: str, number: int) -> str:
    """The code without what follows (and is) its `number`-th line from the end that is only a closing
    bracket.
    """
    lines = code.split("\n")
    closing = [at for at, line in enumerate(lines) if line.strip() == "}"]
    if len(closing) < number:
        return code
    return "\n".join(lines[: closing[-number]])


def _without_block(code: str, opening: re.Pattern[str]) -> str:
    """The code without the brace-balanced block that begins where `opening` matches."""
    found = opening.search(code)
    if not found:
        return code
    depth = 0
    begun = False
    for at in range(found.start(), len(code)):
        if code[at] == "{":
            depth += 1
            begun = True
        elif code[at] == "}":
            depth -= 1
            if begun and depth == 0:
                return code[: found.start()] + code[at + 1 :]
    return code[: found.start()]


def _name(fields: Mapping[str, Any]) -> str:
    return signature(fields).split(" ")[-1]


def _chat_python(fields: Mapping[str, Any], code: str) -> str:
    code = code.replace("```", "")
    if not re.search(rf"def\s+{re.escape(_name(fields))}\b", code):
        code = f"{fields['prompt']}\n{code}"
    return "\n".join(_CHAT_PYTHON_IMPORTS) + "\n" + code


_JAVA_MAIN = re.compile(r"[ \t]*public\s+static\s+void\s+main\s*\(")
_CPP_MAIN = re.compile(r"^[ \t]*(?:signed|int|void|auto)\s+main\s*\(", re.MULTILINE)
_CS_MAIN = re.compile(r"[ \t]*(?:public\s+)?(?:static\s+)(?:async\s+)?(?:void|int|Task)\s+Main\s*\(")
_RUST_MAIN = re.compile(r"^[ \t]*(?:pub\s+)?fn\s+main\s*\(", re.MULTILINE)


def _chat_java(fields: Mapping[str, Any], code: str) -> str:
    if not re.search(rf"public\s+static\s[^(\n]*\b{re.escape(_name(fields))}\s*\(", code):
        code = f"{fields['prompt']}\n{code}"
    elif not re.search(r"\bclass\s+Problem\b", code):
        imports = [line for line in code.split("\n") if line.startswith("import ")]
        rest = [line for line in code.split("\n") if not line.startswith("import ")]
        code = "\n".join((*imports, "class Problem {", *rest))
    code = code.replace("public class Problem", "class Problem")
    code = _without_block(code, _JAVA_MAIN)
    surplus = code.count("{") - code.count("}")
    if surplus == 0:
        code = _drop_closing(code, 2)
    elif surplus == 1:
        code = _drop_closing(code, 1)
    return "\n".join(f"import {name};" for name in _CHAT_JAVA_IMPORTS) + "\n" + code


def _chat_cpp(fields: Mapping[str, Any], code: str) -> str:
    code = _without_block(code, _CPP_MAIN)
    number = re.search(r"HumanEval_(\d+)_", fields["task_id"])
    if number is None or number[1] not in ("147", "159"):
        code = code.replace("using namespace std;", "")
    if not re.search(rf"\b{re.escape(_name(fields))}\s*\(", code):
        code = f"{fields['prompt']}\n{code}"
    missing = [
        f"#include<{name}>"
        for name in _CHAT_CPP_HEADERS
        if f"#include<{name}>" not in code and f"#include <{name}>" not in code
    ]
    return "\n".join(missing) + "\n" + _drop_closing(code, 1)


def _chat_cs(fields: Mapping[str, Any], code: str) -> str:
    name = _name(fields)
    lines = code.split("\n")
    usings = [line for line in lines if line.startswith("using ") and "(" not in line]
    rest = "\n".join(line for line in lines if line not in usings)
    if f" {name}(" not in rest:
        rest = f"{fields['prompt']}\n{rest}"
        usings = []
    elif not re.search(r"\bclass\s+\w+", rest):
        rest = f"class Problem {{\n{rest}\n}}"
    rest = _without_block(rest, _CS_MAIN)
    if rest.count("{") == rest.count("}"):
        rest = _drop_closing(rest, 2)
    else:
        rest = _drop_closing(rest, 1)
    known = [f"using {each};" for each in _CHAT_CS_USINGS]
    return "\n".join((*known, *(line for line in usings if line.strip() not in known), rest))


def _chat_php(fields: Mapping[str, Any], code: str) -> str:
    code = code.replace("?>", "")
    if f"function {_name(fields)}" not in code:
        code = f"{fields['prompt']}\n{code}"
    return code if "<?php" in code else f"<?php\n{code}"


def _chat_script(fields: Mapping[str, Any], code: str) -> str:
    marker = "function" if fields["language"] == "ts" else "function "
    return code if marker in code else f"{fields['prompt']}\n{code}"


def _chat_sh(fields: Mapping[str, Any], code: str) -> str:
    if f"{_name(fields)}()" not in code.replace(" ()", "()"):
        code = f"{fields['prompt']}\n{code}"
    return _drop_closing(code, 1)


def _chat_rust(fields: Mapping[str, Any], code: str) -> str:
    code = _without_block(code, _RUST_MAIN)
    if not re.search(rf"fn\s+{re.escape(_name(fields))}\b", code):
        code = f"{fields['prompt']}\n{code}"
    return _drop_closing(code, 1)


def _chat_go(fields: Mapping[str, Any], code: str) -> str:
    code = _without_block(code, re.compile(r"^func\s+main\s*\(", re.MULTILINE))
    package, _, _ = fields["prompt"].partition("\n")
    if not re.search(rf"func\s+{re.escape(_name(fields))}\b", code):
        return f"{fields['prompt']}\n{code}"
    code = re.sub(r"^package\s+\w+[ \t]*\n", "", code, count=1, flags=re.MULTILINE)
    wanted = [name for name in ('"testing"', '"fmt"') if name not in code]
    return "\n".join((package, *(f"import {name}" for name in wanted), code))


def _chat_plain(fields: Mapping[str, Any], code: str) -> str:
    return code


_CHAT = {
    "python": _chat_python,
    "java": _chat_java,
    "cpp": _chat_cpp,
    "cs": _chat_cs,
    "php": _chat_php,
    "js": _chat_script,
    "ts": _chat_script,
    "sh": _chat_sh,
    "rs": _chat_rust,
    "go": _chat_go,
}


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


_STR_SPLIT = re.compile(r"(?<![\w$>:])str_split(?=\s*\(|['\"])", re.IGNORECASE)
_OLD_STR_SPLIT = (
    "\nfunction str_split_before_8_2($text, $length = 1) {\n"
    '    return str_split($text, $length) ?: [""];\n}\n'
)


def splits_texts(source: str) -> bool:
    """Whether a PHP program uses the function that gives something else for an empty text since PHP 8.2."""
    return _STR_SPLIT.search(source) is not None


def before_php_8_2(source: str) -> str:
    """The PHP program as an older PHP would run it, as far as splitting an empty text goes."""
    code = _STR_SPLIT.sub("str_split_before_8_2", source.removesuffix("?>"))
    return f"{code}{_OLD_STR_SPLIT}?>"


TS_NEWER_LIBRARY = re.compile(
    r"\.(?:includes|entries|values|padStart|padEnd|flat|flatMap|fromEntries|trimStart|trimEnd|trimLeft"
    r"|trimRight|matchAll|replaceAll|at|findLast|findLastIndex|toSorted|toReversed|toSpliced|with|hasOwn"
    r"|allSettled|any|finally|description|groups|getOwnPropertyDescriptors|exec|match|global)\b"
    r"|\b(?:BigInt|bigint|Intl|WeakRef|SharedArrayBuffer|Atomics|globalThis|async|await)\b|\d+n\b"
    r"|/[a-z]*[suyvd][a-z]*[\s.,;)]|\(\?[<!=]|\*\*"
)


_OF_NUMERICS = re.compile(r"\b(?:BigInteger|Complex)\b")


def uses_numerics(source: str) -> bool:
    """Whether a C# program names a type of the assembly System.Numerics."""
    return _OF_NUMERICS.search(source) is not None


def needs_published_library(source: str) -> bool:
    """Whether a TypeScript program might use something that ES2015's library does not have."""
    return TS_NEWER_LIBRARY.search(source) is not None
