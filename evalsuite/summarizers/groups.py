"""Groups of datasets as a summarizer config declares them, and what is wrong with such a config."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalsuite.errors import UserError, nearest_name
from evalsuite.stats import GroupKind
from evalsuite.types import Metric

SUMMARIZER_KEYS = ("type", "dataset_abbrs", "summary_groups", "reference_columns", "prompt_db")
GROUP_KEYS = ("name", "subsets", "weights", "metric", "sum", "std", "harmonic_mean", "transforms")
COLUMN_KEYS = ("name", "values")
_KINDS: Mapping[str, GroupKind] = {"sum": "sum", "std": "std", "harmonic_mean": "harmonic"}
_SHOWN: Mapping[GroupKind, str] = {
    "average": "naive_average",
    "weighted": "weighted_average",
    "sum": "sum",
    "std": "standard_deviation",
    "harmonic": "harmonic_mean",
}


@dataclass(frozen=True)
class Group:
    """Several rows of the table taken together."""

    name: str
    members: tuple[tuple[str, str], ...]
    kind: GroupKind = "average"
    weights: Mapping[str, float] = field(default_factory=dict)
    metric: str = ""
    transforms: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """What the metric column says."""
        return self.metric or _SHOWN[self.kind]

    @property
    def names(self) -> tuple[str, ...]:
        """By which metric names other groups may refer to this one."""
        return tuple(dict.fromkeys((self.shown, _SHOWN[self.kind])))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Group:
        """A group of a checked config."""
        kind: GroupKind = next((kind for key, kind in _KINDS.items() if config.get(key)), "average")
        weights = dict(config.get("weights") or {})
        return cls(
            name=config["name"],
            members=tuple(member_of(subset) for subset in config["subsets"]),
            kind="weighted" if weights and kind == "average" else kind,
            weights=weights,
            metric=config.get("metric") or "",
            transforms=dict(config.get("transforms") or {}),
        )

    def weight_list(self) -> list[float] | None:
        """The weights in the order of the members."""
        return [float(self.weights[name]) for name, _ in self.members] if self.kind == "weighted" else None


def member_of(subset: Any) -> tuple[str, str]:
    """Dataset and metric of a subset or a row: `'abbr'` or `('abbr', 'metric')`."""
    return (subset, "") if isinstance(subset, str) else (subset[0], subset[1])


# --------------------------------------------------------------------------- transforms
_OPERATORS: Mapping[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def transformed(metric: Metric, expression: str) -> Metric:
    """A metric under an arithmetic expression of `x`; its error follows the slope there."""
    tree = ast.parse(expression, mode="eval").body
    value = _value(tree, metric.value)
    step = 1e-4
    slope = (_value(tree, metric.value + step) - _value(tree, metric.value - step)) / (2 * step)
    ends = sorted(_value(tree, metric.value if end is None else end) for end in (metric.low, metric.high))
    stderr = None if metric.stderr is None else abs(slope) * metric.stderr
    return Metric(value, metric.n, stderr, ends[0], ends[1], metric.failed)


def _value(node: ast.AST, x: float) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id == "x":
        return x
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, x), _value(node.right, x))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.operand, x))
    raise ValueError(ast.unparse(node))


# --------------------------------------------------------------------------- what is wrong with a config
def check_summarizer(config: Mapping[str, Any]) -> list[UserError]:
    """All mistakes of a summarizer dict that can be seen without results."""
    errors = _unknown(config, SUMMARIZER_KEYS, "summarizer")
    for i, row in enumerate(config.get("dataset_abbrs") or ()):
        if not _is_member(row):
            errors.append(_wrong(row, f"summarizer.dataset_abbrs[{i}]", "'abbr' or ('abbr', 'metric')"))
    names: dict[str, Mapping[str, Any]] = {}
    for i, group in enumerate(config.get("summary_groups") or ()):
        where = f"summarizer.summary_groups[{i}]"
        if not isinstance(group, Mapping):
            errors.append(_wrong(group, where, "a dict"))
            continue
        errors += _check_group(group, where)
        name = str(group.get("name"))
        # The same group twice (two collections that overlap) is one and the same thing.
        if name in names and names[name] != group:
            errors.append(
                UserError(
                    f"the group {name!r} is there twice", where=f"{where}.name", expected="another name"
                )
            )
        names[name] = group
    if not errors:
        errors += _check_cycles([Group.from_config(group) for group in names.values()])
    for i, column in enumerate(config.get("reference_columns") or ()):
        where = f"summarizer.reference_columns[{i}]"
        if not isinstance(column, Mapping) or not isinstance(column.get("values"), Mapping):
            errors.append(_wrong(column, where, "dict(name=..., values={abbr: number})"))
            continue
        errors += _unknown(column, COLUMN_KEYS, where)
        for abbr, value in column["values"].items():
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
                errors.append(_wrong(value, f"{where}.values.{abbr}", "a number"))
    return errors


def _check_group(group: Mapping[str, Any], where: str) -> list[UserError]:
    errors = _unknown(group, GROUP_KEYS, where)
    subsets = group.get("subsets")
    if not isinstance(group.get("name"), str):
        errors.append(UserError("the group has no name", where=where, expected="name='...'"))
    if not isinstance(subsets, (list, tuple)) or not subsets:
        return [*errors, UserError("the group has no subsets", where=where, expected="subsets=['abbr', ...]")]
    for i, subset in enumerate(subsets):
        if not _is_member(subset):
            errors.append(_wrong(subset, f"{where}.subsets[{i}]", "'abbr' or ('abbr', 'metric')"))
    if errors:
        return errors
    members = [member_of(subset)[0] for subset in subsets]
    chosen = [key for key in _KINDS if group.get(key)]
    if len(chosen) > 1 or (chosen and group.get("weights")):
        wanted = [*chosen, *(["weights"] if group.get("weights") else [])]
        errors.append(
            UserError(f"{' and '.join(wanted)} exclude each other", where=where, expected="one of them")
        )
    weights = group.get("weights") or {}
    for key in ("weights", "transforms"):
        for abbr in group.get(key) or {}:
            if abbr not in members:
                errors.append(
                    UserError(
                        f"{abbr!r} is not among the subsets",
                        where=f"{where}.{key}.{abbr}",
                        expected=f"one of {', '.join(members)}",
                        nearest=nearest_name(abbr, members),
                    )
                )
    for abbr in members if weights else ():
        if abbr not in weights:
            errors.append(UserError(f"{abbr!r} has no weight", where=f"{where}.weights", expected="a number"))
    for abbr, value in weights.items():
        if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0:
            errors.append(_wrong(value, f"{where}.weights.{abbr}", "a number from 0"))
    for abbr, expression in (group.get("transforms") or {}).items():
        try:
            _value(ast.parse(str(expression), mode="eval").body, 50.0)
        except (SyntaxError, ValueError, ArithmeticError, TypeError):
            errors.append(
                _wrong(expression, f"{where}.transforms.{abbr}", "arithmetic with x, such as '100 - x'")
            )
    return errors


def _check_cycles(groups: Sequence[Group]) -> list[UserError]:
    by_name = {group.name: group for group in groups}

    def reaches(name: str, goal: str, seen: frozenset[str]) -> bool:
        return any(
            member == goal
            or (member in by_name and member not in seen and reaches(member, goal, seen | {member}))
            for member, _ in by_name[name].members
        )

    return [
        UserError(
            f"the group {group.name!r} contains itself",
            where=f"summarizer.summary_groups[{i}].subsets",
            expected="groups that build on others, not on themselves",
        )
        for i, group in enumerate(groups)
        if reaches(group.name, group.name, frozenset((group.name,)))
    ]


def _is_member(value: Any) -> bool:
    if isinstance(value, str):
        return True
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(v, str) for v in value)


def _wrong(value: Any, where: str, expected: str) -> UserError:
    return UserError(f"{value!r:.60} is wrong", where=where, expected=expected)


def _unknown(config: Mapping[str, Any], known: Sequence[str], where: str) -> list[UserError]:
    return [
        UserError(
            f"unknown key {key!r}",
            where=f"{where}.{key}",
            expected=", ".join(known),
            nearest=nearest_name(str(key), known),
        )
        for key in config
        if key not in known
    ]
