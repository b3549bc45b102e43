"""Small files written whole or not at all, names that are safe in a path, and hashes of what lies on disk."""

from __future__ import annotations

import json
import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

_UNSAFE = re.compile(r"[^\w.+=-]")
_WINDOW = 1 << 16
_WINDOWS = 16
# A file name has 255 bytes at most; what is put around an abbr (a queue's word, a hash, the marks of a file
# that is not yet whole) takes fewer than 55.
LONGEST_ABBR = 200


def safe_name(name: str) -> str:
    """A file name for an abbr: what a path cannot hold becomes `_`; two names never become one."""
    safe = _UNSAFE.sub("_", name)
    if safe == name and not name.startswith("."):
        return name
    return f"{safe.lstrip('.')}-{sha256(name.encode()).hexdigest()[:6]}"


def brief_name(name: str, limit: int = 40) -> str:
    """A safe name of so many bytes at most: names of task files are made of several, and have an end."""
    safe = safe_name(name)
    if len(safe.encode()) <= limit:
        return safe
    head = safe.encode()[: limit - 7].decode(errors="ignore")
    return f"{head}_{sha256(name.encode()).hexdigest()[:6]}"


def write_atomic(path: Path, text: str) -> None:
    """Replace a file's content in one step: a reader (or a crash) sees the old or the new, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(3).hex()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any, *, indent: int | None = 1) -> None:
    """Write plain data atomically as JSON."""
    write_atomic(path, json.dumps(value, ensure_ascii=False, indent=indent) + "\n")


def read_json(path: Path, default: Any = None) -> Any:
    """The plain data of a JSON file, or the default when it does not exist or is torn."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return default


def file_sha256(path: Path) -> str:
    """The sha256 of a file's content, read in pieces."""
    hasher = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            hasher.update(piece)
    return hasher.hexdigest()


def folder_fingerprint(folder: Path) -> str:
    """What identifies a checkpoint folder: its small files whole, its large ones by samples.

    A retrained model under the same path gets another fingerprint, since its weights differ in the windows
    that are read; a copied one keeps its own, since times do not count.
    """
    hasher = sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
        size = path.stat().st_size
        hasher.update(f"{path.relative_to(folder)}\0{size}\0".encode())
        with path.open("rb") as file:
            if size <= _WINDOW * _WINDOWS:
                hasher.update(file.read())
                continue
            for step in range(_WINDOWS):
                file.seek(step * (size - _WINDOW) // (_WINDOWS - 1))
                hasher.update(file.read(_WINDOW))
    return hasher.hexdigest()[:32]
