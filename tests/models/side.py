"""Where the side environments are: engines and peers that do not fit beside ours (tools/side_env.sh)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def side_python(name: str) -> str:
    """The interpreter of a side environment; without it a test skips, or fails where it is required."""
    variable = f"EVALSUITE_{name.upper()}_PYTHON"
    python = os.environ.get(variable) or str(ROOT / f".venv-{name}" / "bin" / "python")
    if not Path(python).exists():
        words = f"no side environment '{name}': tools/side_env.sh {name}, or {variable}=PYTHON"
        if os.environ.get("EVALSUITE_REQUIRE_ENGINES") == "1":
            pytest.fail(words)
        pytest.skip(words)
    return python
