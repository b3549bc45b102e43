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

from evalsuite.types import Prompt, Sampling, Tool

KEY_HEX = 32


def digest(value: Any) -> str:
    """A short stable hash of plain data (dicts in any order, tuples like lists)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:KEY_HEX]


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
    `sampling` is a `sampling_digest`. A plain text prompt, the usual case, is hashed without building JSON.
    """
    head = f"{identity}\n{sampling}\n{repeat}\n"
    if isinstance(prompt, str) and not tools:
        body = "\0".join((prompt, *continuations)) if continuations else prompt
        return sha256(
            f"{head}{len(continuations)}\n{len(prompt)}\n{body}".encode("utf-8", "surrogatepass")
        ).hexdigest()[:KEY_HEX]
    parts = [prompt if isinstance(prompt, str) else [asdict(message) for message in prompt]]
    return digest([head, parts, list(continuations), [asdict(tool) for tool in tools]])


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"a key cannot rest on a {type(value).__name__}")
