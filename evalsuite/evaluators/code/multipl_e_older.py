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
# A `match` is near its brace: searched for without bound, a word repeated often would take for ever.
_PHP_8_SYNTAX = re.compile(
    r"(?<![\w$>:])(?<!function )match(?=\s{0,9}\([^;{}]{0,300}\)\s{0,99}\{)|\?->", re.IGNORECASE
)
_PHP_DEFINED = re.compile(r"function\s+(\w+)", re.IGNORECASE)


def older_php(source: str, version: str) -> str:
    """The PHP program as the version would run it: what came later is unknown to it, unless the program
    brings a function of that name, and before 8.2 `str_split("")` holds one empty text.
    """
    code = source
    if version == "7.4":
        code = _PHP_8_SYNTAX.sub(" since_8 since_8 ", code)
        own = {name.lower() for name in _PHP_DEFINED.findall(source)}
        code = _PHP_8_FUNCTION.sub(
            lambda name: name[0] if name[0].lower() in own else f"{name[0]}_since_8", code
        )
    split = _STR_SPLIT.sub("str_split_before_8_2", code)
    return code if split == code else f"{split.removesuffix('?>')}{_OLD_STR_SPLIT}?>"


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
