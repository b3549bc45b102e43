"""Content keys: what determines an answer, and nothing else, as one short hash.

Resume and reuse match keys, never file names or line counts: a changed prompt is a new request, an unchanged
one is never paid for twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from evalsuite.types import Message, Prompt, Sampling, Tool

KEY_HEX = 32


def digest(value: Any) -> str:
    """A short stable hash of plain data (dicts in any order, tuples like lists)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return _hash(text)


def sampling_digest(sampling: Sampling) -> str:
    """The part of a key that a dataset's requests share; computed once for many requests."""
    return digest(asdict(sampling))


def request_key(
    identity: str,
    prompt: Prompt,
    sampling: str,
    repeat: int,
    continuations: Sequence[str] = (),
    tools: Sequence[Tool] = (),
) -> str:
    """The content key of one request.

    `identity` stands for the model (path, revision, template, engine options that change its answers) and
    `sampling` is a `sampling_digest`. Texts and messages of texts, the usual cases, are hashed as they lie:
    every piece behind its length, so that no two requests can read the same.
    """
    head = f"{identity}\n{sampling}\n{repeat}\n"
    if not tools and (isinstance(prompt, str) or all(map(_is_plain, prompt))):
        tails = "".join([f"{len(text)}\n{text}" for text in continuations])
        if isinstance(prompt, str):
            return _hash(f"{head}{len(continuations)}\n{len(prompt)}\n{prompt}{tails}")
        turns = "".join(
            [f"{len(turn.role)}\n{turn.role}{len(turn.content)}\n{turn.content}" for turn in prompt]
        )
        return _hash(f"{head}{len(prompt)} messages\n{len(continuations)}\n{turns}{tails}")
    said = prompt if isinstance(prompt, str) else [_spelled_out(message) for message in prompt]
    return digest([head, said, list(continuations), [asdict(tool) for tool in tools]])


def _is_plain(message: Message) -> bool:
    """Whether a message is nothing but a role and a text."""
    return isinstance(message.content, str) and not message.tool_calls and not message.tool_call_id


def _spelled_out(message: Message) -> list[Any]:
    """A message as plain data; a picture and a sound differ even where they come from the same place."""
    parts: Any = message.content
    if not isinstance(parts, str):
        parts = [[type(part).__name__, asdict(part)] for part in parts]
    return [message.role, parts, [asdict(call) for call in message.tool_calls], message.tool_call_id]


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:KEY_HEX]


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"a key cannot rest on a {type(value).__name__}")
