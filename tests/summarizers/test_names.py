"""A summarizer may be made for more than this run has; a name that is nearly one of the run's is told."""

from __future__ import annotations

from evalsuite.summarizers import absent_names

DATASETS = ["humaneval", "mbpp", "gsm8k"]


def told(**config: object) -> list[tuple[str, str, str]]:
    return [(one.where, one.what, one.nearest) for one in absent_names(config, DATASETS)]


def test_names_of_the_run_and_headings_are_right() -> None:
    assert (
        told(
            dataset_abbrs=["--- code ---", "", "humaneval", ("mbpp", "pass@1"), "code"],
            summary_groups=[{"name": "code", "subsets": ["humaneval", ["mbpp", "pass@1"]]}],
            reference_columns=[{"name": "paper", "values": {"humaneval": 1.0, "code": 2.0}}],
        )
        == []
    )


def test_a_slip_is_told_with_the_name_that_was_meant() -> None:
    assert told(
        dataset_abbrs=["humanevl"],
        summary_groups=[{"name": "code", "subsets": ["humaneval", "mbp"]}],
        reference_columns=[{"name": "paper", "values": {"gsm8": 1.0}}],
    ) == [
        ("summarizer.dataset_abbrs", "'humanevl' is not in this run", "humaneval"),
        ("summarizer.summary_groups[0].subsets", "'mbp' is not in this run", "mbpp"),
        ("summarizer.reference_columns[0].values", "'gsm8' is not in this run", "gsm8k"),
    ]


def test_what_only_larger_runs_have_is_told_in_one_line_or_not_at_all() -> None:
    many = [f"other_{n}" for n in range(10)]
    assert told(
        dataset_abbrs=[*DATASETS, *many],
        summary_groups=[
            {"name": "all", "subsets": [*DATASETS, "aime"]},
            {"name": "elsewhere", "subsets": ["aime", "drop"]},
        ],
        reference_columns=[{"name": "paper", "values": {"humaneval": 1.0, "aime": 2.0}}],
    ) == [
        ("summarizer.dataset_abbrs", f"not in this run: {', '.join(many[:8])} and 2 more", ""),
        ("summarizer.summary_groups[0].subsets", "not in this run: aime", ""),
    ]


def test_a_name_that_its_list_has_is_not_what_another_one_means() -> None:
    assert told(dataset_abbrs=["humaneval", "humaneval_x"]) == [
        ("summarizer.dataset_abbrs", "not in this run: humaneval_x", "")
    ]


def test_a_variant_and_a_name_that_several_lists_have_are_no_slips() -> None:
    assert told(summary_groups=[{"name": "x", "subsets": ["gsm8k", "mbpp_java", "humaneval_java"]}]) == [
        ("summarizer.summary_groups[0].subsets", "not in this run: mbpp_java, humaneval_java", "")
    ]
    assert told(dataset_abbrs=["mbpq"], reference_columns=[{"name": "paper", "values": {"mbpq": 1.0}}]) == [
        ("summarizer.dataset_abbrs", "not in this run: mbpq", "")
    ]
