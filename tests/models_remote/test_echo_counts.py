"""An echo of the prompt alone whose usage counts a token that is not in it, as vLLM answers max_tokens=0."""

from __future__ import annotations

from typing import Any

from evalsuite.models.openai_scores import option_score, option_start, read_tokens

TOKENS = ["A", ".", " ", "4", "2"]
VALUES = [None, -11.0, -8.5, -6.9, -7.8]


def reply(tokens: list[str], values: list[float | None]) -> dict[str, Any]:
    return {
        "choices": [{"text": "".join(tokens), "logprobs": {"tokens": tokens, "token_logprobs": values}}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1},
    }


def test_no_token_of_the_prompt_is_taken_for_a_generated_one() -> None:
    for tokens, values in ((TOKENS, VALUES), ([*TOKENS, "!"], [*VALUES, -0.5])):
        found = read_tokens("echo", "A. 42", reply(tokens, values))
        assert [token.text for token in found] == TOKENS
        start = option_start(found, " 42")
        assert start == 2
        assert option_score(found, start).logprob == -8.5 - 6.9 - 7.8
