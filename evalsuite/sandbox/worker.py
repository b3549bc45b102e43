"""The trusted side's handle on one worker process."""

from __future__ import annotations

import array
import contextlib
import logging
import marshal
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalsuite.cores import processors
from evalsuite.sandbox import imports, interpreter, seccomp
from evalsuite.sandbox.harness import WorkerLost
from evalsuite.sandbox.inside import PACKED
from evalsuite.sandbox.interpreter import Interpreter
from evalsuite.sandbox.outcome import Flavour, Isolation

_log = logging.getLogger(__name__)

_START_S = 60.0
_LONGEST_WORD = 4096
_PACKAGE = Path(__file__).resolve().parent
# The package's own __init__ modules pull in the trusted side; inside, bare stand-ins lead to the few
# modules needed.
_BOOT = (
    "import sys, types\n"
    "sys.path[:] = [p for p in sys.path if p]\n"
    "for name, path in (('evalsuite', sys.argv[2]), ('evalsuite.sandbox', sys.argv[3])):\n"
    "    module = types.ModuleType(name); module.__path__ = [path]; sys.modules[name] = module\n"
    "from evalsuite.sandbox.inside import zygote\n"
    "zygote.main(int(sys.argv[1]))\n"
)
_ETC = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp/w:/bin/sh\n",
    "/etc/group": "root:x:0:\nuser:x:1000:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/hostname": "sandbox\n",
}
_ETC_BINDS = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
              "/etc/localtime", "/etc/mime.types")  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """What distinguishes workers that cannot stand in for each other."""

    interpreter: Interpreter
    flavour: Flavour = "lean"
    level: Isolation = "strong"
    loopback: bool = False
    tmp_mb: int = 64
    inodes: int = 4096
    binds: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    hide: tuple[str, ...] = ()
    preloads: bool = True

    def plan(self) -> dict[str, Any]:
        binds, links = interpreter.system_folders()
        binds += [path for path in _ETC_BINDS if Path(path).exists()]
        binds = outermost([*binds, *self.interpreter.folders(self.flavour), *self.binds])
        machine = os.uname().machine
        return {
            "level": self.level,
            "binds": binds,
            "links": links,
            "hide": list(self.hide),
            "hidden": self.interpreter.hidden(self.flavour),
            "etc": _ETC,
            "tmp_mb": self.tmp_mb,
            "inodes": self.inodes,
            "filter": seccomp.program(machine, self.loopback, self.level == "strong")
            if self.level != "weak"
            else None,
            "loopback": self.loopback,
            "path": self.interpreter.path(self.flavour),
            "preload": list(self.interpreter.preload(self.flavour)) if self.preloads else [],
            "ask_map": False,
            "own_user": False,
            "home": "/tmp/w",
            "wipe": ["/tmp", "/dev/shm"],
        }


@dataclass(frozen=True)
class Ended:
    """How a program ended, as the worker's own process 1 saw it."""

    status: int
    why: str
    orphans: int
    cpu_s: float
    waited_s: float

    @property
    def signal(self) -> int:
        return self.status & 0x7F

    @property
    def exit_code(self) -> int | None:
        return None if self.signal else self.status >> 8


def outermost(paths: Sequence[str]) -> list[str]:
    """The paths without those that lie within another one of them, parents first."""
    kept: list[str] = []
    for path in sorted(set(paths), key=len):
        if not any(path.startswith(top.rstrip("/") + "/") for top in kept):
            kept.append(path)
    return kept


