"""Runs code that nobody trusts, and tells how far the walls and the verdict can be trusted."""

from evalsuite.sandbox.outcome import (
    CallResult,
    Calls,
    Capabilities,
    Died,
    Flavour,
    Integrity,
    Isolation,
    Limits,
    Outcome,
    Raised,
    Returned,
    Status,
    TimedOut,
)
from evalsuite.sandbox.probe import probe
from evalsuite.sandbox.sandbox import Sandbox
from evalsuite.sandbox.sqlite import Rows
from evalsuite.sandbox.toolchains import Toolchain, installed, languages
from evalsuite.sandbox.verdicts import VerdictCache
from evalsuite.sandbox.wire import Opaque, RemoteError

__all__ = [
    "CallResult",
    "Calls",
    "Capabilities",
    "Died",
    "Flavour",
    "Integrity",
    "Isolation",
    "Limits",
    "Opaque",
    "Outcome",
    "Raised",
    "RemoteError",
    "Returned",
    "Rows",
    "Sandbox",
    "Status",
    "TimedOut",
    "Toolchain",
    "VerdictCache",
    "installed",
    "languages",
    "probe",
]
