"""Fill-in-the-middle: prompts, where answers end, text measures, and the published reference solutions."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from made import given, sample

from evalsuite.config.read import read_values
from evalsuite.datasets.infilling import (
    FIM_TOKENS,
    HumanEvalInfilling,
    RepositoryCompletion,
    Safim,
    SantaCoderFim,
)
from evalsuite.datasets.token_room import TokenRoom
from evalsuite.errors import NotHere, UserError
from evalsuite.evaluators.code.infilling import (
    CompletionMatchEvaluator,
    InfillingEvaluator,
    LineMatchEvaluator,
    SafimEvaluator,
    before_suffix,
    function_part,
)
from evalsuite.evaluators.code.safim_text import HOLE, block_part, call_part, control_part, same_output
from evalsuite.evaluators.code.similarity import (
    common_length,
    edit_distance,
    edit_similarity,
    levenshtein_similarity,
)
from evalsuite.types import Sample, Score

Write = Callable[..., Path]
CASES = ("single_line", "multi_line", "random_span", "random_span_light")
TOOLS = {"python": "sh", "cpp": "g++", "java": "javac", "csharp": "mcs"}


@pytest.fixture
def data(bench_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The problem files, found by name."""
    monkeypatch.setenv("EVALSUITE_DATA", str(bench_data))
    return bench_data


def drawn_from(rows: Iterable[Sample], count: int) -> list[Sample]:
    """Some of the rows, the same ones each time."""
    kept = list(rows)
    return random.Random(5).sample(kept, min(count, len(kept)))


def own_answers(evaluator: Any, problems: Iterable[Sample], column: str) -> list[Score]:
    """The scores of the references, given as a model would give them."""
    try:
        return list(evaluator.score((each, [given(each.fields[column])]) for each in problems))
    finally:
        evaluator.close()


def not_right(scores: Iterable[Score]) -> list[tuple[str, str]]:
    """What was not judged right, and why."""
    return [(score.id, score.detail) for score in scores if not score.correct]


# --------------------------------------------------------------------------- prompts
@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("qwen", "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>"),
        ("starcoder", "<fim_prefix>a<fim_suffix>b<fim_middle>"),
        ("santacoder", "<fim-prefix>a<fim-suffix>b<fim-middle>"),
        ("deepseek", "<｜fim▁begin｜>a<｜fim▁hole｜>b<｜fim▁end｜>"),
        ("codellama", "<PRE> a <SUF>b <MID>"),
        ("codegemma", "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>"),
        ("codestral", "[SUFFIX]b[PREFIX]a"),
    ],
)
def test_each_family_is_asked_in_its_own_tokens(family: str, text: str) -> None:
    assert FIM_TOKENS[family].prompt("a", "b") == text


def test_a_chat_model_gets_the_tokens_behind_the_system_line_it_was_trained_with() -> None:
    file = Path(__file__).parents[2] / "configs" / "datasets" / "fim" / "fim_chat.py"
    values, _ = read_values(file, lambda name: name.endswith("_datasets"))
    lists = [value for name, value in values.items() if name.endswith("_datasets")]
    assert sum(map(len, lists)) == 11
    for each in (one for several in lists for one in several):
        messages = each["infer_cfg"]["prompt_template"]["messages"]
        assert [(part["role"], part["content"]) for part in messages] == [
            ("system", "You are a code completion assistant."),
            ("user", "{fim_prompt}"),
        ]


@pytest.mark.parametrize("subset", ["block", "control", "api"])
def test_safim_asks_for_the_hole_and_for_nothing_else(data: Path, subset: str) -> None:
    for problem in Safim(subset).samples(0, 300):  # type: ignore[arg-type]
        prompt = problem.fields["fim_prompt"]
        before, after = problem.fields["eval_prompt"].split(HOLE)
        assert prompt.endswith(f"{before}<|fim_suffix|>{after}<|fim_middle|>")
        assert "TODO: Your code here" not in prompt


def test_a_safim_prompt_without_a_hole_is_refused(write_rows: Write) -> None:
    path = write_rows(
        [{"task_id": "x/1", "lang": "cpp", "prompt": "int a;", "eval_prompt": HOLE, "ground_truth": ""}]
    )
    with pytest.raises(UserError, match="x/1"):
        next(iter(Safim("api", path=str(path)).samples()))


