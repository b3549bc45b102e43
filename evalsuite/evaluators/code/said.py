"""What a model said, freed of what is no part of its answer: thoughts, and tokens around its turn."""

from __future__ import annotations

import re

_THOUGHT_END = re.compile(r"</(?:think|thinking|thought|reasoning)>")
_OPEN_THOUGHT = re.compile(r"^[ \t]*<(think|thinking|thought|reasoning)>", re.MULTILINE)
_TURN_BEGIN = re.compile(r"\s*<\|im_start\|>assistant\n|\s*<\|assistant\|>\n?")
_TURN_END = re.compile(
    r"<\|(?:im_end|im_start|endoftext|endofmask|eot_id|end_of_text|end_of_turn|end|EOT)\|>"
    r"|<end_of_turn>|<｜end▁of▁sentence｜>"
)


def said(text: str) -> str:
    """The answer in a model's text, up to the token that ends its turn, with line feeds for ends of lines.

    A thought that never ends has no answer behind it. Where the prompt opened the thought, only its end is
    in the text.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    text = _TURN_BEGIN.sub("", text, count=1) if _TURN_BEGIN.match(text) else text
    text = _without_closed_thoughts(text)
    end = _THOUGHT_END.search(text)
    if end:
        text = text[end.end() :]
    for pattern in (_OPEN_THOUGHT, _TURN_END):
        found = pattern.search(text)
        if found:
            text = text[: found.start()]
    return text


def _without_closed_thoughts(text: str) -> str:
    """The text without thoughts that have an end; in one pass, however many have none."""
    pieces: list[str] = []
    done = 0
    endless: set[str] = set()
    for found in _OPEN_THOUGHT.finditer(text):
        if found.start() < done or found[1] in endless:
            continue
        mark = f"</{found[1]}>"
        end = text.find(mark, found.end())
        if end < 0:
            endless.add(found[1])
            continue
        pieces.append(text[done : found.start()])
        done = end + len(mark)
    pieces.append(text[done:])
    return "".join(pieces)
