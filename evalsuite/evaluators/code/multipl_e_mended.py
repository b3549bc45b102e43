"""The code of a chat answer to MultiPL-E, its function found as the language declares it. Pure functions.

What an answer lacks before its tests (the prompt, the class) is put there, and what the tests bring with them
(a main program, the last closing brackets) is taken away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from evalsuite.evaluators.code.fences import blocks
from evalsuite.evaluators.code.multipl_e_text import function_name, has_helpers

_JAVA_MAIN = re.compile(r"public\s+static\s+void\s+main\s*\(")
_CPP_MAIN = re.compile(r"^[ \t]*(?:signed|int|void|auto)\s+main\s*\(", re.MULTILINE)
_CS_MAIN = re.compile(r"(?:public\s+)?(?:static\s+)(?:async\s+)?(?:void|int|Task)\s+Main\s*\(")
_RUST_MAIN = re.compile(r"^[ \t]*(?:pub\s+)?fn\s+main\s*\(", re.MULTILINE)
_GO_MAIN = re.compile(r"^func\s+main\s*\(", re.MULTILINE)


def code(fields: Mapping[str, Any], text: str) -> str:
    """The code of an answer, ready for the tests to follow."""
    return _OF_LANGUAGE[fields["language"]](fields, first_block(text))


def first_block(text: str) -> str:
    """The first fenced block, one that does not close included; else the text, up to a fence at its end."""
    fence = text.find("```")
    begin = text.find("\n", fence) + 1 if fence >= 0 else 0
    if fence >= 0 and not text[fence:].strip("` \n"):  # it closes what the question opened
        return text[:fence]
    if begin:
        end = text.find("```", begin)
        return text[begin:end] if end >= 0 else text[begin:]
    return next((block.code for block in blocks(text)), text)


def _drop_closing(code: str, number: int) -> str:
    """The code without what follows (and is) its `number`-th line from the end that is only a closing
    bracket.
    """
    lines = code.split("\n")
    closing = [at for at, line in enumerate(lines) if line.strip() == "}"]
    if len(closing) < number:
        return code
    return "\n".join(lines[: closing[-number]])


def _without_main(code: str, opening: re.Pattern[str]) -> str:
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


def _python(fields: Mapping[str, Any], code: str) -> str:
    code = code.replace("```", "")
    whole = re.search(rf"def\s+{re.escape(function_name(fields))}\b", code)
    if not whole or not has_helpers(fields, code):
        code = f"{fields['prompt']}\n{code}"
    return code


def _declares(line: str, name: str) -> bool:
    """Whether a line of Java declares the public function, looked at once however long it is."""
    static = re.search(r"public\s+static\s", line)
    before, bracket, _ = line[static.end() :].partition("(") if static else ("", "", "")
    return bool(bracket) and re.split(r"\W", before.rstrip())[-1] == name


def _java(fields: Mapping[str, Any], code: str) -> str:
    if not any(_declares(line, function_name(fields)) for line in code.split("\n")):
        code = f"{fields['prompt']}\n{code}"
    elif not re.search(r"\bclass\s+Problem\b", code):
        imports = [line for line in code.split("\n") if line.startswith("import ")]
        rest = [line for line in code.split("\n") if not line.startswith("import ")]
        code = "\n".join((*imports, "class Problem {", *rest))
    code = code.replace("public class Problem", "class Problem")
    code = _without_main(code, _JAVA_MAIN)
    surplus = code.count("{") - code.count("}")
    return _drop_closing(code, 2 - surplus) if surplus in (0, 1) else code


def without_namespace(fields: Mapping[str, Any], code: str) -> str:
    """C++ without the words that make the tests' names mean something else; two problems are left alone."""
    number = re.search(r"HumanEval_(\d+)_", fields["task_id"])
    kept = number is not None and number[1] in ("147", "159")
    return code if kept else code.replace("using namespace std;", "")


def _cpp(fields: Mapping[str, Any], code: str) -> str:
    code = _without_main(code, _CPP_MAIN)
    code = without_namespace(fields, code)
    if not re.search(rf"\b{re.escape(function_name(fields))}\s*\(", code):
        code = f"{fields['prompt']}\n{code}"
    return _drop_closing(code, 1)


def _cs(fields: Mapping[str, Any], code: str) -> str:
    if f" {function_name(fields)}(" not in code:
        code = f"{fields['prompt']}\n{code}"
    lines = code.split("\n")
    usings = [line for line in lines if line.startswith("using ") and "(" not in line]
    rest = "\n".join(line for line in lines if line not in usings)
    if not re.search(r"^[ \t]*(?:\w+[ \t]+){0,3}class\s+\w+", rest, re.MULTILINE):
        rest = f"class Problem {{\n{rest}\n}}"
    rest = _without_main(rest, _CS_MAIN)
    rest = _drop_closing(rest, 2 if rest.count("{") == rest.count("}") else 1)
    return "\n".join((*usings, rest))


def _php(fields: Mapping[str, Any], code: str) -> str:
    code = code.replace("?>", "")
    if not re.search(rf"function\s+&?{re.escape(function_name(fields))}\s*\(", code):
        code = f"{fields['prompt']}\n{code}"
    return code if "<?php" in code else f"<?php\n{code}"


def _script(fields: Mapping[str, Any], code: str) -> str:
    marker = "function" if fields["language"] == "ts" else "function "
    return code if marker in code else f"{fields['prompt']}\n{code}"


def _sh(fields: Mapping[str, Any], code: str) -> str:
    if f"{function_name(fields)}()" not in code.replace(" ()", "()"):
        code = f"{fields['prompt']}\n{code}"
    return _drop_closing(code, 1)


def _rust(fields: Mapping[str, Any], code: str) -> str:
    code = _without_main(code, _RUST_MAIN)
    if not re.search(rf"fn\s+{re.escape(function_name(fields))}\b", code):
        code = f"{fields['prompt']}\n{code}"
    return _drop_closing(code, 1)


def _go(fields: Mapping[str, Any], code: str) -> str:
    code = _without_main(code, _GO_MAIN)
    package, _, _ = fields["prompt"].partition("\n")
    if not re.search(rf"func\s+{re.escape(function_name(fields))}\b", code):
        return f"{fields['prompt']}\n{code}"
    code = re.sub(r"^package\s+\w+[ \t]*\n", "", code, count=1, flags=re.MULTILINE)
    wanted = [name for name in ('"testing"', '"fmt"') if name not in code]
    return "\n".join((package, *(f"import {name}" for name in wanted), code))


_OF_LANGUAGE: dict[str, Callable[[Mapping[str, Any], str], str]] = {
    "python": _python,
    "java": _java,
    "cpp": _cpp,
    "cs": _cs,
    "php": _php,
    "js": _script,
    "ts": _script,
    "sh": _sh,
    "rs": _rust,
    "go": _go,
}
