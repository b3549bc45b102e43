"""What a forked child does with one program. Everything here shares its process with code that is not
trusted: nothing in it is secret, and no verdict rests on what it says, except where `inproc` is named as
such.
"""

from __future__ import annotations

import _signal  # the wrappers in `signal` touch as many pages as a small program
import _sitebuiltins
import builtins
import gc
import marshal
import math  # noqa: F401 - here, since behind some walls its folder cannot be read
import os
import resource
import sys
from collections.abc import Callable
from types import CodeType, FrameType, ModuleType
from typing import Any, NoReturn

from evalsuite.sandbox.inside import PACKED, inproc, kernel, plain

_LARGEST = (16 << 20) - 1
_GRACE_S = 1.0  # after which a call is ended that does not come back to the interpreter to hear of its end
_home = "/"
_processors: set[int] = set()


class Overtime(BaseException):
    """One call used more processor time than it may; not an Exception, so that few programs swallow it."""


def prepare(plan: dict[str, Any]) -> None:
    """Make this interpreter look like one that was just started; once, before the first fork."""
    global _home
    _home = plan["home"]
    _processors.update(plan["processors"])
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    builtins.help = _sitebuiltins._Helper()
    for name in ("copyright", "credits", "license"):
        setattr(builtins, name, _sitebuiltins._Printer(name, getattr(sys, name, "")))
    sys.argv[:] = ["main.py"]
    for name in ("LC_CTYPE", "LD_BIND_NOW"):  # the interpreter's own, and for this process alone
        os.environ.pop(name, None)
    inproc.prepare()
    for name in [name for name in sys.modules if name.partition(".")[0] == "evalsuite"]:
        del sys.modules[name]  # not part of the interpreter that the program is promised


def run(job: dict[str, Any], packed: memoryview, handles: list[int], control: int) -> NoReturn:
    """Set up the forked process and run the job in it."""
    code = 99
    try:
        job.update(zip(PACKED, marshal.loads(packed)))  # noqa: B905 - old interpreters too
        os.setpgid(0, 0)  # a session of its own would cost a group of the scheduler, made and ended
        settle(job, handles, control)
        # Programs may look at their own /proc entries, and process 1 at their mappings.
        kernel.set_dumpable(1)
        if job["kind"] == "exec":
            _execute(job)
        gc.enable()
        if job["kind"] == "calls":
            answer_calls(job, handles[-1])
        elif job["kind"] == "program":
            code = _run_program(job)
        else:
            inproc.run(job, handles[-1])
    except BaseException as error:  # the last frame of this process: nothing may climb into the zygote's loop
        os.write(2, plain.without_surrogates(f"{type(error).__name__}: {error}\n"))
    finally:
        os._exit(code)


def settle(job: dict[str, Any], handles: list[int], control: int) -> None:
    """Make the fork a process of its own: without the worker's channel, with its streams and limits."""
    os.close(control)
    if _processors and not job.get("stays"):
        os.sched_setaffinity(0, _processors)
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    os.chdir(_home)
    for place, handle in zip(job["stdio"], handles):  # noqa: B905 - a channel may follow
        os.dup2(handle, place)
        os.close(handle)
    for kind, value in job["limits"]:
        hard = value + 1 if kind == resource.RLIMIT_CPU else value
        if kind == resource.RLIMIT_STACK:
            hard = resource.RLIM_INFINITY  # programs ask for more; the address space is limited anyway
        try:
            resource.setrlimit(kind, (value, hard))
        except ValueError:  # the host allows less to begin with
            most = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (min(value, most), most))


def _write_files(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        folder = os.path.dirname(name)
        if folder:
            os.makedirs(folder, exist_ok=True)
        with open(name, "wb") as file:
            file.write(data)


def _execute(job: dict[str, Any]) -> NoReturn:
    _write_files(job["files"])
    argv = job["argv"]
    try:
        os.execve(argv[0], argv, job["env"])
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(127)


def compiled(job: dict[str, Any]) -> CodeType:
    """The job's program as a code object."""
    code = compile(job["source"], job.get("name", "<candidate>"), "exec", dont_inherit=True)
    assert isinstance(code, CodeType)
    return code


# ---- calls: the trusted side sends arguments, plain data goes back ----


class Channel:
    """Frames over one socket: a length, then marshalled data in and JSON out."""

    def __init__(self, handle: int, leave: Callable[[int], NoReturn]) -> None:
        self.handle = handle
        self.leave = leave
        self.buffer = b""

    def receive(self) -> Any:
        data = self.buffer
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "little"):
            more = os.read(self.handle, 1 << 16)
            if not more:
                self.leave(0)
            data += more
        end = 4 + int.from_bytes(data[:4], "little")
        self.buffer = data[end:]
        return marshal.loads(data[4:end])

    def send(self, text: str) -> None:
        data = text.encode()
        if len(data) > _LARGEST:
            data = b'["e",["ValueError"],"the result is too large to send"]'
        data = len(data).to_bytes(4, "little") + data
        while data:
            data = data[os.write(self.handle, data) :]


