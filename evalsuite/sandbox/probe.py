"""What isolation this machine offers, found by raising each wall for real in a process of its own."""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import replace

from evalsuite.sandbox import interpreter, seccomp
from evalsuite.sandbox.harness import WorkerLost
from evalsuite.sandbox.outcome import Capabilities, Isolation
from evalsuite.sandbox.worker import Kind, Worker

_HINTS = {
    "userns": "allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0; in Docker: --security-opt seccomp=unconfined)",
    "tmpfs": "allow mounts inside user namespaces (in Docker: --security-opt apparmor=unconfined)",
    "mntns": "let the worker read the Python installation",
    "landlock": "a kernel of 5.13 or newer with Landlock",
}


@functools.lru_cache(maxsize=1)
def probe() -> Capabilities:
    """The best isolation level of this machine, with what stands and what is missing. Cached."""
    machine, release = os.uname().machine, os.uname().release
    if not sys.platform.startswith("linux"):
        return Capabilities("weak", (), ("Linux",), machine, release)
    missing: list[str] = []
    levels: tuple[Isolation, ...] = ("strong", "medium", "weak")
    if not seccomp.supported(machine):
        missing.append(f"seccomp: strong and medium need x86_64, this is {machine}")
        levels = ("weak",)
    found = interpreter.find()
    for level in levels:
        worker = Worker(Kind(found, level=level))
        try:
            worker.start(probe=True)
        except (WorkerLost, OSError) as error:
            reason = str(error)
            hint = _HINTS.get(reason.partition(":")[0].split(" ")[0], "")
            missing.append(f"{level}: {reason}" + (f" ({hint})" if hint else ""))
            continue
        worker.close()
        if level == "strong" and "proc" not in worker.layers:
            missing.append("proc: no fresh /proc may be mounted; memory is limited per process only")
        return replace(Capabilities(level, worker.layers, tuple(missing), machine, release))
    return Capabilities("weak", (), tuple(missing), machine, release)