def environment(home: str, temporary: str) -> dict[str, str]:
    """The whole environment of a worker; nothing of the user's own gets in."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": temporary,
        "USER": "user",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMEXPR_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
    }


@dataclass
class Worker:
    """One process behind the walls. Not shared between threads."""

    kind: Kind
    processor: int | None = None  # where it stays between programs
    control: socket.socket = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)
    folder: str | None = field(init=False, default=None)
    home: str = field(init=False, default="/tmp/w")
    temporary: str = field(init=False, default="/tmp")
    alive: bool = field(init=False, default=False)
    layers: tuple[str, ...] = field(init=False, default=())

    def start(self, probe: bool = False) -> None:
        """Start it and wait until its walls stand; WorkerLost tells which one could not be raised."""
        plan = self.kind.plan()
        plan["probe"] = probe
        plan["processor"], plan["processors"] = self.processor, processors()
        root = os.geteuid() == 0
        host_id = (1 << 20) + secrets.randbelow(1 << 30)  # of nobody, and of no other worker either
        plan["host_id"] = host_id
        if self.kind.level == "strong":
            plan["ask_map"] = root
        else:
            self.folder = tempfile.mkdtemp(prefix="evalsuite-")
            plan["own_user"] = root
            if root:
                os.chown(self.folder, host_id, host_id)
            self.temporary = self.folder
            self.home = plan["home"] = f"{self.folder}/w"
            plan["wipe"] = [self.folder]
            plan["readable"] = [*plan["binds"], "/proc", "/dev", "/lib", "/lib64", "/bin"]
            plan["writable"] = [self.folder, "/dev/null", "/dev/zero", "/dev/full"]
        ours, theirs = socket.socketpair()
        complaints = os.memfd_create("stderr")
        try:
            self.process = subprocess.Popen(
                [self.kind.interpreter.executable, "-s", "-S", "-c", _BOOT, str(theirs.fileno()),
                 str(_PACKAGE.parent), str(_PACKAGE)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=complaints,
                stderr=complaints,
                # Bound now, or each fork would look up again what it calls first.
                env={"LD_BIND_NOW": "1", **self._environment(), **dict(self.kind.environment)},
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the trusted side to handle
            )  # fmt: skip
            theirs.close()  # so that the end of a worker that dies at once is noticed at once
            self.control = ours
            ours.settimeout(_START_S)
            self._send_job(plan, [], ())
            answer = self._receive()
            if answer[0] == "map":
                ours.sendall(b"y" if self._map(host_id) else b"n")
                answer = self._receive()
        except (OSError, WorkerLost) as error:
            said = os.pread(complaints, 4096, 0).decode("utf-8", "replace").strip()
            self.alive = True
            self.close()
            raise WorkerLost(f"the worker did not start: {error}" + (f"\n{said}" if said else "")) from error
        finally:
            theirs.close()
            os.close(complaints)
        self.alive = True
        if answer[0] != "ready":
            self.close()
            raise WorkerLost(str(answer[1]))
        self.layers = tuple(answer[1].split(","))

    def _environment(self) -> dict[str, str]:
        """A scientific program that calls `python` gets the one that it runs in, where that has this name."""
        shared = environment(self.home, self.temporary)
        if self.kind.flavour == "lean":
            return shared
        if self.kind.interpreter.nltk_data is not None:
            shared["NLTK_DATA"] = self.kind.interpreter.nltk_data
        return {**shared, "PATH": f"{Path(self.kind.interpreter.executable).parent}:{shared['PATH']}"}

    def _map(self, host_id: int) -> bool:
        """Map the inner user to an unused one of the host; False where this process has no right to."""
        try:
            for name in ("uid_map", "gid_map"):
                Path(f"/proc/{self.process.pid}/{name}").write_text(f"1000 {host_id} 1", encoding="ascii")
        except OSError as error:
            _log.debug("no host id can be mapped: %s", error)
            return False
        return True

    def begin(self, job: dict[str, Any], handles: Sequence[int]) -> None:
        """Hand one program in; `finish` must follow."""
        self.control.settimeout(_START_S)
        job["stays"] = self._stays(job)
        try:
            packed = [job.get(name) for name in PACKED]
            self._send_job({name: job[name] for name in job if name not in PACKED}, packed, handles)
        except OSError as error:
            self.close()
            raise WorkerLost(f"the worker is gone: {error}") from error

    def _stays(self, job: Mapping[str, Any]) -> bool:
        """Whether a program keeps to its worker's processor at first. Most are done before it would pay to go
        elsewhere, and each time they are woken there would be an idle one that knows nothing of them.
        """
        if job["kind"] == "exec" or job.get("files") or self.kind.flavour != "lean":
            return False
        return not imports.spreads(job["source"]) and not imports.spreads(job.get("test") or "")

    def _send_job(self, job: dict[str, Any], packed: list[Any], handles: Sequence[int]) -> None:
        """What process 1 may read itself, and what only its fork unpacks."""
        parts = [marshal.dumps(part, 2) for part in (job, packed)]
        data = b"".join([b"J", *(len(part).to_bytes(4, "little") for part in parts), *parts])
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", handles))] if handles else []
        sent = self.control.sendmsg([data], rights)
        if sent < len(data):
            self.control.sendall(memoryview(data)[sent:])

    def stop(self, late: bool = False) -> None:
        """End the program now, whatever it is doing."""
        try:
            self.control.sendall(b"T" if late else b"K")
        except OSError as error:
            _log.debug("the worker was gone already: %s", error)

    def finish(self, deadline: float | None = None) -> Ended:
        """Wait until the program has ended and all that it left is gone.

        At the deadline (of `time.monotonic`) the program is ended as too late.
        """
        try:
            answer = None
            if deadline is not None:
                self.control.settimeout(max(0.001, deadline - time.monotonic()))
                try:
                    answer = self._receive()
                except TimeoutError:
                    self.stop(late=True)
            if answer is None:
                self.control.settimeout(_START_S)
                answer = self._receive()
            if answer[0] == "fork":
                raise WorkerLost(f"no process could be made: {os.strerror(int(answer[1]))}")
            status, why, orphans, cpu_s, waited_s = answer
            return Ended(int(status), why, int(orphans), float(cpu_s), float(waited_s))
        except (OSError, ValueError, WorkerLost) as error:
            self.close()
            raise WorkerLost(f"the worker is gone: {error} ({self.process.returncode})") from error

    def _receive(self) -> list[str]:
        """One message: words, never anything that has to be unpacked with trust."""
        data = self._more()
        while len(data) < 4:
            data += self._more()
        size = 4 + int.from_bytes(data[:4], "little")
        while len(data) < size <= _LONGEST_WORD:
            data += self._more()
        if len(data) != size:  # it speaks when it is asked, and says one thing
            raise WorkerLost("the worker sent nonsense")
        return data[4:].decode("utf-8", "replace").split("\t")

    def _more(self) -> bytes:
        more = self.control.recv(_LONGEST_WORD)
        if not more:
            raise WorkerLost("the worker ended")
        return more

    def close(self) -> None:
        """End the worker; its namespaces, with all that is in them, end with it."""
        if not self.alive:
            return
        self.alive = False
        self.control.close()
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.folder is not None:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(self.folder)
            self.folder = None
