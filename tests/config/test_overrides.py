"""`--cfg-options a.b=c` changes single values, and a slip of the finger is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalsuite.config.overrides import apply, parse_value
from evalsuite.errors import UserError


def sections() -> dict[str, Any]:
    return {
        "models": [{"abbr": "a", "max_out_len": 5, "run_cfg": {"num_gpus": 0}}, {"abbr": "b"}],
        "infer": {"runner": {"type": "LocalRunner"}},
    }


@pytest.mark.parametrize(
    ("option", "path", "value"),
    [
        ("models.0.max_out_len=7", ("models", 0, "max_out_len"), 7),
        ("models[1].abbr=c", ("models", 1, "abbr"), "c"),
        ("models.-1.abbr=c", ("models", 1, "abbr"), "c"),
        ("models.b.abbr=c", ("models", 1, "abbr"), "c"),
        ("models.a.run_cfg.num_gpus=2", ("models", 0, "run_cfg", "num_gpus"), 2),
        ("models.0.max_seq_len=2048", ("models", 0, "max_seq_len"), 2048),
        ("infer.runner.retry=1", ("infer", "runner", "retry"), 1),
        ("infer.partitioner.type=naive", ("infer", "partitioner", "type"), "naive"),
        ("eval.runner.max_num_workers=3", ("eval", "runner", "max_num_workers"), 3),
        ("work_dir=out=put", ("work_dir",), "out=put"),
    ],
)
def test_a_value_is_set_where_the_path_leads(option: str, path: tuple[Any, ...], value: Any) -> None:
    changed: Any = sections()
    apply(changed, [option])
    for step in path:
        changed = changed[step]
    assert changed == value


def test_a_star_means_every_entry() -> None:
    changed = sections()
    apply(changed, ["models.*.batch_size=3"])
    assert [model["batch_size"] for model in changed["models"]] == [3, 3]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("modles.0.abbr=x", "did you mean 'models'?"),
        ("models.0.max_out_le=x", "did you mean 'max_out_len'?"),
        ("infer.runer.type=x", "did you mean 'runner'?"),
        ("models.c.abbr=x", "no place in a list of 2"),
        ("models.².abbr=x", "no place in a list of 2"),
        ("models.--1.abbr=x", "no place in a list of 2"),
        ("models.9.abbr=x", "there is no entry 9 in a list of 2; expected 0 to 1"),
        ("models.0.abbr.x=1", "is no key of 'a'"),
        ("models.0", "sets nothing"),
        ("=3", "sets nothing"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(option: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        apply(sections(), [option])
    assert words in str(caught.value)
    assert option in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1.5", 1.5),
        ("True", True),
        ("true", True),
        ("null", None),
        ("None", None),
        ("word", "word"),
        ("'1'", "1"),
        ("[1, 'a']", [1, "a"]),
        ("(1, 2)", [1, 2]),
        ("{'a': (1,)}", {"a": [1]}),
        ("a,b", "a,b"),
        ("", ""),
    ],
)
def test_values_are_literals_where_they_can_be(text: str, value: Any) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


@given(st.text(max_size=60))
@example("...")
def test_any_text_is_some_plain_value(text: str) -> None:
    assert isinstance(parse_value(text), (str, int, float, bool, list, dict, type(None)))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_what_python_writes_is_read_back(value: Any) -> None:
    assert parse_value(repr(value)) == value
