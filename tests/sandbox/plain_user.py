"""Runs a program of the tests as a user without rights, when the tests themselves run as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USER = 4242  # of nobody


def as_plain_user(program: Path, *arguments: str) -> list[str]:
    """What the program printed, line by line; it sees this checkout, and a home of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    python = _python_for_others()
    if python is None:
        pytest.skip("no Python of 3.10 or newer that another user may run")
    if not _may_reach(ROOT / "evalsuite"):
        pytest.skip("another user may not read this checkout")
    with tempfile.TemporaryDirectory(prefix="evalsuite-home-") as home:
        os.chown(home, USER, USER)
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": home}
        tools = os.environ.get("EVALSUITE_TOOLS")
        if tools and _may_reach(Path(tools)):
            environment["EVALSUITE_TOOLS"] = tools
        done = subprocess.run(
            [python, "-B", str(program), *arguments],
            user=USER, group=USER, extra_groups=[], cwd="/", capture_output=True, text=True, check=False,
            env=environment,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _python_for_others() -> str | None:
    """An interpreter that another user may run, new enough for the package."""
    for name in (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin"), "/usr/bin/python3"):
        if not name or not _may_reach(Path(os.path.realpath(name))):
            continue
        done = subprocess.run(
            [name, "-c", "import sys; sys.exit(sys.version_info < (3, 10))"],
            user=USER, group=USER, extra_groups=[], cwd="/", env={"PATH": os.defpath}, check=False,
            capture_output=True,
        )  # fmt: skip
        if done.returncode == 0:
            return name
    return None


def _may_reach(path: Path) -> bool:
    return path.exists() and all(place.stat().st_mode & 0o001 for place in (path, *path.parents))
