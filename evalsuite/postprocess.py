"""Pure functions from an answer's text to the part that counts, by the names that configs use.

`None` means that nothing could be extracted; the score then says so instead of guessing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from evalsuite.registry import resolve

Postprocessor = Callable[..., "str | None"]

_FENCE = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b", re.IGNORECASE)


def general(text: str) -> str:
    """The first line or sentence, without punctuation and articles (OpenCompass's `general`)."""
    first = re.split(r"[\n.,]", text, maxsplit=1)[0]
    first = re.sub(r"[^\w\s]", "", first)
    return re.sub(r"\s+", " ", _ARTICLES.sub("", first)).strip()


def first_capital(text: str) -> str | None:
    """The first capital letter."""
    return next((letter for letter in text if letter.isupper()), None)


def last_capital(text: str) -> str | None:
    """The last capital letter."""
    return next((letter for letter in reversed(text) if letter.isupper()), None)


def first_option(text: str, options: str = "ABCD") -> str | None:
    """The option letter that an answer commits to, else the first that stands alone."""
    letter = rf"[*(\[（\s]{{0,8}}(?:\\boxed\{{)?([{re.escape(options)}])(?![A-Za-z0-9_])"
    verb = r"\s*(?:(?i:is|would be|should be)\b\s*:?|:)"
    not_judged = r"(?!\s+(?:is|are|was)\b(?!\s+(?i:correct|right)))"  # "option A is wrong" chooses nothing
    said = without_reasoning(text)
    for pattern in (
        rf"(?i:\banswer)(?:\s+to[^.\n:]{{0,80}}?)?{verb}\s*(?i:option\b)?{letter}",
        rf"(?i:\b(?:choice|option))(?:{verb})?{letter}{not_judged}",
        rf"答案(?:应该|应当|应)?(?:是|为|选)?(?:选项)?\s*[:：]?{letter}",
        rf"(?:选项|选择|选)\s*[:：]?{letter}",
        rf"^{letter}",
        rf"(?<![A-Za-z0-9_]){letter}",
    ):
        found = re.search(pattern, said)
        if found:
            return found[1]
    return None


def last_option(text: str, options: str = "ABCD") -> str | None:
    """The last option letter that stands alone."""
    found = re.findall(rf"(?<![A-Za-z0-9_])([{re.escape(options)}])(?![A-Za-z0-9_])", text)
    return found[-1] if found else None


def first_number(text: str) -> str | None:
    """The first number, without thousands separators."""
    found = _NUMBER.search(text)
    return found[0].replace(",", "") if found else None


def last_number(text: str) -> str | None:
    """The last number, without thousands separators."""
    found = _NUMBER.findall(text)
    return found[-1].replace(",", "") if found else None


def first_fence(text: str) -> str:
    """The content of the first code fence, else the whole text."""
    found = _FENCE.search(text)
    return found[1] if found else text


def strip(text: str) -> str:
    """The text without blanks around it."""
    return text.strip()


def without_reasoning(text: str, think_start: str = "<think>", think_end: str = "</think>") -> str:
    """What follows the reasoning block; a block that never ends leaves nothing."""
    if think_end in text:
        return text.rpartition(think_end)[2].strip()
    return "" if think_start in text else text


def match_pattern(text: str, answer_pattern: str) -> str | None:
    """The first group of a pattern given in the config."""
    found = re.search(answer_pattern, text)
    return (found[1] if found.groups() else found[0]) if found else None


NAMES: Mapping[str, Postprocessor] = {
    "general": general,
    "general_postprocess": general,
    "first-capital": first_capital,
    "first_capital_postprocess": first_capital,
    "last-capital": last_capital,
    "last_capital_postprocess": last_capital,
    "first_option_postprocess": first_option,
    "last_option_postprocess": last_option,
    "first_number": first_number,
    "first_number_postprocess": first_number,
    "last_number": last_number,
    "first_fence": first_fence,
    "strip": strip,
    "extract-non-reasoning-content": without_reasoning,
    "extract_non_reasoning_content": without_reasoning,
    "match_answer_pattern": match_pattern,
}


def postprocessor(config: Mapping[str, Any] | None) -> Callable[[str], str | None]:
    """The function that a `pred_postprocessor` dict means; its other keys are the function's arguments."""
    if not config:
        return lambda text: text
    name = str(config["type"])
    keywords = {key: value for key, value in config.items() if key != "type"}
    function = NAMES.get(name) or NAMES.get(re.split(r"[.:]", name)[-1]) or resolve(name, "postprocessors")
    return lambda text: function(text, **keywords)
