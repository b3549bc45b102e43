"""Numbers with their doubt, against closed forms, brute force and simulation."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.stats import (
    bootstrap_p,
    clustered_stderr,
    combine,
    compare,
    edge_bound,
    g_pass_at_k,
    mcnemar_exact,
    mean_metric,
    mg_pass_at_k,
    pass_at_k,
    pass_metrics,
    sample_stderr,
    wilson_interval,
)
from evalsuite.types import Metric, Score


def scores(*verdicts: bool | None, repeat: int = 0) -> list[Score]:
    return [
        Score(str(i), repeat, "error" if ok is None else "right" if ok else "wrong", ok)
        for i, ok in enumerate(verdicts)
    ]


def test_a_rate_comes_in_percent_with_its_binomial_error() -> None:
    metric = mean_metric(scores(True, True, True, False))["accuracy"]
    assert (metric.value, metric.n, metric.failed) == (75.0, 4, 0)
    assert metric.stderr == pytest.approx(100 * math.sqrt(0.75 * 0.25 / 4))
    assert (metric.low, metric.high) == (75.0, 75.0)


def test_a_failed_answer_counts_as_wrong_and_opens_the_interval() -> None:
    metric = mean_metric(scores(True, None, False, None))["accuracy"]
    assert (metric.value, metric.low, metric.high) == (25.0, 25.0, 75.0)
    assert (metric.n, metric.failed) == (4, 2)


def test_repeats_of_a_sample_are_one_cluster() -> None:
    alike = [score for repeat in range(4) for score in scores(True, False, True, repeat=repeat)]
    metric = mean_metric(alike)["accuracy"]
    assert metric.n == 3
    # Four equal answers to each of three samples say no more than one answer to each.
    assert metric.stderr == pytest.approx(100 * sample_stderr([1.0, 0.0, 1.0]))


def test_the_headline_comes_first_and_other_numbers_follow() -> None:
    rows = [Score(str(i), 0, "right", True, {"f1": 0.5, "tokens": 10.0 + i, "share": 1.0}) for i in range(3)]
    rows.append(Score("x", 0, "error"))
    metrics = mean_metric(rows, "pass", plain=["share"])
    assert list(metrics) == ["pass", "f1", "tokens", "share"]
    assert metrics["f1"].value == pytest.approx(37.5)
    assert metrics["f1"].high == pytest.approx(62.5)
    assert (metrics["tokens"].value, metrics["tokens"].n, metrics["tokens"].high) == (11.0, 3, None)
    assert metrics["share"].value == 1.0


def test_a_number_that_only_some_answers_have_is_a_mean_over_those() -> None:
    rows = [
        Score("a", 0, "right", True, {"easy": 1.0}),
        Score("b", 0, "wrong", False, {"hard": 0.0}),
        Score("c", 0, "error"),
    ]
    metrics = mean_metric(rows)
    assert (metrics["easy"].value, metrics["easy"].n, metrics["easy"].failed) == (100.0, 1, 0)
    assert metrics["accuracy"].value == pytest.approx(100 / 3)


def test_a_headline_may_be_a_number_of_the_answer() -> None:
    rows = [Score("a", 0, "wrong", None, {"bleu": 30.0}), Score("b", 0, "wrong", None, {"bleu": 50.0})]
    metrics = mean_metric(rows, "bleu")
    assert list(metrics) == ["bleu"]
    assert metrics["bleu"].value == 40.0


def test_no_scores_have_no_value_and_no_error() -> None:
    assert mean_metric([])["accuracy"] == Metric(0.0, 0, None)
    assert mean_metric(scores(True))["accuracy"].stderr is None


def test_the_clustered_error_is_that_of_simulation() -> None:
    rng = random.Random(1)
    means, errors = [], []
    for _ in range(400):
        rates = [rng.choice((0.1, 0.9)) for _ in range(40)]
        counts = [rng.choice((2, 6)) for _ in rates]
        sums = [float(sum(rng.random() < p for _ in range(c))) for p, c in zip(rates, counts, strict=True)]
        means.append(sum(sums) / sum(counts))
        errors.append(clustered_stderr(sums, counts) or 0.0)
    spread = math.sqrt(sum((m - sum(means) / 400) ** 2 for m in means) / 399)
    assert sum(errors) / 400 == pytest.approx(spread, rel=0.1)


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_draws_with_a_right_one(case: tuple[int, int, int]) -> None:
    n, right, k = case
    draws = list(itertools.combinations([True] * right + [False] * (n - right), k))
    assert pass_at_k(n, right, k) == pytest.approx(sum(map(any, draws)) / len(draws))
    for tau in (0.25, 0.5, 1.0):
        least = max(1, math.ceil(k * tau))
        assert g_pass_at_k(n, right, k, tau) == pytest.approx(
            sum(sum(d) >= least for d in draws) / len(draws)
        )


def test_g_pass_between_its_known_ends() -> None:
    assert g_pass_at_k(8, 4, 4, 0.0) == pass_at_k(8, 4, 4)
    assert mg_pass_at_k(8, 8, 4) == 1.0
    assert mg_pass_at_k(16, 8, 4) == pytest.approx(
        0.5 * (g_pass_at_k(16, 8, 4, 0.75) + g_pass_at_k(16, 8, 4, 1))
    )


def test_pass_at_k_over_samples_needs_k_answers_each() -> None:
    rows = [score for repeat in range(4) for score in scores(repeat == 0, True, False, repeat=repeat)]
    rows.append(Score("short", 0, "right", True))
    found = pass_metrics(rows, [1, 2, 5])
    assert (found["pass@1"].n, found["pass@2"].n) == (4, 3)
    assert "pass@5" not in found  # no sample has 5 answers, and a zero would be taken for a result
    assert found["pass@2"].value == pytest.approx(100 * (0.5 + 1 + 0) / 3)


def test_failed_answers_open_the_interval_of_pass_at_k() -> None:
    rows = [*scores(True, None), *scores(None, None, repeat=1)]
    metric = pass_metrics(rows, [2])["pass@2"]
    assert (metric.value, metric.low, metric.high, metric.failed) == (50.0, 50.0, 100.0, 2)


def test_groups_carry_the_errors_of_their_members() -> None:
    members = [Metric(40.0, 100, 3.0), Metric(60.0, 300, 4.0)]
    average = combine(members, "average")
    assert (average.value, average.n, average.stderr) == (50.0, 400, pytest.approx(2.5))
    weighted = combine(members, "weighted", [3, 1])
    assert weighted.value == 45.0
    assert weighted.stderr == pytest.approx(math.hypot(0.75 * 3, 0.25 * 4))
    assert combine(members, "sum").stderr == pytest.approx(5.0)
    assert (combine(members, "std").value, combine(members, "std").stderr) == (10.0, None)


def test_the_error_of_a_harmonic_mean_is_that_of_simulation() -> None:
    rng = random.Random(2)
    members = [Metric(40.0, 1, 1.0), Metric(70.0, 1, 2.0)]
    draws = [2 / sum(1 / rng.gauss(m.value, m.stderr or 0) for m in members) for _ in range(20_000)]
    mean = sum(draws) / len(draws)
    spread = math.sqrt(sum((d - mean) ** 2 for d in draws) / len(draws))
    assert combine(members, "harmonic").value == pytest.approx(mean, rel=0.01)
    assert combine(members, "harmonic").stderr == pytest.approx(spread, rel=0.05)


def test_the_open_interval_of_a_group_is_that_of_its_members() -> None:
    group = combine([Metric(40, 10, 1, 40, 60, 2), Metric(50, 10, 1)], "average")
    assert (group.low, group.high, group.failed) == (45.0, 55.0, 2)


def test_a_group_with_an_unknown_error_has_none() -> None:
    assert combine([Metric(40, 10, None), Metric(50, 10, 1)], "average").stderr is None


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (5, 1), (3, 3), (12, 4)])
def test_mcnemar_is_the_two_sided_sign_test(gained: int, lost: int) -> None:
    n = gained + lost
    tail = sum(math.comb(n, i) for i in range(min(gained, lost) + 1)) / 2**n
    assert mcnemar_exact(gained, lost) == pytest.approx(min(1.0, 2 * tail))
    assert mcnemar_exact(lost, gained) == mcnemar_exact(gained, lost)


def test_mcnemar_of_many_flips_is_near_the_normal_law() -> None:
    p = mcnemar_exact(100_600, 100_000)
    z = 600 / math.sqrt(200_600)
    assert p == pytest.approx(math.erfc(z / math.sqrt(2)), rel=0.02)


def test_two_runs_are_compared_on_what_they_share() -> None:
    first = {"a": 1.0, "b": 0.0, "c": 0.0, "only": 1.0}
    second = {"a": 1.0, "b": 1.0, "c": 1.0, "other": 0.0}
    result = compare(first, second)
    assert (result.n, result.gained, result.lost, result.test) == (3, 2, 0, "mcnemar")
    assert result.difference == pytest.approx(2 / 3)
    assert result.p_value == pytest.approx(0.5)
    with pytest.raises(ValueError, match="share no sample"):
        compare({"a": 1.0}, {"b": 1.0})


def test_the_bootstrap_tells_noise_from_a_difference() -> None:
    rng = random.Random(3)
    noise = [rng.gauss(0, 1) for _ in range(200)]
    assert bootstrap_p([x - sum(noise) / 200 + 0.02 for x in noise]) > 0.5
    assert bootstrap_p([x + 0.5 for x in noise]) < 0.001
    assert bootstrap_p(noise) == bootstrap_p(noise)
    assert bootstrap_p([0.0, 0.0]) == 1.0


def test_the_wilson_interval_is_open_where_the_error_vanishes() -> None:
    low, high = wilson_interval(1.0, 20)
    assert low == pytest.approx(0.8389, abs=1e-3)
    assert high == 1.0
    assert wilson_interval(0.5, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("metric", "bound"),
    [
        (Metric(0.0, 100, 0.0, 0.0, 0.0), 3.70),
        (Metric(100.0, 100, 0.0, 100.0, 100.0), 96.30),
        (Metric(100.0, 1, None, 100.0, 100.0), 20.65),
        (Metric(50.0, 100, 5.0, 50.0, 50.0), None),
        (Metric(0.0, 100, 0.0), None),
        (Metric(0.0, 0, None, 0.0, 0.0), None),
    ],
)
def test_a_rate_at_the_edge_has_a_bound_in_place_of_an_error(metric: Metric, bound: float | None) -> None:
    found = edge_bound(metric)
    assert found == (None if bound is None else pytest.approx(bound, abs=0.005))
