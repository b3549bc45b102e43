"""MultiPL-E programs from continuations and chat answers, and their verdicts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from made import given, sample

from evalsuite.datasets.multipl_e import LANGUAGES
from evalsuite.evaluators.code.multipl_e import MultiPLEEvaluator
from evalsuite.evaluators.code.multipl_e_text import chat_program, is_whole, with_marker

ROWS: dict[str, dict[str, Any]] = {
    "js": {
        "prompt": "// Twice.\nfunction twice(n){\n",
        "tests": "const assert = require('node:assert');\nfunction test() {\n  let candidate = twice;\n"
        "  assert.deepEqual(candidate(2),4);\n}\n\ntest();",
        "first_stops": ["\nfunction "],
        "good": "    return 2 * n;\n}\n",
        "bad": "    return n;\n}\n",
        "exits": "    process.exit(0);\n}\n",
    },
    "sh": {
        "prompt": "#!/bin/bash\n# Twice.\n# $1 is an integer\ntwice() {\n",
        "tests": '}\n\ncandidate() {\n    twice "$@"\n}\n\nset -e\nrun_test() {\n'
        '    [[ $(candidate "2") = "4" ]]\n}\n\nrun_test',
        "first_stops": ["\n}"],
        "good": "    echo $((2 * $1))\n}\n",
        "bad": "    echo $1\n}\n",
        "exits": "    :\n}\nexit 0\n",
    },
    "php": {
        "prompt": "<?php\n// Twice.\nfunction twice($n) {\n",
        "tests": "function candidate(...$args) {\n    return twice(...$args);\n}\n\nfunction test(): void {\n"
        '    if (candidate(2) !== 4) { throw new Exception("Test failed!"); }\n}\n\ntest();',
        "first_stops": ["\nfunction"],
        "good": "    return 2 * $n;\n}\n",
        "bad": "    return $n;\n}\n",
        "exits": "    exit(0);\n}\n",
    },
    "python": {
        "prompt": 'def twice(n):\n    """ Twice. """\n',
        "tests": "def check(twice):\n    assert twice(2) == 4\n\ncheck(twice)",
        "first_stops": [],
        "good": "    return 2 * n\n",
        "bad": "    return n\n",
        "exits": "    import os\n    os._exit(0)\n",
    },
}


def row(language: str) -> Any:
    """A problem of that language."""
    kept = {key: value for key, value in ROWS[language].items() if key not in ("good", "bad", "exits")}
    return sample(
        "HumanEval_0_twice",
        task_id="HumanEval_0_twice",
        language=language,
        stem=kept["prompt"].strip(),
        **kept,
    )


@pytest.fixture(scope="module")
def evaluator() -> Iterator[MultiPLEEvaluator]:
    made = MultiPLEEvaluator(workers=1)
    yield made
    made.close()


@pytest.mark.parametrize("language", list(ROWS))
def test_right_and_wrong_and_early_exit(evaluator: MultiPLEEvaluator, language: str) -> None:
    tool = {"js": "node", "sh": "bash", "php": "php", "python": "sh"}[language]
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here")
    statuses = [
        evaluator.judge(row(language), given(ROWS[language][kind]), 0).status
        for kind in ("good", "bad", "exits")
    ]
    assert statuses == ["right", "wrong", "wrong"]


@pytest.mark.parametrize("language", list(ROWS))
def test_a_chat_answer_is_the_same_program_in_effect(evaluator: MultiPLEEvaluator, language: str) -> None:
    tool = {"js": "node", "sh": "bash", "php": "php", "python": "sh"}[language]
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here")
    text = f"Of course!\n```{language}\n{ROWS[language]['prompt']}{ROWS[language]['good']}```\nDone."
    assert evaluator.judge(row(language), given(text), 0).status == "right"


def test_a_call_of_the_function_is_no_declaration() -> None:
    fields = {
        "language": "java",
        "stem": "class Problem {\n    public static long fib(long n) {",
        "prompt": "class Problem {\n    public static long fib(long n) {\n",
        "tests": "",
    }
    assert not is_whole(fields, "        return fib(n - 1) + fib(n - 2);\n")
    assert is_whole(fields, "class Problem {\n    public static long fib(long n) {\n")


def test_the_marker_comes_after_the_last_test() -> None:
    java = with_marker("java", "class P { static void main() {\n  assert(true);\n    }\n\n}\n", "WORD")
    assert java.index("WORD") > java.index("assert(true)")
    assert java.count("}") == 2


@settings(max_examples=150, deadline=None)
@drawn(
    st.sampled_from(LANGUAGES),
    st.text(alphabet="`{}()\n abcdefn;#/<?phpusingclassMain", max_size=120),
)
def test_no_text_breaks_a_chat_program(language: str, text: str) -> None:
    fields = {
        "language": language,
        "prompt": "class P {\n  static int f(int n) {\n",
        "stem": "class P {\n  static int f(int n) {",
        "tests": "}\n",
        "task_id": "HumanEval_1_f",
        "first_stops": [],
    }
    assert chat_program(fields, text).endswith("\n}\n")


def test_data_rows_share_the_stops_of_the_first(bench_data: Path) -> None:
    from evalsuite.datasets.multipl_e import MultiPLE

    rows = list(MultiPLE("js", str(bench_data / "multipl_e" / "humaneval-js.jsonl.gz")).samples(3, 9))
    assert {tuple(each.fields["first_stops"]) for each in rows} == {
        ("\nfunction ", "\n/*", "\n//", "\nconsole.log")
    }


@pytest.mark.skipif(shutil.which("php") is None, reason="no php here")
@pytest.mark.parametrize(("semantics", "right", "other"), [("8.1", False, 1.0), ("current", True, 0.0)])
def test_both_readings_of_an_empty_text_split_by_php(semantics: Any, right: bool, other: float) -> None:
    problem = sample(
        task_id="HumanEval_16_count",
        language="php",
        prompt="<?php\nfunction count_letters($s) {\n",
        stem="<?php\nfunction count_letters($s) {",
        tests='if (count_letters("") !== 0) { throw new Exception("no"); }\n',
        first_stops=["\nfunction"],
    )
    evaluator = MultiPLEEvaluator(workers=1, php_semantics=semantics)
    try:
        score = evaluator.judge(problem, given("    return count(array_map('ord', str_split($s)));\n}\n"), 0)
        plain = evaluator.judge(problem, given("    return strlen($s);\n}\n"), 0)
    finally:
        evaluator.close()
    assert (score.correct, score.metrics) == (right, {"other_php": other})
    assert (plain.correct, plain.metrics) == (True, {})


@pytest.mark.skipif(shutil.which("mcs") is None, reason="no mcs here")
def test_c_sharp_has_numerics_where_the_published_figures_were_made_with_it() -> None:
    head = "using System;\nclass Problem {\n    public static long Twice(long x) {\n"
    problem = sample(
        task_id="HumanEval_0_twice",
        language="cs",
        prompt=head,
        stem=head.strip(),
        title="csharp",
        tests="    }\n    public static void Main(string[] args) {\n"
        "    Debug.Assert(Twice((2L)) == (4L));\n    }\n\n}\n",
        first_stops=["\n    }\n"],
    )
    body = "        return (long)(new BigInteger(x) * 2);\n    }\n"
    chat = f"Sure:\n```csharp\nusing System.Numerics;\n{head}{body}}}\n```\n"
    answers = [given(body), given(chat), given("        return x * 2;\n    }\n")]
    for numerics, right in ((None, [False, True, True]), (True, [True] * 3), (False, [False, False, True])):
        evaluator = MultiPLEEvaluator(workers=1, cs_numerics=numerics)
        try:
            scores = [evaluator.judge(problem, answer, 0) for answer in answers]
        finally:
            evaluator.close()
        assert [score.correct for score in scores] == right
        others = [score.metrics.get("other_cs") for score in scores]
        assert others == [float(not each) for each in right[:2]] + [None]
