"""Whatever bytes arrive, the decoder gives plain data or a protocol error; what the child encodes comes
back.
"""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.sandbox import wire
from evalsuite.sandbox.inside import plain

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
HASHABLE = SCALARS | st.tuples(SCALARS, SCALARS)
VALUES = st.recursive(
    SCALARS | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
        | st.frozensets(HASHABLE, max_size=4)
    ),
    max_leaves=20,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("itdszbBcreqDFIokvpT?"), inner, max_size=2),  # noqa: E501
    max_leaves=12,
)  # fmt: skip


@given(VALUES)
def test_what_is_encoded_comes_back_the_same(value: Any) -> None:
    word, got = wire.unpack(f'["r",{plain.encode(value)}]'.encode())
    assert word == "r"
    assert type(got) is type(value)
    assert got == value


EDGES = (2**61, 2**62 - 1, 2**62, -(2**62), 10**30, 1e16, 5e-324, float("inf"), float("nan"), -0.0)
NUMBERS = st.integers(-9, 9) | st.sampled_from(EDGES) | st.floats() | st.booleans()


@given(
    st.lists(NUMBERS, min_size=15, max_size=20) | st.lists(st.floats(), min_size=17),
    st.sampled_from([list, tuple]),
)
def test_many_numbers_are_written_as_each_of_them_is(numbers: list[Any], kind: type) -> None:
    each = ",".join(map(plain.encode, numbers))
    assert plain.encode(kind(numbers)) == (f"[{each}]" if kind is list else f'{{"t":[{each}]}}')


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_a_protocol_error(data: bytes) -> None:
    try:
        assert isinstance(wire.unpack(data), list)
    except wire.ProtocolError:
        return


@given(JSON)
def test_any_json_is_a_frame_or_a_protocol_error(value: Any) -> None:
    try:
        message = wire.unpack(json.dumps(["r", value]).encode())
        wire.error_from(message[1], message[1])
    except wire.ProtocolError:
        return


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[1]", b"[" * 100_000, b'["r",{"i":"' + b"f" * (1 << 21) + b'"}]', b'["r",{"r":[0,1e9,1]}]',
     b'["r",{"s":[[1]]}]', b'["r",{"t":1,"d":[]}]', b'["r",{"F":[1,0]}]', b'["r",{"r":[0,9,0]}]',
     b'["r",{"T":["datetime",1]}]', b'["r",{"T":["date",1,2,{"i":"ffffffffffffffffff"}]}]', b'["r",{"T":[]}]',
     b'["r",{"T":["tzinfo"]}]', b'["r",{"k":[[1]]}]', b'["r",[' + b'{"q":[]},' * 200_000 + b"0]]",
     b'["r",' + b'{"t":[' * 190 + b'{"t":[' + b"0," * 600_000 + b"0]}" + b"]}" * 190 + b"]",
     b'["r",{"D":"1E+999999"}]', b'["r",{"F":[1,{"i":"' + b"f" * 9000 + b'"}]}]',
     b'["r",{"r":[0,1000000000,1]}]', b'["r",' + b"[" * 900 + b"]" * 901, b'["r",' + b"9" * 400 + b"]"],
)  # fmt: skip
def test_hostile_frames_are_refused(data: bytes) -> None:
    with pytest.raises(wire.ProtocolError):
        wire.unpack(data)


def _alike(count: int, shape: str) -> bytes:
    """A frame of different values of the same hash."""
    values = ",".join(shape % (number * (2**61 - 1)) for number in range(1, count))
    return b'["r",%s]' % values.join(('{"s":[', "]}")).encode()


@pytest.mark.parametrize(
    "shape", ['{"i":"%x"}', '{"t":[{"i":"%x"},1]}', '{"z":[{"i":"%x"}]}', '{"F":[{"i":"%x"},1]}']
)
def test_values_made_to_collide_are_refused(shape: str) -> None:
    assert len(wire.unpack(_alike(20, shape))[1]) == 19
    with pytest.raises(wire.ProtocolError, match="collide"):
        wire.unpack(_alike(1200, shape))


def test_many_equal_values_are_no_attack() -> None:
    value = [(1, 2**70)] * 500 + [frozenset({2**80})] * 500
    assert wire.unpack(f'["r",{plain.encode(value)}]'.encode())[1] == value


class Members(frozenset[int]):
    """What a program may make of a class that can be a member of a set."""


@pytest.mark.parametrize(
    "value",
    [[2**i for i in range(10_000)], list(itertools.product([-1, -2], repeat=10)), {Members([1, 2])}],
    ids=["powers", "products", "members"],
)
def test_honest_values_of_one_hash_come_back(value: Any) -> None:
    assert wire.unpack(f'["r",{plain.encode(value)}]'.encode())[1] == value


@given(st.lists(st.text(alphabet='[]{}"\\,u0é', max_size=6), max_size=90))
def test_what_stands_in_quotes_is_no_nesting(texts: list[str]) -> None:
    value = [*texts, "[" * 3000, ["]" * 300]]
    assert wire.unpack(f'["r",{plain.encode(value)}]'.encode())[1] == value


@pytest.mark.parametrize(
    "value",
    [range(10**9), range(0, 2**70, 2**68), Decimal("1E+5000"), Decimal("sNaN"), Fraction(1, 3**20000)],
)
def test_what_is_small_to_send_and_large_to_use_goes_by_its_name(value: Any) -> None:
    _, got = wire.unpack(f'["r",{plain.encode(value)}]'.encode())
    assert isinstance(got, wire.Opaque)
    assert got.type_name == type(value).__name__


def test_a_value_too_large_is_an_error_of_the_program() -> None:
    with pytest.raises(plain.TooLarge):
        plain.encode(1 << (1 << 23))
    row = [0] * 1000
    with pytest.raises(plain.TooLarge):  # told before it is written out, which would take seconds
        plain.encode([row] * 20_000)
    assert len(plain.encode([row] * 2_000 + [0] * 20_000)) < plain.MOST_ITEMS


def test_nesting_is_limited_on_the_way_out() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises((plain.TooDeep, RecursionError)):
        plain.encode(deep)
    with pytest.raises(wire.Unsendable):
        wire.pack(object())
