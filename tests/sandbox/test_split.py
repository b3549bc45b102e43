"""Split verdicts: the check runs here, the program there, and only plain data crosses."""

from __future__ import annotations

import datetime
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.sandbox import Died, Limits, Opaque, Raised, RemoteError, Returned, Sandbox, TimedOut, split

QUICK = Limits(cpu_s=1, wall_s=20)


def value_of(sandbox: Sandbox, expression: str, preamble: str = "") -> Any:
    seen: list[Any] = []
    source = f"{preamble}\ndef f():\n    return {expression}"
    outcome = sandbox.calls(source, "f", lambda f: seen.append(f()))
    assert outcome.status == "pass", outcome
    return seen[0]


@pytest.mark.parametrize(
    "expression",
    [
        "None", "True", "0", "-1", "2**62", "-2**62", "2**5000", "1.5", "1e300", "float('inf')", "-0.0", "''",
        "'a\\n\\u20ac\\ud800\\x00'", "[]", "[1, [2, [3]]]", "()", "(1, (2,))", "{}", "{1: 2, 'a': [1], (1, 2): None}",  # noqa: E501
        "set()", "{1, 'a', (2, 3)}", "frozenset({1})", "b'\\x00\\xff'", "bytearray(b'x')", "1+2j", "range(3, 9, 2)", "...",  # noqa: E501
    ],
)  # fmt: skip
def test_plain_data_comes_back_as_it_was(sandbox: Sandbox, expression: str) -> None:
    expected = eval(expression)
    got = value_of(sandbox, expression)
    assert type(got) is type(expected)
    if isinstance(got, set):
        assert got == expected  # its order is each process's own
    else:
        assert repr(got) == repr(expected)


def test_library_values_come_back(sandbox: Sandbox) -> None:
    assert value_of(sandbox, "deque([1, 2])", "from collections import deque") == deque([1, 2])
    assert value_of(sandbox, "Decimal('1.50')", "from decimal import Decimal") == Decimal("1.50")
    assert value_of(sandbox, "Fraction(1, 3)", "from fractions import Fraction") == Fraction(1, 3)
    assert value_of(sandbox, "Counter('aab')", "from collections import Counter") == {"a": 2, "b": 1}
    assert list(value_of(sandbox, "(x * x for x in range(3))")) == [0, 1, 4]
    assert list(value_of(sandbox, "map(str, [1, 2])")) == ["1", "2"]
    assert value_of(sandbox, "{1: 2}.keys()") == {1}
    assert sorted(value_of(sandbox, "{1: 2, 3: 1}.values()")) == [1, 2]
    assert value_of(sandbox, "{1: [2]}.items()") == {1: [2]}.items()
    assert value_of(sandbox, "type('Text', (str,), {})('a')") == "a"


@pytest.mark.parametrize(
    ("expression", "equal"),
    [
        ("collections.ChainMap({'a': 1}, {'b': 2})", {"a": 1, "b": 2}),
        ("collections.UserDict(a=1)", {"a": 1}),
        ("collections.UserList([1])", [1]),
        ("collections.UserString('x')", "x"),
        ("types.MappingProxyType({'a': 1})", {"a": 1}),
        ("datetime.date(2024, 2, 29)", datetime.date(2024, 2, 29)),
        ("datetime.datetime(2024, 2, 29, 1, 2, 3, 4)", datetime.datetime(2024, 2, 29, 1, 2, 3, 4)),
        ("datetime.time(1, 2)", datetime.time(1, 2)),
        ("datetime.timedelta(-1, 5, 6)", datetime.timedelta(-1, 5, 6)),
    ],
)
def test_what_equals_plain_data_comes_back_as_it(sandbox: Sandbox, expression: str, equal: Any) -> None:
    assert value_of(sandbox, expression, "import collections, datetime, types") == equal


def test_nan_stays_nan(sandbox: Sandbox) -> None:
    got = value_of(sandbox, "float('nan')")
    assert got != got


def test_other_objects_come_back_as_opaque(sandbox: Sandbox) -> None:
    got = value_of(sandbox, "re.match('a', 'a')", "import re")
    assert isinstance(got, Opaque)
    assert got.type_name == "Match"
    assert bool(got)
    assert got != value_of(sandbox, "re.match('a', 'a')", "import re")


def test_arguments_arrive_as_they_were(sandbox: Sandbox) -> None:
    given = [1, (2, 3), {"a": {4}}, None, 2.5, b"x", "\ud800", frozenset({1}), 10**40]

    def check(f: Callable[..., Any]) -> None:
        assert f(given, key=(1,)) == [given, (1,)]

    assert sandbox.calls("def f(x, key): return [x, key]", "f", check).passed