def _raise_overtime(number: int, frame: FrameType | None) -> None:
    raise Overtime


def answer_calls(job: dict[str, Any], handle: int, leave: Callable[[int], NoReturn] = os._exit) -> NoReturn:
    """Load the program, then answer calls of its entry until nobody asks any more."""
    channel = Channel(handle, leave)
    space: dict[str, Any] = {}
    phase = "compile"
    try:
        code = compiled(job)
        phase = "load"
        exec(code, space)
        function = space[job["entry"]]
    except BaseException as error:
        if phase == "load" and isinstance(error, KeyError) and job["entry"] not in space:
            error = NameError(f"name {job['entry']!r} is not defined")
        channel.send(f'["x","{phase}",{plain.describe_error(error)}]')
        leave(1)
    del space, code
    while True:
        with_arguments, calls = channel.receive()
        for arguments, named, per_call in calls:
            channel.send(_one_call(function, arguments, named, per_call, with_arguments))
        if not calls:
            channel.send('["n"]')


def _one_call(
    function: Any, arguments: list[Any], named: dict[str, Any], per_call: float, with_arguments: bool
) -> str:
    try:
        if per_call:
            _signal.signal(_signal.SIGPROF, _raise_overtime)
            _signal.setitimer(_signal.ITIMER_PROF, per_call)
            _signal.setitimer(_signal.ITIMER_VIRTUAL, per_call + _GRACE_S)
            try:
                result = function(*arguments, **named)
            finally:
                _signal.setitimer(_signal.ITIMER_PROF, 0)
                _signal.setitimer(_signal.ITIMER_VIRTUAL, 0)
        else:
            result = function(*arguments, **named)
        text = plain.encode(result)
        if with_arguments:
            return f'["r",{text},{plain.encode(list(arguments))}]'
        return f'["r",{text}]'
    except Overtime:
        return '["t"]'
    except BaseException as error:
        return f'["e",{plain.describe_error(error)}]'


# ---- program: a whole script, its exit code and what it printed ----


def _run_program(job: dict[str, Any]) -> int:
    _write_files(job["files"])
    module = ModuleType("__main__")
    module.__dict__["__file__"] = job["name"]
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    sys.argv[:] = [job["name"], *job["args"]]
    if job["files"]:
        sys.path.insert(0, _home)
    try:
        exec(compiled(job), module.__dict__)
        code = 0
    except SystemExit as leaving:
        code = _exit_code(leaving.code)
    except BaseException as error:
        trace = error.__traceback__.tb_next if error.__traceback__ is not None else None
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        code = 1
    return _finish(code, module, "__del__" in job["source"])


def _exit_code(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, int):
        return value & 0xFF
    sys.stderr.write(f"{value}\n")
    return 1


def _finish(code: int, module: ModuleType, collect: bool) -> int:
    """What the interpreter does at its end, as far as a program can notice; with `collect`, it notices when
    objects go that hold each other.
    """
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit = sys.modules.get("atexit")
    if atexit is not None:
        atexit._run_exitfuncs()
    for stream in (getattr(sys, "stdout", None), getattr(sys, "stderr", None)):
        try:
            # A stream that the program has closed is at its end, as the interpreter sees it too.
            if stream is not None and not getattr(stream, "closed", False):
                stream.flush()
        except (OSError, ValueError) as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            code = code or 120
    if threading is None or threading.active_count() == 1:
        module.__dict__.clear()  # files that are still open are written out as they go
        if collect:
            gc.collect()
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None and not stream.closed:
                stream.flush()  # where the program has put another in its place
        except (OSError, ValueError):
            pass  # what cannot be written there was said above
    return code
