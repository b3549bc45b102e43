"""Every cell is a number with its doubt or the reason why there is none."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from evalsuite.errors import UserError
from evalsuite.summarizers import build_table, check_summarizer, render_csv, render_md, render_txt
from evalsuite.summarizers.table import Row, Table
from evalsuite.types import Counts, Metric, Result


def result(model: str, dataset: str, value: float = 50.0, *, n: int = 100, **more: Any) -> Result:
    name = more.pop("metric", "accuracy")
    counts = more.pop("counts", Counts(n, n))
    metrics = more.pop("metrics", {name: Metric(value, n, 2.0, value, value)})
    return Result(model, dataset, metrics, counts, "ab12cd", more.pop("mode", "gen"), name)


BROKEN = Result(
    "m",
    "d",
    {"accuracy": Metric(30.0, 164, 3.5, 30.0, 31.83, 3)},
    Counts(164, 161, 3, 4, 1, 2, {"timeout": 2, "server: 503": 1}),
    "ab12cd",
    "gen",
    "accuracy",
)


def table(results: list[Result], config: dict[str, Any] | None = None, **more: Any) -> Table:
    models = list(dict.fromkeys(r.model for r in results)) or ["m"]
    datasets = list(dict.fromkeys(r.dataset for r in results)) or ["d"]
    return build_table(results, config, **{"models": models, "datasets": datasets, **more})


def texts(row: Row) -> list[str]:
    return [cell.text() for cell in row.cells]


def test_a_cell_has_its_error_and_its_n() -> None:
    made = table([result("m", "d", 41.234, n=164)])
    assert made.rows[0] == Row("d", "ab12cd", "accuracy", "gen", made.rows[0].cells, (), "dataset")
    assert texts(made.rows[0]) == ["41.23 ±2.00 (n=164)"]
    assert texts(table([result("m", "d", metrics={"accuracy": Metric(5.0, 1, None)})]).rows[0]) == [
        "5.00 (n=1)"
    ]


def test_a_cell_with_failures_shows_them_and_the_open_interval() -> None:
    made = table([BROKEN])
    assert texts(made.rows[0]) == ["failed 3/164 (30.00..31.83)*"]
    assert [(row.count, row.total, row.cause) for row in made.failures] == [
        (2, 164, "timeout"),
        (1, 164, "server: 503"),
    ]
    assert made.warnings == (
        "m x d: 4 cut off at the length limit, 1 empty, 2 without an extractable answer (of 164)",
    )


def test_a_number_that_is_no_rate_keeps_its_value_beside_the_failures() -> None:
    metrics = {"tokens": Metric(12.5, 9, 1.0)}
    made = table([result("m", "d", metrics=metrics, metric="tokens", counts=Counts(10, 9, 1))])
    assert texts(made.rows[0]) == ["failed 1/10 (12.50 over the rest)"]
    assert made.failures[0].cause == "no cause was recorded"


def test_a_result_that_is_missing_says_why() -> None:
    reasons = {("b", "d"): "inference: the worker exited with 137"}
    made = table([result("a", "d")], models=["a", "b", "c"], missing=reasons)
    assert texts(made.rows[0])[1:] == [
        "missing: inference: the worker exited with 137",
        "missing: not asked for",
    ]
    assert [(row.model, row.cause) for row in made.failures] == [
        ("b", "inference: the worker exited with 137")
    ]


def test_a_pair_of_which_everything_failed_names_the_cause() -> None:
    dead = result("m", "d", metrics={}, counts=Counts(5, 0, 5, reasons={"inference: out of memory": 5}))
    assert texts(table([dead]).rows[0]) == ["failed 5/5: inference: out of memory"]


def test_no_cell_of_any_format_is_a_bare_dash() -> None:
    results = [result("a", "d"), BROKEN]
    config = {"summary_groups": [{"name": "g", "subsets": ["d", "e"]}]}
    made = table(results, config, models=["a", "m", "z"], datasets=["d", "e"])
    for row in csv.reader(io.StringIO(render_csv(made))):
        assert "-" not in row
    for cells in (line.split() for line in render_txt(made).splitlines()):
        assert "-" not in cells


def test_a_long_cause_is_whole_in_the_failures_only() -> None:
    cause = "inference: " + "very " * 40 + "long"
    made = table([result("m", "d", metrics={}, counts=Counts(5, 0, 5, reasons={cause: 5}))])
    assert len(made.rows[0].cells[0].text()) <= 70
    assert made.failures[0].cause == cause


def test_all_metrics_are_shown_the_headline_first() -> None:
    metrics = {"precision": Metric(1, 9, None), "f1": Metric(2, 9, None)}
    made = table([result("m", "d", metrics=metrics, metric="f1")])
    assert [row.metric for row in made.rows] == ["f1", "precision"]


@pytest.mark.parametrize(
    ("extra", "shown", "value"),
    [
        ({}, "naive_average", 45.0),
        ({"weights": {"x": 3, "y": 1}}, "weighted_average", 42.5),
        ({"sum": True}, "sum", 90.0),
        ({"std": True}, "standard_deviation", 5.0),
        ({"harmonic_mean": True}, "harmonic_mean", 2 / (1 / 40 + 1 / 50)),
        ({"transforms": {"x": "100 - x"}}, "naive_average", 55.0),
        ({"transforms": {"x": "min(100, max(0, 100 * x / (60 + x)))"}}, "naive_average", 45.0),
        ({"metric": "accuracy"}, "accuracy", 45.0),
        ({"metric": "my_average"}, "my_average", 45.0),
    ],
)
def test_groups_as_configs_declare_them(extra: dict[str, Any], shown: str, value: float) -> None:
    config = {"summary_groups": [{"name": "g", "subsets": ["x", "y"], **extra}]}
    row = table([result("m", "x", 40), result("m", "y", 50)], config).rows[-1]
    assert (row.dataset, row.metric) == ("g", shown)
    metric = row.cells[0].metric
    assert metric is not None
    assert metric.value == pytest.approx(value)
    assert metric.n == 200


def test_a_group_takes_the_metric_that_it_declares() -> None:
    both = {"accuracy": Metric(10, 9, 1.0), "f1": Metric(90, 9, 1.0)}
    results = [result("m", "x", metrics=both), result("m", "y", metrics=both)]
    groups = [
        {"name": "g", "subsets": ["x", "y"], "metric": "f1"},
        {"name": "h", "subsets": [("x", "f1"), ("y", "accuracy")]},
    ]
    made = table(results, {"summary_groups": groups})
    assert [row.cells[0].metric.value for row in made.rows[-2:] if row.cells[0].metric] == [90.0, 50.0]
    assert made.notes == ("the group h puts different metrics together: f1, accuracy",)


def test_groups_of_groups_and_their_errors() -> None:
    groups = [
        {"name": "all", "subsets": [["in", "naive_average"], "z"], "weights": {"in": 2, "z": 1}},
        {"name": "in", "subsets": ["x", "y"]},
    ]
    made = table(
        [result("m", "x", 40), result("m", "y", 50), result("m", "z", 90)], {"summary_groups": groups}
    )
    outer = next(row for row in made.rows if row.dataset == "all").cells[0].metric
    assert outer is not None
    assert outer.value == pytest.approx((2 * 45 + 90) / 3)
    assert outer.stderr == pytest.approx(((2 / 3) ** 2 * 2.0 + (1 / 3) ** 2 * 4.0) ** 0.5)


def test_one_group_may_have_several_metrics_of_its_own() -> None:
    metrics = {"form": Metric(10, 9, 1.0), "args": Metric(90, 9, 1.0)}
    groups = [
        {"name": "g", "metric": "form", "subsets": [("x", "form"), ("y", "form")]},
        {"name": "g", "metric": "args", "subsets": [("x", "args"), ("y", "args")]},
        {"name": "all", "subsets": [("g", "args"), ("g", "form")]},
    ]
    results = [result("m", "x", metrics=metrics, n=9), result("m", "y", metrics=metrics, n=9)]
    made = table(results, {"summary_groups": groups})
    shown = [(row.dataset, row.metric, texts(row)[0]) for row in made.rows[-3:]]
    assert shown == [
        ("g", "form", "10.00 ±0.71 (n=18)"),
        ("g", "args", "90.00 ±0.71 (n=18)"),
        ("all", "naive_average", "50.00 ±0.50 (n=18)"),
    ]


def test_weights_may_name_a_metric_and_leave_members_out() -> None:
    metrics = {"a": Metric(10, 9, 1.0), "b": Metric(90, 9, 1.0)}
    subsets = [("x", "a"), ("x", "b"), ("y", "a"), "gone"]
    group = {"name": "g", "subsets": subsets, "weights": {"x@a": 1, "x@b": 3, "gone": 0}}
    made = table(
        [result("m", "x", metrics=metrics), result("m", "y", metrics=metrics)], {"summary_groups": [group]}
    )
    metric = made.rows[-1].cells[0].metric
    assert metric is not None
    assert (metric.value, metric.n) == (70.0, 9)
    assert "the group g gives no weight to y" in made.notes


def test_groups_of_one_name_are_alternatives() -> None:
    groups = [
        {"name": "g", "subsets": ["gone"]},
        {"name": "g", "subsets": ["x"]},
        {"name": "g", "subsets": ["y"]},
    ]
    made = table([result("m", "x", 40), result("m", "y", 50)], {"summary_groups": groups})
    assert [(row.dataset, texts(row)[0]) for row in made.rows[2:]] == [("g", "40.00 ±2.00 (n=100)")]
    assert made.notes == ("several groups are called g; the first of them is shown",)


def test_a_group_named_like_its_dataset_takes_the_dataset() -> None:
    made = table([result("m", "x", 40)], {"summary_groups": [{"name": "x", "subsets": ["x"]}]})
    assert [texts(row)[0] for row in made.rows] == ["40.00 ±2.00 (n=100)"] * 2


def test_a_group_that_lacks_members_says_which_and_why() -> None:
    config = {"summary_groups": [{"name": "g", "subsets": ["x", "y", "zz"]}]}
    made = table(
        [result("m", "x")],
        config,
        datasets=["x", "y", "z"],
        missing={("m", "y"): "failed to load"},
    )
    cell = made.rows[-1].cells[0]
    assert cell.metric is None
    assert cell.reason == "y (failed to load), zz (not in this run, did you mean 'z'?)"


def test_failures_of_members_are_failures_of_the_group() -> None:
    config = {"summary_groups": [{"name": "g", "subsets": ["d", "e"]}]}
    made = table([BROKEN, result("m", "e", 50, n=36)], config)
    assert texts(made.rows[-1]) == ["failed 3/200 (40.00..40.91)*"]


def test_groups_without_any_dataset_here_are_left_out_with_a_note() -> None:
    groups = [{"name": f"g{i}", "subsets": ["a", "b"]} for i in range(10)]
    made = table([result("m", "x")], {"summary_groups": groups + groups[:1]})
    assert [row.dataset for row in made.rows] == ["x"]
    assert made.notes == (
        "groups without any dataset in this run: g0, g1, g2, g3, g4, g5, g6, g7 and 2 more",
    )


def test_rows_come_as_the_summarizer_lists_them() -> None:
    metrics = {"accuracy": Metric(10, 9, 1.0), "f1": Metric(90, 9, 1.0)}
    config = {
        "dataset_abbrs": ["--- code ---", ("x", "f1"), "g", "y", "xx"],
        "summary_groups": [{"name": "g", "subsets": ["x", "y"]}],
    }
    made = table([result("m", "y"), result("m", "x", metrics=metrics)], config)
    assert [(row.dataset, row.metric, row.kind) for row in made.rows] == [
        ("--- code ---", "", "heading"),
        ("x", "f1", "dataset"),
        ("g", "naive_average", "group"),
        ("y", "accuracy", "dataset"),
    ]
    assert made.notes == ("the summarizer names datasets that are not in this run: xx (did you mean 'x'?)",)


def test_versions_that_differ_between_models_are_told() -> None:
    other = Result("b", "d", {"accuracy": Metric(1, 9, None)}, Counts(9, 9), "ffffff", "gen", "accuracy")
    made = table([result("a", "d"), other])
    assert "ab12cd" in made.notes[0]
    assert "ffffff" in made.notes[0]


def test_csv_has_plain_numbers_and_their_doubt_beside_them() -> None:
    made = table([result("a", "d", 41.5), BROKEN], labels={"a": "Model A"})
    head, row = csv.reader(io.StringIO(render_csv(made)))
    assert head[:6] == ["dataset", "version", "metric", "mode", "Model A", "m"]
    values = dict(zip(head, row, strict=True))
    assert values["Model A"] == "41.50"
    assert (values["Model A:stderr"], values["Model A:n"], values["Model A:failed"]) == ("2.0000", "100", "0")
    assert values["m"].startswith("failed 3/164")
    assert (values["m:low"], values["m:high"]) == ("30.0000", "31.8300")


def test_markdown_is_one_line_a_row() -> None:
    bad = result("m", "d", metrics={}, counts=Counts(1, 0, 1, reasons={"a | b\nc": 1}))
    lines = render_md(table([bad])).splitlines()
    assert lines[0].count("|") == lines[2].count("|") - lines[2].count("\\|")
    assert "a \\| b c" in lines[2]


def test_the_terminal_table_word_for_word() -> None:
    config = {"summary_groups": [{"name": "g", "subsets": ["d", "e"]}]}
    made = table(
        [result("a", "d", 41.5), result("a", "e", 50), BROKEN], config, missing={("m", "e"): "not done"}
    )
    assert render_txt(made) == GOLDEN


GOLDEN = """\
dataset    version    metric         mode    a                    m
---------  ---------  -------------  ------  -------------------  ----------------------------
d          ab12cd     accuracy       gen     41.50 ±2.00 (n=100)  failed 3/164 (30.00..31.83)*
e          ab12cd     accuracy       gen     50.00 ±2.00 (n=100)  missing: not done
g                     naive_average  gen     45.75 ±1.41 (n=200)  missing: e (not done)

