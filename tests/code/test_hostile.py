"""Answers made to deceive or to break the judge: wrong is wrong, and never an error of the evaluation."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from made import given, sample

from evalsuite.evaluators.code import (
    cruxeval,
    ds1000,
    evalplus_rules,
    fences,
    livecodebench,
    multipl_e_chat,
    multipl_e_older,
    multipl_e_text,
    needed,
    safim_text,
    stdio,
)
from evalsuite.evaluators.code import python_text as python
from evalsuite.evaluators.code import said as turns
from evalsuite.evaluators.code.bigcodebench import BigCodeBenchEvaluator
from evalsuite.evaluators.code.cruxeval import CruxEvalEvaluator
from evalsuite.evaluators.code.evalplus import EvalPlusEvaluator
from evalsuite.evaluators.code.function_tests import HumanEvalEvaluator
from evalsuite.evaluators.code.livecodebench import LiveCodeBenchEvaluator
from evalsuite.evaluators.code.multipl_e import MultiPLEEvaluator
from evalsuite.evaluators.code.sanitize import sanitized, sanitized_bigcodebench
from evalsuite.sandbox import Sandbox, building, imports, languages

FLOATS: dict[str, Any] = {
    "prompt": 'def half(x):\n    """ Half. """\n',
    "entry_point": "half",
    "canonical_solution": "    return x / 2\n",
    "base_input": [[1], [2]],
    "plus_input": [[3]],
    "atol": 1e-6,
}
# What a function may return in place of a number, each of which once hurt a judge.
RETURNED = [
    "[]", "[[]]", "()", "''", "{}", "None", "True", "float('nan')", "10 ** 6000", "-10 ** 6000", "range(10 ** 9)",  # noqa: E501
    "[0.5, 1.0]", "[0.5] * 100000", "__import__('decimal').Decimal('sNaN')", "__import__('decimal').Decimal('1e999')",  # noqa: E501
    "__import__('fractions').Fraction(1, 3 ** 20000)", "'\\ud800'", "b'0.5'", "0.5j", "iter([0.5])", "object()",  # noqa: E501
    "(lambda deep: [deep := [deep] for _ in range(150)][-1])([])", "type('F', (float,), {'__eq__': lambda s, o: True})(9)",  # noqa: E501
    "{n * (2 ** 61 - 1) for n in range(3000)}", "__builtins__", "Exception", "...", "NotImplemented",
]  # fmt: skip


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALSUITE_CACHE", str(tmp_path))


@pytest.fixture
def opened() -> Iterator[Callable[[Any], Any]]:
    made: list[Any] = []

    def keep(evaluator: Any) -> Any:
        made.append(evaluator)
        return evaluator

    yield keep
    for evaluator in made:
        evaluator.close()


@pytest.mark.parametrize("rules", ["0.2.1", "0.3.1"])
def test_no_odd_value_is_near_a_number(rules: str, caches: None, opened: Callable[[Any], Any]) -> None:
    evaluator = opened(EvalPlusEvaluator(rules, workers=1))
    problem = sample("HumanEval/0", **FLOATS)
    assert evaluator.judge(problem, given("    return x * 0.5\n"), 0).status == "right"
    for value in RETURNED:
        score = evaluator.judge(problem, given(f"    return {value}\n"), 0)
        assert score.status == "wrong", (value, score)
        assert score.correct is False, value


@pytest.mark.parametrize("reading", ["2024", "2025"])
def test_no_odd_value_breaks_livecodebench(reading: Any, opened: Callable[[Any], Any]) -> None:
    tests = [{"input": "1", "output": "0.5", "testtype": "functional"}]
    problem = sample(tests=tests, func_name="half")
    evaluator = opened(LiveCodeBenchEvaluator(reading, workers=1))
    body = "```python\ndef half(x):\n    return {}\n```"
    assert evaluator.judge(problem, given(body.format("x / 2")), 0).status == "right"
    for value in RETURNED:
        if reading == "2024" and value in ("[0.5, 1.0]", "[0.5] * 100000"):
            continue
        score = evaluator.judge(problem, given(body.format(value)), 0)
        assert (score.status, score.correct) == ("wrong", False), (value, score)


def test_no_odd_value_passes_an_assertion(opened: Callable[[Any], Any]) -> None:
    problem = sample(
        "HumanEval/0",
        **{**FLOATS, "test": "def check(candidate):\n    assert abs(candidate(1) - 0.5) < 1e-6\n"},
    )
    evaluator = opened(HumanEvalEvaluator(workers=1))
    assert evaluator.judge(problem, given("    return x / 2\n"), 0).status == "right"
    for value in RETURNED:
        score = evaluator.judge(problem, given(f"    return {value}\n"), 0)
        assert (score.status, score.correct) == ("wrong", False), (value, score)


def test_a_library_that_is_there_is_not_missing_because_the_answer_says_so(
    opened: Callable[[Any], Any],
) -> None:
    pytest.importorskip("numpy")
    fields: dict[str, Any] = {
        "entry_point": "task_func",
        "code_prompt": "import numpy\ndef task_func(n):",
        "complete_prompt": "import numpy\ndef task_func(n):\n",
        "test": "import unittest\nclass TestCases(unittest.TestCase):\n"
        "    def test_it(self):\n        self.assertEqual(task_func(1), 2)\n",
    }
    evaluator = opened(BigCodeBenchEvaluator(workers=1, seconds=20))
    for name in ("numpy", "numpy.linalg", "unittest"):
        text = f"    raise ModuleNotFoundError(\"No module named '{name}'\")\n"
        assert evaluator.judge(sample(**fields), given(text), 0).status == "wrong", name


@pytest.mark.parametrize("mode", ["input", "output"])
def test_no_answer_breaks_cruxeval(mode: Any, opened: Callable[[Any], Any]) -> None:
    evaluator = opened(CruxEvalEvaluator(mode, workers=1))
    problem = sample(code="def f(x):\n    return x.removesuffix('z') * 2", input="'a'", output="'aa'")
    call = "f({})" if mode == "input" else "{}"
    deep = [
        "not " * 600 + "1",
        "-" * 900 + "1",
        "(" * 150 + "1" + ")" * 150,
        "x" + ".a" * 3000,
        "1" + "+1" * 3000,
    ]
    odd = [
        "9" * 5000,
        "1e999",
        "'\\ud800'",
        "'\x00'",
        "[" * 300,
        "*",
        "",
        "x := 1",
        "yield",
        "await x",
        "lambda: 0",
    ]
    for value in deep + odd:
        score = evaluator.judge(problem, given(call.format(value)), 0)
        assert score.status != "error", (value[:40], score)
        assert not score.correct, (value[:40], score)


@pytest.mark.parametrize(
    ("mode", "text", "integrity"),
    [
        ("input", "f('a')", "split"),
        ("input", "f('') or True", "inproc"),
        ("input", "['aa', f('')][0]", "inproc"),
        ("input", "'aa', f('a')", "inproc"),
        ("input", "'aa' # f(", "inproc"),
        ("input", "f(type('S', (str,), {'__mul__': lambda s, n: 'aa'})())", "inproc"),
        ("output", "'aa'", "split"),
        ("output", "'x' or True", "inproc"),
        ("output", "'aa'; import os", "inproc"),
        ("output", "f ('a')", "inproc"),
    ],
)
def test_an_answer_that_predicts_nothing_says_so_of_its_verdict(
    mode: Any, text: str, integrity: str, opened: Callable[[Any], Any]
) -> None:
    """The published evaluation takes them all for right."""
    evaluator = opened(CruxEvalEvaluator(mode, workers=1))
    problem = sample(code="def f(x):\n    return x * 2", input="'a'", output="'aa'")
    score = evaluator.judge(problem, given(text), 0)
    assert (score.status, score.extra["integrity"]) == ("right", integrity)


def test_a_literal_made_to_take_hours_is_not_made() -> None:
    text = "{" + ",".join(str(number * (2**61 - 1)) for number in range(100_000)) + "}"
    with_call = sample(code="def f(x):\n    return x", input="'a'", output="'a'", expected="'a'")
    assert not livecodebench.OutputPredictionEvaluator(workers=1).judge(with_call, given(text), 0).correct
    assert not CruxEvalEvaluator("output", workers=1).judge(with_call, given(text), 0).correct


@pytest.mark.parametrize("rules", ["0.2.1", "0.3.1"])
def test_small_values_spread_over_each_other_take_no_memory(rules: Any) -> None:
    near = evalplus_rules.Comparison(rules, False, "f", 1e-6)
    assert not near.agrees([], [[0.5]] * 300_000, [0.5] * 100_000)
    assert near.agrees([], [0.5 + 1e-9] * 3, [0.5] * 3)
    tracemalloc.start()
    try:
        for text in ("a" * 1_000_000, b"a" * 4_000_000):
            for got in ([text, *("b" * 99)], [[text], [0.5] * 99], deque([text, *("b" * 99)])):
                assert not near.agrees([], got, [0.5] * 100)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_long_outputs_and_numbers_are_only_other_ones() -> None:
    long = "1" + "0" * 1_000_001
    assert not safim_text.same_output(long, "1")
    assert not livecodebench.same_by_ladder("\n".join(map(str, range(300_000))), "1\n2")
    assert livecodebench.same_by_ladder("2\n\n1 1\n2", "1\n2")
    assert not livecodebench.same_lines("1 " * 100_000, "2")


def test_a_stdin_program_ends_at_its_first_wrong_output(opened: Callable[[Any], Any]) -> None:
    evaluator = opened(LiveCodeBenchEvaluator(workers=1))
    tests = [{"input": str(n), "output": str(n), "testtype": "stdin"} for n in range(200)]
    problem = sample(tests=tests, func_name="")
    for body, status, detail in (
        ("print(int(input()) % 199)", "wrong", "test 199: another output"),
        ("import time; time.sleep(0.2)", "wrong", "test 0: another output"),
        ("print(input())", "right", ""),
    ):
        score = evaluator.judge(problem, given(f"```python\n{body}\n```"), 0)
        assert (score.status, score.detail) == (status, detail)
        assert score.metrics["other_reading"] == (status == "right")


@pytest.mark.slow
def test_what_a_program_writes_into_the_script_around_it_is_no_error() -> None:
    if not languages()["cpp"].installed:
        pytest.skip("no g++ here")
    source = """
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <signal.h>
int main() {
    char path[64], name[64], state; int pid, script;
    sprintf(path, "/proc/%d/stat", getppid());
    fscanf(fopen(path, "r"), "%d %63[^ ] %c %d", &pid, name, &state, &script);
    sprintf(path, "/proc/%d/fd/1", script);
    const char* line = "0 WORD QQ==\\n";
    write(open(path, O_WRONLY), line, strlen(line));
    kill(script, 9);
}"""
    with Sandbox(1) as sandbox:
        for word in ("\u00b2", "9" * 5000, "-1", ""):
            ran = stdio.run_stdio(sandbox, "cpp", source.replace("WORD", word), ["1", "2"], 2)
            assert not ran.outcome.passed, word
            assert ran.outcome.status != "harness_error"


# ---- leaving before the tests, in every language ----

_TEST_GO = 'func TestTwice(t *testing.T) {\n\tif twice(2) != 4 {\n\t\tt.Errorf("no")\n\t}\n}\n'
LEAVING: dict[str, tuple[str, str, str, str]] = {  # prompt, tests, a right body, one that leaves with 0
    "cpp": (
        "#include<assert.h>\n#include<bits/stdc++.h>\nlong twice(long n) {\n",
        "}\nint main() {\n    auto candidate = twice;\n    assert(candidate((2)) == (4));\n}\n",
        "    return 2 * n;\n",
        "    exit(0);\n",
    ),
    "java": (
        "import java.util.*;\nclass Problem {\n    public static long twice(long n) {\n",
        "    }\n    public static void main(String[] args) {\n    assert(twice((2l)) == (4l));\n    }\n\n}\n",
        "        return 2 * n;\n",
        "        System.exit(0);\n        return 0;\n",
    ),
    "js": (
        "// Twice.\nfunction twice(n){\n",
        "const assert = require('node:assert');\nfunction test() {\n  assert.deepEqual(twice(2),4);\n}\n\ntest();",  # noqa: E501
        "    return 2 * n;\n}\n",
        "    process.exit(0);\n}\n",
    ),
    "ts": (
        "//Twice.\nfunction twice(n: number): number {\n",
        "declare var require: any;\nconst assert = require('node:assert');\n\n\nfunction test() {\n"
        "  assert.deepEqual(twice(2),4);\n}\n\ntest();",
        "    return 2 * n;\n}\n",
        "    (globalThis as any).process.exit(0);\n    return 0;\n}\n",
    ),
    "cs": (
        "using System;\nusing System.Diagnostics;\nclass Problem {\n    public static long Twice(long n) {\n",
        "    }\n    public static void Main(string[] args) {\n    Debug.Assert(Twice((2L)) == (4L));\n    }\n\n}\n",  # noqa: E501
        "        return 2 * n;\n",
        '        Console.Error.WriteLine("x");\n        Environment.Exit(0);\n        return 0;\n',
    ),
    "php": (
        "<?php\n// Twice.\nfunction twice($n) {\n",
        "function test(): void {\n    if (twice(2) !== 4) { throw new Exception(\"Test failed!\"); }\n}\n\ntest();",  # noqa: E501
        "    return 2 * $n;\n}\n",
        "    exit(0);\n}\n",
    ),
    "sh": (
        "#!/bin/bash\n# Twice.\ntwice() {\n",
        "}\n\nset -e\nrun_test() {\n    [[ $(twice \"2\") = \"4\" ]]\n}\n\nrun_test",
        "    echo $((2 * $1))\n",
        "    :\n}\ntrap 'exit 0' EXIT\nexit 0\nother() {\n    :\n",
    ),
    "go": (
        'package twice_test\n\nimport (\n    "testing"\n    "os"\n)\n\nvar _ = os.Args\n\nfunc twice(n int) int {\n',  # noqa: E501
        _TEST_GO,
        "    return 2 * n\n}\n\n",
        "    return 0\n}\n\nfunc init() {\n    os.Exit(0)\n}\n\n",
    ),
    "rs": (
        "/// Twice.\nfn twice(n: isize) -> isize {\n",
        "}\n\nfn main() {\n    let candidate = twice;\n    assert_eq!(candidate(2), 4);\n}\n",
        "    2 * n\n",
        "    std::process::exit(0)\n",
    ),
    "python": (
        'def twice(n):\n    """ Twice. """\n',
        "def check(twice):\n    assert twice(2) == 4\n\ncheck(twice)",
        "    return 2 * n\n",
        "    import os\n    os._exit(0)\n",
    ),
}  # fmt: skip
_SLOW = ("cpp", "java", "ts", "cs", "go")


@pytest.mark.parametrize(
    "language", [pytest.param(name, marks=[pytest.mark.slow] if name in _SLOW else []) for name in LEAVING]
)
def test_leaving_before_the_tests_is_no_pass(language: str, opened: Callable[[Any], Any]) -> None:
    tool = {"sh": "bash", "rs": "rust"}.get(language, language)
    if not languages()[tool].installed:
        pytest.skip(f"no {tool} here")
    prompt, tests, right, leaves = LEAVING[language]
    problem = sample(
        "HumanEval_0_twice",
        task_id="HumanEval_0_twice",
        language=language,
        prompt=prompt,
        stem=prompt.strip(),
        tests=tests,
        first_stops=[],
    )
    evaluator = opened(MultiPLEEvaluator(workers=1))
    scores = [evaluator.judge(problem, given(prompt + body, "generation"), 0) for body in (right, leaves)]
    assert [score.status for score in scores] == ["right", "wrong"], scores


# ---- texts that nobody would write ----

_FIELDS = {"prompt": "class P {\n  static int f(int n) {\n", "stem": "class P {\n  static int f(int n) {",
           "tests": "}\n", "task_id": "HumanEval_1_f", "first_stops": []}  # fmt: skip
_PROMPT = 'def f(x):\n    """ Twice. """\n'
READERS: dict[str, Callable[[str], Any]] = {
    "turn": turns.said,
    "fences": fences.blocks,
    "before fence": fences.before_fence,
    "demonstrations": lambda text: needed.without_demonstrations(text, "f"),
    "assembled": lambda text: python.assembled(_PROMPT, text, "f"),
    "fenced": lambda text: python.fenced(text, "f"),
    "end": python.completion_end,
    "whole": lambda text: python.whole_part(text, "f"),
    "broken line": python.broken_line,
    "sanitized": lambda text: sanitized(text, "f"),
    "sanitized for BigCodeBench": lambda text: sanitized_bigcodebench(text, "f"),
    "LiveCodeBench": livecodebench.fenced_code,
    "predicted output": livecodebench.predicted_output,
    "a literal": livecodebench._literal,
    "lines": lambda text: livecodebench.same_lines(text, text + " 1"),
    "ladder": lambda text: livecodebench.same_by_ladder(text, "1 2\n" + text),
    "DS-1000": ds1000.solution_of,
    "CRUXEval": lambda text: [cruxeval.extracted(text, mode) for mode in ("input", "output")],
    "old PHP": lambda text: multipl_e_older.older_php(f"<?php str_split($x); {text}?>", "7.4"),
    "old methods": lambda text: cruxeval.without_new_methods(f"x.removeprefix({text})"),
    "control": lambda text: safim_text.control_part(text, "python"),
    "call": safim_text.call_part,
    "output": lambda text: safim_text.same_output(text, text + "1"),
    "flavour": imports.flavour,
    "beside others": building.stands_alone,
    **{
        f"block of {name}": lambda text, name=name: safim_text.block_part(text, "a {\n", "}\n", name)
        for name in ("python", "java", "cpp", "csharp")
    },
    **{
        f"{name} of a chat, {read.__name__}": lambda text, name=name, read=read: multipl_e_text.with_marker(
            name, read({**_FIELDS, "language": name}, text), "WORD"
        )
        for name in LEAVING
        for read in (multipl_e_chat.published_program, multipl_e_chat.mended_program)
    },
}
_PIECES = (
    "```", "```python\n", "~~~", "\n", "    ", "\t", "def f(x):", "return", "class ", "import ", "from ", "assert ",  # noqa: E501
    "==", "(", ")", "[", "]", "{", "}", "'", '"', "'''", '"""', "\\", "#", "//", "/*", "*/", "<think>", "</think>",  # noqa: E501
    "[ANSWER]", "[/ANSWER]", "<code>", "BEGIN SOLUTION", "<?php", "?>", "f", "x", "1", "9" * 30, ".", ",", ":", ";",  # noqa: E501
    "lambda", "async ", "await ", "@", "=", "-", "not ", "\x00", "\ud800", "\ufeff", "\r", "\x0c", "\u2028", "é", "f'{",  # noqa: E501
    "<|im_end|>", "if __name__", "while ", "for x in ", "else", "static ", "void main", "public class A", "=> ",  # noqa: E501
)  # fmt: skip
REPEATED = [piece * 400 for piece in _PIECES] + [
    "".join(" " * depth + "if x:\n" for depth in range(120)),
    "(" * 150 + "1" + ")" * 150,
    "f" + "()" * 1500,
    "x" + ".a" * 1500,
    "not " * 1500 + "1",
    "1" + "+1" * 1500,
]


