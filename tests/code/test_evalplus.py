"""EvalPlus's verdicts: rules, input types, and functions that are called inside and compared outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, settings
from hypothesis import given as drawn
from hypothesis import strategies as st
from made import given, sample

from evalsuite.errors import UserError
from evalsuite.evaluators.code import evalplus
from evalsuite.evaluators.code.evalplus import EvalPlusEvaluator
from evalsuite.evaluators.code.evalplus_rules import Comparison
from evalsuite.evaluators.code.expected import _DIGEST
from evalsuite.evaluators.code.mbpp_inputs import mbpp_inputs
from evalsuite.evaluators.code.values import packed, unpacked

TASK: dict[str, Any] = {
    "prompt": 'def double(x):\n    """ Twice x. """\n',
    "entry_point": "double",
    "canonical_solution": "    return 2 * x\n",
    "base_input": [[1], [2]],
    "plus_input": [[10], [0], [-3]],
    "atol": 0,
}


@pytest.fixture
def evaluator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EvalPlusEvaluator]:
    monkeypatch.setenv("EVALSUITE_CACHE", str(tmp_path))
    made = EvalPlusEvaluator(workers=1)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("body", "status", "base", "plus"),
    [
        ("    return 2 * x\n", "right", 1.0, 1.0),
        ("    return 2 * x if x < 5 else 0\n", "wrong", 1.0, 0.0),
        ("    return x\n", "wrong", 0.0, 0.0),
        ("    return 2 * * x\n", "syntax", 0.0, 0.0),
        ("    while x:\n        pass\n", "timeout", 0.0, 0.0),
        ("    raise SystemExit(0)\n", "wrong", 0.0, 0.0),
        ("    import os\n    os._exit(0)\n", "wrong", 0.0, 0.0),
    ],
)
def test_each_kind_of_wrong_answer_is_told_apart(
    evaluator: EvalPlusEvaluator, body: str, status: str, base: float, plus: float
) -> None:
    score = next(evaluator.score([(sample("HumanEval/0", **TASK), [given(body)])]))
    assert (score.status, score.metrics) == (status, {"base": base, "plus": plus})
    assert score.extra["integrity"] == "split"


@pytest.mark.parametrize("last", [2, -3])
def test_to_die_on_the_last_input_is_no_answer_to_it(evaluator: EvalPlusEvaluator, last: int) -> None:
    for way in ("os._exit(0)", "os.abort()", "os.kill(os.getpid(), 9)"):
        body = f"    import os\n    if x == {last}:\n        {way}\n    return 2 * x\n"
        score = next(evaluator.score([(sample("HumanEval/0", **TASK), [given(body)])]))
        assert score.status == "wrong", (way, score)
        assert score.metrics == {"base": float(last == -3), "plus": 0.0}


def test_an_object_that_equals_everything_does_not_pass(evaluator: EvalPlusEvaluator) -> None:
    body = "    class Any(int):\n        def __eq__(self, other): return True\n    return Any(1)\n"
    score = next(evaluator.score([(sample("HumanEval/0", **TASK), [given(body)])]))
    assert score.status == "wrong"


def test_what_the_base_inputs_left_behind_does_not_decide_the_plus_inputs(
    evaluator: EvalPlusEvaluator,
) -> None:
    body = "    return 2 * x\n_calls = []\n_plain = double\ndef double(x):\n    _calls.append(x)\n"
    body += "    return _plain(x) if len(_calls) <= 3 else 0\n"
    score = next(evaluator.score([(sample("HumanEval/0", **TASK), [given(body, "completion")])]))
    assert score.status == "right"


def test_several_answers_get_one_score_each(evaluator: EvalPlusEvaluator) -> None:
    answers = [given("    return 2 * x\n"), given("    return 1\n"), given("")]
    scores = list(evaluator.score([(sample("HumanEval/0", **TASK), answers)]))
    assert [(score.repeat, score.status) for score in scores] == [
        (0, "right"),
        (1, "wrong"),
        (2, "unextracted"),
    ]
    metric = evaluator.aggregate(scores)["pass@1"]
    assert (round(metric.value, 2), metric.n) == (33.33, 1)


def test_expected_values_are_kept_between_runs(evaluator: EvalPlusEvaluator, tmp_path: Path) -> None:
    rows = [(sample("HumanEval/0", **TASK), [given("    return 2 * x\n")])]
    assert next(evaluator.score(rows)).status == "right"
    kept = list((tmp_path / "expected").iterdir())
    assert len(kept) == 1
    kept[0].write_bytes(b"torn")
    other = EvalPlusEvaluator(workers=1)
    assert next(other.score(rows)).status == "right"
    other.close()


def test_values_that_cannot_be_kept_are_no_obstacle(
    evaluator: EvalPlusEvaluator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "expected").write_text("a file where the folder belongs")
    score = next(evaluator.score([(sample("HumanEval/0", **TASK), [given("    return 2 * x\n")])]))
    assert score.status == "right"
    assert "cannot be kept" in caplog.text


def test_what_may_run_into_its_limit_is_begun_before_the_rest(evaluator: EvalPlusEvaluator) -> None:
    task = sample("HumanEval/0", **TASK)
    plain = given("    # for nothing\n    return 2 * x\n")
    looping = given("    for n in range(x):\n        while n: n -= 1\n    return 2 * x\n")
    recursive = given("    if x < 1: return 0\n    return 2 + double(x - 1)\n")
    weights = [evaluator.weight(task, answers) for answers in ([], [plain], [plain, looping], [recursive])]
    assert weights == sorted(set(weights))
    slow = "    end = process_time() + 0.2\n    while process_time() < end: pass\n    return 2 * x\n"
    known = sample("HumanEval/1", **{**TASK, "prompt": f"from time import process_time\n{TASK['prompt']}",
                                     "canonical_solution": slow})  # fmt: skip
    assert next(evaluator.score([(known, [plain])])).status == "right"
    assert evaluator.weight(known, [plain]) > weights[-1]


def test_the_order_of_a_set_of_texts_is_not_the_references(evaluator: EvalPlusEvaluator) -> None:
    words = [f"word{n}" for n in range(12)]
    task = {**TASK, "canonical_solution": f"    return list(set({words}))\n", "base_input": [[1]]}
    answers = [
        given(f"    return list(set({words}))\n"),
        given(f"    return sorted(set({words}))\n"),
        given(f"    return set({words})\n"),
    ]
    of_lists = evaluator.score([(sample("HumanEval/0", **task), answers)])
    assert [score.status for score in of_lists] == ["wrong"] * 3
    task["canonical_solution"] = f"    return set({words})\n"
    of_sets = evaluator.score([(sample("HumanEval/0", **task), answers)])
    assert [score.status for score in of_sets] == ["wrong", "wrong", "right"]


def test_a_reference_that_was_faster_elsewhere_sets_no_limit_here(
    evaluator: EvalPlusEvaluator, tmp_path: Path
) -> None:
    busy = (
        "    from time import process_time\n    start = process_time()\n"
        "    while process_time() - start < SECONDS:\n        pass\n    return 2 * x\n"
    )
    reference = busy.replace("SECONDS", "0.6")
    fields = {**TASK, "canonical_solution": reference, "base_input": [[1]], "plus_input": []}

    def scored(seconds: str) -> str:
        answer = given(busy.replace("SECONDS", seconds))
        return next(evaluator.score([(sample("HumanEval/0", **fields), [answer])])).status

    assert scored("0.1") == "right"
    kept = next(each for each in (tmp_path / "expected").iterdir() if each.suffix == "")
    values, _, *rest = unpacked(kept.read_bytes())
    kept.write_bytes(packed(values, (0.26,), *rest))
    evaluator._expected._known.clear()
    assert scored("1.5") == "right"
    assert unpacked(kept.read_bytes())[1][0] >= 0.6
    assert scored("30") == "timeout"


@pytest.mark.slow
def test_values_too_large_to_be_carried_out_are_equal_whatever_their_numbers_are(
    evaluator: EvalPlusEvaluator,
) -> None:
    task = {**TASK, "canonical_solution": "    return [x * 10**18] * 900_000\n"}
    answers = [
        given("    return [x * 1e18] * 900_000\n"),
        given("    return [x * 1e18] * 899_999\n"),
        given("    return tuple([x * 10**18] * 900_000)\n"),
    ]
    scores = evaluator.score([(sample("HumanEval/0", **task), answers)])
    assert [score.status for score in scores] == ["right", "wrong", "wrong"]


class Word(str):
    __slots__ = ()


class Pair(NamedTuple):
    first: str
    second: str


def digest(value: Any) -> str:
    space: dict[str, Any] = dict.fromkeys(("sum", "map", "all", "set", "len", "sorted"), 0)  # of the program
    space["ENTRY"] = lambda: value
    exec(_DIGEST, space)
    told: Callable[[], str] = space["_digest_"]
    return told()


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ([("a", "b")], [Pair("a", "b")]),
        ([("a", "b"), ()], [(Word("a"), "b"), ()]),
        ([("a\0b",)], [(Word("a\0b"),)]),
        ([(1, "a")], [(1.0, "a")]),
        ([["a", 2]], [[Word("a"), 2.0]]),
    ],
)
def test_equal_values_have_equal_digests(value: Any, other: Any) -> None:
    assert value == other
    assert digest(value) == digest(other)


_TEXTS = st.text(alphabet="a\0,'\ud800", max_size=3)
_ROWS = st.lists(st.lists(_TEXTS, max_size=3).map(tuple) | _TEXTS | st.lists(_TEXTS, max_size=2), max_size=4)


@drawn(_ROWS, _ROWS)
@example([("a\0b",)], [("a", "b")])
@example([("a", "b")], ["ab"])
@example([("a",), ("b",)], [("a", "b"), ()])
@example([()], [("",)])
def test_digests_are_as_equal_as_the_values(value: Any, other: Any) -> None:
    assert (digest(value) == digest(other)) == (value == other)


SLOW = """    total = 0
    for n in range(x):
        total += n % 7
    return total
