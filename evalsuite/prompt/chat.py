"""Chat formats by name: messages rendered to the byte as a model was trained, without its tokenizer.

For models whose tokenizer has no template, or another one than the training had. Each format has its default
system text, the words around each role, and the strings that end an answer: the end of a turn and the end of
text, since fine-tuned models often close with the other one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evalsuite.errors import UserError, nearest_name
from evalsuite.types import Message

Messages = Sequence[Message | Mapping[str, str]]
Said = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class ChatFormat:
    """A chat format: how it is written, its own system text, what ends an answer."""

    write: Callable[[Said], str]
    stops: tuple[str, ...]
    system: str | None = None


def render_chat(name: str, messages: Messages, system: str | None = None) -> str:
    """The text that a model sees before its answer.

    `system` replaces the format's own system text (an empty one leaves it out); a system message among the
    messages replaces both. A last message of the assistant is gone on with, not closed.
    """
    chat = _format(name)
    said = [_pair(message) for message in messages]
    for role, _ in said:
        if role not in ("system", "user", "assistant", "tool"):
            raise UserError(
                f"a message cannot have the role {role!r}",
                where="chat_template",
                expected="system, user, assistant, tool",
                nearest=nearest_name(role, ("system", "user", "assistant", "tool")),
            )
    if not any(role == "system" for role, _ in said):
        own = chat.system if system is None else system
        if own:
            said.insert(0, ("system", own))
    return chat.write(said)


def chat_stops(name: str) -> tuple[str, ...]:
    """The strings that end an answer in a chat format."""
    return _format(name).stops


def chat_formats() -> tuple[str, ...]:
    """The names of all chat formats."""
    return tuple(_FORMATS)


def _format(name: str) -> ChatFormat:
    if name not in _FORMATS:
        raise UserError(
            f"unknown chat template {name!r}",
            where="chat_template",
            expected=", ".join(_FORMATS),
            nearest=nearest_name(name, _FORMATS),
        )
    return _FORMATS[name]


def _pair(message: Message | Mapping[str, str]) -> tuple[str, str]:
    if isinstance(message, Message):
        return message.role, message.text
    return message["role"], message.get("content") or ""


def _turns(said: Said, words: Mapping[str, tuple[str, str]], opening: str) -> str:
    """Each message between its role's words; the answer opened, or the assistant's last message left open."""
    out = []
    for at, (role, text) in enumerate(said):
        begin, end = words[role]
        going_on = role == "assistant" and at == len(said) - 1
        out.append(begin + text + ("" if going_on else end))
    if not said or said[-1][0] != "assistant":
        out.append(opening)
    return "".join(out)


def _chatml(said: Said) -> str:
    words = {role: (f"<|im_start|>{role}\n", "<|im_end|>\n") for role in ("system", "user", "assistant")}
    words["tool"] = ("<|im_start|>user\n<tool_response>\n", "\n</tool_response><|im_end|>\n")
    return _turns(said, words, "<|im_start|>assistant\n")


def _chatml_no_think(said: Said) -> str:
    text = _chatml(said)
    return text if said and said[-1][0] == "assistant" else text + "<think>\n\n</think>\n\n"


def _glm4(said: Said) -> str:
    words = {role: (f"<|{role}|>\n", "") for role in ("system", "user", "assistant")}
    words["tool"] = ("<|observation|>\n", "")
    return "[gMASK]<sop>" + _turns(said, words, "<|assistant|>")


def _glm4_closed(said: Said) -> str:
    words = {role: (f"<|{role}|>\n", "<|endoftext|>\n") for role in ("system", "user", "assistant")}
    words["tool"] = ("<|observation|>\n", "<|endoftext|>\n")
    return _turns(said, words, "<|assistant|>\n")


def _instruction(said: Said) -> str:
    """Instruction and response; a system text stands in front of the first instruction."""
    question, answer = "\n\n### Instruction:\n", "\n\n### Response:\n"
    words = {"system": ("", ""), "user": (question, ""), "assistant": (answer, ""), "tool": (question, "")}
    return _turns(said, words, answer)


def _llama2(said: Said) -> str:
    out, system = [], ""
    for at, (role, text) in enumerate(said):
        if role == "system":
            system = f"<<SYS>>\n{text}\n<</SYS>>\n\n"
        elif role == "assistant":
            out.append(f" {text}" + ("" if at == len(said) - 1 else " </s>"))
        else:
            out.append(f"<s>[INST] {system}{text} [/INST]")
            system = ""
    return "".join(out)


def _llama3(said: Said) -> str:
    names = {"system": "system", "user": "user", "assistant": "assistant", "tool": "ipython"}
    words = {
        role: (f"<|start_header_id|>{name}<|end_header_id|>\n\n", "<|eot_id|>")
        for role, name in names.items()
    }
    return "<|begin_of_text|>" + _turns(said, words, words["assistant"][0])


def _base(said: Said) -> str:
    return "\n".join(text for _, text in said if text)


_QWEN_ENDS = ("<|im_end|>", "<|endoftext|>")
_GLM_ENDS = ("<|endoftext|>", "<|user|>", "<|observation|>")
_FORMATS: Mapping[str, ChatFormat] = {
    "chatml": ChatFormat(_chatml, _QWEN_ENDS),
    "qwen": ChatFormat(_chatml, _QWEN_ENDS, "You are a helpful assistant."),
    "qwen2": ChatFormat(_chatml, _QWEN_ENDS, "You are a helpful assistant."),
    "qwen2_5": ChatFormat(
        _chatml, _QWEN_ENDS, "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    ),
    "qwen3": ChatFormat(_chatml, _QWEN_ENDS),
    "qwen3_no_think": ChatFormat(_chatml_no_think, _QWEN_ENDS),
    "qwen3_coder": ChatFormat(_chatml, _QWEN_ENDS),
    "qwen_fim_instruct": ChatFormat(_chatml, _QWEN_ENDS, "You are a code completion assistant."),
    "glm4": ChatFormat(_glm4, _GLM_ENDS),
    "glm4_closed": ChatFormat(_glm4_closed, _GLM_ENDS),
    "tigerbot": ChatFormat(_instruction, ("</s>", "\n\n### Instruction:")),
    "llama2": ChatFormat(_llama2, ("</s>",)),
    "llama3": ChatFormat(_llama3, ("<|eot_id|>", "<|end_of_text|>")),
    "base": ChatFormat(_base, ()),
}