def test_the_sets_have_their_published_sizes(data: Path) -> None:
    sizes = [len(HumanEvalInfilling(case)) for case in CASES]
    assert sizes == [1033, 5815, 1640, 164]
    pytest.importorskip("pyarrow")
    assert [len(SantaCoderFim(language)) for language in ("py", "java", "js", None)] == [
        1043,
        1780,
        1969,
        4792,
    ]


# --------------------------------------------------------------------------- other files in sight
def repository_row(**more: Any) -> dict[str, Any]:
    """A row in CrossCodeEval's format."""
    return {
        "prompt": "LEFT" + "l" * 300,
        "groundtruth": "x",
        "right_context": "r" * 300 + "RIGHT",
        "crossfile_context": {"text": "CROSS" + "c" * 300},
        "metadata": {"task_id": "t/1"},
        **more,
    }


def asked(path: Path, **options: Any) -> str:
    """The prompt of the first row."""
    return str(next(iter(RepositoryCompletion(str(path), **options).samples())).fields["fim_prompt"])


def test_a_repository_benchmark_without_its_file_is_an_obstacle_and_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALSUITE_DATA", str(tmp_path))
    monkeypatch.setenv("EVALSUITE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(NotHere, match=r"repoeval/line\.jsonl is in none of"):
        RepositoryCompletion(name="repoeval/line.jsonl")
    with pytest.raises(UserError, match="no file is named"):
        RepositoryCompletion()


def test_other_files_stand_behind_the_suffix_or_before_the_prefix(write_rows: Write) -> None:
    path = write_rows([repository_row(prompt="L", right_context="R", crossfile_context="C")])
    wanted = {
        "none": "<|fim_prefix|>L<|fim_suffix|>R<|fim_middle|>",
        "codelm_leftright_context": "<|fim_prefix|>L<|fim_suffix|>R<|fim_middle|>",
        "right": "<|fim_prefix|>L<|fim_suffix|>R\n\nC<|fim_middle|>",
        "codelm_right_cfc_left": "<|fim_prefix|>L<|fim_suffix|>R\n\nC<|fim_middle|>",
        "left": "<|fim_prefix|>C\nL<|fim_suffix|>R<|fim_middle|>",
    }
    assert {context: asked(path, context=context) for context in wanted} == wanted
    with pytest.raises(UserError, match="codelm_right_cfc_left"):
        asked(path, context="codelm_right_cfc")


def test_the_whole_right_context_goes_before_the_short_one(write_rows: Write) -> None:
    path = write_rows([repository_row(prompt="L", full_right_context="WHOLE")])
    assert asked(path) == "<|fim_prefix|>L<|fim_suffix|>WHOLE<|fim_middle|>"


def test_each_part_keeps_to_its_room_on_the_side_of_the_hole(write_rows: Write) -> None:
    path = write_rows([repository_row()])
    room = {"max_tokens": 60, "answer_tokens": 10, "right_tokens": 10, "cross_tokens": 10}
    prompt = asked(path, context="right", **room)
    assert prompt == f"<|fim_prefix|>{'l' * 90}<|fim_suffix|>{'r' * 30}\n\nCROSS{'c' * 23}<|fim_middle|>"
    assert asked(path, **room).startswith(f"<|fim_prefix|>{'l' * 120}<|fim_suffix|>")
    with pytest.raises(UserError, match="prefix"):
        asked(path, max_tokens=100)


def test_a_tokenizer_counts_where_one_is_named(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    with pytest.raises(UserError, match=r"tokenizer\.json"):
        TokenRoom(str(tmp_path)).count("a")
    backend.save(str(tmp_path / "tokenizer.json"))
    room = TokenRoom(str(tmp_path))
    assert (room.count("a b  long"), room.first("a b  long", 2), room.last("a b  long", 2)) == (
        3,
        "a b",
        "b  long",
    )
    assert (room.first("a b", 5), room.last("a b", 0)) == ("a b", "")


# --------------------------------------------------------------------------- where answers end
@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("y = 1\n    z = 2", "y = 1\n    z = 2"),
        ("y = 1\nz = 2", "y = 1\n"),  # leaves the block
        ("y = 1\n    if z:\n        y = 2\n    else", "y = 1\n    if z:\n        y = 2\n"),
        ("y = (1 +", ""),
    ],
)
def test_a_python_block_ends_where_its_suite_ends(text: str, part: str) -> None:
    assert block_part(text, "for x in a:\n    ", "\nprint(y)\n", "python") == part


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a();\nb();", "a();\nb();"),
        ("a();\r\nb();", "a();\nb();"),
        ("a();\n}\nelse {", "a();\n"),
        ("if (a) {\n  b();\n}\nint c = ", "if (a) {\n  b();\n}\n"),
        ("s = \"}\"; // }\nt = '}';", "s = \"}\"; // }\nt = '}';"),
    ],
)
def test_a_braced_block_ends_with_a_whole_statement(text: str, part: str) -> None:
    assert block_part(text, "{", "}", "cpp") == part