"""


@pytest.mark.parametrize(
    ("body", "status", "processes"),
    [
        (SLOW, "right", 3),
        (SLOW.replace("% 7", "% 7 + (x == 1_000_000)"), "wrong", 4),
        (SLOW.replace("% 7", "% 7 + (x == 1000)"), "wrong", 2),
        (f"    double.calls = getattr(double, 'calls', 0) + 1\n{SLOW}", "right", 1),
        (
            f"    double.calls = getattr(double, 'calls', 0) + 1\n    if double.calls > 2: return 0\n{SLOW}",
            "wrong",
            1,
        ),
    ],
    ids=["alike", "wrong in one", "wrong where it is quick", "keeps a count", "goes by its count"],
)
def test_a_slow_task_is_shared_where_its_calls_have_nothing_to_do_with_each_other(
    evaluator: EvalPlusEvaluator, monkeypatch: pytest.MonkeyPatch, body: str, status: str, processes: int
) -> None:
    task = {
        **TASK,
        "canonical_solution": SLOW,
        "base_input": [[1000], [1_000_000], [5]],
        "plus_input": [[1_000_001]],
    }
    monkeypatch.setattr(evalplus, "_SHARE_SECONDS", 0.001)
    monkeypatch.setattr(evalplus, "_QUICK_SECONDS", 0.005)
    evaluator.workers = 2
    begun = []
    run = evaluator.sandbox.run_calls

    def counted(source: str, *rest: Any, **named: Any) -> Any:
        if not named.get("hash_seed"):
            begun.append(source)
        return run(source, *rest, **named)

    monkeypatch.setattr(evaluator.sandbox, "run_calls", counted)
    score = next(evaluator.score([(sample("HumanEval/0", **task), [given(body)])]))
    assert score.status == status, score
    assert len(begun) == processes


def test_unknown_rules_are_named() -> None:
    with pytest.raises(UserError, match=r"0\.2\.1 or 0\.3\.1"):
        EvalPlusEvaluator(rules="0.2.2")


@pytest.mark.parametrize(
    ("entry", "got", "wanted", "old", "new"),
    [
        ("similar_elements", (5, 4), (4, 5), False, True),
        ("sum_div", 0, 7, True, True),
        ("are_equivalent", "anything", False, True, True),
        ("check_str", True, True, True, True),
        ("check_str", False, True, False, False),
        ("check_str", "Match", True, True, True),
        ("plain", 1.0000001, 1.0, True, True),
        ("plain", [1.0000001], 1.0, True, False),
        ("plain", (1.0, 2.0), [1.0, 2.0], True, False),
        ("plain", [1.0, 2.0, 3.0], [1.0, 2.0], False, False),
        ("plain", "1.0", 1.0, False, False),
        ("plain", None, [1.0], False, False),
        ("digit_distance_nums", 3, 4, False, False),
    ],
)
def test_the_two_readings_of_the_rules(entry: str, got: Any, wanted: Any, old: bool, new: bool) -> None:
    arguments = (12, 345) if entry == "digit_distance_nums" else ()
    assert Comparison("0.2.1", True, entry, 0).agrees(arguments, got, wanted) is old
    assert Comparison("0.3.1", True, entry, 0).agrees(arguments, got, wanted) is new


def test_a_tolerance_that_was_set_by_one_value_holds_for_the_next() -> None:
    comparison = Comparison("0.2.1", False, "f", 0)
    assert not comparison.agrees((), 1 + 1e-9, 1)
    assert comparison.agrees((), 0.5, 0.5)
    assert comparison.agrees((), 1 + 1e-9, 1)


def test_a_root_is_checked_by_the_polynomial() -> None:
    assert Comparison("0.3.1", False, "find_zero", 1e-4).agrees(([-2, 1],), 2.00001, 1.0)
    assert not Comparison("0.3.1", False, "find_zero", 1e-4).agrees(([-2, 1],), 2.1, 2.0)


def test_inputs_get_the_types_of_their_task() -> None:
    assert mbpp_inputs("Mbpp/2", [[[1], [2]]]) == [[(1,), (2,)]]
    assert mbpp_inputs("Mbpp/124", [["1", "2j"]]) == [[1.0, 2j]]
    assert mbpp_inputs("Mbpp/115", [[[[1], []]]]) == [[[{1}, {}]]]
    assert mbpp_inputs("Mbpp/580", [[[1, [2]]]]) == [((1, (2,)),)]
    assert mbpp_inputs("Mbpp/3", [[[1]]]) == [[[1]]]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@drawn(VALUES, VALUES, st.sampled_from(["f", "sum_div", "Diff", "check_str", "surface_Area", "find_zero"]))
def test_comparing_never_fails(got: Any, wanted: Any, entry: str) -> None:
    for rules in ("0.2.1", "0.3.1"):
        for mbpp in (True, False):
            assert Comparison(rules, mbpp, entry, 0).agrees(([1, 2],), got, wanted) in (True, False)  # type: ignore[arg-type]