Failures
model    dataset    failed    cause
-------  ---------  --------  -----------
m        d          2/164     timeout
m        d          1/164     server: 503
m        e          all       not done

Warnings (*)
  m x d: 4 cut off at the length limit, 1 empty, 2 without an extractable answer (of 164)
"""


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"sumary_groups": []}, "did you mean 'summary_groups'"),
        ({"summary_groups": [{"subsets": ["a"]}]}, "has no name"),
        ({"summary_groups": [{"name": "g"}]}, "has no subsets"),
        ({"summary_groups": [{"name": "g", "subsets": [1]}]}, "subsets[0]: 1 is wrong"),
        ({"summary_groups": [{"name": "g", "subsets": ["a"], "wieghts": {}}]}, "did you mean 'weights'"),
        (
            {"summary_groups": [{"name": "g", "subsets": ["ab"], "weights": {"aa": 1}}]},
            "not among the subsets",
        ),
        (
            {"summary_groups": [{"name": "g", "subsets": ["a", "b"], "weights": {"a": 0}}]},
            "all weights are 0",
        ),
        (
            {"summary_groups": [{"name": "g", "subsets": ["a"], "sum": True, "std": True}]},
            "exclude each other",
        ),
        (
            {"summary_groups": [{"name": "g", "subsets": ["h"]}, {"name": "h", "subsets": ["g"]}]},
            "contains itself",
        ),
        (
            {"summary_groups": [{"name": "g", "subsets": ["a"], "transforms": {"a": "__import__('os')"}}]},
            "arithmetic with x",
        ),
        ({"dataset_abbrs": [("a", "b", "c")]}, "dataset_abbrs[0]"),
        ({"reference_columns": [{"name": "p", "values": {"a": "1"}}]}, "values.a: '1' is wrong"),
    ],
)
def test_a_mistake_in_a_summarizer_is_told(config: dict[str, Any], words: str) -> None:
    errors = check_summarizer(config)
    assert words in "\n".join(map(str, errors))
    with pytest.raises(UserError):
        build_table([], config, models=["m"], datasets=["a"])


def test_a_member_without_any_result_brings_no_metric_into_the_note() -> None:
    config = {"summary_groups": [{"name": "g", "subsets": ["d", "e"]}]}
    made = table(
        [result("m", "d")], config, datasets=["d", "e"], missing={("m", "e"): "no compiler is installed"}
    )
    assert made.notes == ()
    assert "missing: e (no compiler is installed)" in render_txt(made)


def test_a_number_over_no_samples_is_no_zero() -> None:
    for metrics in ({}, {"pass@5": Metric(0.0, 0, None)}):
        found = table([result("m", "d", metrics=metrics, metric="pass@5")])
        assert texts(found.rows[0]) == ["missing: no sample has a value (pass@k wants k answers to each)"]
        assert "0.00" not in render_csv(found)
