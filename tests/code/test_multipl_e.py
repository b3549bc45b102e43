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
from evalsuite.evaluators.code.multipl_e_chat import is_same, mended_program, published_program
from evalsuite.evaluators.code.multipl_e_text import is_whole, with_marker

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
    assert published_program(fields, text).endswith("\n}\n")
    assert mended_program(fields, text).endswith("\n}\n")


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


_CS_HEAD = "using System;\nclass Problem {\n    public static long Twice(long x) {\n"
CS = sample(
    task_id="HumanEval_0_twice",
    language="cs",
    prompt=_CS_HEAD,
    stem=_CS_HEAD.strip(),
    tests="    }\n    public static void Main(string[] args) {\n"
    "    Debug.Assert(Twice((2L)) == (4L));\n    }\n\n}\n",
    first_stops=["\n    }\n"],
)


@pytest.mark.skipif(shutil.which("mcs") is None, reason="no mcs here")
def test_c_sharp_has_numerics_where_the_published_figures_were_made_with_it() -> None:
    problem, head = CS, CS.fields["prompt"]
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


# ---- chat answers ----


def fenced(*lines: str) -> Any:
    """A chat answer with these lines as its code."""
    return given("Sure:\n```\n" + "\n".join(lines) + "\n```\nDone.")


def judged(problem: Any, answer: Any, **settings: Any) -> Any:
    """The score of one answer."""
    evaluator = MultiPLEEvaluator(workers=1, **settings)
    try:
        return evaluator.judge(problem, answer, 0)
    finally:
        evaluator.close()


def test_the_published_reading_finds_a_function_by_the_words_of_the_question() -> None:
    fields = {
        **row("php").fields,
        "prompt": "<?php\n// Write a function that doubles (twice).\nfunction twice($n) {\n",
    }
    code = "<?php\nfunction twice($n) {\n    return 2 * $n;\n}\n"
    assert published_program(fields, f"```php\n{code}```").count("function twice(") == 2
    assert mended_program(fields, f"```php\n{code}```").count("function twice(") == 1


def test_the_published_reading_cuts_bash_at_a_last_closing_line_and_keeps_nothing_without_one() -> None:
    fields = row("sh").fields
    text = "```bash\ntwice() { echo $((2 * $1)); }\n```"
    assert published_program(fields, text) == "\n" + fields["tests"]
    assert "echo" in mended_program(fields, text)


def test_readings_that_differ_in_empty_lines_are_one() -> None:
    assert is_same("a\n\n  b\n", "a\n  b")
    assert not is_same("a\n  b", "a\n b")


@pytest.mark.skipif(shutil.which("php") is None, reason="no php here")
@pytest.mark.parametrize("reading", ["published", "mended"])
def test_the_other_reading_is_told_where_it_makes_a_difference(reading: Any) -> None:
    plain = row("php")
    question = plain.fields["prompt"].replace("Twice.", "A function that doubles (twice).")
    misleading = sample(plain.id, **{**plain.fields, "prompt": question, "stem": question.strip()})
    answer = fenced("<?php", "function twice($n) {", "    return 2 * $n;", "}")
    score = judged(misleading, answer, chat_reading=reading)
    assert score.metrics == {"other_chat": float(reading == "published")}
    assert score.correct is (reading == "mended")
    score = judged(plain, answer, chat_reading=reading)
    assert score.correct and "other_chat" not in score.metrics


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_a_javascript_program_of_a_chat_may_print_and_a_continuation_may_not() -> None:
    lines = ("    console.log(n);", "    return 2 * n;", "}")
    assert judged(row("js"), fenced("function twice(n){", *lines)).correct
    assert not judged(row("js"), given("\n".join(lines))).correct


