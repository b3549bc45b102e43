"""From results to the table: every cell a number with its doubt, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from textwrap import shorten
from typing import Any, Literal

from evalsuite.errors import UserErrors, nearest_name
from evalsuite.stats import combine, edge_bound
from evalsuite.summarizers.groups import Group, check_summarizer, member_of, transformed
from evalsuite.summarizers.names import is_heading, some
from evalsuite.types import Counts, Metric, Result

NOT_RUN = "not asked for"
# A cell gives the gist of a reason; the failures table gives all of it.
LONGEST_REASON = 70
# Where an evaluator names no headline, these come first, as OpenCompass's readers expect.
USUAL_HEADLINES = (
    "score",
    "auc_score",
    "accuracy",
    "humaneval_pass@1",
    "rouge1",
    "avg_toxicity_score",
    "bleurt_diff",
    "matthews_correlation",
    "truth",
    "f1",
    "exact_match",
    "extract_rate",
)


@dataclass(frozen=True)
class Cell:
    """One model's number in one row. Without a metric there is a reason instead."""

    metric: Metric | None = None
    failed: int = 0
    total: int = 0
    reason: str = ""
    warned: bool = False

    def text(self, *, doubt: bool = True) -> str:
        """Value, doubt and n; or the failures and the interval that they leave open; or a reason.

        The doubt is the standard error; for a rate at 0 or 100, how far it may be from there.
        """
        if self.metric is None:
            reason = shorten(self.reason, LONGEST_REASON, placeholder="...") or NOT_RUN
            return reason if self.failed else f"missing: {reason}"
        value = f"{self.metric.value:.2f}"
        mark = "*" if self.warned else ""
        if self.failed:
            return f"{_with_failures(self.metric, self.failed, self.total)}{mark}"
        if not doubt:
            return value
        bound = edge_bound(self.metric)
        if bound is not None:
            value += f" {'≥' if self.metric.value else '≤'}{bound:.2f}"
        elif self.metric.stderr is not None:
            value += f" ±{self.metric.stderr:.2f}"
        return f"{value} (n={self.metric.n}){mark}" if self.metric.n else f"{value}{mark}"


def _with_failures(metric: Metric, failed: int, total: int) -> str:
    """Failures come before the number: the truth lies somewhere in the interval, if one can be told."""
    if metric.low is None or metric.high is None:
        return f"failed {failed}/{total} ({metric.value:.2f} over the rest)"
    return f"failed {failed}/{total} ({metric.low:.2f}..{metric.high:.2f})"


@dataclass(frozen=True)
class Row:
    """One line of the table; a heading has a title and nothing else."""

    dataset: str
    version: str = ""
    metric: str = ""
    mode: str = ""
    cells: tuple[Cell, ...] = ()
    references: tuple[str, ...] = ()
    kind: Literal["dataset", "group", "heading"] = "dataset"


@dataclass(frozen=True)
class FailureRow:
    """How many answers of a (model x dataset) failed for one cause."""

    model: str
    dataset: str
    count: int
    total: int
    cause: str


