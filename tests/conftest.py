"""Fixtures that every room shares: where benchmark files and replayed answers lie, when they are here."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Machines are shared: how long an example takes says nothing about whether it is right.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

# A shell that starts the tests in the background, or nohup, makes all that they start ignore these two. What
# they start does not inherit a handler, so that it stops as it does at a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda number, frame: None)

PATIENCE_OF_LONG_TESTS_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A long test on a busy machine is no hang yet."""
    for item in items:
        long = item.get_closest_marker("slow") or item.get_closest_marker("truth")
        if long and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(PATIENCE_OF_LONG_TESTS_S))


ROOT = Path(__file__).resolve().parents[1]


def _folder(variable: str, beside: str) -> Path:
    named = os.environ.get(variable)
    folder = Path(named) if named else ROOT.parent / "shared" / beside
    if not folder.is_dir():
        pytest.skip(f"no {beside} files here (set {variable} to a folder that has them)")
    return folder


@pytest.fixture(scope="session")
def bench_data() -> Path:
    """The folder of benchmark problem files."""
    return _folder("EVALSUITE_DATA", "data")


@pytest.fixture(scope="session")
def replay_data() -> Path:
    """The folder of real model answers with published verdicts."""
    return _folder("EVALSUITE_REPLAY", "replay")
