"""Dialogues: which turns the model speaks, what it sees before them, and which references stood there."""

from __future__ import annotations

from typing import Any

import pytest

from evalsuite.errors import UserError
from evalsuite.types import Answer, Failure, Message, Request, Sample

from .conftest import META, ask, make

TALK = [
    {"role": "user", "content": "u1"},
    {"role": "assistant", "content": "a1"},
    {"role": "user", "content": "u2"},
    {"role": "assistant", "content": "a2"},
]
READER = {"input_columns": ["dialogue"], "output_column": None}


def chat(mode: str | None = None, **more: Any) -> dict[str, Any]:
    inferencer = {"type": "ChatInferencer", **({"infer_mode": mode} if mode else {})}
    return {"retriever": {"type": "ZeroRetriever"}, "inferencer": inferencer, **more}


def row(**fields: Any) -> Sample:
    return Sample(0, "id0", fields)


def speak(request: Request) -> Answer:
    seen = request.prompt[-1].text if isinstance(request.prompt, tuple) else request.prompt
    return Answer(request.key, f"re {seen}", output_tokens=1, finish="stop")


def seen(request: Request) -> list[str]:
    return [message.text for message in request.prompt if isinstance(message, Message)]


def test_last_asks_once_after_the_dialogue_as_it_stands() -> None:
    exchange = make(chat(), reader=READER, prompt_kind="messages").exchange(row(dialogue=TALK), 0)
    result, (request,) = ask(exchange, speak)
    assert seen(request) == ["u1", "a1", "u2"]
    assert (result.text, result.extra["turns"], result.extra["references"]) == ("re u2", ["re u2"], ["a2"])


def test_every_puts_the_models_own_words_before_the_next_turn() -> None:
    exchange = make(chat("every"), reader=READER, prompt_kind="messages").exchange(row(dialogue=TALK), 0)
    result, asked = ask(exchange, speak)
    assert [seen(request) for request in asked] == [["u1"], ["u1", "re u1", "u2"]]
    assert result.extra["turns"] == ["re u1", "re u2"]
    assert result.extra["references"] == ["a1", "a2"]
    assert result.output_tokens == 2
    assert [message["content"] for message in exchange.record()] == ["u1", "re u1", "u2"]


def test_every_with_gt_asks_all_turns_at_once_after_the_references() -> None:
    exchange = make(chat("every_with_gt"), reader=READER, prompt_kind="messages").exchange(
        row(dialogue=TALK), 0
    )
    assert len(exchange.start()) == 2
    exchange = make(chat("every_with_gt"), reader=READER, prompt_kind="messages").exchange(
        row(dialogue=TALK), 0
    )
    result, asked = ask(exchange, speak)
    assert [seen(request) for request in asked] == [["u1"], ["u1", "a1", "u2"]]
    assert result.extra["turns"] == ["re u1", "re u2"]


def test_the_key_rests_on_what_the_model_can_see() -> None:
    other = [TALK[0], {"role": "assistant", "content": "different"}, *TALK[2:]]

    def key(mode: str, dialogue: Any) -> str:
        built = make(chat(mode), reader=READER, prompt_kind="messages")
        return built.exchange(row(dialogue=dialogue), 0).key

    assert key("every", TALK) == key("every", other)
    assert key("last", TALK) != key("last", other)
    assert len({key(mode, TALK) for mode in ("last", "every", "every_with_gt")}) == 3


def test_a_failed_turn_ends_the_dialogue() -> None:
    exchange = make(chat("every"), reader=READER, prompt_kind="messages").exchange(row(dialogue=TALK), 0)
    (first,) = exchange.start()
    failure = Failure("timeout", "too slow")
    assert exchange.receive(Answer(first.key, error=failure, finish="error")) == ()
    result = exchange.result()
    assert result is not None and result.error == failure


def test_a_cut_turn_is_seen_in_the_whole_answer() -> None:
    exchange = make(chat("every"), reader=READER, prompt_kind="messages").exchange(row(dialogue=TALK), 0)
    cut = iter(["length", "stop"])
    result, _ = ask(exchange, lambda request: Answer(request.key, "x", finish=next(cut)))  # type: ignore[arg-type]
    assert (result.finish, result.extra["finishes"]) == ("length", ["length", "stop"])


def test_a_dialogue_is_dressed_for_a_text_model() -> None:
    exchange = make(chat("every"), reader=READER, meta_template=META).exchange(row(dialogue=TALK), 0)
    _, asked = ask(exchange, lambda request: Answer(request.key, "ok"))
    assert [request.prompt for request in asked] == ["H:u1\nB:", "H:u1\nB:ok\nH:u2\nB:"]
    plain = make(chat(), reader=READER).exchange(row(dialogue=TALK), 0)
    assert ask(plain, speak)[1][0].prompt == "u1\na1\nu2"


def test_columns_of_texts_and_of_lists_become_dialogues() -> None:
    reader = {"input_columns": ["q"], "output_column": "a"}
    one = make(chat(), reader=reader, prompt_kind="messages").exchange(row(q="why?", a="gold"), 0)
    result, (request,) = ask(one, speak)
    assert (seen(request), result.extra["references"]) == (["why?"], ["gold"])
    two = make(chat("every_with_gt"), reader=reader, prompt_kind="messages")
    _, asked = ask(two.exchange(row(q=["q1", "q2"], a=["a1", "a2"]), 0), speak)
    assert [seen(request) for request in asked] == [["q1"], ["q1", "a1", "q2"]]


def test_a_template_writes_the_turns() -> None:
    template = {
        "type": "PromptTemplate",
        "template": {
            "begin": [{"role": "SYSTEM", "prompt": "S"}],
            "round": [{"role": "HUMAN", "prompt": "Q: {q}"}],
        },
    }
    reader = {"input_columns": ["q"], "output_column": "a"}
    built = make(chat(prompt_template=template), reader=reader, prompt_kind="messages")
    result, (request,) = ask(built.exchange(row(q="why? {a}", a="gold"), 0), speak)
    assert [(one.role, one.text) for one in request.prompt if isinstance(one, Message)] == [
        ("system", "S"),
        ("user", "Q: why? {a}"),
    ]
    assert result.extra["references"] == ["gold"]


def test_what_is_no_dialogue_is_told() -> None:
    with pytest.raises(UserError, match="id0"):
        make(chat(), reader=READER).exchange(row(dialogue={"role": "user"}), 0)
    with pytest.raises(UserError, match="last"):
        make(chat("lats"), reader=READER)
    with pytest.raises(UserError, match="examples"):
        make({**chat(), "retriever": {"type": "FixKRetriever", "fix_id_list": [0]}}, reader=READER)