@dataclass(frozen=True)
class Table:
    """The summary of a run, ready to be written in any format."""

    models: tuple[str, ...]
    references: tuple[str, ...]
    rows: tuple[Row, ...]
    failures: tuple[FailureRow, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def build_table(
    results: Sequence[Result],
    summarizer: Mapping[str, Any] | None = None,
    *,
    models: Sequence[str],
    datasets: Sequence[str],
    missing: Mapping[tuple[str, str], str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Table:
    """The table of a run: models and datasets in the order of the config, groups behind the datasets.

    `missing` says why a (model, dataset) has no result; `labels` are names to show instead of a model's abbr.
    """
    config = summarizer or {}
    errors = check_summarizer(config)
    if errors:
        raise UserErrors(errors)
    builder = _Builder(results, config, models, datasets, missing or {})
    rows = builder.rows()
    return Table(
        tuple((labels or {}).get(model, model) for model in models),
        tuple(column["name"] for column in builder.columns),
        tuple(rows),
        tuple(builder.failures()),
        tuple(builder.warnings()),
        tuple(dict.fromkeys(builder.notes)),
    )


@dataclass
class _Builder:
    results: Sequence[Result]
    config: Mapping[str, Any]
    models: Sequence[str]
    datasets: Sequence[str]
    missing: Mapping[tuple[str, str], str]
    notes: list[str] = field(default_factory=list)
    idle_groups: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.by_pair = {(result.model, result.dataset): result for result in self.results}
        # One name may stand for several numbers of the same members, each under a metric of its own.
        self.groups: dict[str, dict[str, Group]] = {}
        for config in self.config.get("summary_groups") or ():
            self._add_group(Group.from_config(config))
        self.columns: list[Mapping[str, Any]] = list(self.config.get("reference_columns") or ())
        self._group_cells: dict[tuple[str, str, str], Cell] = {}

    def _add_group(self, group: Group) -> None:
        """Groups of one name and metric are alternatives: the one that has datasets in this run counts."""
        variants = self.groups.setdefault(group.name, {})
        other = variants.setdefault(group.shown, group)
        if other.members == group.members or not self._is_here(group):
            return
        if self._is_here(other):
            self.notes.append(f"several groups are called {group.name}; the first of them is shown")
        else:
            variants[group.shown] = group

    def _is_here(self, group: Group) -> bool:
        return any(name in self.datasets or name in self.groups for name, _ in group.members)

    # ------------------------------------------------------------------ which rows
    def rows(self) -> list[Row]:
        """The lines that the summarizer asks for, else all datasets and then all groups."""
        rows = self._wanted_rows()
        if self.idle_groups:
            self.notes.append(f"groups without any dataset in this run: {some(self.idle_groups)}")
        return rows

    def _wanted_rows(self) -> list[Row]:
        wanted = self.config.get("dataset_abbrs")
        if not wanted:
            rows = [row for dataset in self.datasets for row in self._dataset_rows(dataset, "")]
            return rows + [row for name in self.groups for row in self._group_rows(name, "")]
        rows = []
        absent: list[str] = []
        for entry in wanted:
            name, metric = member_of(entry)
            if name in self.groups:
                rows += self._group_rows(name, metric)
            elif name in self.datasets:
                rows += self._dataset_rows(name, metric or self._headline(name))
            elif is_heading(name):
                rows.append(Row(name, kind="heading"))
            else:
                absent.append(name)
        if absent:
            self.notes.append(self._absent_note(absent))
        return rows

    def _absent_note(self, absent: Sequence[str]) -> str:
        known = [*self.datasets, *self.groups]
        shown = [
            f"{name} (did you mean {near!r}?)" if (near := nearest_name(name, known)) else name
            for name in absent
        ]
        return f"the summarizer names datasets that are not in this run: {some(shown)}"

    def _dataset_rows(self, dataset: str, metric: str) -> list[Row]:
        found = [self.by_pair[m, dataset] for m in self.models if (m, dataset) in self.by_pair]
        headline = self._headline(dataset)
        names = [metric] if metric else self._metric_names(dataset)
        version = next((result.version for result in found if result.version), "")
        versions = {result.version for result in found if result.version}
        if len(versions) > 1:
            self.notes.append(
                f"{dataset}: the models were asked in different versions ({', '.join(versions)})"
            )
        return [
            Row(
                dataset,
                version,
                name,
                next((result.mode for result in found), ""),
                tuple(self.cell(model, dataset, name) for model in self.models),
                tuple(
                    self._reference(column, dataset) if name == headline else "" for column in self.columns
                ),
            )
            for name in names
        ]

    def _metric_names(self, dataset: str) -> list[str]:
        headline = self._headline(dataset)
        names = [headline]
        for model in self.models:
            result = self.by_pair.get((model, dataset))
            names += [name for name in (result.metrics if result else ()) if name not in names]
        return names

    def _headline(self, dataset: str) -> str:
        found = [self.by_pair[m, dataset] for m in self.models if (m, dataset) in self.by_pair]
        for result in found:
            if result.headline:
                return result.headline
        names = [name for result in found for name in result.metrics]
        return next((name for name in USUAL_HEADLINES if name in names), names[0] if names else "")

    # ------------------------------------------------------------------ one cell
    def cell(self, model: str, dataset: str, metric: str) -> Cell:
        """The number of a model in a dataset, or why there is none."""
        result = self.by_pair.get((model, dataset))
        if result is None:
            return Cell(reason=self.missing.get((model, dataset), NOT_RUN))
        counts = result.counts
        if counts.errors and not counts.answered:
            cause = next(iter(counts.reasons), "")
            text = f"failed {counts.errors}/{counts.total}" + (f": {cause}" if cause else "")
            return Cell(failed=counts.errors, total=counts.total, reason=text)
        found = result.metrics.get(metric)
        if not result.metrics or (found is not None and not found.n):
            return Cell(reason="no sample has a value (pass@k wants k answers to each)")
        if found is None:
            known = ", ".join(result.metrics) or "none"
            return Cell(reason=f"no metric {metric!r} (there is {known})")
        return Cell(found, _failed(result), _total(result), warned=bool(_doubts(counts)))

    # ------------------------------------------------------------------ groups
    def _variant(self, name: str, metric: str) -> Group | None:
        """The group of a name that goes by a metric; the first one where no metric is asked for."""
        variants = self.groups[name].values()
        return next((group for group in variants if not metric or metric in group.names), None)

    def _group_rows(self, name: str, metric: str) -> list[Row]:
        found = [self._variant(name, metric)] if metric else list(self.groups[name].values())
        groups = [group for group in found if group is not None]
        if not groups:
            self.notes.append(
                f"the group {name} has no metric {metric!r}, only {', '.join(self.groups[name])}"
            )
        elif not any(self._leaves(group) & set(self.datasets) for group in groups):
            self.idle_groups.append(name)
            groups = []
        return [self._group_row(group) for group in groups]

    def _group_row(self, group: Group) -> Row:
        self._note_mixture(group)
        if group.unweighted:
            self.notes.append(f"the group {group.name} gives no weight to {some(group.unweighted)}")
        cells = tuple(self.group_cell(model, group) for model in self.models)
        references = tuple(self._group_reference(column, group) for column in self.columns)
        return Row(group.name, "", group.shown, self._group_mode(group), cells, references, "group")

    def _inner(self, group: Group, member: str, metric: str) -> Group | None:
        """The group that a member stands for; a member of the group's own name is the dataset."""
        return self._variant(member, metric) if member in self.groups and member != group.name else None

    def _leaves(self, group: Group) -> set[str]:
        leaves: set[str] = set()
        for member, metric in group.members:
            inner = self._inner(group, member, metric)
            leaves |= {member} if inner is None else self._leaves(inner)
        return leaves

    def _group_mode(self, group: Group) -> str:
        leaves = self._leaves(group)
        modes = dict.fromkeys(
            result.mode for result in self.results if result.dataset in leaves and result.mode
        )
        return next(iter(modes)) if len(modes) == 1 else "mixed" if modes else ""

    def _note_mixture(self, group: Group) -> None:
        metrics = dict.fromkeys(
            self._member_metric(group, *m) for m in group.members if m[0] in self.datasets
        )
        metrics.pop("", None)  # of a dataset that has no result
        if len(metrics) > 1:
            self.notes.append(f"the group {group.name} puts different metrics together: {', '.join(metrics)}")

    def _member_metric(self, group: Group, dataset: str, metric: str) -> str:
        """The metric that a member brings: its own, the group's where members have it, else its headline."""
        if metric:
            return metric
        leaves = [name for name, _ in group.members if name in self.datasets]
        if group.metric and any(group.metric in self._metric_names(name) for name in leaves):
            return group.metric
        return self._headline(dataset)

    def group_cell(self, model: str, group: Group) -> Cell:
        """The number of a model in a group, or which members it lacks and why."""
        place = (model, group.name, group.shown)
        if place not in self._group_cells:
            self._group_cells[place] = self._make_group_cell(model, group)
        return self._group_cells[place]

    def _make_group_cell(self, model: str, group: Group) -> Cell:
        metrics: list[Metric] = []
        lacking: list[str] = []
        for member, metric in group.members:
            cell = self._member_cell(model, group, member, metric)
            if cell.metric is None:
                lacking.append(f"{member} ({cell.reason or NOT_RUN})")
            elif member in group.transforms:
                metrics.append(transformed(cell.metric, group.transforms[member]))
            else:
                metrics.append(cell.metric)
        if lacking:
            return Cell(reason=", ".join(lacking))
        # A dataset that brings two metrics is still one set of samples.
        results = [self.by_pair[model, leaf] for leaf in sorted(self._leaves(group))]
        samples = sum(max(metric.n for metric in result.metrics.values()) for result in results)
        return Cell(
            replace(combine(metrics, group.kind, group.weight_list()), n=samples),
            sum(_failed(result) for result in results),
            sum(_total(result) for result in results),
            warned=any(_doubts(result.counts) for result in results),
        )

    def _member_cell(self, model: str, group: Group, member: str, metric: str) -> Cell:
        inner = self._inner(group, member, metric)
        if inner is not None:
            return self.group_cell(model, inner)
        if member in self.groups and member != group.name:
            return Cell(reason=f"no metric {metric!r} (there is {', '.join(self.groups[member])})")
        if member not in self.datasets:
            near = nearest_name(member, [*self.datasets, *self.groups])
            return Cell(reason="not in this run" + (f", did you mean {near!r}?" if near else ""))
        return self.cell(model, member, self._member_metric(group, member, metric))

    # ------------------------------------------------------------------ published numbers
    def _reference(self, column: Mapping[str, Any], name: str) -> str:
        value = column["values"].get(name)
        return "" if value is None else f"{float(value):.2f}"

    def _group_reference(self, column: Mapping[str, Any], group: Group) -> str:
        """A published group value, checked against its published members; computed when there is none."""
        first = self._variant(group.name, "") is group
        published = column["values"].get(group.name) if first else None
        computed, step = self._from_members(column, group)
        if published is None:
            return "" if computed is None else f"{computed:.2f}"
        if computed is not None and abs(computed - published) > step + 0.5 * _last_digit(published):
            self.notes.append(
                f"{column['name']}: {group.name} is published as {published:.2f}, but its published members "
                f"give {computed:.2f}"
            )
        return f"{float(published):.2f}"

    def _from_members(self, column: Mapping[str, Any], group: Group) -> tuple[float | None, float]:
        """A group's value from published members, and how far their rounding may have moved it."""
        metrics: list[Metric] = []
        for member, name in group.members:
            value = column["values"].get(member)
            step = 0.0 if value is None else 0.5 * _last_digit(value)
            inner = self._inner(group, member, name)
            if value is None and inner is not None:
                value, step = self._from_members(column, inner)
            if value is None:
                return None, 0.0
            metric = Metric(float(value), 1, step)
            if member in group.transforms:
                metric = transformed(metric, group.transforms[member])
            metrics.append(metric)
        slack = max(metric.stderr or 0.0 for metric in metrics) * (len(metrics) if group.kind == "sum" else 1)
        return combine(metrics, group.kind, group.weight_list()).value, slack

    # ------------------------------------------------------------------ what to know beside the numbers
    def failures(self) -> list[FailureRow]:
        """Every cause of failure with its count, in the order of the table."""
        found: list[FailureRow] = []
        for dataset in self.datasets:
            for model in self.models:
                result = self.by_pair.get((model, dataset))
                if result is None:
                    reason = self.missing.get((model, dataset))
                    found += [FailureRow(model, dataset, 0, 0, reason)] if reason else []
                    continue
                counts = result.counts
                found += [
                    FailureRow(model, dataset, count, counts.total, cause)
                    for cause, count in counts.reasons.items()
                ]
                unnamed = counts.errors - sum(counts.reasons.values())
                if unnamed > 0:
                    found.append(FailureRow(model, dataset, unnamed, counts.total, "no cause was recorded"))
        return found

    def warnings(self) -> list[str]:
        """Which numbers rest on answers that were cut off, empty or not understood."""
        return [
            f"{model} x {dataset}: {doubts}"
            for dataset in self.datasets
            for model in self.models
            if (result := self.by_pair.get((model, dataset))) and (doubts := _doubts(result.counts))
        ]


def _failed(result: Result) -> int:
    return max([result.counts.errors, *(metric.failed for metric in result.metrics.values())])


def _total(result: Result) -> int:
    return result.counts.total or max((metric.n for metric in result.metrics.values()), default=0)


def _last_digit(value: float) -> float:
    """The worth of the last digit that a number was written with."""
    digits = repr(value).partition(".")[2]
    return 10.0 ** -len(digits)


def _doubts(counts: Counts) -> str:
    parts = (
        (counts.truncated, "cut off at the length limit"),
        (counts.empty, "empty"),
        (counts.unextracted, "without an extractable answer"),
    )
    said = [f"{count} {words}" for count, words in parts if count]
    return f"{', '.join(said)} (of {counts.total})" if said else ""