@pytest.mark.skipif(shutil.which("php") is None, reason="no php here")
@pytest.mark.parametrize(
    ("body", "right", "other"),
    [
        ("return str_contains('abc', 'b') ? 2 * $n : 0;", False, 1.0),
        ("return match (true) { default => 2 * $n };", False, 1.0),
        ("return 2 * count(str_split(''));  // and $n", False, 0.0),
        ("return 2 * $n;", True, None),
        ("return (new class { public function match($x) { return 2 * $x; } })->match($n);", True, None),
    ],
)
def test_php_8_was_not_known_to_the_published_figures_of_chat_models(
    body: str, right: bool, other: float | None
) -> None:
    answer = fenced("<?php", "function twice($n) {", f"    {body}", "}")
    score = judged(row("php"), answer)
    assert (score.correct, score.metrics.get("other_php")) == (right, other)
    now = judged(row("php"), answer, php_semantics="current")
    assert now.correct == (score.correct if other is None else bool(other))
    own = ("function str_contains($text, $part) {", "    return strpos($text, $part) !== false;", "}")
    before = ("<?php", "if (!function_exists('str_contains')) {", *own, "}")
    assert judged(row("php"), fenced(*before, *answer.text.split("\n")[3:-2])).correct is (
        right or "str_contains" in body
    )


JAVA = {
    "tuples": (
        "import org.javatuples.*;",
        "class Problem {",
        "    public static Pair<Long, Long> twice(long n) {",
        "        return Pair.with(n, 2 * n);",
        "    }",
        "}",
    ),
    "newer": (
        "class Problem {",
        "    public static long twice(long n) {",
        "        return List.of(n, n).stream().mapToLong(Long::longValue).sum();",
        "    }",
        "}",
    ),
    "older": (
        "class Problem {",
        "    public static long twice(long n) {",
        "        return 2 * n;",
        "    }",
        "}",
    ),
}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("javac") is None, reason="no javac here")
@pytest.mark.parametrize(("kind", "right"), [("tuples", False), ("newer", False), ("older", True)])
def test_java_8_without_tuples_is_what_chat_models_were_judged_with(kind: str, right: bool) -> None:
    value = ".getValue1()" if kind == "tuples" else ""
    head = "import java.util.*;\nimport org.javatuples.*;\nclass Problem {\n"
    problem = sample(
        task_id="HumanEval_0_twice",
        language="java",
        prompt=f"{head}    public static long twice(long n) {{\n",
        stem=f"{head}    public static long twice(long n) {{",
        tests="    }\n    public static void main(String[] args) {\n"
        f"    assert(twice((2l)){value} == (4l));\n    }}\n\n}}\n",
        first_stops=["\n    }\n"],
    )
    score = judged(problem, fenced(*JAVA[kind]))
    assert (score.correct, score.metrics) == (right, {} if right else {"other_java": 1.0})
    assert judged(problem, fenced(*JAVA[kind]), java_semantics="current").correct
    if kind != "tuples":  # these are declared otherwise than the question says
        body = given("\n".join(JAVA[kind][2:-1]) + "\n")
        assert judged(problem, body).correct and judged(problem, body, java_semantics="8").correct is right


@pytest.mark.skipif(shutil.which("mcs") is None, reason="no mcs here")
def test_a_c_sharp_program_of_a_chat_that_throws_is_wrong() -> None:
    problem, head = CS, CS.fields["prompt"]
    body = '        throw new Exception("no");\n    }\n'
    assert judged(problem, given(body)).correct  # as published
    assert not judged(problem, given(f"```csharp\n{head}{body}}}\n```")).correct


def test_tests_of_a_chat_answer_find_no_helper_that_it_left_out() -> None:
    fields = {
        "prompt": 'def halved(n):\n    return n // 2\n\n\ndef twice(n):\n    """ Twice. """\n',
        "tests": "def check(twice):\n    assert twice(halved(2)) == 2\n\ncheck(twice)",
    }
    problem = sample("HumanEval_0_twice", **{**row("python").fields, **fields})
    alone = fenced("def twice(n):", "    return 2 * n")
    helped = fenced("def halved(n):", "    return n // 2", "def twice(n):", "    return 2 * n")
    assert (judged(problem, alone).correct, judged(problem, alone).metrics) == (False, {"other_chat": 1.0})
    assert judged(problem, helped).correct
