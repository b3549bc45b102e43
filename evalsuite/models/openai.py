"""Any server that speaks OpenAI's HTTP API: chat, completions or responses."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

from evalsuite.errors import UserError, nearest_name
from evalsuite.models.background_loop import Stream, in_loop
from evalsuite.models.base import ModelFacts, PromptKind
from evalsuite.models.http_client import allow_connections
from evalsuite.models.openai_call import HttpEndpoint, Unanswered, shared_gate
from evalsuite.models.openai_keys import KeyRing
from evalsuite.models.openai_scores import (
    EchoedToken,
    Way,
    option_score,
    option_start,
    read_tokens,
    score_body,
)
from evalsuite.models.openai_wire import PATHS, Api, CallFailed, Settings
from evalsuite.models.remote import CEILING, START, RemoteModel, gather
from evalsuite.models.tokens import move_spaces
from evalsuite.types import Answer, OptionScore, Request

BASE_URL = "https://api.openai.com/v1"
FACTS_SECONDS = 10.0
ENGINES = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llama.cpp", "lmdeploy": "lmdeploy"}


class OpenAIModel(RemoteModel):
    """A chat model behind an OpenAI-compatible URL (`api='responses'` for OpenAI's newer interface).

    `path` is the model's name at the server, `base_url` (or `openai_api_base`) where that is: one URL or
    several that serve the same model. `concurrency` (or `max_workers`) fixes how many calls may be under way;
    without it the number finds itself. Prompts are never cut: one that is too long fails as 'too_long'.
    `verbose` and `rpm_verbose` may stand in older configs and change nothing: calls are always counted.
    """

    prompt_kind: ClassVar[PromptKind] = "messages"
    needs: ClassVar[tuple[str, ...]] = ()
    default_api: ClassVar[Api] = "chat"

    def __init__(
        self,
        path: str,
        *,
        key: str | Sequence[str] = "ENV",
        base_url: str | Sequence[str] = "",
        openai_api_base: str | Sequence[str] = "",
        api: Api | Literal[""] = "",
        org: str = "",
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
        loglikelihood_via: Way | Literal["auto"] = "auto",
        stream: bool = False,
        think_tag: str = "",
        tool_parser: str = "server",
        openai_extra_kwargs: Mapping[str, Any] | None = None,
        mode: Literal["none"] = "none",
        verbose: bool = False,
        rpm_verbose: bool = False,
        max_tokens_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens",
        continue_final_message: bool = False,
        extra_body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        key_header: str = "Authorization",
        openai_proxy_url: str = "",
        verify: bool | str = True,
        price: Mapping[str, Any] | str | None = None,
        tokenizer_path: str = "",
    ) -> None:
        where = f"model {path}"
        chosen: Api = api or self.default_api
        if chosen not in PATHS:
            raise UserError(
                f"no API {chosen!r}",
                where=where,
                expected=", ".join(PATHS),
                nearest=nearest_name(chosen, PATHS),
            )
        if (chosen == "completions") != (self.default_api == "completions"):
            raise UserError(
                f"api={chosen!r} in {type(self).__name__}",
                where=where,
                expected="type=OpenAICompletionsModel for completions, else OpenAIModel",
            )
        if mode != "none":
            raise UserError(
                f"mode={mode!r}: a prompt that is cut is another prompt",
                where=where,
                expected="mode='none', and fewer examples or a longer max_seq_len",
            )
        del verbose, rpm_verbose
        urls = base_url or openai_api_base or os.environ.get("OPENAI_BASE_URL") or BASE_URL
        width = concurrency or max_workers
        ceiling = allow_connections(width or CEILING)
        sent = dict(headers or {})
        if org:
            sent["OpenAI-Organization"] = org
        self._servers = [
            HttpEndpoint(
                url,
                shared_gate(url, width or START, ceiling),
                proxy=openai_proxy_url,
                verify=verify,
                headers=sent,
                key_header=key_header,
                where=where,
            )
            for url in map(plain_base, [urls] if isinstance(urls, str) else urls)
        ]
        super().__init__(
            path,
            self._servers,
            KeyRing(key, where),
            api=chosen,
            settings=Settings(
                path,
                temperature,
                max_tokens_name,
                logprobs,
                top_logprobs,
                stream,
                "" if tool_parser == "server" else "none",
                continue_final_message,
                {**(openai_extra_kwargs or {}), **(extra_body or {})},
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
        self._way: Way = "echo" if loglikelihood_via == "auto" else loglikelihood_via
        self._may_change_way = loglikelihood_via == "auto"
        self._echo_ignored = False
        self._score_max_tokens = 0 if self._way == "echo" else 1

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Score continuations through the completions API, each in a call of its own."""
        return iter(Stream(requests, self._score_request, self._window))

    def facts(self) -> ModelFacts:
        """Ask the server which models it has; a refused key is told here, before any sample is sent."""
        return in_loop(self._ask_facts())

    def close(self) -> None:
        """Close the kept connections."""
        for server in self._servers:
            in_loop(_closing(server))

    # ------------------------------------------------------------------ log-likelihood
    async def _score_request(self, request: Request, stream: Stream) -> Answer:
        if not isinstance(request.prompt, str):
            raise UserError(
                "a server gives no log-likelihood behind chat messages",
                where=self._where,
                expected="a text prompt (type=OpenAICompletionsModel), or another inferencer",
            )
        try:
            scores = await gather(
                [self._score_option(request.prompt, option, stream) for option in request.continuations]
            )
        except Unanswered as unanswered:
            return self._failed(request, unanswered)
        self.spent.requests += 1
        return Answer(
            request.key,
            options=tuple(score for score, _, _ in scores),
            finish="scored",
            prompt_tokens=sum(tokens for _, tokens, _ in scores),
            seconds=sum(seconds for _, _, seconds in scores),
            extra={"loglikelihood_via": self._way},
        )

    async def _score_option(self, prompt: str, option: str, stream: Stream) -> tuple[OptionScore, int, float]:
        tokens, seconds = await self._echo(prompt + option, stream)
        prompt, moved = move_spaces(prompt)
        start = option_start(tokens, moved + option)
        if start is None:
            before = len((await self._echo(prompt, stream))[0]) if prompt else 0
            # An option that melts into the prompt's last token is that token.
            start = min(before, len(tokens) - 1)
        self.spent.prompt_tokens += len(tokens)
        return option_score(tokens, start), len(tokens), seconds

    async def _echo(self, text: str, stream: Stream) -> tuple[list[EchoedToken], float]:
        """A text's tokens; what a server does not know is tried in another way, once for all requests."""
        while True:
            caller, _ = self._caller()
            way, max_tokens = self._way, self._score_max_tokens
            body = score_body(way, self._path, text, max_tokens)
            body.update(self._settings.extra_body)
            try:
                tokens, _, seconds = await caller.call(
                    PATHS["completions"], body, stream, partial(read_tokens, way, text)
                )
                self._may_change_way = self._echo_ignored = False
                return tokens, seconds
            except Unanswered as unanswered:
                if not self._try_otherwise(unanswered, way, max_tokens):
                    raise

    def _try_otherwise(self, unanswered: Unanswered, way: Way, max_tokens: int) -> bool:
        """Whether another way is left; a server that knows none cannot be used for log-likelihoods at all."""
        kind = unanswered.failure.kind
        if (way, max_tokens) != (self._way, self._score_max_tokens):
            return True  # another request found the way out in the meantime
        if kind not in ("ignored", "refused", "server"):
            return False
        if max_tokens == 0 and kind != "ignored":
            self._score_max_tokens = 1
            return True
        if self._may_change_way and way == "echo":
            self._way, self._score_max_tokens = "prompt_logprobs", 1
            self._echo_ignored = kind == "ignored"
            return True
        if kind == "ignored" or self._echo_ignored:
            raise UserError(
                f"no log-likelihoods here: {unanswered.failure.message}",
                where=self._where,
                expected="a server with echo and logprobs, or with prompt_logprobs (vLLM), in /completions",
            )
        return False

    # ------------------------------------------------------------------ facts
    async def _ask_facts(self) -> ModelFacts:
        warnings: list[str] = []
        entry: Mapping[str, Any] = {}
        try:
            entry = await self._listed(warnings)
        except CallFailed as failed:
            if failed.verdict.remedy == "key" and failed.verdict.kind in ("key", "quota"):
                raise UserError(
                    f"the key is refused ({self._keys.redact(failed.verdict.message)})", where=self._where
                ) from None
            warnings.append(f"the server did not say what it serves: {self._keys.redact(str(failed))}")
        window = entry.get("max_model_len") or entry.get("context_length") or entry.get("context_window")
        window = window or (entry.get("meta") or {}).get("n_ctx_train")
        owner = str(entry.get("owned_by", "")).lower()
        engine = next((name for mark, name in ENGINES.items() if mark in owner), "openai-compatible")
        details = {**self._details(), "root": entry.get("root"), "owned_by": entry.get("owned_by")}
        context = self._max_seq_len or (int(window) if window else None)
        return ModelFacts(engine, "", context, details, tuple(warnings))

    async def _listed(self, warnings: list[str]) -> Mapping[str, Any]:
        """This model's entry in the server's list."""
        while True:
            key, _ = self._keys.next(0.0)
            response = await self._servers[0].get("/models", key, FACTS_SECONDS)
            if response.status != 401 or not self._keys.drop(key):
                break
        if response.status != 200:
            from evalsuite.models.openai_errors import judge_response

            raise CallFailed(judge_response(response))
        try:
            listed = json.loads(response.body)["data"]
            names: dict[str, dict[str, Any]] = {str(one["id"]): one for one in listed}
        except (ValueError, KeyError, TypeError):
            warnings.append("the server's list of models cannot be read")
            return {}
        if self._path not in names:
            hint = nearest_name(self._path, names) or ", ".join(list(names)[:5])
            warnings.append(f"the server lists no model {self._path!r} (nearest: {hint})")
        return names.get(self._path, {})


class OpenAICompletionsModel(OpenAIModel):
    """A base model behind an OpenAI-compatible URL: prompts are final text."""

    prompt_kind: ClassVar[PromptKind] = "text"
    default_api: ClassVar[Api] = "completions"


def plain_base(url: str) -> str:
    """A base URL without the path of one API, which many configs carry."""
    base, mark, query = url.partition("?")
    base = base.rstrip("/")
    for path in PATHS.values():
        base = base.removesuffix(path)
    return base + mark + query


async def _closing(server: HttpEndpoint) -> None:
    server.close()
