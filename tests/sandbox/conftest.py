"""One sandbox for a whole test module: starting a worker is the dear part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evalsuite.sandbox import Sandbox, probe


@pytest.fixture(scope="session", autouse=True)
def strong_machine() -> None:
    if probe().level != "strong":
        pytest.skip("this machine offers no strong isolation: " + "; ".join(probe().missing))


@pytest.fixture(scope="session")
def sandbox(strong_machine: None) -> Iterator[Sandbox]:
    with Sandbox(2) as made:
        yield made
