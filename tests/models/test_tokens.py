"""Stop strings are found at the very token that completes them, whatever tokens a text falls into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("transformers", reason="transformers is not installed")

from evalsuite.models.tokens import StopStrings, cut_at, decode, encode_pairs, encoder, end_ids

QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.text(alphabet="def ab(\n):=. 你é😀0", min_size=1, max_size=40)
STOPS = st.lists(st.text(alphabet="def ab(\n):=. 你é😀0", min_size=1, max_size=4), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def tokenizer(tiny: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny)


@QUICK
@given(text=TEXTS, stops=STOPS, minimum=st.integers(0, 3))
def test_a_stop_is_seen_when_it_is_complete_and_never_before(
    tokenizer: Any, text: str, stops: list[str], minimum: int
) -> None:
    ids = tokenizer(text).input_ids
    watch = StopStrings(tokenizer, stops)
    for count in range(1, len(ids) + 1):
        behind = decode(tokenizer, ids[minimum:count]) if count > minimum else ""
        expected = any(stop in behind for stop in stops)
        assert watch.ended(ids[:count], minimum) == expected
        if expected:
            return


@QUICK
@given(text=TEXTS, stops=STOPS)
def test_a_cut_text_is_a_beginning_without_any_stop(text: str, stops: list[str]) -> None:
    cut, stop = cut_at(text, stops)
    assert text.startswith(cut + stop)
    assert not any(one in cut for one in stops)
    assert bool(stop) == any(one in text for one in stops)


@QUICK
@given(context=TEXTS, tails=st.lists(TEXTS, min_size=1, max_size=3))
def test_pairs_are_encoded_as_one_text(tokenizer: Any, context: str, tails: list[str]) -> None:
    encode = encoder(tokenizer, add_special_tokens=True)
    head, options = encode_pairs(encode, [(context, tails)])[0]
    assert head == tokenizer(context.rstrip()).input_ids
    for tail, ids in zip(tails, options, strict=True):
        whole = tokenizer(context + tail).input_ids
        assert ids == whole[len(head) :]


def test_only_special_tokens_end_a_text(tokenizer: Any) -> None:
    assert end_ids(tokenizer, None) == set(tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|im_end|>"]))
    assert 7 in end_ids(tokenizer, [7, 8])