def test_a_control_expression_ends_at_the_parenthesis_around_it() -> None:
    assert control_part("i < f(n); i++) {\n", "java") == "i < f(n); i++"
    assert control_part("c == ')') {", "cpp") == "c == ')'"
    assert control_part("\n  x > 1:\n    pass", "python") == "  x > 1:"


def test_a_call_ends_with_its_parentheses() -> None:
    assert call_part("f(g(1), ')') + h(2)") == "f(g(1), ')')"
    assert call_part("name") == "name"


def test_an_answer_may_end_where_the_suffix_begins_again() -> None:
    assert before_suffix("    a = 1\n    return a\nmore", "\n    return a\n") == "    a = 1\n"
    assert before_suffix("    a = 1", "") == "    a = 1"
    with pytest.raises(UserError, match="suffix"):
        InfillingEvaluator(lines="two")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("got", "wanted", "same"),
    [
        ("1\n2 \n", "1\n2", True),
        ("1 2", "1\n2", True),  # word by word when lines differ
        ("YES no", "Yes NO", True),
        ("Maybe", "maybe", False),
        ("3.5000", "3.5", True),
        ("3.5001", "3.5", False),
        ("1e0", "1", True),
        ("nan", "1", False),
        ("1 2 3", "1 2", False),
        ("", "1", False),
    ],
)
def test_outputs_agree_as_the_judge_has_it(got: str, wanted: str, same: bool) -> None:
    assert same_output(got, wanted) is same


@settings(max_examples=150, deadline=None)
@drawn(st.text(alphabet="ab(){}[]\"'/*\\;:\n ", max_size=40), st.sampled_from(["python", "cpp"]))
def test_no_answer_breaks_the_cuts(text: str, language: str) -> None:
    block = block_part(text, "if a:\n    ", "\n", language)
    assert text.startswith(block)
    assert block_part(block, "if a:\n    ", "\n", language) == block
    assert text.startswith(call_part(text))
    assert control_part(text, language) in text


def test_no_reference_is_cut(data: Path) -> None:
    for problem in Safim("control").samples():
        fields = problem.fields
        assert control_part(fields["ground_truth"], fields["lang"]) == fields["ground_truth"]
    for problem in Safim("block").samples(0, 600):
        fields = problem.fields
        before, after = fields["eval_prompt"].split(HOLE)
        wanted = fields["ground_truth"].replace("\r\n", "\n")
        assert block_part(fields["ground_truth"], before, after, fields["lang"]) == wanted


def test_safim_takes_what_fits_and_its_own_tools_answers_as_they_are() -> None:
    problem = sample(
        lang="python",
        subset="block",
        eval_prompt=f"for x in [1, 2]:\n    {HOLE}\nprint('end')\n",
        ground_truth="print(2 * x)",
        unit_tests=[{"input": "", "output": ["2\n4\nend"]}],
    )
    evaluator = SafimEvaluator(workers=1)
    try:
        scores = [
            evaluator.judge(problem, given(text, form), 0)
            for text, form in [
                ("print(x + x)\nprint('more')", ""),
                ("print(x + x)\nprint('more')", "completion"),
                ("print(x", ""),
                ("", ""),
                ("print(2 * x)\n", ""),
                ("  print(2 * x)\n    pass", "completion"),
                ("import sys; print(x + x)\n    if x == 2: print('end'); sys.stdout.close()", ""),
            ]
        ]
    finally:
        evaluator.close()
    assert [score.status for score in scores] == [
        *("right", "wrong", "syntax", "unextracted", "right", "syntax", "wrong"),
    ]
    assert scores[0].extra["integrity"] == "split"