def test_wrong_answer_fails_with_the_reason(sandbox: Sandbox) -> None:
    def check(f: Callable[..., Any]) -> None:
        assert f(1) == 2, "one up"

    outcome = sandbox.calls("def f(x): return x", "f", check)
    assert (outcome.status, outcome.integrity, outcome.isolation) == ("fail", "split", "strong")
    assert "one up" in outcome.detail


def test_exceptions_are_raised_here_under_their_own_name(sandbox: Sandbox) -> None:
    def check(f: Callable[..., Any]) -> None:
        with pytest.raises(ZeroDivisionError):
            f("1/0")
        with pytest.raises(ValueError, match="Odd: told"):
            f("odd()")
        with pytest.raises(RemoteError, match="SystemExit"):
            f("quit()")

    source = "class Odd(ValueError): pass\ndef odd(): raise Odd('told')\ndef f(x): return eval(x)"
    assert sandbox.calls(source, "f", check).passed


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        ("def f(:", "compile_error", "SyntaxError"),
        ("import nothing_like_that\ndef f(): return 1", "fail", "ModuleNotFoundError"),
        ("def g(): return 1", "fail", "'f' is not defined"),
        ("x = [0] * 10**12\ndef f(): return 1", "oom", "MemoryError"),
    ],
)
def test_a_program_that_does_not_load_never_passes(
    sandbox: Sandbox, source: str, status: str, words: str
) -> None:
    for check in (lambda f: f(), lambda f: None, _swallowing):
        outcome = sandbox.calls(source, "f", check)
        assert outcome.status == status
        assert words in outcome.detail


def _swallowing(f: Callable[..., Any]) -> None:
    try:
        f()
    except Exception:
        return


def test_a_check_that_swallows_everything_cannot_hide_a_timeout(sandbox: Sandbox) -> None:
    outcome = sandbox.calls("def f():\n    while True: pass", "f", _swallowing, QUICK)
    assert outcome.status == "timeout"


def test_a_check_made_endless_by_a_value_is_ended(sandbox: Sandbox) -> None:
    def check(f: Callable[..., Any]) -> None:
        while f.__self__.answered or f() == 1:  # type: ignore[attr-defined]
            pass

    started = time.monotonic()
    outcome = sandbox.calls("def f(): return 1", "f", check, Limits(cpu_s=5, wall_s=0.5))
    assert outcome.status == "timeout"
    assert time.monotonic() - started < 30


def test_names_are_those_of_a_bare_exec(sandbox: Sandbox) -> None:
    assert value_of(sandbox, "__name__") == "builtins"


def test_mutation_is_seen_when_asked_for(sandbox: Sandbox) -> None:
    def check(f: Callable[..., Any]) -> None:
        numbers, table = [3, 1, 2], {"a": 1}
        assert f(numbers, table) is None
        assert numbers == [1, 2, 3]
        assert table == {"b": 2}

    source = "def f(x, d):\n    x.sort()\n    d.clear()\n    d['b'] = 2"
    assert sandbox.calls(source, "f", check, mutates=True).passed
    assert not sandbox.calls(source, "f", check).passed


def test_prints_are_kept_apart_and_limited(sandbox: Sandbox) -> None:
    outcome = sandbox.calls(
        "def f():\n    print('x' * 3000)\n    import sys; sys.stdout.flush()\n    return 1",
        "f",
        lambda f: f(),
        Limits(out_kb=1),
    )
    assert outcome.passed
    assert outcome.stdout == "x" * 1023 + "\n"  # the beginning and the end


def test_stream_of_calls_with_limits_per_call(sandbox: Sandbox) -> None:
    source = "def f(x):\n    if x == 1: raise KeyError('k')\n    while x == 2: pass\n    return [x]"
    done = sandbox.run_calls(source, "f", [((x,), {}) for x in range(4)], per_call_s=0.3)
    assert done.results[0] == Returned([0])
    assert isinstance(done.results[1], Raised)
    assert done.results[1].kind == "KeyError"
    assert done.results[2:] == (TimedOut(), Returned([3]))
    assert done.outcome.status == "pass"


def test_stream_stops_when_told(sandbox: Sandbox) -> None:
    done = sandbox.run_calls(
        "def f(x): return x", "f", [((x,), {}) for x in range(1000)], stop_on=lambda at, result: at == 4
    )
    assert [result.value for result in done.results if isinstance(result, Returned)] == [0, 1, 2, 3, 4]


def test_stream_of_many_and_large_answers(sandbox: Sandbox) -> None:
    done = sandbox.run_calls("def f(x): return [x] * 2000", "f", [((x,), {}) for x in range(600)])
    assert [result.value[0] for result in done.results if isinstance(result, Returned)] == list(range(600))


def test_stream_of_a_program_that_dies_ends_with_its_death(sandbox: Sandbox) -> None:
    source = "import os\ndef f(x):\n    if x == 3: os.abort()\n    return x"
    done = sandbox.run_calls(source, "f", [((x,), {}) for x in range(9)])
    assert done.results[:3] == (Returned(0), Returned(1), Returned(2))
    assert isinstance(done.results[3], Died)
    assert done.results[3].status == "crash"
    assert len(done.results) == 4
    assert done.outcome.status == "crash"


