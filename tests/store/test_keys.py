"""Request keys: what determines an answer changes them, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalsuite.store.keys import request_key, sampling_digest
from evalsuite.types import AudioPart, ImagePart, Message, Prompt, Sampling, TextPart, Tool, ToolCall

# Letters that frame the pieces of a key: if anything can be moved from one piece to the next, these do it.
PIECE = st.text(alphabet="0123\n\0 u", max_size=5)
ROLE = st.sampled_from(("user", "assistant", "user\n1\nx"))
TURN = st.builds(Message, ROLE, st.one_of(PIECE, st.tuples(st.builds(TextPart, PIECE))))
PROMPT: st.SearchStrategy[Prompt] = st.one_of(PIECE, st.lists(TURN, max_size=3).map(tuple))
REQUEST = st.tuples(PROMPT, st.lists(PIECE, max_size=3).map(tuple))


def key(prompt: Prompt, continuations: tuple[str, ...] = (), **other: Any) -> str:
    return request_key(
        other.get("identity", "model"),
        prompt,
        other.get("sampling", sampling_digest(Sampling())),
        other.get("repeat", 0),
        continuations,
        other.get("tools", ()),
    )


@given(REQUEST, REQUEST)
def test_different_requests_never_share_a_key(one: Any, other: Any) -> None:
    assert (key(*one) == key(*other)) == (one == other)


FRAMES = ("9\nassistant", "4\nuser", "1\n", "0\n", "2\n1", "x")


@given(st.lists(st.sampled_from(FRAMES), min_size=1, max_size=4))
@example(["9\nassistant", "x"])
@example(["1\n", "x", "1\n", "x"])
def test_no_words_can_move_to_a_neighbour(pieces: list[str]) -> None:
    for between in ("", "9\nassistant"):
        whole = between.join(("", *pieces, ""))
        ends = [at for at in range(len(whole)) if whole.startswith(between, at)]
        cuts = {(whole[:at], whole[at + len(between) :]) for at in ends}
        dialogues = {key((Message("user", a), Message("assistant", b))) for a, b in cuts}
        assert len(dialogues) == len(cuts)
        assert len({key("q", cut) for cut in cuts}) == len(cuts)


def test_no_words_can_move_between_prompt_and_continuation_or_role_and_words() -> None:
    assert key("q", ("1\na",)) != key("q3\n", ("a",))
    assert key((Message("user", "1\nx"),)) != key((Message("user3\n", "x"),))


MESSAGE = Message("user", "hello")
CHANGES: tuple[Callable[[], str], ...] = (
    lambda: key((MESSAGE,)),
    lambda: key("hello"),
    lambda: key((Message("system", "hello"),)),
    lambda: key((Message("user", (TextPart("hello"),)),)),
    lambda: key((Message("user", (ImagePart("hello"),)),)),
    lambda: key((Message("user", (AudioPart("hello"),)),)),
    lambda: key((Message("user", "hello", (ToolCall("f", {"x": 1}),)),)),
    lambda: key((Message("user", "hello", tool_call_id="1"),)),
    lambda: key((MESSAGE,), ("a",)),
    lambda: key((MESSAGE,), repeat=1),
    lambda: key((MESSAGE,), identity="other"),
    lambda: key((MESSAGE,), sampling=sampling_digest(Sampling(temperature=1.0))),
    lambda: key((MESSAGE,), tools=(Tool("f"),)),
    lambda: key((MESSAGE,), tools=(Tool("f", parameters={"type": "object"}),)),
)


def test_each_thing_that_determines_an_answer_changes_its_key() -> None:
    assert len({make() for make in CHANGES}) == len(CHANGES)


@pytest.mark.parametrize("make", CHANGES)
def test_a_key_is_the_same_each_time(make: Callable[[], str]) -> None:
    assert make() == make()
    assert len(make()) == 32


def test_the_order_of_a_dict_does_not_count() -> None:
    one, other = ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert astuple(ToolCall("f", one)) == astuple(ToolCall("f", other))
    assert key((Message("user", "", (ToolCall("f", one),)),)) == key(
        (Message("user", "", (ToolCall("f", other),)),)
    )
    assert key("q", tools=(Tool("f", parameters=one),)) == key("q", tools=(Tool("f", parameters=other),))


def test_half_of_a_surrogate_pair_has_a_key_too() -> None:
    assert key("\ud83d") != key("\ude00")
    assert key((Message("user", "\ud83d"),)) != key((Message("user", "\ude00"),))
