"""Infilling, SAFIM, LiveCodeBench, text-to-SQL, MBPP's asserts and BigCodeBench's unit tests."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from made import given, read_gz, sample

from evalsuite.datasets.infilling import FIM_TOKENS, HumanEvalInfilling, RepositoryCompletion
from evalsuite.datasets.livecodebench import LiveCodeBench, all_tests
from evalsuite.datasets.sql import Spider, unpacked
from evalsuite.errors import UserError
from evalsuite.evaluators.code.bigcodebench import BigCodeBenchEvaluator
from evalsuite.evaluators.code.ds1000 import DS1000Evaluator, solution_of
from evalsuite.evaluators.code.function_tests import MbppEvaluator, foreign_names
from evalsuite.evaluators.code.infilling import (
    CompletionMatchEvaluator,
    InfillingEvaluator,
    LineMatchEvaluator,
    SafimEvaluator,
    same_call,
)
from evalsuite.evaluators.code.livecodebench import (
    LiveCodeBenchEvaluator,
    OutputPredictionEvaluator,
    fenced_code,
    predicted_output,
    same_by_ladder,
    same_lines,
)
from evalsuite.evaluators.code.similarity import edit_similarity, levenshtein_similarity
from evalsuite.evaluators.code.sql import SqlEvaluator, Undecided, query_of, same_set, same_up_to_columns

Write = Callable[..., Path]


def judged(evaluator: Any, problem: Any, *texts: str) -> list[str]:
    """The status of each answer."""
    try:
        return [evaluator.judge(problem, given(text), 0).status for text in texts]
    finally:
        evaluator.close()


# --------------------------------------------------------------------------- infilling
def test_a_family_orders_prefix_and_suffix_its_own_way() -> None:
    assert FIM_TOKENS["qwen"].prompt("a", "b") == "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>"
    assert FIM_TOKENS["codestral"].prompt("a", "b") == "[SUFFIX]b[PREFIX]a"
    with pytest.raises(UserError, match="qwen"):
        HumanEvalInfilling(family="qwn", path="/dev/null")


def test_an_infilled_line_is_run_with_what_stands_around_it() -> None:
    problem = sample(
        prompt="def f(x):\n    y = x\n",
        suffix="    return y\n",
        canonical_solution="    y = y + 1\n",
        test="def check(candidate):\n    assert candidate(1) == 2\n",
        entry_point="f",
        ends=("<|endoftext|>",),
    )
    texts = ("    y = y + 1\n", "    y += 1<|endoftext|>junk", "    y += 1\n    y += 5\n", "    y += 2\n")
    assert judged(InfillingEvaluator(lines="one", workers=1), problem, *texts) == [
        *("right", "right", "right"),
        "wrong",
    ]


@pytest.mark.parametrize(
    ("language", "tool", "code", "good"),
    [
        ("python", "sh", "n = int(input())\nprint({{completion}})\n", "n * 2"),
        (
            "cpp",
            "g++",
            "#include <iostream>\nint main() { int n; std::cin >> n; std::cout << {{completion}}; }\n",
            "n * 2",
        ),
        pytest.param(
            "java",
            "javac",
            "import java.util.*;\npublic class D { public static void main(String[] a) {\n"
            "int n = new Scanner(System.in).nextInt(); System.out.println({{completion}}); } }\n",
            "n * 2",
            marks=pytest.mark.slow,
        ),
        (
            "csharp",
            "mcs",
            "using System;\nclass P { static void Main() { int n = int.Parse(Console.ReadLine());\n"
            "Console.WriteLine({{completion}}); } }\n",
            "n * 2",
        ),
    ],
)
def test_safim_programs_are_fed_and_compared_outside(language: str, tool: str, code: str, good: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here")
    problem = sample(
        lang=language,
        subset="control",
        eval_prompt=code,
        ground_truth="n + n",
        unit_tests=[{"input": "3", "output": ["6"]}, {"input": "5", "output": ["10"]}],
        ends=(),
    )
    evaluator = SafimEvaluator(seconds=5, workers=1)
    assert judged(evaluator, problem, good, "n + 3", "n +", "n + n") == ["right", "wrong", "syntax", "right"]


def test_calls_are_compared_by_their_arguments() -> None:
    assert same_call("f(a, b = 1)", "f( a,b=1 )", "python")
    assert not same_call("f(a, 2)", "f(a, 1)", "python")
    assert same_call("g( x )", "g(x)", "cpp")


def test_a_single_line_is_compared_by_text() -> None:
    problem = sample(canonical_solution="    return 1\n", ends=())
    evaluator = LineMatchEvaluator()
    scores = [
        evaluator.judge(problem, given(text), 0) for text in ("return 1\nmore", "\n    return 1", "return 2")
    ]
    assert [score.correct for score in scores] == [True, True, False]
    assert 0 < scores[2].metrics["edit_similarity"] < 1


def test_repository_completion_counts_the_truths_lines(write_rows: Write) -> None:
    path = write_rows(
        [
            {
                "prompt": "x = ",
                "groundtruth": "call(\n  'a')",
                "right_context": "\nend",
                "crossfile_context": {"text": "# other"},
                "metadata": {"task_id": "t/1"},
            }
        ]
    )
    problem = next(iter(RepositoryCompletion(str(path), context="right").samples()))
    assert problem.id == "t/1"
    assert problem.fields["fim_prompt"].endswith("\nend\n\n# other<|fim_middle|>")
    evaluator = CompletionMatchEvaluator("chunk")
    scores = [evaluator.judge(problem, given(text), 0) for text in ('call(\n\n  "a")\nrest()', "call(b)")]
    assert [score.correct for score in scores] == [True, False]


@settings(max_examples=100, deadline=None)
@drawn(st.text(max_size=25), st.text(max_size=25))
def test_similarities_are_shares_and_symmetric(one: str, two: str) -> None:
    for similarity in (edit_similarity, levenshtein_similarity):
        assert 0 <= similarity(one, two) <= 1
        assert similarity(one, two) == pytest.approx(similarity(two, one))
        assert similarity(one, one) == 1


# --------------------------------------------------------------------------- LiveCodeBench
def problem_rows() -> list[dict[str, Any]]:
    """Two problems of different months: one reads stdin, one is a method."""
    return [
        {
            "question_id": "b",
            "question_title": "B",
            "question_content": "double",
            "contest_date": "2024-07-20T00:00:00",
            "starter_code": "",
            "public_test_cases": json.dumps([{"input": "2\n", "output": "4\n", "testtype": "stdin"}]),
            "metadata": "{}",
        },
        {
            "question_id": "abc337_e",
            "question_title": "A",
            "question_content": "double",
            "contest_date": "2023-07-20T00:00:00",
            "starter_code": "class Solution:\n    def twice(self, n): ",
            "public_test_cases": json.dumps([{"input": "[2]\n3", "output": "[6]", "testtype": "functional"}]),
            "metadata": '{"func_name": "twice"}',
        },
    ]


def test_windows_and_errata_choose_problems(write_rows: Write) -> None:
    path = str(write_rows(problem_rows()))
    assert [each.id for each in LiveCodeBench(path).samples()] == ["abc337_e", "b"]
    assert [each.id for each in LiveCodeBench(path, start_date="2024-01-01").samples()] == ["b"]
    assert [each.id for each in LiveCodeBench(path, end_date="2023-07-20").samples()] == ["abc337_e"]
    assert [each.id for each in LiveCodeBench(path, errata="drop").samples()] == ["b"]


@pytest.mark.parametrize(
    "window",
    [
        {"start_date": "2024-08-01"},
        {"end_date": "2024-11-30"},
        {"start_date": "2023-05-01", "end_date": "2024-07-31"},
        {"start_date": "2023-09-01", "end_date": "2023-10-31"},
    ],
)
def test_a_window_beyond_the_file_is_refused(write_rows: Write, window: dict[str, str]) -> None:
    dataset = LiveCodeBench(str(write_rows(problem_rows())), **window)
    with pytest.raises(UserError, match=r"2023-07-20 to 2024-07-20"):
        list(dataset.samples())


def test_errata_name_problems_by_id_and_by_title(write_rows: Write) -> None:
    rows = problem_rows()
    rows[0]["question_title"] = "find-the-peaks"
    path = str(write_rows(rows))
    assert [each.fields["errata"] for each in LiveCodeBench(path).samples()] == [
        "interactive",
        "several right answers",
    ]
    assert list(LiveCodeBench(path, errata="drop").samples()) == []


def test_stdin_and_call_problems(write_rows: Write) -> None:
    method, script = LiveCodeBench(str(write_rows(problem_rows()))).samples()
    fence = "```python\n{}\n```"
    answers = [
        "import sys\ndef main():\n    print(int(sys.stdin.readline()) * 2)\n"
        "if __name__ == '__main__':\n    main()",
        "print(5)",
        "print(",
    ]
    evaluator = LiveCodeBenchEvaluator(workers=1)
    assert judged(evaluator, script, *map(fence.format, answers), "no code") == [
        *("right", "wrong", "syntax"),
        "unextracted",
    ]
    ends = ("sys.exit(1)", "raise SystemExit('done')", "1 / 0", "sys.exit(0)")
    answers = [f"import sys\nprint(int(input()) * 2)\n{end}" for end in ends]
    assert judged(evaluator, script, *map(fence.format, answers)) == ["right", "right", "wrong", "right"]
    body = "class Solution:\n    def twice(self, values: List[int], n):\n        return {}"
    answers = [body.format(value) for value in ("(values[0] * n,)", "[1]", "values[7]")]
    assert judged(evaluator, method, *map(fence.format, answers)) == ["right", "wrong", "wrong"]


@pytest.mark.parametrize("reading", ["2024", "2025"])
def test_both_readings_of_livecodebench_are_judged(write_rows: Write, reading: Any) -> None:
    rows = problem_rows()
    rows[0]["public_test_cases"] = json.dumps([{"input": "2\n", "output": "4 1", "testtype": "stdin"}])
    method, script = LiveCodeBench(str(write_rows(rows))).samples()
    evaluator = LiveCodeBenchEvaluator(reading=reading, workers=1)
    fence = "```python\n{}\n```"
    try:
        words = evaluator.judge(script, given(fence.format("print('1 4')")), 0)
        same = evaluator.judge(script, given(fence.format("print('4 1')")), 0)
        body = "class Solution:\n    def twice(self, values, n):\n        return 6"
        first = evaluator.judge(method, given(fence.format(body)), 0)
        none = evaluator.judge(method, given(fence.format(body.replace("6", "5"))), 0)
    finally:
        evaluator.close()
    loose = reading == "2024"
    for score in (words, first):
        assert (score.correct, score.metrics) == (loose, {"other_reading": float(not loose)}), score.detail
    assert (same.correct, same.metrics) == (True, {"other_reading": 1.0})
    assert (none.correct, none.status, none.metrics) == (False, "wrong", {"other_reading": 0.0})


def test_private_tests_hold_nothing_but_text() -> None:
    import base64
    import pickle
    import zlib

    tests = [{"input": "1", "output": "2", "testtype": "stdin"}]
    packed = base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()
    assert all_tests({"private_test_cases": packed}) == tests
    evil = base64.b64encode(zlib.compress(pickle.dumps(Path("/etc")))).decode()
    with pytest.raises(pickle.UnpicklingError):
        all_tests({"private_test_cases": evil})


def test_outputs_are_compared_in_two_readings() -> None:
    assert same_lines("1.0 2\nYES ", "1 2.00\nYES")
    assert not same_lines("1.000001", "1")
    assert same_by_ladder("1.000001", "1")
    assert not same_lines("b a", "a b")
    assert same_by_ladder("b a", "a b")


def test_the_first_and_the_last_fence() -> None:
    text = "```\none\n```\nbut\n```python\ntwo\n```"
    assert (fenced_code(text, "first"), fenced_code(text, "last")) == ("one", "two")
    assert fenced_code("```\nopen") is None


def test_predicted_outputs() -> None:
    assert predicted_output("```python\nassert f(1) == [1, 2]\n```") == "[1, 2]"
    assert predicted_output("[ANSWER] assert f('==') == 'a' [/ANSWER]") == "'a'"
    assert predicted_output("assert f('x') == 'a == b'") == "'a == b'"
    assert predicted_output("'a == b'") == "'a == b'"
    assert predicted_output("f('==') == 'a == b'") == "'a == b'"
    assert predicted_output("```python\nassert f(1) == [1,\n  2]\n```") == "[1,\n  2]"
    assert predicted_output("So:\nassert f(1) == (1,\n2)\nThat is it.") == "(1,\n2)"
    assert predicted_output('assert f(1) == 3, "msg"') == "3"
    assert predicted_output("assert f(1) == 3  # ==") == "3"
    assert predicted_output("assert f(1) == ??") == "??"
    problem = sample(expected="[1, 2]")
    texts = ("assert f(1) == [1,2]", "[2, 1]", "the list", "")
    assert judged(OutputPredictionEvaluator(workers=1), problem, *texts) == [
        *("right", "wrong", "syntax"),
        "unextracted",
    ]


def test_predicted_outputs_may_be_worked_out() -> None:
    problem = sample(expected="1000000007")
    texts = ("assert f(1) == 10**9 + 7", "10**9", "f(1)", "while True: pass", "10**10**10", "1); exit(0")
    found = judged(OutputPredictionEvaluator(workers=1), problem, *texts)
    assert found[:4] == ["right", "wrong", "wrong", "syntax"]
    assert not {"right", "error"} & set(found[4:])
    assert judged(OutputPredictionEvaluator(workers=1), sample(expected="Infinity"), "float('inf')") == [
        "right"
    ]


# --------------------------------------------------------------------------- SQL
@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Start with the table t.\n\nSELECT a FROM t;", "SELECT a FROM t"),
        ("I select the names:\nSELECT a FROM t", "SELECT a FROM t"),
        ("Answer: SELECT a FROM t WHERE b = 'Question: c'", "SELECT a FROM t WHERE b = 'Question: c'"),
        ("So, with x AS(select 1) SELECT * FROM x", "with x AS(select 1) SELECT * FROM x"),
        ("I cannot do this with SQL", None),
        ("```sql\nSELECT a\nFROM t;\n```", "SELECT a FROM t"),
        ("The query is SELECT ';' FROM t; and so on", "SELECT ';' FROM t"),
        ("thinking [SQL]\nselect 1 [/SQL]", "select 1"),
        ("```sql\n-- Select the rows\nSELECT a FROM t;\n```", "SELECT a FROM t"),
        ("```sql\nSELECT a FROM t;\n```\nIts result:\n```\na | b\n```", "SELECT a FROM t"),
        ("Select statement:\nSELECT a FROM t", "SELECT a FROM t"),
        ("Select statement:\nselect a from t", "select a from t"),
        ("I select this: select a from (SELECT b FROM t)", "select a from (SELECT b FROM t)"),
        ("select a from t UNION SELECT b FROM u", "select a from t UNION SELECT b FROM u"),
        ("It selects: select a from t UNION ALL SELECT b", "select a from t UNION ALL SELECT b"),
        ("SELECT a -- columns\nFROM t", "SELECT a FROM t"),
        ("/* a query to select */ SELECT '--', \"/*\" FROM t", "SELECT '--', \"/*\" FROM t"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "WITH x AS (SELECT 1) SELECT * FROM x"),
        ("", None),
    ],
)
def test_queries_are_found(text: str, query: str | None) -> None:
    assert query_of(text) == query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("name FROM t", "SELECT name FROM t"),
        ("SELECT name FROM t", "SELECT name FROM t"),
        ("```sql\nSELECT name FROM t;\n```", "SELECT name FROM t"),
        ("\nwith x AS (SELECT 1) SELECT * FROM x", "with x AS (SELECT 1) SELECT * FROM x"),
        ("a FROM t WHERE b IN\n(SELECT c FROM u); SELECT 2", "SELECT a FROM t WHERE b IN (SELECT c FROM u)"),
        ("1 UNION SELECT 2\n\nQuestion: more", "SELECT 1 UNION SELECT 2"),
        (
            "a FROM t JOIN (WITH x AS (SELECT 1) SELECT * FROM x)</s>",
            "SELECT a FROM t JOIN (WITH x AS (SELECT 1) SELECT * FROM x)",
        ),
        ("<|endoftext|>", None),
    ],
)
def test_a_continued_query_is_taken_as_it_stands(text: str, query: str | None) -> None:
    assert query_of(text, "SELECT ") == query


def test_every_gold_query_of_spider_can_be_continued(bench_data: Path) -> None:
    golds = [" ".join(row["query"].split()) for row in read_gz(bench_data / "spider/dev.json.gz")]
    assert len(golds) == 1034
    lost = [gold for gold in golds if query_of(gold[7:], gold[:7]) != gold.rstrip("; ")]
    assert lost == []


def test_rows_are_compared_up_to_order_and_columns() -> None:
    rows = [(1, "a"), (2, "b"), (2, "b")]
    assert same_up_to_columns(rows, [("b", 2), ("a", 1), ("b", 2)])
    assert not same_up_to_columns(rows, [("b", 2), ("a", 1), ("a", 1)])
    assert not same_up_to_columns([(1, 2), (2, 1)], [(1, 1), (2, 2)])
    assert same_up_to_columns([], [])
    assert not same_up_to_columns([(1,)], [])
    assert same_up_to_columns([(1, 2.0)], [(1.0, 2)])
    assert same_set(rows, [(2, "b"), (1, "a")])


def test_equal_columns_do_not_multiply_the_orders() -> None:
    width = 1200
    assert same_up_to_columns([(1,) * width, (2,) * width], [(2,) * width, (1,) * width])


def test_the_search_for_an_order_of_columns_gives_up() -> None:
    # Every two columns agree in their counts of pairs (so beginnings never differ early), all three do not.
    even = [row for row in product((0, 1), repeat=9) if sum(row) % 2 == 0]
    odd = [row for row in product((0, 1), repeat=9) if sum(row) % 2 == 1]
    with pytest.raises(Undecided):
        same_up_to_columns(even, odd)


@settings(max_examples=150, deadline=None)
@drawn(
    st.lists(st.tuples(*[st.sampled_from([0, 1, 1.0, "1", None])] * 3), min_size=1, max_size=4),
    st.lists(st.tuples(*[st.sampled_from([0, 1, 1.0, "1", None])] * 3), min_size=1, max_size=4),
)
def test_sameness_is_that_of_trying_every_order(gold: list[Any], got: list[Any]) -> None:
    plain = any(
        Counter(gold) == Counter(tuple(row[at] for at in order) for row in got)
        for order in permutations(range(3))
    )
    assert same_up_to_columns(gold, got) == plain


@settings(max_examples=80, deadline=None)
@drawn(
    st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=6),
    st.permutations([0, 1, 2]),
    st.randoms(),
)
def test_any_order_of_rows_and_columns_is_the_same(rows: list[Any], order: list[int], random: Any) -> None:
    moved = [tuple(row[at] for at in order) for row in rows]
    random.shuffle(moved)
    assert same_up_to_columns(rows, moved)


def test_queries_run_on_a_database_that_they_cannot_change(tmp_path: Path, write_rows: Write) -> None:
    folder = tmp_path / "databases" / "shop"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "shop.sqlite") as connection:
        connection.execute("CREATE TABLE item (name TEXT, price INT)")
        connection.executemany("INSERT INTO item VALUES (?, ?)", [("a", 1), ("b", 2)])
    rows = [
        {"db_id": "shop", "question": "Which?", "query": "SELECT name FROM item"},
    ]
    spider = Spider(str(write_rows(rows)), str(tmp_path / "databases"))
    (here,) = spider.samples()
    assert "CREATE TABLE item" in here.fields["schema"]
    assert "3 example rows" in here.fields["schema"]
    texts = (
        "name FROM item ORDER BY price DESC",
        "price FROM item",
        "nme FROM item",
        "name FRO item;",
    )
    evaluator = SqlEvaluator(workers=1, prefix="SELECT ")
    assert judged(evaluator, here, *texts) == ["right", "wrong", "wrong", "syntax"]
    rows.append({"db_id": "gone", "question": "Which?", "query": "SELECT 1"})
    with pytest.raises(UserError, match=r"1 of 2 databases are missing: gone"):
        next(iter(Spider(str(write_rows(rows)), str(tmp_path / "databases")).samples()))


@pytest.mark.parametrize("compare", ["columns", "set"])
def test_results_that_were_cut_are_never_right(tmp_path: Path, compare: Any) -> None:
    database = tmp_path / "n.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE n (n INT)")
        connection.executemany("INSERT INTO n VALUES (?)", [(each,) for each in range(20)])
    tmp_path.chmod(0o755)
    problem = sample(database=str(database), db_id="n", gold="SELECT n FROM n ORDER BY n")
    evaluator = SqlEvaluator(compare, workers=1, max_rows=10)
    texts = ("SELECT n FROM n ORDER BY n", "SELECT n FROM n WHERE n < 10 ORDER BY n", "SELECT -1")
    wanted = ["error", "error" if compare == "set" else "wrong", "wrong"]
    assert judged(evaluator, problem, *texts) == wanted


def test_several_may_unpack_one_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALSUITE_CACHE", str(tmp_path / "cache"))
    for number in range(10):
        packed = tmp_path / f"{number}.sqlite.gz"
        packed.write_bytes(gzip.compress(bytes([number]) * 3_000_000, 1))
        unpacked.cache_clear()
        together = threading.Barrier(4)

        def unpack(packed: Path = packed, together: threading.Barrier = together) -> Path:
            together.wait()
            return unpacked(packed)

        with ThreadPoolExecutor(4) as pool:
            (file,) = {job.result() for job in [pool.submit(unpack) for _ in range(4)]}
        assert file.stat().st_size == 3_000_000
    assert not list(tmp_path.rglob("*.partial"))


# --------------------------------------------------------------------------- MBPP, BigCodeBench, DS-1000
def test_asserts_that_need_the_answers_own_classes_run_beside_it() -> None:
    assert foreign_names("import math\nassert f([x for x in [1]]) == math.pi", "f") == set()
    assert foreign_names("assert f(Pair(1, 2)) == 1", "f") == {"Pair"}
    fields = {"entry_point": "f", "setup": "", "tests": "assert f(Pair(1, 2)) == 1"}
    code = "class Pair:\n    def __init__(self, a, b):\n        self.a = a\ndef f(pair):\n    return pair.a\n"
    evaluator = MbppEvaluator(workers=1)
    score = evaluator.judge(sample(**fields), given(code), 0)
    evaluator.close()
    assert (score.status, score.extra["integrity"]) == ("right", "inproc")


def test_a_function_called_check_is_no_test() -> None:
    fields = {"entry_point": "check", "setup": "", "tests": "assert check(1) == True"}
    assert judged(MbppEvaluator(workers=1), sample(**fields), "def check(n):\n    return True\n") == ["right"]


def test_unit_tests_run_in_the_module_and_missing_libraries_are_no_wrong_answers() -> None:
    fields = {
        "code_prompt": "import math\ndef task_func(n):",
        "complete_prompt": 'import math\ndef task_func(n):\n    """ Twice. """\n',
        "entry_point": "task_func",
        "test": "import unittest\nfrom unittest.mock import patch\nclass TestCases(unittest.TestCase):\n"
        "    def test_one(self):\n        self.assertEqual(task_func(2), 4)\n"
        "    def test_two(self):\n        with patch('math.floor', return_value=7):\n"
        "            self.assertEqual(math.floor(1.5), 7)\n",
    }
    texts = (
        "    return 2 * n\n",
        "```python\nimport math\ndef task_func(n):\n    return 2 * n\n```",
        "    return n\n",
        "    import no_such_module\n",
        "```python\nimport math\ndef task_func(n):\n\tm = 2\n\treturn m * n\n```",
    )
    assert judged(BigCodeBenchEvaluator(workers=1, seconds=10), sample(**fields), *texts) == [
        *("right", "right", "wrong"),
        *("wrong", "right"),
    ]
    fields["code_prompt"] = "import no_such_library\ndef task_func(n):"
    assert judged(BigCodeBenchEvaluator(workers=1, seconds=10), sample(**fields), texts[0]) == ["error"]


def test_ds1000_answers_run_in_their_context() -> None:
    context = (
        "def test_execution(solution):\n    space = {'n': 2}\n    exec(solution, space)\n"
        "    assert space['result'] == 4\n"
    )
    problem = sample(code_context=context)
    texts = (
        "result = 2 * n\n</code>\nEND SOLUTION",
        "```python\nresult = n * n\n```",
        "result = 3",
        "result = ",
    )
    assert judged(DS1000Evaluator(workers=1, seconds=10), problem, *texts)[:3] == ["right", "right", "wrong"]
    assert solution_of("<code>\na = 1\n</code>") == "a = 1"


def test_a_ds1000_problem_whose_reference_fails_here_is_an_error() -> None:
    context = (
        "import os\ndef test_execution(solution):\n    space = {'n': 2}\n    exec(solution, space)\n"
        "    assert space['result'] == 4\n"
    )
    evaluator = DS1000Evaluator(workers=1, seconds=10)
    ran: list[str] = []
    run = evaluator._run

    def counted(context: str, code: str) -> Any:
        ran.append(code)
        return run(context, code)

    evaluator._run = counted  # type: ignore[method-assign]
    broken = sample("a", code_context=context, reference_code="import os\nresult = os.gone(n)")
    sound = sample("b", code_context=context, reference_code="result = n + n")
    try:
        scores = [evaluator.judge(broken, given(text), 0) for text in ("result = 3", "result = 5")]
        assert [(score.status, score.correct) for score in scores] == [("error", None)] * 2
        assert "no attribute 'gone'" in scores[0].detail
        assert evaluator.judge(broken, given("result = 4"), 0).status == "right"
        assert [evaluator.judge(sound, given(f"result = {n}"), 0).status for n in (3, 5, 4)] == [
            *("wrong", "wrong"),
            "right",
        ]
        assert ran.count(broken.fields["reference_code"]) == ran.count(sound.fields["reference_code"]) == 1
    finally:
        evaluator.close()