@pytest.mark.parametrize("reader", list(READERS))
def test_no_repetition_breaks_a_reader(reader: str) -> None:
    for text in REPEATED:
        READERS[reader](text)


_OF_CHATS = [reader for reader in READERS if " of a chat" in reader]
_LONG = (
    "x\n",
    "<think>\n",
    "f(1)\n",
    "<think>",
    "assert f(1) ==\n",
    "```",
    "``` ",
    "public static ",
    "}\n",
    "main(",
    " ",
    "static f",
    "match (",
    "str_contains(",
    "function ",
)


@pytest.mark.parametrize("reader", ["turn", "demonstrations", "predicted output", "old PHP", *_OF_CHATS])
def test_no_long_repetition_holds_a_reader_up(reader: str) -> None:
    for piece in _LONG:
        started = time.process_time()
        READERS[reader](piece * 20_000)
        assert time.process_time() - started < 5


@settings(max_examples=400, deadline=None)
@drawn(st.sampled_from(list(READERS)), st.lists(st.sampled_from(_PIECES) | st.text(max_size=4), max_size=40))
def test_no_text_breaks_a_reader(reader: str, pieces: list[str]) -> None:
    READERS[reader]("".join(pieces))


def test_what_is_read_can_be_written_down() -> None:
    for text in REPEATED:
        found = python.assembled(_PROMPT, text, "f")
        json.dumps(found)
