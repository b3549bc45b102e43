"""What every model behind a wire has in common: the stream through the event loop, and accounting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evalsuite.errors import UserError, nearest_name
from evalsuite.models.background_loop import Stream
from evalsuite.models.limits import Backoff, Pace
from evalsuite.models.openai_call import Caller, Endpoint, Patience, Spent, Unanswered
from evalsuite.models.openai_keys import KeyRing
from evalsuite.models.openai_wire import PATHS, Api, Reply, Settings, cut_at_stop, read_reply, request_body
from evalsuite.models.tool_calls import FORMATS, parse_tool_calls
from evalsuite.types import Answer, Failure, Prompt, Request, ToolCall

START = 16
CEILING = 256
BACKLOG = 16
MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens."""

    input: float = 0.0
    output: float = 0.0
    cached: float | None = None

    @classmethod
    def from_config(cls, price: Mapping[str, Any] | str | None, model: str, where: str) -> Price:
        """A price, a table of prices by model name, or the path of a JSON file with either."""
        table = json.loads(Path(price).read_text(encoding="utf-8")) if isinstance(price, str) else price
        if not table:
            return cls()
        chosen = table.get(model, table)
        if not isinstance(chosen, Mapping) or not set(chosen) <= {"input", "output", "cached"}:
            raise UserError(
                f"no price for {model!r}",
                where=f"{where}, price",
                expected="dict(input=, output=, cached=) in dollars per million tokens, or a table of these",
                nearest=nearest_name(model, map(str, table)),
            )
        return cls(**chosen)

    def of(self, prompt_tokens: int, output_tokens: int, cached_tokens: int) -> float:
        """What one call costs."""
        cached = self.input if self.cached is None else self.cached
        fresh = max(0, prompt_tokens - cached_tokens)
        return (fresh * self.input + cached_tokens * cached + output_tokens * self.output) / MILLION


