"""Numbers with their doubt: means, pass@k, groups and paired comparisons, as pure functions.

Values of rates are in percent. Every aggregate carries its n and its standard error; where the samples were
answered several times, errors are clustered by sample, since repeats of one sample are not independent.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import pstdev
from typing import Literal

from evalsuite.types import Metric, Score

GroupKind = Literal["average", "weighted", "sum", "std", "harmonic"]
BOOTSTRAP_DRAWS = 10_000


# --------------------------------------------------------------------------- means over scores
class _Column:
    """The values of one metric by sample, packed: 16 bytes each, so that a million of them are no burden."""

    def __init__(self) -> None:
        self.samples = array("q")
        self.values = array("d")
        self.failed: set[int] = set()

    def add(self, sample: str, value: float) -> None:
        self.samples.append(hash(sample))
        self.values.append(value)

    def fail(self, sample: str) -> None:
        """A failed answer counts as a zero, and is remembered as one that might have been right."""
        self.failed.add(hash(sample))
        self.add(sample, 0.0)

    def clusters(self) -> tuple[list[float], list[int]]:
        """Sum and count of the values of each sample."""
        places: dict[int, int] = {}
        sums: list[float] = []
        counts: list[int] = []
        for sample, value in zip(self.samples, self.values, strict=True):
            place = places.setdefault(sample, len(sums))
            if place == len(sums):
                sums.append(value)
                counts.append(1)
            else:
                sums[place] += value
                counts[place] += 1
        return sums, counts


def mean_metric(
    scores: Iterable[Score], headline: str = "accuracy", *, plain: Collection[str] = ()
) -> dict[str, Metric]:
    """The share of right answers under the name of the headline, and the mean of each number in `metrics`.

    A failed answer (status "error", nothing correct or wrong) counts as wrong in the value, and opens the
    interval from `low` to `high`. Numbers that all lie in 0..1 are rates and become percent, unless `plain`
    names them; other numbers are averaged as they are, over the answers that have them.
    """
    head = _Column()
    others: dict[str, _Column] = {}
    failures: list[str] = []
    repeated = False
    answered = 0
    for score in scores:
        repeated = repeated or score.repeat > 0
        value = _headline_value(score, headline)
        if value is None:
            failures.append(score.id)
            head.fail(score.id)
            continue
        answered += 1
        head.add(score.id, value)
        for name, number in score.metrics.items():
            if name != headline:
                others.setdefault(name, _Column()).add(score.id, number)
    result = {headline: _mean(head, len(failures), repeated, headline not in plain)}
    for name, column in others.items():
        missed = 0
        # A number that every answered sample has would have been there for the failed ones too.
        if len(column.values) == answered and name not in plain and _is_rate(column.values):
            missed = len(failures)
            for sample in failures:
                column.fail(sample)
        result[name] = _mean(column, missed, repeated, name not in plain)
    return result


def _headline_value(score: Score, headline: str) -> float | None:
    if score.correct is not None:
        return float(score.correct)
    if headline in score.metrics:
        return score.metrics[headline]
    if score.status == "error":
        return None
    return float(score.status == "right")


def _is_rate(values: Iterable[float]) -> bool:
    return all(0.0 <= value <= 1.0 for value in values)


def _mean(column: _Column, failures: int, repeated: bool, may_be_rate: bool) -> Metric:
    total = len(column.values)
    if not total:
        return Metric(0.0, 0, None)
    rate = may_be_rate and _is_rate(column.values)
    scale = 100.0 if rate else 1.0
    mean = math.fsum(column.values) / total
    if repeated:
        sums, counts = column.clusters()
        n, stderr = len(sums), clustered_stderr(sums, counts)
    else:
        n, stderr = total, _plain_stderr(column.values, mean)
    open_end = failures / total if rate else 0.0
    return Metric(
        scale * mean,
        n,
        None if stderr is None else scale * stderr,
        low=scale * mean if rate else None,
        high=scale * (mean + open_end) if rate else None,
        failed=len(column.failed),
    )


def _plain_stderr(values: Sequence[float], mean: float) -> float | None:
    if all(value in (0.0, 1.0) for value in values):
        return binomial_stderr(mean, len(values))
    return sample_stderr(values)


def binomial_stderr(rate: float, n: int) -> float | None:
    """The standard error of a rate (0..1) over n independent samples."""
    return math.sqrt(rate * (1 - rate) / n) if n > 1 else None


def sample_stderr(values: Sequence[float]) -> float | None:
    """The standard error of the mean of independent values."""
    n = len(values)
    if n < 2:
        return None
    mean = math.fsum(values) / n
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)


def clustered_stderr(sums: Sequence[float], counts: Sequence[int]) -> float | None:
    """The standard error of sum(sums)/sum(counts) over groups whose members are not independent."""
    n, total = len(sums), sum(counts)
    if n < 2 or not total:
        return None
    mean = math.fsum(sums) / total
    spread = math.fsum((s - mean * c) ** 2 for s, c in zip(sums, counts, strict=True))
    return math.sqrt(n / (n - 1) * spread) / total


def wilson_interval(rate: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Bounds of a rate (0..1) that stay honest near 0 and 1, where the standard error vanishes."""
    if not n:
        return 0.0, 1.0
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def edge_bound(metric: Metric) -> float | None:
    """How far a rate of exactly 0 or 100 % may be from there (95 %, Wilson's interval over its n).

    None for other values: their doubt is the standard error, which says nothing where all samples agree.
    """
    if metric.low is None or metric.stderr or not metric.n or metric.value not in (0.0, 100.0):
        return None
    low, high = wilson_interval(metric.value / 100, metric.n)
    return 100 * (low if metric.value else high)


