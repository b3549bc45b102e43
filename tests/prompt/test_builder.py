"""Prompts of a dataset: sections, roles, examples that fit, and what goes wrong told in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.errors import UserError
from evalsuite.prompt.builder import PromptBuilder
from evalsuite.types import ImagePart, Message, Prompt, Sample, TextPart

TRAIN = [{"q": f"train {number}", "a": f"answer {number}"} for number in range(6)]
READER = {"input_columns": ["q"], "output_column": "a"}
META = {
    "begin": "<s>",
    "round": [
        {"role": "HUMAN", "begin": "H:", "end": "\n"},
        {"role": "BOT", "begin": "B:", "end": "\n", "generate": True},
    ],
    "end": "</s>",
}


def turn(role: str, prompt: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "prompt": prompt, **more}


ROUND = [turn("HUMAN", "{q}"), turn("BOT", "{a}")]


def build(
    template: Any, *, meta: Any = META, kind: Any = "text", mode: Any = "gen", **cfg: Any
) -> PromptBuilder:
    prompt = template if "type" in template else {"type": "PromptTemplate", "template": template}
    return PromptBuilder(
        {"prompt_template": prompt, "retriever": {"type": "ZeroRetriever"}, **cfg},
        READER,
        kind=kind,
        meta_template=meta,
        mode=mode,
        examples=lambda: TRAIN,
    )


def sample(index: int = 0, **fields: Any) -> Sample:
    row: Mapping[str, Any] = {"q": "why?", "a": "gold", **fields}
    return Sample(index, str(index), row, row["a"])


def few_shot(ids: list[int], template: Any = None, **more: Any) -> PromptBuilder:
    return build(
        {
            "type": "PromptTemplate",
            "template": template or {"begin": ["</E>"], "round": ROUND},
            "ice_token": "</E>",
        },
        ice_template={"type": "PromptTemplate", "template": {"round": ROUND}},
        retriever={"type": "FixKRetriever", "fix_id_list": ids},
        **more,
    )


def test_an_end_section_stands_behind_the_rounds_where_all_is_written_out() -> None:
    template = {"round": ROUND, "end": [turn("HUMAN", "thanks {q}"), "bye"]}
    written = build(template, mode="ppl").build(sample())
    assert written == "<s>H:why?\nB:gold\nH:thanks why?\nbye</s>"


def test_an_end_section_is_not_reached_where_the_model_speaks() -> None:
    assert build({"round": ROUND, "end": ["bye"]}).build(sample()) == "<s>H:why?\nB:"


def test_an_end_section_follows_rounds_without_a_speaking_role() -> None:
    meta = {"round": [{"role": "HUMAN", "begin": "H:"}, {"role": "BOT", "begin": "B:"}], "end": "$"}
    built = build({"round": ROUND, "end": ["bye"]}, meta=meta)
    assert built.build(sample()) == "H:why?B:bye$"


def test_examples_in_a_round_are_rounds_of_their_own() -> None:
    assert (
        few_shot([1], {"round": ["</E>", *ROUND]}).build(sample()) == "<s>H:train 1\nB:answer 1\nH:why?\nB:"
    )


def test_a_reference_beside_the_fields_fills_its_column_where_all_is_written_out() -> None:
    built = build({"round": ROUND}, mode="ppl")
    assert built.build(Sample(0, "0", {"q": "why?"}, "beside")) == "<s>H:why?\nB:beside\n</s>"


def test_the_reference_never_reaches_a_generating_prompt() -> None:
    template = {"round": [turn("HUMAN", "{q} {a}"), turn("BOT", "{a}")]}
    assert "gold" not in str(build(template).build(sample()))
    assert "gold" not in str(build(template, meta=None, kind="messages").build(sample()))
    raw = {"type": "RawPromptTemplate", "messages": [{"role": "user", "content": "{q} {a}"}]}
    assert build(raw, meta=None, kind="messages").build(sample()) == (Message("user", "why? "),)


def test_a_column_that_looks_like_a_placeholder_stays_text_in_examples_too() -> None:
    rows = [{"q": "{q} {a}", "a": "{q}"}]
    built = PromptBuilder(
        {
            "prompt_template": {"type": "PromptTemplate", "template": "</E>{q}=", "ice_token": "</E>"},
            "ice_template": {"type": "PromptTemplate", "template": "{q}={a}"},
            "retriever": {"type": "FixKRetriever", "fix_id_list": [0]},
        },
        READER,
        kind="text",
        meta_template=None,
        mode="gen",
        examples=lambda: rows,
    )
    assert built.build(sample(q="</E>{a}")) == "{q} {a}={q}\n</E>{a}="


def test_system_words_join_the_users_turn_without_a_meta_template_of_the_model() -> None:
    template = {"begin": [turn("SYSTEM", "Be brief.", fallback_role="HUMAN")], "round": ROUND}
    prompt = build(template, meta=None, kind="messages").build(sample())
    assert prompt == (Message("user", "Be brief.\nwhy?\n"),)


def test_system_words_are_a_system_message_where_the_meta_template_says_so() -> None:
    meta = {
        "round": [
            {"role": "HUMAN", "api_role": "HUMAN"},
            {"role": "BOT", "api_role": "BOT", "generate": True},
        ],
        "reserved_roles": [{"role": "SYSTEM", "api_role": "SYSTEM"}],
    }
    template = {"begin": [turn("SYSTEM", "Be brief.", fallback_role="HUMAN")], "round": ROUND}
    prompt = build(template, meta=meta, kind="messages").build(sample())
    assert prompt == (Message("system", "Be brief."), Message("user", "why?"))


def test_bot_words_in_begin_are_said_by_the_assistant() -> None:
    template = {"begin": [turn("HUMAN", "hi"), turn("BOT", "hello")], "round": ROUND}
    prompt = build(template, meta=None, kind="messages").build(sample())
    assert [(one.role, one.text) for one in prompt if isinstance(one, Message)] == [
        ("user", "hi"),
        ("assistant", "hello"),
        ("user", "why?\n"),
    ]


def test_images_of_a_row_become_parts() -> None:
    raw = {
        "type": "RawPromptTemplate",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "{image}", "detail": "low"}},
                    {"type": "text", "text": "COCO Yes: {q}"},
                ],
            }
        ],
    }
    prompt = build(raw, meta=None, kind="messages").build(sample(image="a.png"))
    parts = (ImagePart("a.png", {"detail": "low"}), TextPart("COCO Yes: why?"))
    assert prompt == (Message("user", parts),)


def test_messages_are_dressed_for_a_text_model() -> None:
    raw = {"type": "RawPromptTemplate", "messages": [{"role": "user", "content": "{q}"}]}
    assert build(raw).build(sample()) == "H:why?\nB:"
    assert build(raw, meta=None).build(sample()) == "why?"


def words(prompt: Prompt) -> int:
    return len(str(prompt).split())


@pytest.mark.parametrize("kind", ["text", "messages"])
def test_the_last_examples_are_dropped_until_the_prompt_fits(kind: Any) -> None:
    built = few_shot([3, 1, 2], meta=META if kind == "text" else None, kind=kind)
    whole = built.build(sample())
    assert "train 2" in str(whole)
    short = built.build(sample(), lambda prompt: words(prompt) < words(whole))
    assert "train 1" in str(short) and "train 2" not in str(short)
    assert "train" not in str(built.build(sample(), lambda prompt: False))


def test_all_labels_are_shown_the_same_examples() -> None:
    built = build(
        {
            "type": "PromptTemplate",
            "template": {"short": "</E>{q} s", "long": "</E>{q} l l l l"},
            "ice_token": "</E>",
        },
        ice_template={"type": "PromptTemplate", "template": "{q} {a}"},
        retriever={"type": "FixKRetriever", "fix_id_list": [0, 1]},
        mode="ppl",
        meta=None,
    )
    prompts, shown = built.build_labels(sample(), ["short", "long"], lambda prompt: words(prompt) <= 9)
    assert shown == (0,)
    assert prompts == ["train 0 answer 0\nwhy? s", "train 0 answer 0\nwhy? l l l l"]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.integers(0, 60))
def test_no_prompt_with_examples_is_longer_than_allowed(question: str, room: int) -> None:
    built = few_shot([0, 1, 2, 3])
    prompt = built.build(sample(q=question), lambda prompt: len(prompt) <= room)
    bare = build({"round": ROUND}).build(sample(q=question))
    assert len(prompt) <= max(room, len(bare))


def test_a_label_that_no_template_has_is_told() -> None:
    built = build({"A": "{q} a", "B": "{q} b"}, mode="ppl", meta=None)
    with pytest.raises(UserError, match="'C'"):
        built.build_labels(sample(), ["C"])


RAW = {"type": "RawPromptTemplate", "messages": ["</E>", {"role": "user", "content": "{q}"}]}


@pytest.mark.parametrize(
    ("prompt", "example"),
    [
        ({"type": "PromptTemplate", "template": "</E>{q}", "ice_token": "</E>"}, {"round": ROUND}),
        (RAW, {"round": ROUND}),
        (RAW, "{q}={a}"),
    ],
)
def test_examples_of_another_kind_are_told_and_not_lost(prompt: Any, example: Any) -> None:
    with pytest.raises(UserError, match="examples that are"):
        build(
            prompt,
            ice_template={"type": "PromptTemplate", "template": example},
            retriever={"type": "FixKRetriever", "fix_id_list": [0]},
        )


def test_examples_that_are_texts_cannot_be_messages() -> None:
    template = {"type": "PromptTemplate", "template": {"round": ["</E>", *ROUND]}, "ice_token": "</E>"}
    cfg: dict[str, Any] = {
        "ice_template": {"type": "PromptTemplate", "template": "{q}={a}"},
        "retriever": {"type": "FixKRetriever", "fix_id_list": [0]},
    }
    assert "train 0=answer 0" in str(build(template, **cfg).build(sample()))
    with pytest.raises(UserError, match="no message"):
        build(template, meta=None, kind="messages", **cfg).build(sample())


def test_examples_with_roles_cannot_stand_inside_a_turn() -> None:
    with pytest.raises(UserError, match="turn"):
        few_shot([0], {"round": [turn("HUMAN", "</E>{q}"), turn("BOT", "")]}).build(sample())


@pytest.mark.parametrize(
    ("cfg", "word"),
    [
        ({"retriever": {"type": "FixKRetriever", "fix_id_list": [0]}}, "ice_template"),
        ({"retriever": {"type": "FixKRetriver", "fix_id_list": [0]}}, "FixKRetriever"),
        ({"prompt_template": {"type": "PromptTemplate", "template": {"begin": "x"}}}, "round"),
        ({"prompt_template": {"type": "PromptTemplate", "template": "x", "ice_token": "</E>"}}, "</E>"),
        ({"prompt_template": {"type": "PromptTemplate", "templat": "x"}}, "template"),
    ],
)
def test_a_wrong_config_is_told_with_what_was_expected(cfg: Any, word: str) -> None:
    with pytest.raises(UserError, match=word):
        build({"round": ROUND}, **cfg).build(sample())


def test_a_role_without_a_place_is_told() -> None:
    with pytest.raises(UserError, match="JUDGE"):
        build({"round": [turn("JUDGE", "x")]})
    assert build({"round": [turn("JUDGE", "x", fallback_role="HUMAN")]}).build(sample()) == "<s>H:x\nB:"


nasty = st.one_of(
    st.text(max_size=15), st.sampled_from(["{q}", "{a}", "</E>", "{{q}}", "H:", "\n", "{q}</E>{a}"])
)


@settings(max_examples=200, deadline=None)
@given(nasty, nasty, nasty, nasty, st.sampled_from(["gen", "ppl"]))
def test_nothing_leaks_between_question_examples_and_reference(
    question: str, reference: str, shown_question: str, shown_answer: str, mode: Any
) -> None:
    built = PromptBuilder(
        {
            "prompt_template": {
                "type": "PromptTemplate",
                "template": {"begin": ["</E>"], "round": ROUND},
                "ice_token": "</E>",
            },
            "ice_template": {"type": "PromptTemplate", "template": {"round": ROUND}},
            "retriever": {"type": "FixKRetriever", "fix_id_list": [0]},
        },
        READER,
        kind="text",
        meta_template=META,
        mode=mode,
        examples=lambda: [{"q": shown_question, "a": shown_answer}],
    )
    prompt = built.build(sample(q=question, a=reference))
    end = f"{reference}\n</s>" if mode == "ppl" else ""
    assert prompt == f"<s>H:{shown_question}\nB:{shown_answer}\nH:{question}\nB:{end}"