class RemoteModel:
    """The generating half of a model behind a wire; what speaks the wire is its endpoints."""

    def __init__(
        self,
        path: str,
        endpoints: Sequence[Endpoint],
        keys: KeyRing,
        *,
        api: Api,
        settings: Settings,
        where: str,
        query_per_second: float | None,
        retry: int,
        timeout: float,
        patience: float,
        backoff: float,
        think_tag: str,
        tool_parser: str,
        price: Mapping[str, Any] | str | None,
        tokenizer_path: str,
    ) -> None:
        if tool_parser not in ("server", *FORMATS):
            raise UserError(
                f"no tool parser {tool_parser!r}",
                where=where,
                expected=", ".join(("server", *FORMATS)),
                nearest=nearest_name(tool_parser, ("server", *FORMATS)),
            )
        self._path = path
        self._api: Api = api
        self._settings = settings
        self._where = where
        self._keys = keys
        self._endpoints = endpoints
        self._think_tag = think_tag
        self._tool_parser = tool_parser
        self._price = Price.from_config(price, path, where)
        self._tokenizer_path = tokenizer_path
        self._encode: Callable[[str], int] | None = None
        self.spent = Spent()
        pace = Pace(query_per_second)
        rules = Patience(retry, timeout, patience, Backoff(backoff, max(backoff, 30.0)))
        self._callers = [Caller(one, keys, pace, rules, self.spent, where) for one in endpoints]

    def generate(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with a text, in order of completion."""
        return iter(Stream(requests, self._generate_one, self._window))

    def give_up_when(self, gone: Callable[[], str]) -> None:
        """Do not wait for a server of which the caller knows why it will not come back."""
        for caller in self._callers:
            caller.gone = gone

    def count_tokens(self, prompt: Prompt) -> int:
        """By the tokenizer that `tokenizer_path` names, else an estimate: 4 ASCII characters, or 1 other."""
        text = prompt if isinstance(prompt, str) else "\n".join(message.text for message in prompt)
        if self._tokenizer_path:
            if self._encode is None:
                self._encode = _encoder(self._tokenizer_path, self._where)
            return self._encode(text)
        plain = len(text.encode("ascii", "ignore"))
        return -(-plain // 4) + len(text) - plain

    # ------------------------------------------------------------------ one request
    def _window(self) -> int:
        limit = sum(endpoint.gate.limit for endpoint in self._endpoints)
        return limit + BACKLOG + limit // 4

    def _caller(self) -> tuple[Caller, Endpoint]:
        """The caller of the endpoint with the most room."""
        pairs = zip(self._callers, self._endpoints, strict=True)
        return min(pairs, key=lambda pair: pair[1].gate.active / pair[1].gate.limit)

    async def _generate_one(self, request: Request, stream: Stream) -> Answer:
        if self._api == "completions" and not isinstance(request.prompt, str):
            raise UserError("the completions API takes text, not messages", where=self._where)
        settings = self._settings
        caller, _ = self._caller()
        try:
            body = request_body(self._api, settings, request)
        except OSError as error:
            failure = Failure("bad_prompt", f"a part of the prompt cannot be read: {error}")
            return Answer(request.key, finish="error", error=failure)
        read = partial(read_reply, self._api, logprobs=settings.logprobs)
        try:
            reply, attempts, seconds = await caller.call(PATHS[self._api], body, stream, read)
        except Unanswered as unanswered:
            return self._failed(request, unanswered)
        return self._answered(request, reply, attempts, seconds)

    def _failed(self, request: Request, unanswered: Unanswered) -> Answer:
        self.spent.requests += 1
        self.spent.failed += 1
        extra = {"attempts": unanswered.attempts}
        return Answer(request.key, finish="error", error=unanswered.failure, extra=extra)

    def _answered(self, request: Request, reply: Reply, attempts: int, seconds: float) -> Answer:
        extra = dict(reply.extra)
        text, finish, reasoning, calls = reply.text, reply.finish, reply.reasoning, reply.tool_calls
        if self._think_tag and not reasoning:
            reasoning, text = split_thinking(text, self._think_tag)
        if request.sampling.stop:
            head = cut_at_stop(text, request.sampling.stop)
            if head is not None:
                text, finish = head, "stop"
        if request.tools:
            extra["tool_parser"] = self._tool_parser
            if self._tool_parser != "server":
                text, calls = self._parse_tools(text, request, extra)
                finish = "tool_calls" if calls and finish == "stop" else finish
        if attempts > 1:
            extra["attempts"] = attempts
        self._account(reply, extra)
        return Answer(
            request.key,
            text,
            finish=finish,
            tool_calls=calls,
            reasoning=reasoning,
            prompt_tokens=reply.prompt_tokens,
            output_tokens=reply.output_tokens,
            seconds=seconds,
            extra=extra,
        )

    def _parse_tools(
        self, text: str, request: Request, extra: dict[str, Any]
    ) -> tuple[str, tuple[ToolCall, ...]]:
        content, calls, problems = parse_tool_calls(self._tool_parser, text, request.tools)
        extra["raw_text"] = text
        if problems:
            extra["tool_problems"] = list(problems)
        return content, calls

    def _account(self, reply: Reply, extra: dict[str, Any]) -> None:
        spent = self.spent
        cached = int(reply.extra.get("cached_tokens") or 0)
        spent.requests += 1
        spent.prompt_tokens += reply.prompt_tokens
        spent.output_tokens += reply.output_tokens
        spent.cached_tokens += cached
        if self._price != Price():
            extra["cost"] = self._price.of(reply.prompt_tokens, reply.output_tokens, cached)
        spent.cost += float(extra.get("cost") or 0.0)

    def _details(self) -> dict[str, Any]:
        """What facts tell besides the engine: the API, and what was spent so far."""
        details: dict[str, Any] = {"path": self._path, "api": self._api, "tool_parser": self._tool_parser}
        if self.spent.requests:
            details["spent"] = asdict(self.spent)
            details["concurrency"] = [endpoint.gate.limit for endpoint in self._endpoints]
        return details


def split_thinking(text: str, tag: str) -> tuple[str, str]:
    """The reasoning before a closing tag and the answer behind it; an opened one that never closes is all
    reasoning."""
    opening = tag.replace("/", "", 1)
    before, found, after = text.partition(tag)
    if found:
        return before.replace(opening, "", 1).strip(), after.lstrip("\n")
    if opening != tag and text.lstrip().startswith(opening):
        return text.replace(opening, "", 1).strip(), ""
    return "", text


def _encoder(path: str, where: str) -> Callable[[str], int]:
    from tokenizers import Tokenizer

    file = Path(path)
    if file.is_dir():
        file = file / "tokenizer.json"
    if file.suffix == ".json" and not file.is_file():
        raise UserError(f"no tokenizer at {file}", where=where, expected="a tokenizer.json or its folder")
    tokenizer = Tokenizer.from_file(str(file)) if file.is_file() else Tokenizer.from_pretrained(path)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


async def gather(coroutines: Sequence[Any]) -> list[Any]:
    """Wait for all; when one fails the others are cancelled, not left behind."""
    tasks = [asyncio.ensure_future(one) for one in coroutines]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
