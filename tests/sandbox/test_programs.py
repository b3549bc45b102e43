"""Whole programs, tests inside programs, and the sandbox's own promises."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalsuite.cores import processors, usable_cores
from evalsuite.errors import UserError
from evalsuite.sandbox import Limits, Outcome, Sandbox, VerdictCache, imports, probe
from evalsuite.sandbox.harness import WorkerLost
from evalsuite.sandbox.outcome import Isolation, Returned
from evalsuite.sandbox.tests_inside import class_names
from evalsuite.sandbox.worker import Kind, Worker
from tests.sandbox import levels
from tests.sandbox.plain_user import as_plain_user

TESTS = """
import unittest
class Cases(unittest.TestCase):
    def test_one(self):
        self.assertEqual(task(1), 2)
    def test_two(self):
        self.assertEqual(task(5), 6)
"""
RIGHT = "def task(x):\n    return x + 1\n"


# ---- program ----


def test_input_output_arguments_files_and_exit_code(sandbox: Sandbox) -> None:
    source = """
        import sys
        assert __name__ == "__main__"
        print(input()[::-1], sys.argv[1:], open("folder/data.txt").read())
        print("told", file=sys.stderr)
        sys.exit(3)
    """
    outcome = sandbox.program(textwrap.dedent(source), b"hello\n", ["a b"], {"folder/data.txt": b"content"})
    assert (outcome.status, outcome.exit_code) == ("fail", 3)
    assert outcome.stdout == "olleh ['a b'] content\n"
    assert outcome.stderr == "told\n"


@pytest.mark.parametrize(
    ("source", "status", "code"),
    [
        ("print(1)", "pass", 0),
        ("raise SystemExit", "pass", 0),
        ("raise SystemExit('no')", "fail", 1),
        ("1/0", "fail", 1),
        ("x = (", "compile_error", 1),
        ("import os; os.abort()", "crash", None),
        ("kept = []\nwhile True: kept.append(bytearray(1 << 24))", "oom", None),
        ("while True: pass", "timeout", None),
    ],
)
def test_how_a_program_ends(sandbox: Sandbox, source: str, status: str, code: int | None) -> None:
    outcome = sandbox.program(source, limits=Limits(cpu_s=2, wall_s=20, mem_mb=160))
    assert outcome.status == status
    if code is not None:
        assert outcome.exit_code == code


def test_exit_handlers_and_threads_finish(sandbox: Sandbox) -> None:
    source = """
        import atexit, threading, time
        atexit.register(print, "bye")
        threading.Thread(target=lambda: (time.sleep(0.05), print("thread"))).start()
        print("main")
    """
    assert sandbox.program(textwrap.dedent(source)).stdout == "main\nthread\nbye\n"


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("import sys, io\nreal, sys.stdout = sys.stdout, io.StringIO()\nprint(1)\nreal.write(sys.stdout.getvalue())", "1\n"),  # noqa: E501
        ("out = open(1, 'w', closefd=False)\nout.write('kept to the end')", "kept to the end"),
        ("print(open(__file__).read().count('print'))", "2\n"),
        ("import inspect\ndef f(): return 7\nprint(inspect.getsource(f), end='')", "def f(): return 7\n"),
        ("open('mine.py', 'w').write('x = 5')\nimport mine\nprint(mine.x)", "5\n"),
        ("from resource import *\nsetrlimit(RLIMIT_STACK, (RLIM_INFINITY, RLIM_INFINITY))\nprint(1)", "1\n"),
        ("import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n"
         "    with m.get_context('spawn').Pool(2) as pool: print(pool.map(f, [1, 2]))", "[1, 4]\n"),
    ],
)  # fmt: skip
def test_programs_may_do_what_an_interpreter_lets_them(sandbox: Sandbox, source: str, printed: str) -> None:
    outcome = sandbox.program(source)
    assert (outcome.status, outcome.stdout) == ("pass", printed), outcome


def test_a_trace_names_nothing_but_the_program(sandbox: Sandbox) -> None:
    assert "child.py" not in sandbox.program("def f(): 1 / 0\nf()").stderr


def test_what_was_printed_is_compared_outside(sandbox: Sandbox) -> None:
    outcome = sandbox.program("print(input())", b"7\n")
    right = outcome.compared(outcome.stdout == "7\n")
    assert (right.status, right.integrity) == ("pass", "split")
    assert outcome.compared(False, "other output").status == "fail"
    assert sandbox.program("1/0").compared(True).status == "fail"


def test_memory_of_all_processes_together_is_limited(sandbox: Sandbox) -> None:
    source = """
        import os, time
        for _ in range(6):
            if os.fork() == 0:
                block = bytearray(b"x" * (100 << 20))
                time.sleep(30)
        time.sleep(30)
    """
    outcome = sandbox.program(textwrap.dedent(source), limits=Limits(mem_mb=300, wall_s=25))
    assert outcome.status == "oom"


def test_children_that_nobody_waits_for_do_not_add_up(sandbox: Sandbox) -> None:
    source = """
        import os, time
        for _ in range(150):
            if os.fork() == 0:
                if os.fork() == 0:
                    os._exit(0)
                os._exit(0)
            os.wait()
            time.sleep(0.002)
    """
    assert sandbox.program(textwrap.dedent(source), limits=Limits(nproc=60)).passed


def test_the_last_word_of_a_long_output_is_kept(sandbox: Sandbox) -> None:
    source = "print('first')\nprint('x' * 9999)\nprint('last')"
    stdout = sandbox.program(source, limits=Limits(out_kb=4)).stdout
    assert (len(stdout), stdout[:6], stdout[-5:]) == (4096, "first\n", "last\n")
    talking = "for n in $(seq 1 60000); do echo a line; done\necho MARK"
    assert sandbox.language("bash", talking, "MARK").passed


def test_processes_inside_can_use_commands_of_the_system(sandbox: Sandbox) -> None:
    source = "import subprocess; print(subprocess.run(['ls', '/'], capture_output=True, text=True).stdout)"
    assert "usr" in sandbox.program(source).stdout


def test_a_program_finds_a_process_as_a_new_one_is(sandbox: Sandbox) -> None:
    source = """
        import gc, os, signal, sys
        def f():
            usual = {signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler}
            handled = [n for n in range(1, 32) if signal.getsignal(n) not in usual]
            alone = [name for name in sys.modules if name.startswith("evalsuite")]
            return [
                sorted(os.sched_getaffinity(0)), handled,
                signal.getsignal(signal.SIGINT) is signal.default_int_handler,
                signal.getitimer(signal.ITIMER_PROF), os.getcwd(), gc.isenabled(), alone, sys.argv,
                [name for name in os.environ if name.startswith("LD_")],
                sorted(map(int, os.listdir("/proc/self/fd")))[:3],
            ]
    """
    source = textwrap.dedent(source)
    expected = [
        sorted(os.sched_getaffinity(0)), [], True, (0.0, 0.0), "/tmp/w", True, [], ["main.py"], [], [0, 1, 2],
    ]  # fmt: skip
    assert sandbox.inproc(source, f"assert f() == {expected!r}, f()").passed
    told = sandbox.program(source + "print(f())").stdout
    assert told == f"{expected!r}\n"


def test_a_thread_keeps_to_the_processor_of_its_worker_and_no_program_does() -> None:
    every = sorted(os.sched_getaffinity(0))
    barrier = threading.Barrier(2)
    source = f"import os; exit(sorted(os.sched_getaffinity(0)) != {every})"

    def look(_: int) -> tuple[int, int, int, bool]:
        barrier.wait(60)  # one turn for each thread
        (one,) = os.sched_getaffinity(0)
        shell = sandbox.language("bash", f"test $(env -u OMP_NUM_THREADS nproc) = {len(every)}").passed
        return one, len(processors()), usable_cores(), sandbox.program(source).passed and shell

    with Sandbox(2) as sandbox, sandbox.threads("look") as threads:
        told = list(threads.map(look, range(2)))
        kept = {slot.processor for slot in sandbox._slots}
    assert {one for one, *_ in told} == kept
    assert [rest for _, *rest in told] == [[len(every), usable_cores(), True]] * 2
    assert sorted(os.sched_getaffinity(0)) == every


@pytest.mark.skipif(len(processors()) < 2, reason="there is only one processor to be on")
def test_a_program_leaves_the_processor_of_its_worker_once_it_takes_long(sandbox: Sandbox) -> None:
    source = """
        import ctypes, time  # nothing that lets it go at once
        LIBC, MASK, STATUS = ctypes.CDLL(None), (ctypes.c_ulong * 64)(), ctypes.c_int()
        def count():
            assert LIBC.sched_getaffinity(0, ctypes.sizeof(MASK), MASK) >= 0
            return sum(bin(word).count("1") for word in MASK)
        def f(seconds):
            before, child = count(), LIBC.fork()
            time.sleep(seconds)
            if not child:
                LIBC._exit(count())
            assert LIBC.waitpid(child, ctypes.byref(STATUS), 0) == child
            return before, count(), STATUS.value >> 8
    """
    source, every = textwrap.dedent(source), len(processors())
    for seconds, later in ((0, 1), (0.5, every)):
        expected = (1, later, later)
        assert sandbox.inproc(source, f"assert f({seconds}) == {expected}, f({seconds})").passed
        (result,) = sandbox.run_calls(source, "f", [((seconds,), {})]).results
        assert result == Returned(expected), result


def test_few_threads_keep_to_a_processor_and_many_do_not() -> None:
    every = os.sched_getaffinity(0)

    def look(_: int) -> tuple[bool, bool]:
        here = os.sched_getaffinity(0)
        return here == every, sandbox.program("pass").passed

    for size, free in ((4, False), (5, True)):
        with Sandbox(size) as sandbox, sandbox.threads() as threads:
            assert set(threads.map(look, range(size))) == {(free or len(every) == 1, True)}


# ---- tests inside ----


def test_inproc_counts_each_test(sandbox: Sandbox) -> None:
    good = sandbox.inproc(RIGHT, TESTS, unittest_class="Cases", module="__test__")
    assert (good.status, good.tests, good.integrity) == ("pass", (True, True), "inproc")
    half = sandbox.inproc("def task(x): return 2", TESTS, unittest_class="Cases")
    assert (half.status, half.tests) == ("fail", (True, False))
    assert "test_two" in half.detail


def test_inproc_without_a_test_class(sandbox: Sandbox) -> None:
    assert sandbox.inproc(RIGHT, "assert task(1) == 2").status == "pass"
    assert sandbox.inproc(RIGHT, "assert task(1) == 3").status == "fail"
    assert sandbox.inproc("def task(", "assert True").status == "compile_error"
    assert sandbox.inproc(RIGHT, "while True: pass", Limits(cpu_s=1)).status == "timeout"


def test_a_replaced_built_in_name_is_noticed_and_one_put_back_is_none(sandbox: Sandbox) -> None:
    program = "import builtins\nreal = builtins.sorted\nbuiltins.sorted = lambda x: 3\ndef f(): return 3"
    assert sandbox.inproc(program, "assert sorted([]) == f()").detail == "builtins.sorted was replaced"
    assert sandbox.inproc(program, "assert sorted([]) == f()\nbuiltins.sorted = real").passed


@pytest.mark.parametrize(
    "trick",
    [
        "import os\ndef task(x): os._exit(0)",
        "import sys\ndef task(x): sys.exit(0)",
        "import unittest\ndef task(x): raise unittest.SkipTest('later')",
        "import unittest\nunittest.TestCase.assertEqual = lambda *a, **k: None\ndef task(x): return 0",
        "import unittest\nunittest.TestCase.assertEqual.__code__ = (lambda s, a, b, msg=None: None).__code__\n"  # noqa: E501
        "def task(x): return 0",
        "import unittest\nunittest.TestResult.addFailure = unittest.TestResult.addError = lambda *a: None\n"
        "def task(x): return 0",
        "import unittest\nunittest.TestCase.run = lambda self, result=None: result.addSuccess(self)\n"
        "def task(x): return 0",
        "import unittest\nunittest.TestCase.__call__ = lambda self, *a: None\ndef task(x): return 0",
        "import unittest\nunittest.TestSuite.run = lambda self, result: None\ndef task(x): return 0",
        "import unittest\nunittest.TestCase.failureException = KeyError\ndef task(x): return 0",
        "import unittest\nunittest.TestCase.__init_subclass__ = classmethod(lambda c: [setattr(c, n, lambda s: None)"  # noqa: E501
        " for n in list(vars(c)) if n.startswith('test')])\ndef task(x): return 0",
        "import builtins\nclass Quiet(Exception): pass\nbuiltins.AssertionError = Quiet\ndef task(x): raise Quiet",  # noqa: E501
        "class Same(int):\n    __eq__ = lambda s, o: False\ndef task(x): return Same()",
        "import atexit, os\natexit.register(os._exit, 0)\ndef task(x): raise KeyboardInterrupt",
        "import sys\nsys.settrace(lambda *a: None)\ndef task(x): return 0",
        "import sys, types\nclass TestCase:\n"
        "    def __init__(self, name): self._testMethodName = name\n"
        "    def __call__(self, r): r.startTest(self); r.addSuccess(self); r.stopTest(self)\n"
        "sys.modules['unittest'] = types.SimpleNamespace(TestCase=TestCase)\ndef task(x): return 0",
        "import sys, unittest\nclass Easy(unittest.TestCase):\n    def assertEqual(self, *a, **k): pass\n"
        "fake = type(sys)('unittest'); fake.TestCase = Easy\nsys.modules['unittest'] = fake\n"
        "def task(x):\n    sys.modules['unittest'] = unittest\n    return 0",
        "import os\nfor fd in range(3, 12):\n    try: os.write(fd, b'P' * 64)\n    except OSError: pass\nos._exit(0)",  # noqa: E501
    ],
)
def test_inproc_tricks_do_not_pass(sandbox: Sandbox, trick: str) -> None:
    outcome = sandbox.inproc(trick, TESTS, unittest_class="Cases")
    assert outcome.status in ("fail", "tampered", "crash"), outcome


@pytest.mark.parametrize(
    "forger",
    [
        "class Same(int):\n    __eq__ = lambda s, o: True\n    __hash__ = int.__hash__\n"
        "def task(x): return Same()",
    ],
)
def test_inproc_can_be_forged_and_says_so(sandbox: Sandbox, forger: str) -> None:
    """What this integrity cannot keep out; the same program does not pass a split verdict."""
    outcome = sandbox.inproc(forger, TESTS, unittest_class="Cases")
    assert (outcome.status, outcome.integrity) == ("pass", "inproc")

    def check(task: Callable[..., Any]) -> None:
        assert task(1) == 2

    assert sandbox.calls(forger, "task", check).status == "fail"


def test_a_report_that_hardly_ends_is_ended_at_the_deadline(sandbox: Sandbox) -> None:
    drip = """
        import os, stat
        (channel,) = (n for n in range(3, 20) if os.path.exists(f"/proc/self/fd/{n}")
                      and stat.S_ISSOCK(os.fstat(n).st_mode))
        os.write(channel, (15 << 20).to_bytes(4, "little"))
        os.fork()
        os.fork()
        while True:
            os.write(channel, b"x")
    """
    started = time.monotonic()
    outcome = sandbox.inproc(textwrap.dedent(drip), "pass", Limits(cpu_s=100, wall_s=1))
    assert outcome.status == "timeout", outcome
    assert time.monotonic() - started < 6


def test_tests_may_build_on_classes_of_their_own_and_of_libraries(sandbox: Sandbox) -> None:
    own = TESTS.replace(
        "class Cases(unittest.TestCase):", "class Base(unittest.TestCase): pass\nclass Cases(Base):"
    )
    library = TESTS.replace("unittest.TestCase", "unittest.IsolatedAsyncioTestCase")
    for test in (own, library):
        assert sandbox.inproc(RIGHT, test, unittest_class="Cases").status == "pass"


def test_inproc_wants_a_class_with_tests(sandbox: Sandbox) -> None:
    with pytest.raises(UserError, match="no class 'Missing'"):
        sandbox.inproc(RIGHT, TESTS, unittest_class="Missing")


def test_loopback_only_when_asked_for(sandbox: Sandbox) -> None:
    test = textwrap.dedent("""
        import socket, threading
        server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=lambda: server.accept()[0].sendall(b"hi")).start()
        assert socket.create_connection(server.getsockname()).recv(2) == b"hi"
        try:
            socket.create_connection(("1.1.1.1", 53), timeout=1)
            raise SystemError("the network is reachable")
        except OSError:
            pass
    """)
    assert sandbox.inproc("", test, loopback=True).status == "pass"
    assert sandbox.inproc("", test).status == "fail"


def test_a_port_is_free_again_for_the_next_program() -> None:
    test = textwrap.dedent("""
        import socket, threading
        server = socket.socket()
        server.bind(("127.0.0.1", 45454))
        server.listen()
        threading.Thread(target=lambda: server.accept()[0].close()).start()
        client = socket.create_connection(("127.0.0.1", 45454))
        assert client.recv(1) == b""
    """)
    with Sandbox(1) as sandbox:
        assert [sandbox.inproc("", test, loopback=True).status for _ in range(3)] == ["pass"] * 3


# ---- the sandbox itself ----


def test_probe_names_what_stands() -> None:
    found = probe()
    assert found.level == "strong"
    assert {"seccomp", "no capabilities", "read-only root", "rlimits"} <= set(found.layers)


def test_weaker_isolation_is_refused_unless_named() -> None:
    with pytest.raises(UserError, match="isolation here is weak"):
        Sandbox(1, level="weak")
    with pytest.raises(UserError, match="no isolation level"):
        Sandbox(1, level="perfect")  # type: ignore[arg-type]
    with Sandbox(1, min_level="weak", level="weak") as sandbox:
        outcome = sandbox.calls("def f(): return 1", "f", lambda f: f())
    assert (outcome.status, outcome.isolation) == ("pass", "weak")


@pytest.mark.parametrize("level", ["weak", "medium", "strong"])
def test_how_a_program_ended_is_known_at_every_level(level: Isolation) -> None:
    for row in levels.drive(level):
        assert levels.EXPECTED[row["what"]] == row["status"], row


@pytest.mark.parametrize("level", ["weak", "medium", "strong"])
def test_how_a_program_ended_is_known_at_every_level_to_a_plain_user(level: Isolation) -> None:
    rows = [json.loads(line) for line in as_plain_user(Path(levels.__file__), level)]
    assert {row["what"]: row["status"] for row in rows} == levels.EXPECTED


def test_medium_isolation_keeps_files_and_network_away(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    tmp_path.chmod(0o755)
    source = f"""
        def f(what):
            if what == "read":
                return open({str(secret)!r}).read()
            if what == "write":
                open("/tmp/evalsuite-test-left", "w").close()
            import socket
            socket.socket()
    """
    try:
        sandbox = Sandbox(1, min_level="medium", level="medium")
    except UserError as error:
        pytest.skip(str(error))
    with sandbox:
        for what in ("read", "write", "network"):
            done = sandbox.run_calls(textwrap.dedent(source), "f", [((what,), {})])
            assert type(done.results[0]).__name__ == "Raised", (what, done)
        assert (
            sandbox.program("open('x', 'w').write('1'); import os; print(os.listdir())").stdout == "['x']\n"
        )
        assert sandbox.program("import os; print(os.listdir())").stdout == "[]\n"
        assert sandbox.program("import os, time\nif os.fork() == 0: time.sleep(100)").status == "pass"


def test_a_lost_worker_is_not_the_programs_fault() -> None:
    with Sandbox(1) as sandbox:
        assert sandbox.calls("def f(): return 1", "f", lambda f: f()).passed
        (worker,) = sandbox._slots[0].workers.values()
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
        assert sandbox.calls("def f(): return 1", "f", lambda f: f()).passed


def test_a_worker_lost_twice_is_a_harness_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalsuite.sandbox import worker as module

    with Sandbox(1) as sandbox:
        monkeypatch.setattr(module, "_BOOT", "raise SystemExit(5)")
        outcome = sandbox.calls("def f(): return 1", "f", lambda f: f())
    assert outcome.status == "harness_error"


def test_workers_end_when_the_trusted_side_is_killed() -> None:
    source = (
        "from evalsuite.sandbox import Sandbox\nimport time\ns = Sandbox(1)\n"
        "s.calls('def f(): return 1', 'f', lambda f: f())\n"
        "print(next(iter(s._slots[0].workers.values())).process.pid, flush=True)\ntime.sleep(100)\n"
    )
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", source],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists() or ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.05)
    pytest.fail("the worker outlived the process that started it")


def test_a_wall_timeout_at_low_use_is_tried_again_alone() -> None:
    """One that only sleeps is tried twice and times out; one that another program kept waiting passes."""
    with Sandbox(2) as sandbox:
        started = time.monotonic()
        outcome = sandbox.program("import time; time.sleep(60)", limits=Limits(wall_s=0.6))
        assert outcome.status == "timeout", outcome
        assert time.monotonic() - started > 1.1


def test_workers_that_were_started_early_are_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Kind] = []
    start = Worker.start

    def counted(worker: Worker, probe: bool = False) -> None:
        started.append(worker.kind)
        start(worker, probe)

    with Sandbox(workers=3) as warm:
        monkeypatch.setattr(Worker, "start", counted)
        warm.warm("lean", 2)
        assert started == [warm.kind("lean")] * 2
        warm.warm("lean", 1000)
        assert len(started) == 3
        with warm.threads() as threads:
            outcomes = list(threads.map(lambda n: warm.program(f"print({n})"), range(12)))
        assert [outcome.stdout for outcome in outcomes] == [f"{n}\n" for n in range(12)]
        assert len(started) == 3
    warm.warm("lean", 3)
    assert len(started) == 3


def test_a_worker_that_cannot_be_started_early_is_told_by_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(worker: Worker, probe: bool = False) -> None:
        raise WorkerLost("no room")

    with Sandbox(workers=2) as warm:
        with monkeypatch.context() as broken:
            broken.setattr(Worker, "start", lost)
            warm.warm("lean", 2)
            assert warm.program("print(1)").status == "harness_error"
        assert warm.program("print(1)").stdout == "1\n"


def test_close_waits_and_later_calls_are_refused() -> None:
    sandbox = Sandbox(1)
    thread = threading.Thread(target=sandbox.program, args=("import time; time.sleep(0.3)",))
    thread.start()
    time.sleep(0.1)
    sandbox.close()
    thread.join()
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.program("pass")


def test_nothing_of_the_users_environment_gets_in(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with Sandbox(1) as fresh:
        assert "sk-secret" not in fresh.program("import os; print(os.environ)").stdout


def test_another_interpreter_can_be_named() -> None:
    python = "/usr/bin/python3"
    if not Path(python).exists() or os.path.realpath(sys.executable) == os.path.realpath(python):
        pytest.skip("no second interpreter here")
    with Sandbox(1, python=python) as sandbox:
        outcome = sandbox.program("import sys; print(sys.base_prefix)")
        assert outcome.stdout == "/usr\n"
        assert sandbox.inproc(RIGHT, TESTS, unittest_class="Cases").status == "pass"
    with pytest.raises(UserError, match="cannot run"):
        Sandbox(1, python="/nonexistent/python")


@pytest.mark.parametrize(
    ("source", "flavour"),
    [
        ("import math\nfrom typing import List", "lean"),
        ("def f():\n    import numpy.linalg as la", "scientific"),
        ("from pandas import DataFrame", "scientific"),
        ("import os, sys, sklearn", "scientific"),
        ("importlib.import_module('x')", "scientific"),
        ("import math; import numpy as np", "scientific"),
        ("from sys import exit; from numpy import e", "scientific"),
        ("if True: import numpy as np", "scientific"),
        ("import sys, \\\n  numpy as np", "scientific"),
        ("exec('import numpy as np')", "scientific"),
        ('exec("""from numpy import e""")', "scientific"),
        ("x = 1", "lean"),
    ],
)
def test_flavours(source: str, flavour: str) -> None:
    assert imports.flavour(source) == flavour


def test_a_program_that_may_look_at_its_processors_is_known_by_its_imports() -> None:
    assert imports.spreads("import sys; import os") and imports.spreads("from concurrent.futures import *")
    assert not imports.spreads("import sys, math") and not imports.spreads("os = 1")


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("class A:\n    def __del__(self):\n        print(1)\na = A()\na.own = a", "1\n"),
        ("import sys\nprint(2)\ndel sys.stdout", ""),
        ("print(callable(help), all(map(callable, (copyright, credits, license))))", "True True\n"),
        ("import os, resource as r\nprint(r.prlimit(os.getpid(), r.RLIMIT_CORE)[0])", "0\n"),
    ],
)
def test_a_program_ends_and_finds_things_as_with_the_plain_interpreter(
    sandbox: Sandbox, source: str, printed: str
) -> None:
    outcome = sandbox.program(source)
    plainly = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    if "prlimit" not in source:  # limits are the worker's own
        assert (outcome.exit_code, outcome.stdout) == (plainly.returncode, plainly.stdout)
    assert (outcome.status, outcome.stdout) == ("pass", printed or outcome.stdout), outcome


# ---- verdicts by content ----


def test_only_verdicts_that_repeat_are_kept(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path)
    key = cache.key(source="x", limits=Limits())
    assert cache.get(key) is None
    cache.put(key, Outcome("timeout"))
    assert cache.get(key) is None
    cache.put(key, Outcome("pass", tests=(True,), isolation="strong"))
    assert cache.get(key) == Outcome("pass", tests=(True,), isolation="strong")
    next(tmp_path.rglob("*.json")).write_text("{")
    assert cache.get(key) is None
    assert cache.key(source="y", limits=Limits()) != key


# ---- SQL ----


def test_sql_reads_and_cannot_write(sandbox: Sandbox, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    database = tmp_path / "a.sqlite"
    with sqlite3.connect(database) as link:
        link.execute("create table t (a, b)")
        link.executemany("insert into t values (?, ?)", [(n, f"x{n}") for n in range(5)])
    link.close()
    before = database.read_bytes()
    done = sandbox.sql(database, "select a, b from t where a > 2 order by a")
    assert done.outcome.passed, done
    assert (done.columns, done.rows, done.complete) == (("a", "b"), ((3, "x3"), (4, "x4")), True)
    assert sandbox.sql(database, "select * from t", max_rows=2).complete is False
    assert "no such column" in sandbox.sql(database, "select c from t").outcome.detail
    for statement in (
        "delete from t",
        "drop table t",
        "attach '/etc/passwd' as other",
        "insert into t values (1, 2)",
    ):
        assert sandbox.sql(database, statement).outcome.status == "fail"
    endless = "with recursive r(x) as (select 1 union all select x + 1 from r) select count(*) from r"
    assert sandbox.sql(database, endless, Limits(cpu_s=1)).outcome.status == "timeout"
    assert database.read_bytes() == before
    with pytest.raises(UserError, match="no database"):
        sandbox.sql(tmp_path / "missing.sqlite", "select 1")


@pytest.mark.parametrize(
    ("test", "known"),
    [
        ("import unittest\nclass T(unittest.TestCase): pass", ["T"]),
        ("from unittest import TestCase\nclass T(TestCase): pass\nclass U(T): pass", ["T", "U"]),
        ("import unittest as u\nclass T(u.TestCase): pass", ["T"]),
        ("class T(TestCase): pass", ["T"]),
        ("from pyfakefs.fake_filesystem_unittest import TestCase\nclass T(TestCase): pass", None),
        ("import django.test\nclass T(django.test.TestCase): pass", None),
        ("from flask_testing import TestCase as Base, TestCase\nclass T(TestCase): pass", None),
        ("import aiounittest\nclass T(aiounittest.AsyncTestCase): pass", None),
    ],
)
def test_a_librarys_test_case_is_known_by_where_it_comes_from(test: str, known: list[str] | None) -> None:
    assert class_names(test) == known


def test_scientific_programs_find_the_python_that_they_run_in(sandbox: Sandbox) -> None:
    source = "import os\nprint(os.environ['PATH'].split(':')[0])"
    own = str(Path(sandbox.interpreter.executable).parent)
    assert sandbox.program(source, flavour="scientific").stdout.strip() == own
    assert sandbox.program(source, flavour="lean").stdout.strip() == "/usr/local/bin"
