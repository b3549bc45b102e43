"""Tool calls read from text, byte by byte as the formats have it; golden cases and properties."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.errors import UserError
from evalsuite.models.tool_calls import FORMATS, parse_tool_calls
from evalsuite.types import Tool

PROPERTIES = {
    "path": {"type": "string"},
    "content": {"type": "string"},
    "line": {"type": "integer"},
    "ratio": {"type": "number"},
    "force": {"type": "boolean"},
    "tags": {"type": "array"},
    "options": {"type": "object"},
    "maybe": {"type": ["string", "null"]},
    "any": {"anyOf": [{"type": "integer"}, {"type": "object"}]},
}
TOOLS = (
    Tool("write", "writes", {"type": "object", "properties": PROPERTIES}),
    Tool("read", "reads", {"type": "object", "properties": {"path": {"type": "string"}}}),
)


def parse(format: str, text: str) -> tuple[str, list[tuple[str, Any]], int]:
    content, calls, problems = parse_tool_calls(format, text, TOOLS)
    return content, [(call.name, call.arguments) for call in calls], len(problems)


# --------------------------------------------------------------------------- qwen3_coder
def block(name: str, **parameters: str) -> str:
    lines = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in parameters.items())
    return f"<tool_call>\n<function={name}>\n{lines}</function>\n</tool_call>"


def test_qwen3_coder_keeps_a_files_indentation_and_last_newline() -> None:
    body = "    indented\n\n  two\n"
    text = f"I will write.\n\n{block('write', path='a.py', content=body)}"
    assert parse("qwen3_coder", text) == (
        "I will write.\n\n",
        [("write", {"path": "a.py", "content": body})],
        0,
    )


@pytest.mark.parametrize(
    ("key", "written", "read"),
    [
        ("path", "5", "5"),
        ("path", "null", None),
        ("path", "NULL", None),
        ("path", "", ""),
        ("maybe", "7", "7"),
        ("line", "5", 5),
        ("line", "-12", -12),
        ("ratio", "2.5", 2.5),
        ("ratio", "3.0", 3),
        ("force", "true", True),
        ("force", "True", True),
        ("force", "false", False),
        ("tags", '["a", 1]', ["a", 1]),
        ("tags", "['a', 1]", ["a", 1]),
        ("options", '{"x": null}', {"x": None}),
        ("options", "{'x': None}", {"x": None}),
        ("any", "4", 4),
        ("any", "plain", "plain"),
        ("unknown", "5", "5"),
        ("unknown", "null", None),
    ],
)
def test_qwen3_coder_types_come_from_the_schema(key: str, written: str, read: Any) -> None:
    _, calls, problems = parse("qwen3_coder", block("write", **{key: written}))
    assert calls == [("write", {key: read})]
    assert type(calls[0][1][key]) is type(read)
    assert problems == 0


@pytest.mark.parametrize(
    ("key", "written", "read"),
    [
        ("line", "five", "five"),
        ("force", "yes", False),
        ("options", "{oops", "{oops"),
        ("ratio", "inf", "inf"),
    ],
)
def test_qwen3_coder_values_that_do_not_fit_are_problems(key: str, written: str, read: Any) -> None:
    assert parse("qwen3_coder", block("write", **{key: written})) == ("", [("write", {key: read})], 1)


@pytest.mark.parametrize(
    ("text", "content", "calls"),
    [
        ("just text", "just text", []),
        ("talk of <tool_call> alone", "talk of <tool_call> alone", []),
        ("<function=read>\n<parameter=path>\na\n</parameter>\n</function>", "", [("read", {"path": "a"})]),
        ("t <function=read></function>", "t ", [("read", {})]),
        ("<tool_call>\n<function=read>\n<parameter=path>\na.t", "", [("read", {"path": "a.t"})]),
        (
            "<tool_call><function=write><parameter=path>a<parameter=line>\n3\n</function></tool_call>",
            "",
            [("write", {"path": "a", "line": 3})],
        ),
        (
            f"{block('read', path='a')}\n{block('read', path='b')}",
            "",
            [("read", {"path": "a"}), ("read", {"path": "b"})],
        ),
        (
            "<tool_call><function=read></function><function=read></function></tool_call>",
            "",
            [("read", {}), ("read", {})],
        ),
    ],
)
def test_qwen3_coder_shapes(text: str, content: str, calls: Any) -> None:
    assert parse("qwen3_coder", text) == (content, calls, 0)


# --------------------------------------------------------------------------- hermes
@pytest.mark.parametrize(
    ("text", "content", "calls", "problems"),
    [
        (
            'ok\n<tool_call>\n{"name": "read", "arguments": {"path": "a"}}\n</tool_call>',
            "ok\n",
            [("read", {"path": "a"})],
            0,
        ),
        ('<tool_call>{"name": "read", "arguments": {}}</tool_call>', "", [("read", {})], 0),
        (
            '<tool_call>{"name": "read", "arguments": "{\\"path\\": \\"a\\"}"}',
            "",
            [("read", {"path": "a"})],
            0,
        ),
        ('<tool_call>{"name": "read", "arguments": {"path": "a\nb"}}', "", [("read", {"path": "a\nb"})], 0),
        ("<tool_call>{oops}</tool_call>", "", [], 1),
        ('<tool_call>{"name": "read", "arguments": [1]}</tool_call>', "", [], 1),
        ('<tool_call>{"name": "stranger", "arguments": {}}</tool_call>', "", [("stranger", {})], 1),
        (
            '<tool_call>{oops</tool_call>\n<tool_call>{"name": "read", "arguments": {}}</tool_call>',
            "",
            [("read", {})],
            1,
        ),
        ("no call", "no call", [], 0),
    ],
)
def test_hermes(text: str, content: str, calls: Any, problems: int) -> None:
    assert parse("hermes", text) == (content, calls, problems)


# --------------------------------------------------------------------------- glm4, glm4_5
@pytest.mark.parametrize(
    ("text", "content", "calls", "problems"),
    [
        ('read\n{"path": "a"}<|observation|>', "", [("read", {"path": "a"})], 0),
        ('\nread\n{"path": "a"}', "", [("read", {"path": "a"})], 0),
        (
            'read\n{"path": "a"}<|assistant|>write\n{"line": 3}<|observation|>',
            "",
            [("read", {"path": "a"}), ("write", {"line": 3})],
            0,
        ),
        ('I read.<|assistant|>read\n{"path": "a"}', "I read.", [("read", {"path": "a"})], 0),
        ("read\n{oops", "", [], 1),
        ("Set\n{1, 2}", "Set\n{1, 2}", [], 0),
        ('Here is JSON:\n{"a": 1}', 'Here is JSON:\n{"a": 1}', [], 0),
        ("plain words", "plain words", [], 0),
    ],
)
def test_glm4(text: str, content: str, calls: Any, problems: int) -> None:
    assert parse("glm4", text) == (content, calls, problems)


def pair(key: str, value: str) -> str:
    return f"<arg_key>{key}</arg_key>\n<arg_value>{value}</arg_value>\n"


@pytest.mark.parametrize(
    ("text", "content", "calls", "problems"),
    [
        (
            f"ok<tool_call>write\n{pair('path', '5')}{pair('line', '5')}</tool_call>",
            "ok",
            [("write", {"path": "5", "line": 5})],
            0,
        ),
        (
            "<tool_call>write\n" + pair("content", "  x\n") + pair("tags", "[1]") + "</tool_call>",
            "",
            [("write", {"content": "  x\n", "tags": [1]})],
            0,
        ),
        ("<tool_call>read\n</tool_call><tool_call>read</tool_call>", "", [("read", {}), ("read", {})], 0),
        ("<tool_call>read\n<arg_key>path</arg_key>\n<arg_value>a.t", "", [("read", {"path": "a.t"})], 0),
        ("<tool_call>read\n<arg_key>path", "", [("read", {})], 1),
        ("<tool_call></tool_call>", "", [], 1),
        ("none", "none", [], 0),
    ],
)
def test_glm4_5(text: str, content: str, calls: Any, problems: int) -> None:
    assert parse("glm4_5", text) == (content, calls, problems)


# --------------------------------------------------------------------------- all
PIECES = """<tool_call> </tool_call> <function= write> </function> <parameter= path> </parameter> <arg_key>
</arg_key> <arg_value> { "name" : "x" } <|assistant|> null true 5 read 中"""
pieces = st.sampled_from([*PIECES.split(), "\n", " ", "\x00", "\ud800", "[" * 50])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FORMATS), st.lists(pieces, max_size=30).map("".join))
def test_no_text_makes_a_parser_fail(format: str, text: str) -> None:
    content, calls, problems = parse_tool_calls(format, text, TOOLS)
    assert isinstance(content, str)
    assert all(isinstance(call.arguments, dict) for call in calls)
    assert all(isinstance(problem, str) for problem in problems)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="<"), max_size=80))
def test_a_text_value_comes_back_as_it_was_written(value: str) -> None:
    if value.lower() != "null":
        assert parse("qwen3_coder", block("write", content=value))[1] == [("write", {"content": value})]
    assert parse("glm4_5", f"<tool_call>write\n{pair('content', value)}</tool_call>")[1][0][1] == {
        "content": value
    }
    call = json.dumps({"name": "write", "arguments": {"content": value}})
    assert parse("hermes", f"<tool_call>\n{call}\n</tool_call>")[1] == [("write", {"content": value})]


def test_an_unknown_format_is_told() -> None:
    with pytest.raises(UserError, match="did you mean 'glm4_5'"):
        parse_tool_calls("glm4-5", "x", ())
