"""Values kept as bytes: all of them come back, one at a time, and what is torn is seen."""

from __future__ import annotations

import marshal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.evaluators.code.values import Values, packed, unpacked

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(PLAIN, max_size=8), PLAIN, st.data())
def test_what_is_packed_comes_back(values: list[Any], more: Any, data: st.DataObject) -> None:
    found, again = unpacked(packed(values, more))
    assert (list(found), len(found), again) == (values, len(values), more)
    chosen = data.draw(st.lists(st.sampled_from(range(len(values))))) if values else []
    some = found.some(chosen)
    assert [some[at] for at in range(len(some))] == [values[at] for at in chosen]


@given(st.lists(PLAIN, min_size=1, max_size=5), st.data())
def test_what_breaks_off_is_refused(values: list[Any], data: st.DataObject) -> None:
    whole = packed(values)
    with pytest.raises((ValueError, EOFError, TypeError)):
        unpacked(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.lists(PLAIN, min_size=1, max_size=5), st.data())
def test_what_is_damaged_is_refused(values: list[Any], data: st.DataObject) -> None:
    whole = bytearray(packed(values, 1.5))
    at = data.draw(st.integers(len(whole) - len(marshal.dumps(values[-1])), len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="damaged"):
        unpacked(bytes(whole))


def test_a_value_is_made_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    data = packed([["a" * 100], ["b" * 100], ["c" * 100]])
    plain = marshal.loads
    monkeypatch.setattr(marshal, "loads", lambda piece: made.append(len(piece)) or plain(piece))
    (values,) = unpacked(data)
    assert len(made) == 1
    assert values.some([2, 0])[0] == ["c" * 100]
    assert len(made) == 2
    assert made[1] < 150


def test_values_at_hand_are_told_alike() -> None:
    values = Values.of("abc")
    assert (list(values), list(values.some([2])), values.some([1, 2])[1]) == (["a", "b", "c"], ["c"], "c")
