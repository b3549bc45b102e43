"""Filling templates: one pass, and nothing that stands in a value is ever read as a template."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.prompt.text import compile_text

names = st.sampled_from(["question", "answer", "hint", "A"])
values = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["{question}", "{answer}", "{hint}", "{A}", "{{answer}}", "</E>", "{", "}", "{}", "\\boxed{A}"]
    ),
    st.integers(),
    st.none(),
)
literals = st.text(alphabet="abc{}\n </E>é ", max_size=8)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(names.map(lambda name: ("column", name)), literals.map(lambda text: ("text", text)))),
    st.data(),
)
def test_a_value_is_put_in_as_it_is_and_never_read_again(parts: list[tuple[str, str]], data: Any) -> None:
    fields = {name: data.draw(values) for name in ("question", "answer", "hint", "A")}
    parts = [
        (kind, text.replace("{", "").replace("}", "")) if kind == "text" else (kind, text)
        for kind, text in parts
    ]
    template = "".join("{" + text + "}" if kind == "column" else text for kind, text in parts)
    expected = "".join(str(fields[text]) if kind == "column" else text for kind, text in parts)
    assert compile_text(template).fill(fields) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab{}\\ \n", max_size=30))
def test_a_text_without_columns_stays_as_it_is(template: str) -> None:
    assert compile_text(template).fill({}) == template
    assert compile_text(template).fill({"question": "x"}) == template


@settings(max_examples=200, deadline=None)
@given(values, values, st.text(max_size=20))
def test_examples_go_in_as_they_are(question: Any, answer: Any, block: str) -> None:
    text = compile_text("<</E>|{question}|</E>>", "</E>", blank={"answer": ""})
    fields = {"question": question, "answer": answer}
    assert text.fill(fields, block) == f"<{block}|{question}|{block}>"


def test_a_hidden_column_is_hidden_even_where_the_row_has_it() -> None:
    text = compile_text("{question} {answer}.", blank={"answer": "?"})
    assert text.fill({"question": "{answer}", "answer": "SECRET"}) == "{answer} ?."


def test_braces_around_a_column_stay() -> None:
    assert (
        compile_text("{{question}} {unknown} { question }").fill({"question": "Q"})
        == "{Q} {unknown} { question }"
    )


def test_named_literals_are_no_columns() -> None:
    assert (
        compile_text("{answer} {question}", literals=("answer",)).fill({"answer": 1, "question": 2})
        == "{answer} 2"
    )


def test_columns_and_places_are_known() -> None:
    text = compile_text("</E>{a} and {b}{a}", "</E>")
    assert text.columns == ("a", "b", "a")
    assert text.takes_examples
    assert compile_text("plain").literal == "plain"
