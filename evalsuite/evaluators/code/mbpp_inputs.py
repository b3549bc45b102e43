"""MBPP+ inputs as its functions want them: JSON has no tuples, sets or complex numbers, the tasks do.

Which task wants what is EvalPlus's knowledge (`evalplus/data/mbpp.py`, mbpp_deserialize_inputs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Arguments = Sequence[Any]


def _tuples(value: Any) -> list[Any]:
    return [tuple(item) for item in value]


def _deep(value: Any) -> Any:
    return tuple(_deep(item) for item in value) if isinstance(value, list) else value


def _each_tuple(call: Arguments) -> Arguments:
    return _tuples(call)


def _each_list_of_tuples(call: Arguments) -> Arguments:
    return [_tuples(argument) for argument in call]


def _first_list_of_tuples(call: Arguments) -> Arguments:
    return [_tuples(call[0]), call[1]]


def _second_tuple(call: Arguments) -> Arguments:
    return [call[0], tuple(call[1])]


def _list_of_sets(call: Arguments) -> Arguments:
    return [[set(item) if isinstance(item, list) and item else {} for item in call[0]]]


def _float_complex(call: Arguments) -> Arguments:
    return [float(call[0]), complex(call[1])]


def _first_tuple(call: Arguments) -> Arguments:
    return [tuple(call[0]), *call[1:]]


def _tuples_of_tuples(call: Arguments) -> Arguments:
    return [tuple(tuple(item) for item in argument) for argument in call]


def _mixed_tuple(call: Arguments) -> Arguments:
    return [tuple(tuple(item) if isinstance(item, list) else item for item in call[0])]


def _values_to_tuples(call: Arguments) -> Arguments:
    return [{key: tuple(value) for key, value in call[0].items()}, *call[1:]]


def _one_complex(call: Arguments) -> Arguments:
    return [complex(call[0])]


def _all_tuples(call: Arguments) -> Arguments:
    return tuple(_deep(argument) for argument in call)


_RULES: tuple[tuple[Callable[[Arguments], Arguments], tuple[int, ...]], ...] = (
    (
        _each_tuple,
        (
            *(2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726),
            *(740, 744, 809),
        ),
    ),
    (_each_list_of_tuples, (63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780)),
    (_first_list_of_tuples, (75, 413, 444, 753)),
    (_second_tuple, (106, 750)),
    (_list_of_sets, (115,)),
    (_float_complex, (124,)),
    (_first_tuple, (250, 307, 405, 446, 617, 720, 763, 808)),
    (_tuples_of_tuples, (259, 401, 445)),
    (_mixed_tuple, (278,)),
    (_values_to_tuples, (722,)),
    (_one_complex, (252,)),
    (_all_tuples, (580, 615, 791)),
)
_BY_TASK = {task: rule for rule, tasks in _RULES for task in tasks}


def mbpp_inputs(task_id: str, inputs: Sequence[Arguments]) -> list[Arguments]:
    """The calls of one task with their arguments in the types that the task uses."""
    rule = _BY_TASK.get(int(task_id.rpartition("/")[2]))
    return list(inputs) if rule is None else [rule(call) for call in inputs]
