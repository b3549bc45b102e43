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
    unweighted: tuple[str, ...] = ()

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
        members = [member_of(subset) for subset in config["subsets"]]
        counted = [member for member in members if not weights or weight_of(member, weights)]
        return cls(
            name=config["name"],
            members=tuple(counted),
            kind="weighted" if weights and kind == "average" else kind,
            weights=weights,
            metric=config.get("metric") or "",
            transforms=dict(config.get("transforms") or {}),
            unweighted=tuple(name for name, _ in (m for m in members if weight_of(m, weights) is None))
            if weights
            else (),
        )

    def weight_list(self) -> list[float] | None:
        """The weights in the order of the members."""
        if self.kind != "weighted":
            return None
        return [weight_of(member, self.weights) or 0.0 for member in self.members]


def weight_of(member: tuple[str, str], weights: Mapping[str, float]) -> float | None:
    """A member's weight, by `abbr@metric` or by `abbr`; None where it has none, which leaves it out."""
    name, metric = member
    found = weights.get(f"{name}@{metric}", weights.get(name))
    return None if found is None else float(found)


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

_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "log": math.log,
    "exp": math.exp,
    "sqrt": math.sqrt,
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
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
        return float(_FUNCTIONS[node.func.id](*(_value(argument, x) for argument in node.args)))
    raise ValueError(ast.unparse(node))


# --------------------------------------------------------------------------- what is wrong with a config
def check_summarizer(config: Mapping[str, Any]) -> list[UserError]:
    """All mistakes of a summarizer dict that can be seen without results."""
    errors = _unknown(config, SUMMARIZER_KEYS, "summarizer")
    for i, row in enumerate(config.get("dataset_abbrs") or ()):
        if not _is_member(row):
            errors.append(_wrong(row, f"summarizer.dataset_abbrs[{i}]", "'abbr' or ('abbr', 'metric')"))
    for i, group in enumerate(config.get("summary_groups") or ()):
        where = f"summarizer.summary_groups[{i}]"
        errors += (
            _check_group(group, where) if isinstance(group, Mapping) else [_wrong(group, where, "a dict")]
        )
    if not errors:
        errors += _check_cycles([Group.from_config(group) for group in config.get("summary_groups") or ()])
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
    members = [member_of(subset) for subset in subsets]
    known = {name for name, _ in members} | {f"{name}@{metric}" for name, metric in members if metric}
    chosen = [key for key in _KINDS if group.get(key)]
    if len(chosen) > 1 or (chosen and group.get("weights")):
        wanted = [*chosen, *(["weights"] if group.get("weights") else [])]
        errors.append(
            UserError(f"{' and '.join(wanted)} exclude each other", where=where, expected="one of them")
        )
    weights = group.get("weights") or {}
    for key in ("weights", "transforms"):
        for abbr in group.get(key) or {}:
            if abbr not in known:
                errors.append(
                    UserError(
                        f"{abbr!r} is not among the subsets",
                        where=f"{where}.{key}.{abbr}",
                        expected=f"one of {', '.join(dict.fromkeys(name for name, _ in members))}",
                        nearest=nearest_name(abbr, known),
                    )
                )
    for abbr, value in weights.items():
        if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0:
            errors.append(_wrong(value, f"{where}.weights.{abbr}", "a number from 0"))
    if weights and not errors and not any(weight_of(member, weights) for member in members):
        errors.append(UserError("all weights are 0", where=f"{where}.weights", expected="one above 0"))
    for abbr, expression in (group.get("transforms") or {}).items():
        try:
            _value(ast.parse(str(expression), mode="eval").body, 50.0)
        except (SyntaxError, ValueError, ArithmeticError, TypeError):
            errors.append(
                _wrong(expression, f"{where}.transforms.{abbr}", "arithmetic with x, such as '100 - x'")
            )
    return errors


def _check_cycles(groups: Sequence[Group]) -> list[UserError]:
    members: dict[str, set[str]] = {}
    for group in groups:
        # A member of the group's own name is the dataset of that name.
        members.setdefault(group.name, set()).update(name for name, _ in group.members if name != group.name)

    def reaches(name: str, goal: str, seen: set[str]) -> bool:
        seen.add(name)
        inner = [member for member in members[name] if member in members]
        return goal in inner or any(reaches(member, goal, seen) for member in inner if member not in seen)

    return [
        UserError(
            f"the group {name!r} contains itself",
            where="summarizer.summary_groups",
            expected="groups that build on others, not on themselves",
        )
        for name in members
        if reaches(name, name, set())
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
