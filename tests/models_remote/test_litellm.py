"""litellm models: the package's shapes, recorded here, and the package itself where it is installed."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from storm_server import StormServer

from evalsuite.errors import UserError
from evalsuite.models.litellm import LiteLLMModel, judge_litellm
from evalsuite.types import Message, Request

HI = (Message("user", "hi"),)
REPLY = {
    "id": "chatcmpl-1",
    "model": "claude",
    "object": "chat.completion",
    "system_fingerprint": None,
    "choices": [
        {
            "finish_reason": "stop",
            "index": 0,
            "message": {
                "content": "4",
                "role": "assistant",
                "tool_calls": None,
                "function_call": None,
                "reasoning_content": "2+2",
            },
        }
    ],
    "usage": {
        "completion_tokens": 3,
        "prompt_tokens": 7,
        "completion_tokens_details": {"reasoning_tokens": 2},
        "prompt_tokens_details": {"cached_tokens": 4},
    },
}


def failure(name: str, status: int, message: str = "litellm: no", **headers: str) -> Exception:
    """An exception of the shape that litellm raises."""
    error: Any = type(name, (Exception,), {})(message)
    error.status_code, error.message = status, message
    error.response = SimpleNamespace(headers={key.replace("_", "-"): value for key, value in headers.items()})
    return error  # type: ignore[no-any-return]


class Recorded(ModuleType):
    """A stand-in for the package that plays a list of outcomes."""

    def __init__(self, *outcomes: Any) -> None:
        super().__init__("litellm")
        self.outcomes = list(outcomes)
        self.calls: list[dict[str, Any]] = []
        self.model_cost = {"claude": {"max_input_tokens": 200000}}

    async def acompletion(self, **options: Any) -> Any:
        self.calls.append(options)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        await asyncio.sleep(0)
        if isinstance(outcome, Exception):
            raise outcome
        return SimpleNamespace(model_dump=lambda: dict(outcome), _hidden_params={"response_cost": 0.002})


def play(monkeypatch: pytest.MonkeyPatch, *outcomes: Any, **options: Any) -> tuple[Recorded, LiteLLMModel]:
    package = Recorded(*outcomes)
    monkeypatch.setitem(sys.modules, "litellm", package)
    return package, LiteLLMModel("claude", **{"backoff": 0.01, "retry": 2, **options})


def test_an_answer_with_reasoning_tokens_and_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    package, model = play(monkeypatch, REPLY, key="sk-x", base_url="http://h", temperature=0.3)
    (answer,) = model.generate([Request("k", HI)])
    assert (answer.text, answer.reasoning, answer.finish) == ("4", "2+2", "stop")
    assert answer.extra == {"cached_tokens": 4, "reasoning_tokens": 2, "cost": 0.002}
    assert package.calls == [
        {
            "model": "claude",
            "messages": [{"role": "user", "content": "hi"}],
            "max_tokens": 512,
            "temperature": 0.3,
            "seed": 0,
            "timeout": 600.0,
            "num_retries": 0,
            "max_retries": 0,
            "api_key": "sk-x",
            "api_base": "http://h",
        }
    ]
    facts = model.facts()
    assert (facts.engine, facts.context, facts.details["spent"]["cost"]) == ("litellm", 200000, 0.002)


def test_transient_errors_are_tried_again_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    storm = [
        failure("RateLimitError", 429, retry_after="0.01"),
        failure("InternalServerError", 500),
        failure("APIConnectionError", 500),
        REPLY,
    ]
    _, model = play(monkeypatch, *storm)
    (answer,) = model.generate([Request("k", HI)])
    assert (answer.text, answer.extra["attempts"]) == ("4", 4)
    _, model = play(monkeypatch, failure("ContextWindowExceededError", 400))
    (answer,) = model.generate([Request("k", HI)])
    assert answer.error is not None
    assert answer.error.kind == "too_long"
    _, model = play(monkeypatch, failure("AuthenticationError", 401, "bad key sk-secret"), key="sk-secret")
    with pytest.raises(UserError, match="the key is refused") as caught:
        list(model.generate([Request("k", HI)]))
    assert "secret" not in str(caught.value)


def test_a_defect_is_not_taken_for_a_failed_call(monkeypatch: pytest.MonkeyPatch) -> None:
    _, model = play(monkeypatch, TypeError("a bug"))
    with pytest.raises(TypeError, match="a bug"):
        list(model.generate([Request("k", HI)]))
    assert judge_litellm(ValueError("x")) is None


def test_no_log_likelihoods(monkeypatch: pytest.MonkeyPatch) -> None:
    _, model = play(monkeypatch, REPLY)
    with pytest.raises(UserError, match="no log-likelihoods"):
        model.loglikelihood([])


def test_the_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(UserError, match="pip install litellm"):
        LiteLLMModel("claude")


@pytest.mark.slow
def test_the_package_itself() -> None:
    pytest.importorskip("litellm")
    model = LiteLLMModel("openai/gpt-x", key="sk-x", extra_body={"mock_response": "mocked"})
    (answer,) = model.generate([Request("k", HI)])
    assert (answer.text, answer.finish, answer.error) == ("mocked", "stop", None)
    limited = LiteLLMModel("openai/gpt-x", key="sk-x", extra_body={"mock_response": "litellm.RateLimitError"})
    verdicts = [failed for failed in [_first_error(limited)] if failed]
    assert verdicts == ["rate_limit"]
    with StormServer() as server:
        real = LiteLLMModel("openai/m", key="sk-x", base_url=server.url)
        (answer,) = real.generate([Request("k", HI)])
        assert (answer.text, answer.error) == ("hi", None)


def _first_error(model: LiteLLMModel) -> str:
    model._callers[0]._patience = type(model._callers[0]._patience)(retry=0, timeout=5.0, patience=0.0)
    (answer,) = model.generate([Request("k", HI)])
    return answer.error.kind if answer.error else ""
