"""Log-likelihoods over HTTP, against a server whose tokenizer and probabilities are known."""

from __future__ import annotations

import re
from typing import Any

import pytest
from storm_server import StormServer

from evalsuite.errors import UserError
from evalsuite.models.openai import OpenAICompletionsModel, OpenAIModel
from evalsuite.models.openai_scores import EchoedToken, option_score, option_start
from evalsuite.types import Answer, Message, OptionScore, Request

BOS = "<s>"


def split(text: str) -> list[str]:
    """A word with the space before it is a token; so is each other character."""
    return re.findall(r" ?\w+|.", text, re.DOTALL)


def logprob(tokens: list[str], at: int) -> float:
    return -(len(tokens[at]) + 0.1 * (at > 1))


class Engine:
    """A completions server: `ways` are the wishes it honours; it may add a BOS and refuse max_tokens=0."""

    def __init__(
        self, *ways: str, bos: bool = False, refuses_zero: bool = False, hides_text: bool = False
    ) -> None:
        self.ways, self.bos, self.refuses_zero, self.hides_text = ways, bos, refuses_zero, hides_text
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, target: str, headers: Any, body: Any) -> Any:
        if not target.endswith("/completions"):
            return None
        self.bodies.append(body)
        if self.refuses_zero and body["max_tokens"] == 0:
            return 400, {}, {"error": {"message": "max_tokens must be at least 1"}}
        tokens = [*([BOS] if self.bos else []), *split(body["prompt"])]
        values = [None, *(logprob(tokens, at) for at in range(1, len(tokens)))]
        choice: dict[str, Any] = {"index": 0, "text": "!", "finish_reason": "length"}
        if body.get("echo") and "echo" in self.ways:
            made = ["!"] * body["max_tokens"]
            texts = [("\ufffd" if self.hides_text else token) for token in tokens]
            best = [None, *({"x": -2.05} for _ in tokens[1:]), *({"!": -1.0} for _ in made)]
            choice["logprobs"] = {
                "tokens": [*texts, *made],
                "token_logprobs": [*values, *([-9.0] * len(made))],
                "top_logprobs": best,
            }
        elif body.get("logprobs"):
            choice["logprobs"] = {"tokens": ["!"], "token_logprobs": [-9.0], "top_logprobs": [{"!": -9.0}]}
        if "prompt_logprobs" in body and "prompt_logprobs" in self.ways:
            choice["prompt_logprobs"] = [
                None if value is None else {str(7): {"logprob": value, "rank": 1, "decoded_token": token}}
                for token, value in zip(tokens, values, strict=True)
            ]
        usage = {"prompt_tokens": len(tokens), "completion_tokens": max(1, body["max_tokens"])}
        if not body["max_tokens"]:
            usage["completion_tokens"] = 0
        return 200, {}, {"choices": [choice], "usage": usage}


def score(engine: Engine, request: Request, **options: Any) -> Answer:
    with StormServer(handler=engine) as server:
        model = OpenAICompletionsModel(
            "m", base_url=server.url, key="EMPTY", backoff=0.01, retry=1, **options
        )
        (answer,) = model.loglikelihood([request])
        return answer


CHOICES = Request("k", "Q: sky\nA:", continuations=(" blue", " dark green"))
EXPECTED = (OptionScore(-5.1, 1, 1, False), OptionScore(-5.1 - 6.1, 2, 2, False))


def assert_scores(answer: Answer, expected: tuple[OptionScore, ...] = EXPECTED) -> None:
    assert answer.error is None, answer.error
    assert answer.finish == "scored"
    for found, wanted in zip(answer.options, expected, strict=True):
        assert found.logprob == pytest.approx(wanted.logprob)
        assert (found.tokens, found.scored) == (wanted.tokens, wanted.scored)


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("refuses_zero", [False, True])
def test_echo(bos: bool, refuses_zero: bool) -> None:
    engine = Engine("echo", bos=bos, refuses_zero=refuses_zero)
    answer = score(engine, CHOICES)
    assert_scores(answer)
    assert answer.extra["loglikelihood_via"] == "echo"
    assert len(engine.bodies) == (4 if refuses_zero else 2)


def test_prompt_logprobs_where_echo_is_ignored() -> None:
    engine = Engine("prompt_logprobs", bos=True)
    answer = score(engine, CHOICES)
    assert_scores(answer)
    assert answer.extra["loglikelihood_via"] == "prompt_logprobs"
    assert all(option.greedy for option in answer.options)


def test_tokens_whose_text_is_not_told_are_counted_by_the_prompt_alone() -> None:
    engine = Engine("echo", bos=True, hides_text=True)
    assert_scores(score(engine, CHOICES))
    assert any(body["prompt"] == CHOICES.prompt for body in engine.bodies)


def test_an_option_that_merges_with_the_prompts_last_token_is_what_follows_the_prompts_tokens() -> None:
    answer = score(Engine("echo", bos=True), Request("k", "the sun", continuations=("ny day",)))
    assert_scores(answer, (OptionScore(-4.1, 1, 1),))


def test_an_option_that_melts_into_the_prompts_last_token_is_that_token() -> None:
    answer = score(Engine("echo"), Request("k", "a sun", continuations=("ny",)))
    assert_scores(answer, (OptionScore(-6.0, 1, 1),))


def test_an_empty_prompt_scores_the_whole_text_but_its_first_token() -> None:
    answer = score(Engine("echo"), Request("k", "", continuations=("one two three",)))
    assert_scores(answer, (OptionScore(-4.0 - 6.1, 3, 2),))
    answer = score(Engine("echo", bos=True), Request("k", "", continuations=("one two three",)))
    assert_scores(answer, (OptionScore(-3.0 - 4.1 - 6.1, 3, 3),))


def test_a_greedy_option_is_one_whose_every_token_is_the_best() -> None:
    answer = score(Engine("echo"), Request("k", "a", continuations=(" b", " bcd")))
    assert [option.greedy for option in answer.options] == [True, False]


def test_a_server_that_ignores_all_wishes_is_not_scored_by_garbage() -> None:
    with pytest.raises(UserError, match="no log-likelihoods here"):
        score(Engine(), CHOICES)
    with pytest.raises(UserError, match="ignored echo with logprobs"):
        score(Engine(), CHOICES, loglikelihood_via="echo")


def test_a_server_that_ignores_one_way_and_refuses_the_other_offers_none() -> None:
    class Strict(Engine):
        def __call__(self, target: str, headers: Any, body: Any) -> Any:
            if "prompt_logprobs" in body:
                return 422, {}, {"detail": "Unexpected fields in the request: {'prompt_logprobs'}"}
            return super().__call__(target, headers, body)

    with pytest.raises(UserError, match=r"no log-likelihoods here.*Unexpected fields"):
        score(Strict(), CHOICES)


def test_chat_messages_have_no_log_likelihood() -> None:
    model = OpenAIModel("m", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(UserError, match="behind chat messages"):
        list(model.loglikelihood([Request("k", (Message("user", "x"),), continuations=("y",))]))


def test_where_an_option_starts() -> None:
    tokens = [EchoedToken(text, -1.0, True) for text in ("<s>", "a", " b", "c")]
    assert option_start(tokens, " bc") == 2
    assert option_start(tokens, "c") == 3
    assert option_start(tokens, "bc") is None
    assert option_start(tokens, "zz") is None
    assert option_score(tokens, 2) == OptionScore(-2.0, 2, 2, True)