# --------------------------------------------------------------------------- several answers a sample
def pass_at_k(n: int, right: int, k: int) -> float:
    """The chance that one of k answers is right, drawn without replacement from n of which some are right."""
    if not 0 <= right <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} of {right} right in {n} answers")
    return 1.0 - math.comb(n - right, k) / math.comb(n, k)


def g_pass_at_k(n: int, right: int, k: int, tau: float) -> float:
    """The chance that at least the share tau (and at least one) of k drawn answers is right (G-Pass@k)."""
    if not 0 <= right <= n or not 1 <= k <= n:
        raise ValueError(f"G-Pass@{k} of {right} right in {n} answers")
    least = max(math.ceil(k * tau), 1)
    ways = sum(math.comb(right, i) * math.comb(n - right, k - i) for i in range(least, k + 1))
    return ways / math.comb(n, k)


def mg_pass_at_k(n: int, right: int, k: int) -> float:
    """The mean of G-Pass@k over thresholds above one half."""
    thresholds = range(math.ceil(k / 2) + 1, k + 1)
    return 2 / k * sum(g_pass_at_k(n, right, k, i / k) for i in thresholds)


def pass_metrics(scores: Iterable[Score], ks: Sequence[int]) -> dict[str, Metric]:
    """pass@k over all samples for each k, in percent; failed answers count as wrong, and as right in `high`.

    A sample with fewer than k answers has no pass@k; n says how many samples had one. Where none had, there
    is no such metric: a zero would be taken for a result.
    """
    seen: dict[str, list[int]] = {}
    for score in scores:
        tally = seen.setdefault(score.id, [0, 0, 0])
        tally[0] += 1
        tally[1] += score.correct is True
        tally[2] += score.correct is None and score.status == "error"
    result: dict[str, Metric] = {}
    for k in ks:
        tallies = [tally for tally in seen.values() if tally[0] >= k]
        values = [pass_at_k(n, right, k) for n, right, _ in tallies]
        highs = [pass_at_k(n, right + failed, k) for n, right, failed in tallies]
        if not values:
            continue
        mean = 100 * math.fsum(values) / len(values)
        stderr = _plain_stderr(values, mean / 100)
        result[f"pass@{k}"] = Metric(
            mean,
            len(values),
            None if stderr is None else 100 * stderr,
            low=mean,
            high=100 * math.fsum(highs) / len(highs),
            failed=sum(failed > 0 for _, _, failed in tallies),
        )
    return result


# --------------------------------------------------------------------------- groups
def combine(metrics: Sequence[Metric], kind: GroupKind, weights: Sequence[float] | None = None) -> Metric:
    """One number for a group of metrics, with the standard error that follows from theirs.

    The members are taken as independent. `std` is the spread between the members, and has no error of its
    own.
    """
    if not metrics:
        raise ValueError("a group without members has no value")
    shares = list(weights) if weights is not None else [1.0] * len(metrics)
    if len(shares) != len(metrics) or sum(shares) <= 0:
        raise ValueError(f"{len(shares)} weights for {len(metrics)} members, of sum {sum(shares)}")
    values = [metric.value for metric in metrics]
    slopes = _slopes(values, kind, shares)
    errors = [metric.stderr for metric in metrics]
    stderr = None
    if slopes is not None and None not in errors:
        stderr = math.sqrt(math.fsum((s * (e or 0.0)) ** 2 for s, e in zip(slopes, errors, strict=True)))
    low = high = None
    if slopes is not None:
        low = _group_value([m.value if m.low is None else m.low for m in metrics], kind, shares)
        high = _group_value([m.value if m.high is None else m.high for m in metrics], kind, shares)
    return Metric(
        _group_value(values, kind, shares),
        sum(metric.n for metric in metrics),
        stderr,
        low,
        high,
        sum(metric.failed for metric in metrics),
    )