def test_what_a_program_returns_cannot_fill_the_memory_out_here(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split, "_MOST_KEPT", 8 << 20)
    source = "def f(x): return 'x' * (3 << 20)"
    done = sandbox.run_calls(source, "f", [((x,), {}) for x in range(40)], Limits(cpu_s=30, wall_s=120))
    assert (len(done.results), done.outcome.status) == (3, "fail")
    assert "larger than 8 MB" in done.outcome.detail


def test_a_message_that_cannot_be_written_is_still_a_failure(sandbox: Sandbox) -> None:
    def check(f: Callable[..., Any]) -> None:
        raise AssertionError(f())

    outcome = sandbox.calls("def f(): return 10 ** 9999", "f", check)
    assert outcome.status == "fail"
    assert "AssertionError" in outcome.detail


def test_stream_with_a_time_limit_for_each_call(sandbox: Sandbox) -> None:
    source = "def f(x):\n    import time\n    end = time.process_time() + 0.3\n    while time.process_time() < end: pass"  # noqa: E501
    done = sandbox.run_calls(source, "f", [((1,), {}), ((2,), {})], per_call_s=[0.1, 2.0])
    assert done.results == (TimedOut(), Returned(None))


def test_a_call_that_never_comes_back_to_the_interpreter_is_ended_by_its_own_limit(sandbox: Sandbox) -> None:
    limits = Limits(cpu_s=60, wall_s=600)
    done = sandbox.run_calls("def f(x): return sum(range(10**11))", "f", [((1,), {})], limits, per_call_s=0.2)
    assert done.outcome.status == "timeout"
    assert done.outcome.cpu_s < 30
    assert "a call" in done.outcome.detail


def test_many_threads_share_the_workers(sandbox: Sandbox) -> None:
    def one(number: int) -> bool:
        def check(f: Callable[..., Any]) -> None:
            assert f(number) == number * 2

        return sandbox.calls("def f(x): return x * 2", "f", check).passed

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(one, range(60)))


def test_the_scientific_flavour_is_chosen_by_imports(sandbox: Sandbox) -> None:
    pytest.importorskip("numpy")
    source = "import numpy as np\ndef f(x): return np.int64(x) + np.float64(0.5), np.array([1]).sum()"
    seen: list[Any] = []
    outcome = sandbox.calls(source, "f", lambda f: seen.append(f(1)))
    assert outcome.passed, outcome
    assert seen == [(1.5, 1)]
    assert not sandbox.calls(source, "f", lambda f: f(1), flavour="lean").passed


def _frame(content: bytes, length: int | None = None) -> bytes:
    return (len(content) if length is None else length).to_bytes(4, "little") + content


WRONG = st.sampled_from(
    [b'["r",1]', b'["r",0,0]', b'["r"]', b'["e",["ValueError"],"no"]', b'["t"]', b'["n"]', b'["p","word"]',
     b'["x","load",["KeyError"],""]', b'["r",{"o":["int",true]}]', b'["r",null]', b'["r",[3,0,42]]', b"null",
     b"", b'["d",[],""]']
)  # fmt: skip
NOISE = st.one_of(
    st.binary(max_size=24),
    WRONG.map(_frame),
    st.builds(_frame, WRONG, st.integers(0, 2**32 - 1)),
    st.builds(_frame, st.binary(max_size=12)),
)


@pytest.mark.slow
@settings(max_examples=60)
@given(noise=st.lists(NOISE, min_size=1, max_size=4), first=st.booleans(), leave=st.booleans())
def test_nothing_that_a_program_writes_on_the_channel_stands_for_a_right_answer(
    sandbox: Sandbox, noise: list[bytes], first: bool, leave: bool
) -> None:
    """Whatever is written, at whatever time: no pass, no exception out here, and the worker lives."""
    source = f"""
import os
def speak():
    for handle in range(3, 16):
        try:
            os.write(handle, {b"".join(noise)!r})
        except OSError:
            pass
    if {leave}:
        os._exit(0)
if {first}:
    speak()
def add(a, b):
    speak()
    return 7
"""

    def check(add: Callable[..., Any]) -> None:
        assert add(1, 2) == 3
        assert add(-5, 5) == 0

    limits = Limits(cpu_s=5, wall_s=0.7)  # half a frame is waited for
    outcome = sandbox.calls(source, "add", check, limits)
    assert outcome.status in ("fail", "tampered", "timeout", "compile_error"), outcome
    done = sandbox.run_calls(source, "add", [((1, 2), {}), ((-5, 5), {})], limits)
    assert [getattr(result, "value", None) for result in done.results] != [3, 0]
    assert sandbox.calls("def add(a, b): return a + b", "add", check, QUICK).passed
