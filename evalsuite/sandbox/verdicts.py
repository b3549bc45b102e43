"""Verdicts kept by content: the same program, toolchain and limits need not run twice."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from evalsuite.sandbox.outcome import Outcome

_log = logging.getLogger(__name__)
_KEPT = ("pass", "fail", "compile_error")


class VerdictCache:
    """A folder of outcomes named by the hash of all that determines them.

    Only verdicts that a program reached by itself are kept: never a time-out, a memory limit, a crash or a
    fault of the harness, which may come out otherwise the next time.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    @staticmethod
    def key(**parts: Any) -> str:
        """The name of a verdict: everything that it depends on, by value."""
        text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.json"

    def get(self, key: str) -> Outcome | None:
        """A kept outcome; None when there is none, or when what is there is not one."""
        try:
            row = json.loads(self._path(key).read_text(encoding="utf-8"))
            row["tests"] = None if row["tests"] is None else tuple(row["tests"])
            outcome = Outcome(**row)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return outcome if outcome.status in _KEPT else None

    def put(self, key: str, outcome: Outcome) -> None:
        """Keep an outcome if it is of a kind that will come out the same again."""
        if outcome.status not in _KEPT:
            return
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(dataclasses.asdict(outcome), file)
            Path(name).replace(path)
        except OSError as error:
            _log.warning("a verdict is not kept in %s: %s", self.folder, error)
