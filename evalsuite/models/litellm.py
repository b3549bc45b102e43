"""Models with a wire format of their own (Anthropic, Gemini, Bedrock...), through the litellm package.

The package translates; keys, waits, attempts, concurrency and accounting are the same as for a server that is
spoken to directly, so litellm's own retries are turned off.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from evalsuite.errors import UserError
from evalsuite.models.base import ModelFacts, PromptKind
from evalsuite.models.limits import Gate
from evalsuite.models.openai_call import shared_gate
from evalsuite.models.openai_errors import Verdict, judge
from evalsuite.models.openai_keys import KeyRing
from evalsuite.models.openai_wire import CallFailed, Settings
from evalsuite.models.remote import CEILING, START, RemoteModel
from evalsuite.types import Answer, Request

GRACE_SECONDS = 5.0
CODES = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
}


class LiteLLMEndpoint:
    """litellm's asynchronous completion, as an endpoint."""

    def __init__(self, gate: Gate, api_base: str) -> None:
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it is fetched at import
        try:
            import litellm
        except ImportError:
            raise UserError("the package litellm is not installed", expected="pip install litellm") from None
        litellm.suppress_debug_info = True
        self.gate = gate
        self._litellm = litellm
        self._api_base = api_base

    @property
    def reached(self) -> bool:
        """The package does not tell, so no failure is taken for a wrong address."""
        return True

    async def send(self, path: str, body: Mapping[str, Any], key: str, timeout: float) -> dict[str, Any]:
        """One attempt. litellm's own time-out comes first; ours ends what ignores it."""
        options: dict[str, Any] = {**body, "timeout": timeout, "num_retries": 0, "max_retries": 0}
        if key:
            options["api_key"] = key
        if self._api_base:
            options["api_base"] = self._api_base
        try:
            response = await asyncio.wait_for(self._litellm.acompletion(**options), timeout + GRACE_SECONDS)
        except asyncio.TimeoutError:
            raise CallFailed(Verdict("timeout", f"no answer within {timeout:g} s", "retry")) from None
        except Exception as error:  # litellm's errors share no base class; what they share is a status
            verdict = judge_litellm(error)
            if verdict is None:
                raise
            raise CallFailed(verdict) from None
        data: dict[str, Any] = response.model_dump()
        data["response_cost"] = (getattr(response, "_hidden_params", None) or {}).get("response_cost")
        return data

    def window(self, model: str) -> int | None:
        """The context window that litellm's table of models gives."""
        found = self._litellm.model_cost.get(model, {}).get("max_input_tokens")
        return int(found) if found else None


def judge_litellm(error: Exception) -> Verdict | None:
    """What one of litellm's errors means; None for what is not one of them."""
    status = getattr(error, "status_code", None)
    if not str(status or "").isdigit():
        return None
    name = type(error).__name__
    message = " ".join(str(getattr(error, "message", "") or error).split())[:300]
    if name == "Timeout":
        return Verdict("timeout", message, "retry")
    if name == "APIConnectionError":
        return Verdict("connection", message, "retry")
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    lower = {str(key).lower(): str(value) for key, value in dict(headers).items()}
    return judge(int(str(status)), message, CODES.get(name, ""), "", lower)


class LiteLLMModel(RemoteModel):
    """A chat model by litellm's name for it, e.g. `anthropic/claude-opus-4-5` or `gemini/gemini-3-pro`.

    Keys are found by litellm in its own environment variables unless `key` names them.
    """

    prompt_kind: ClassVar[PromptKind] = "messages"
    needs: ClassVar[tuple[str, ...]] = ("litellm",)

    def __init__(
        self,
        path: str,
        *,
        key: str | Sequence[str] = "",
        base_url: str = "",
        max_seq_len: int | None = None,
        query_per_second: float | None = None,
        concurrency: int | None = None,
        max_workers: int | None = None,
        retry: int = 8,
        timeout: float = 600.0,
        patience: float = 1800.0,
        backoff: float = 0.5,
        temperature: float | None = None,
        logprobs: bool = False,
        top_logprobs: int = 0,
        think_tag: str = "",
        tool_parser: str = "server",
        extra_body: Mapping[str, Any] | None = None,
        price: Mapping[str, Any] | str | None = None,
        tokenizer_path: str = "",
    ) -> None:
        width = concurrency or max_workers
        place = base_url or path.partition("/")[0]
        gate = shared_gate(f"litellm {place}", width or START, width or CEILING)
        self._endpoint = LiteLLMEndpoint(gate, base_url)
        where = f"model {path}"
        super().__init__(
            path,
            [self._endpoint],
            KeyRing(key, where),
            api="chat",
            settings=Settings(
                path,
                temperature,
                logprobs=logprobs,
                top_logprobs=top_logprobs,
                tool_choice="" if tool_parser == "server" else "none",
                extra_body=extra_body or {},
            ),
            where=where,
            query_per_second=query_per_second,
            retry=retry,
            timeout=timeout,
            patience=patience,
            backoff=backoff,
            think_tag=think_tag,
            tool_parser=tool_parser,
            price=price,
            tokenizer_path=tokenizer_path,
        )
        self._max_seq_len = max_seq_len

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """No provider behind litellm gives the log-likelihood of a given text."""
        raise UserError(
            "litellm gives no log-likelihoods",
            where=self._where,
            expected="OpenAICompletionsModel, or a local one",
        )

    def facts(self) -> ModelFacts:
        """What the package knows of the model."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            installed = version("litellm")
        except PackageNotFoundError:
            installed = ""
        context = self._max_seq_len or self._endpoint.window(self._path)
        return ModelFacts("litellm", installed, context, self._details())

    def close(self) -> None:
        """litellm keeps its connections itself."""