def _group_value(values: Sequence[float], kind: GroupKind, weights: Sequence[float]) -> float:
    if kind == "sum":
        return math.fsum(values)
    if kind == "std":
        return pstdev(values)
    if kind == "harmonic":
        return 0.0 if any(value <= 0 for value in values) else len(values) / math.fsum(1 / v for v in values)
    return math.fsum(w * v for w, v in zip(weights, values, strict=True)) / math.fsum(weights)


def _slopes(values: Sequence[float], kind: GroupKind, weights: Sequence[float]) -> list[float] | None:
    """How much the group's value moves with each member's; None when that is no smooth matter."""
    if kind == "sum":
        return [1.0] * len(values)
    if kind == "std":
        return None
    if kind == "harmonic":
        whole = _group_value(values, kind, weights)
        return [whole * whole / (len(values) * v * v) if whole else 0.0 for v in values]
    return [weight / math.fsum(weights) for weight in weights]


# --------------------------------------------------------------------------- two runs, sample by sample
@dataclass(frozen=True)
class Comparison:
    """How two sets of values of the same samples differ (the second minus the first)."""

    n: int
    first: float
    second: float
    stderr: float | None
    gained: int
    lost: int
    p_value: float
    test: Literal["mcnemar", "bootstrap"]

    @property
    def difference(self) -> float:
        """The mean difference."""
        return self.second - self.first


def compare(first: Mapping[str, float], second: Mapping[str, float], *, seed: int = 0) -> Comparison:
    """Compare two runs on the samples that both have: verdicts by an exact McNemar test, other numbers by a
    bootstrap over samples."""
    shared = [sample for sample in first if sample in second]
    if not shared:
        raise ValueError("the two runs share no sample")
    pairs = [(first[sample], second[sample]) for sample in shared]
    gained, lost = sum(b > a for a, b in pairs), sum(b < a for a, b in pairs)
    differences = [b - a for a, b in pairs]
    binary = all(value in (0.0, 1.0) for pair in pairs for value in pair)
    return Comparison(
        n=len(pairs),
        first=math.fsum(a for a, _ in pairs) / len(pairs),
        second=math.fsum(b for _, b in pairs) / len(pairs),
        stderr=sample_stderr(differences),
        gained=gained,
        lost=lost,
        p_value=mcnemar_exact(gained, lost) if binary else bootstrap_p(differences, seed=seed),
        test="mcnemar" if binary else "bootstrap",
    )


def mcnemar_exact(gained: int, lost: int) -> float:
    """How likely a split at least as uneven is when each flipped sample goes either way by a fair coin."""
    flips, few = gained + lost, min(gained, lost)
    if not flips:
        return 1.0
    log_half = flips * math.log(2)
    tail = math.fsum(
        math.exp(math.lgamma(flips + 1) - math.lgamma(i + 1) - math.lgamma(flips - i + 1) - log_half)
        for i in range(few + 1)
    )
    return min(1.0, 2 * tail)


def bootstrap_p(differences: Sequence[float], *, draws: int = BOOTSTRAP_DRAWS, seed: int = 0) -> float:
    """Two-sided p of a mean difference: how often resampled means, centred on zero, lie as far out."""
    import numpy

    values = numpy.asarray(differences, dtype=float)
    if not values.any():
        return 1.0
    observed = abs(values.mean())
    centred = values - values.mean()
    random = numpy.random.default_rng(seed)
    beyond = done = 0
    block = max(1, min(draws, 2_000_000 // len(values)))
    while done < draws:
        count = min(block, draws - done)
        means = centred[random.integers(0, len(values), (count, len(values)))].mean(axis=1)
        beyond += int((abs(means) >= observed - 1e-12).sum())
        done += count
    return (beyond + 1) / (draws + 1)
