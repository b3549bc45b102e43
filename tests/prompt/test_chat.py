"""Chat formats to the byte, as the models were trained on them."""

from __future__ import annotations

import pytest

from evalsuite.errors import UserError
from evalsuite.prompt.chat import chat_formats, chat_stops, render_chat
from evalsuite.types import ImagePart, Message, TextPart

ASK = [{"role": "user", "content": "{Q}"}]
TALK = [
    {"role": "system", "content": "S"},
    {"role": "user", "content": "Q1"},
    {"role": "assistant", "content": "A1"},
    {"role": "user", "content": "Q2"},
]


def chatml(system: str) -> str:
    return (
        f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{{Q}}<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chatml", "<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n"),
        ("qwen", chatml("You are a helpful assistant.")),
        ("qwen2", chatml("You are a helpful assistant.")),
        ("qwen2_5", chatml("You are Qwen, created by Alibaba Cloud. You are a helpful assistant.")),
        ("qwen3", "<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n"),
        (
            "qwen3_no_think",
            "<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
        ),
        ("qwen_fim_instruct", chatml("You are a code completion assistant.")),
        ("glm4", "[gMASK]<sop><|user|>\n{Q}<|assistant|>"),
        ("glm4_closed", "<|user|>\n{Q}<|endoftext|>\n<|assistant|>\n"),
        ("tigerbot", "\n\n### Instruction:\n{Q}\n\n### Response:\n"),
        ("llama2", "<s>[INST] {Q} [/INST]"),
        (
            "llama3",
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{Q}<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n",
        ),
        ("base", "{Q}"),
    ],
)
def test_a_question(name: str, text: str) -> None:
    assert render_chat(name, ASK) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "qwen2_5",
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n<|im_start|>assistant\nA1<|im_end|>\n"
            "<|im_start|>user\nQ2<|im_end|>\n<|im_start|>assistant\n",
        ),
        ("glm4", "[gMASK]<sop><|system|>\nS<|user|>\nQ1<|assistant|>\nA1<|user|>\nQ2<|assistant|>"),
        (
            "glm4_closed",
            "<|system|>\nS<|endoftext|>\n<|user|>\nQ1<|endoftext|>\n<|assistant|>\nA1<|endoftext|>\n"
            "<|user|>\nQ2<|endoftext|>\n<|assistant|>\n",
        ),
        (
            "tigerbot",
            "S\n\n### Instruction:\nQ1\n\n### Response:\nA1\n\n### Instruction:\nQ2\n\n### Response:\n",
        ),
        ("llama2", "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nQ1 [/INST] A1 </s><s>[INST] Q2 [/INST]"),
        ("base", "S\nQ1\nA1\nQ2"),
    ],
)
def test_a_dialogue(name: str, text: str) -> None:
    assert render_chat(name, TALK) == text


def test_the_system_text_can_be_replaced_or_left_out() -> None:
    assert render_chat("qwen2_5", ASK, system="Mine.") == chatml("Mine.")
    assert render_chat("qwen2_5", ASK, system="") == render_chat("chatml", ASK)


def test_an_answer_that_was_begun_is_gone_on_with() -> None:
    begun = [*ASK, {"role": "assistant", "content": "```python\n"}]
    assert render_chat("qwen3", begun).endswith("<|im_start|>assistant\n```python\n")
    assert render_chat("glm4", begun).endswith("<|assistant|>\n```python\n")


def test_messages_of_our_own_type_render_alike() -> None:
    ours = [Message("user", (TextPart("{Q}"), ImagePart("x.png")))]
    assert render_chat("qwen", ours) == render_chat("qwen", ASK)


def test_both_end_of_turn_and_end_of_text_stop_an_answer() -> None:
    for name in ("qwen", "qwen2", "qwen2_5", "qwen3", "qwen3_coder", "chatml"):
        assert set(chat_stops(name)) == {"<|im_end|>", "<|endoftext|>"}
    assert chat_stops("glm4") == ("<|endoftext|>", "<|user|>", "<|observation|>")
    assert all(isinstance(chat_stops(name), tuple) for name in chat_formats())


def test_an_unknown_name_or_role_is_told() -> None:
    with pytest.raises(UserError, match="'qwen2_5'"):
        render_chat("qwen25", ASK)
    with pytest.raises(UserError, match="HUMAN"):
        render_chat("qwen", [{"role": "HUMAN", "content": "x"}])
