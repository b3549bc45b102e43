"""What is taken of an answer's text: the letter that it commits to, whatever else it names."""

from __future__ import annotations

import pytest

from evalsuite.postprocess import first_option, last_option


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("A", "A"),
        ("B. because", "B"),
        ("(C) because", "C"),
        ("The answer is **B**.", "B"),
        ("The correct answer is (D), not (A)", "D"),
        ("The answer is option C", "C"),
        ("The answer is \\boxed{B}", "B"),
        ("ANSWER: D", "D"),
        ("The answer to this question is B. Option A fails.", "B"),
        ("Let's check. Option A is wrong. Option B is wrong. The answer is C.", "C"),
        ("Option A is wrong. Option B is correct.", "B"),
        ("The answer is a bit unclear, but I'd say D.", "D"),
        ("<think>The answer is A? No.</think>The answer is B", "B"),
        ("I think C", "C"),
        ("选B", "B"),
        ("答案：C", "C"),
        ("答案应该是B，而不是A", "B"),
        ("选项B正确", "B"),
        ("none of them", None),
        ("", None),
    ],
)
def test_the_option_that_an_answer_commits_to(text: str, letter: str | None) -> None:
    assert first_option(text) == letter


@pytest.mark.parametrize(
    "piece", [" ", "*", "answer to ", "answer ", "option is ", "选 ", "答案", "(", "A B"]
)
def test_an_answer_that_repeats_itself_takes_no_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    assert first_option(text, "XYZ") is None
    assert first_option(f"{text}\nThe answer is X", "XYZ") == "X"


def test_the_last_option_may_stand_beside_other_scripts() -> None:
    assert last_option("A或B都不对，选C。") == "C"
    assert last_option("Abc Dab") is None