def test_a_chained_call_that_is_right_loses_nothing() -> None:
    problem = sample(
        lang="java", subset="api", eval_prompt=HOLE, ground_truth="A.b()\n  .c(1)", unit_tests=None
    )
    evaluator = SafimEvaluator()
    texts = ("A.b().c(1)", "A.b( )", "A.b().c(2)")
    assert [evaluator.judge(problem, given(text), 0).correct for text in texts] == [True, False, False]


# --------------------------------------------------------------------------- text measures
@pytest.mark.parametrize(
    ("one", "two", "ratio"),
    [
        ("this is a test", "this is a test!", 0.97),
        ("kitten", "sitting", 0.62),
        ("lewenstein", "levenshtein", 0.86),
        ("abcd", "badc", 0.5),
        ("", "a", 0.0),
        ("", "", 1.0),
    ],
)
def test_edit_similarity_has_the_values_of_fuzz_ratio(one: str, two: str, ratio: float) -> None:
    assert edit_similarity(one, two) == ratio


def test_repoeval_counts_substitutions_as_one() -> None:
    assert levenshtein_similarity("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert levenshtein_similarity("", "") == 1


def tables(one: str, two: str) -> tuple[int, int]:
    """The longest common subsequence and the edit distance, by the tables of the textbook."""
    common = [[0] * (len(two) + 1) for _ in range(len(one) + 1)]
    apart = [[i + j if not i * j else 0 for j in range(len(two) + 1)] for i in range(len(one) + 1)]
    for i, a in enumerate(one, 1):
        for j, b in enumerate(two, 1):
            common[i][j] = max(common[i - 1][j], common[i][j - 1], common[i - 1][j - 1] + (a == b))
            apart[i][j] = min(apart[i - 1][j] + 1, apart[i][j - 1] + 1, apart[i - 1][j - 1] + (a != b))
    return common[-1][-1], apart[-1][-1]


@settings(max_examples=300, deadline=None)
@drawn(st.text(alphabet="abcé", max_size=20), st.text(alphabet="abcdé", max_size=20))
def test_bit_rows_give_what_the_tables_give(one: str, two: str) -> None:
    assert (common_length(one, two), edit_distance(one, two)) == tables(one, two)


def test_a_line_is_the_first_or_the_one_behind_a_line_break() -> None:
    problem = sample(canonical_solution="  return 1\n", language="js", ends=("<|endoftext|>",))
    evaluator = LineMatchEvaluator()
    texts = (
        "return 1;",
        "return 1\nx",
        "\nreturn 1\n",
        " \n return 1",
        "\n\nreturn 1",
        "return 1<|endoftext|>x",
    )
    scores = [evaluator.judge(problem, given(text), 0) for text in texts]
    assert [score.correct for score in scores] == [False, True, True, True, False, True]
    assert scores[0].metrics == {"edit_similarity": 0.94, "prefix_match": 1.0, "exact_match_js": 0.0}
    metrics = evaluator.aggregate(scores)
    assert (round(metrics["exact_match"].value, 1), metrics["exact_match_js"].n) == (66.7, 6)


def test_a_function_is_compared_up_to_its_end() -> None:
    prompt = "class A:\n    def f(self):\n        '''Doc.'''\n"
    problem = sample(prompt=prompt, groundtruth="        return 1\n")
    evaluator = CompletionMatchEvaluator("function")
    texts = (
        "        return 1\n\n    def g(self):\n        return 2\n",
        "        return 1\n\n    def g(self",
        "        return 2\n",
        "        x = (",
    )
    assert [evaluator.judge(problem, given(text), 0).correct for text in texts] == [True, True, False, False]
    assert function_part("x = 1\n", "y = 2\n") == "y = 2\n"


def test_tokens_are_compared_without_blanks_and_kinds_of_quotes() -> None:
    problem = sample(prompt="", groundtruth="call('a', fooBar)")
    scores = [
        CompletionMatchEvaluator("line").judge(problem, given(text), 0)
        for text in ('\n  call( "a",fooBar )\nrest', "call('a', foobar)")
    ]
    assert [score.correct for score in scores] == [True, False]


# --------------------------------------------------------------------------- the references, run
@pytest.mark.parametrize("case", CASES)
def test_references_of_humaneval_infilling_pass(data: Path, case: str) -> None:
    evaluator = InfillingEvaluator(lines="one" if case == "single_line" else "all", workers=2)
    scores = own_answers(evaluator, drawn_from(HumanEvalInfilling(case).samples(), 30), "canonical_solution")
    assert not_right(scores) == []
    assert {score.extra["integrity"] for score in scores} == {"split"}
    metrics = evaluator.aggregate(scores)
    assert next(iter(metrics)) == "pass@1"
    assert {name: metric.value for name, metric in metrics.items()} == dict.fromkeys(
        ("pass@1", "exact_match", "prefix_match", "edit_similarity"), 100.0
    )


@pytest.mark.slow
@pytest.mark.truth
@pytest.mark.parametrize("case", CASES)
def test_all_references_of_humaneval_infilling_pass(data: Path, case: str) -> None:
    evaluator = InfillingEvaluator(lines="one" if case == "single_line" else "all", workers=2)
    scores = own_answers(evaluator, HumanEvalInfilling(case).samples(), "canonical_solution")
    assert not_right(scores) == []


def test_all_references_of_safims_calls_match(data: Path) -> None:
    assert not_right(own_answers(SafimEvaluator(), Safim("api").samples(), "ground_truth")) == []


def test_what_no_reference_builds_with_is_no_answers_fault() -> None:
    if shutil.which("g++") is None:
        pytest.skip("no g++ here")
    fields = {"lang": "cpp", "subset": "control", "unit_tests": [{"input": "", "output": ["1"]}]}
    foreign = sample("1", **fields, eval_prompt=f"foreign {HOLE}", ground_truth="1")
    native = sample("2", **fields, eval_prompt=f"int main() {{ return {HOLE}; }}", ground_truth="0")
    evaluator = SafimEvaluator(workers=1)
    try:
        scores = [evaluator.judge(problem, given("1 +"), 0) for problem in (foreign, native)]
    finally:
        evaluator.close()
    assert [(score.status, score.correct) for score in scores] == [("error", None), ("syntax", False)]


@pytest.mark.slow
@pytest.mark.truth
@pytest.mark.parametrize("subset", ["block", "control"])
@pytest.mark.parametrize(("language", "count"), [("python", 1000), ("cpp", 30), ("java", 30), ("csharp", 40)])
def test_references_of_safim_pass_when_they_are_run(
    data: Path, subset: Any, language: str, count: int
) -> None:
    if shutil.which(TOOLS[language]) is None:
        pytest.skip(f"no {TOOLS[language]} here")
    rows = (each for each in Safim(subset).samples() if each.fields["lang"] == language)
    evaluator = SafimEvaluator(run_reference=True, workers=2)
    scores = own_answers(evaluator, drawn_from(rows, count), "ground_truth")
    # The benchmark's C# was built by Roslyn's csc; mcs does not know C# 8 and later.
    judged = [score for score in scores if language != "csharp" or score.status != "error"]
    assert len(judged) >= 0.6 * len(scores)
    assert not_right(judged) == []


@pytest.mark.parametrize("language", ["cpp", "python"])
@pytest.mark.parametrize("line", ["x = (1\n", "if x:\n", "{\n", "    y = 1\n", "/* a\n", '    """\n'])
def test_a_very_long_answer_is_cut_in_bounded_time(language: str, line: str) -> None:
    text = line * 3000
    part = block_part(text, "def f():\n    x = 1\n", "    return 1\n", language)
    assert text.startswith(part)
