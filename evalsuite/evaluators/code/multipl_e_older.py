"""MultiPL-E programs as the toolchains of the published figures took them, as far as verdicts depend on it.

Base models were judged with PHP 8.1 and by a TypeScript library of 2015, chat models with PHP 7.4 and Java 8.
Pure functions.
"""

from __future__ import annotations

import re

_STR_SPLIT = re.compile(r"(?<![\w$>:])str_split(?=\s*\(|['\"])", re.IGNORECASE)
_OLD_STR_SPLIT = (
    "\nfunction str_split_before_8_2($text, $length = 1) {\n"
    '    return str_split($text, $length) ?: [""];\n}\n'
)
_PHP_8_FUNCTION = re.compile(
    r"(?<![\w$>:])(str_contains|str_starts_with|str_ends_with|fdiv|get_debug_type|array_is_list)(?=\s*\()",
    re.IGNORECASE,
)
_PHP_8_SYNTAX = re.compile(r"(?<![\w$>:])match(?=\s*\([^;{}]*\)\s*\{)|\?->", re.IGNORECASE)


def older_php(source: str, version: str) -> str:
    """The PHP program as the version would run it: what came later is unknown to it, and before 8.2
    `str_split("")` holds one empty text.
    """
    code = source
    if version == "7.4":
        code = _PHP_8_SYNTAX.sub(" since_8 since_8 ", code)
        code = _PHP_8_FUNCTION.sub(lambda name: _unknown(name[0], source), code)
    split = _STR_SPLIT.sub("str_split_before_8_2", code)
    return code if split == code else f"{split.removesuffix('?>')}{_OLD_STR_SPLIT}?>"


def _unknown(name: str, source: str) -> str:
    """A name that no function has, unless the program brings a function of this name itself."""
    return name if re.search(rf"function\s+{name}\b", source, re.IGNORECASE) else f"{name}_since_8"


_TS_NEWER_LIBRARY = re.compile(
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
    return _TS_NEWER_LIBRARY.search(source) is not None
