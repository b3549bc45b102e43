"""One call with all its attempts: which key, when, how often, and what to make of each failure.

The rules, in one place. What is transient is tried again, spread and ever more slowly, at most `retry` times.
A refusal for load narrows the gate that all callers of the endpoint share, is honoured for as long as the
server asks, and ends only with the request's `patience`. A server that was there and is gone is waited for as
long, by all requests together, and then fails the model; one that never was there does so after `retry`. What
no attempt can heal fails at once: the single request or, when nothing can succeed, the model in one line.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from evalsuite.errors import UserError
from evalsuite.models.background_loop import Stream
from evalsuite.models.http_client import HttpClient, HttpError, Response
from evalsuite.models.http_proxy import proxy_for, split_url
from evalsuite.models.limits import Backoff, Gate, Pace
from evalsuite.models.openai_errors import (
    Verdict,
    error_in,
    error_of,
    judge,
    judge_http_error,
    judge_response,
)
from evalsuite.models.openai_keys import KeyRing
from evalsuite.models.openai_stream import assemble
from evalsuite.models.openai_wire import CallFailed
from evalsuite.types import Failure

T = TypeVar("T")


class Unanswered(Exception):
    """A request that stays without an answer, and why."""

    def __init__(self, failure: Failure, attempts: int) -> None:
        self.failure = failure
        self.attempts = attempts
        super().__init__(failure.message)


class Endpoint(Protocol):
    """Where calls go: a server spoken to directly, or a library that speaks to it."""

    gate: Gate

    async def send(self, path: str, body: Mapping[str, Any], key: str, timeout: float) -> dict[str, Any]:
        """One attempt: the reply's JSON object, or `CallFailed`."""

    @property
    def reached(self) -> bool:
        """Whether there was ever a connection."""


class HttpEndpoint:
    """One server, by its base URL: its connections, its gate and its paths."""

    def __init__(
        self,
        base_url: str,
        gate: Gate,
        *,
        proxy: str = "",
        verify: bool | str = True,
        headers: Mapping[str, str] | None = None,
        key_header: str = "Authorization",
        where: str = "",
    ) -> None:
        self.gate = gate
        self._headers = dict(headers or {})
        self._key_header = key_header
        base, mark, query = base_url.partition("?")
        self._query = mark + query
        address, self._prefix = split_url(base, where)
        self._client = HttpClient(address, proxy=proxy_for(address, proxy, where), verify=verify)

    @property
    def reached(self) -> bool:
        """Whether there was ever a connection."""
        return self._client.reached

    async def send(self, path: str, body: Mapping[str, Any], key: str, timeout: float) -> dict[str, Any]:
        """POST a JSON object, get one back."""
        response = await self._call("POST", path, json.dumps(body).encode("ascii"), key, timeout)
        if response.status != 200:
            raise CallFailed(judge_response(response))
        return _decode(response)

    async def get(self, path: str, key: str, timeout: float) -> Response:
        """GET a path, whatever its status."""
        return await self._call("GET", path, b"", key, timeout)

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()

    async def _call(self, method: str, path: str, body: bytes, key: str, timeout: float) -> Response:
        headers = {"Accept": "application/json", "User-Agent": "evalsuite", **self._headers}
        if body:
            headers["Content-Type"] = "application/json"
        if key:
            bearer = "Bearer " if self._key_header == "Authorization" else ""
            headers[self._key_header] = bearer + key
        try:
            return await self._client.call(method, self._prefix + path + self._query, headers, body, timeout)
        except HttpError as error:
            raise CallFailed(judge_http_error(error)) from None


_gates: dict[tuple[int, str], Gate] = {}


def shared_gate(endpoint: str, start: int, ceiling: int) -> Gate:
    """The gate of an endpoint: one per process, whoever asks."""
    gate = _gates.get((os.getpid(), endpoint))
    if gate is None:
        gate = _gates[os.getpid(), endpoint] = Gate(start, ceiling)
    else:
        gate.widen(start, ceiling)
    return gate


@dataclass
class Spent:
    """What a model has used so far."""

    requests: int = 0
    attempts: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Patience:
    """How long and how often a request is tried."""

    retry: int = 8
    timeout: float = 600.0
    patience: float = 1800.0
    backoff: Backoff = field(default_factory=Backoff)


@dataclass
class _Tries:
    """What one request has been through so far."""

    give_up: float = 0.0
    key: str = ""
    attempts: int = 0
    failures: int = 0
    refusals: int = 0
    adapted: set[str] = field(default_factory=set)


class Caller:
    """Makes calls for one model at one endpoint."""

    def __init__(
        self, endpoint: Endpoint, keys: KeyRing, pace: Pace, patience: Patience, spent: Spent, where: str
    ) -> None:
        self._endpoint = endpoint
        self._keys = keys
        self._pace = pace
        self._patience = patience
        self.gone: Callable[[], str] = lambda: ""
        self._spent = spent
        self._where = where
        self._succeeded = False
        self._rename = False
        self._down_since: float | None = None

    async def call(
        self, path: str, body: dict[str, Any], stream: Stream, read: Callable[[dict[str, Any]], T]
    ) -> tuple[T, int, float]:
        """What `read` makes of the reply, the number of attempts, and the seconds of the last."""
        tries = _Tries()
        while True:
            done = await self._attempt(path, body, read, tries)
            if not isinstance(done, Verdict):
                return done[0], tries.attempts, done[1]
            wait = self._wait_before_next(done, body, tries)
            if wait and (done.retry_after or done.remedy in ("down", "rest")):
                await asyncio.sleep(
                    wait
                )  # it is the endpoint that wants rest: this keeps a place in the stream
            elif wait:
                await stream.sleep(wait)

    async def _attempt(
        self, path: str, body: dict[str, Any], read: Callable[[dict[str, Any]], T], tries: _Tries
    ) -> tuple[T, float] | Verdict:
        """One place at the gate, one key, one exchange. The time-out begins when all queues are behind us."""
        now = asyncio.get_running_loop().time
        gate = self._endpoint.gate
        epoch = await gate.enter()
        try:
            tries.key, resting = self._keys.next(now())
            if resting:
                return Verdict("rate_limit", f"every key rests for {resting:.0f} s", "rest", resting)
            await self._pace.wait()
            if not self._keys.usable(tries.key, now()):
                return Verdict("rate_limit", "the key was put to rest", "rest")
            if self._rename and "max_tokens" in body:
                body["max_completion_tokens"] = body.pop("max_tokens")
            tries.attempts += 1
            self._spent.attempts += 1
            started = now()
            data = await self._endpoint.send(path, body, tries.key, self._patience.timeout)
            result = read(data)
            gate.succeeded(epoch)
            self._keys.accepted(tries.key)
            self._succeeded = True
            self._down_since = None
            return result, now() - started
        except CallFailed as failed:
            verdict = failed.verdict
            if verdict.remedy == "wait" or verdict.kind == "timeout":
                gate.overloaded(epoch)
            if verdict.remedy != "down":
                self._down_since = None
            elif self._down_since is None:
                self._down_since = now()
            self._spent.reasons[verdict.kind] = self._spent.reasons.get(verdict.kind, 0) + 1
            return verdict
        finally:
            gate.leave()

    # ------------------------------------------------------------------ remedies
    def _wait_before_next(self, verdict: Verdict, body: dict[str, Any], tries: _Tries) -> float:
        """How long to wait before the next attempt; raises when there is to be none."""
        now = asyncio.get_running_loop().time()
        backoff = self._patience.backoff
        tries.give_up = tries.give_up or now + self._patience.patience
        if verdict.remedy == "rest":
            if not self._bearable(verdict):
                raise self._left_alone(verdict)
            wait = backoff.seconds(1, verdict.retry_after) if verdict.retry_after else 0.0
            if now + wait < tries.give_up:
                return wait
        elif verdict.remedy in ("shrink", "rename"):
            if self._adapt(body, verdict, tries):
                return 0.0
        elif verdict.remedy == "key":
            if self._other_key(tries.key, verdict):
                return 0.0
        elif verdict.remedy == "wait":
            return self._wait_for_rest(verdict, tries, now)
        elif verdict.remedy == "down":
            tries.refusals += 1
            wait = backoff.seconds(tries.refusals)
            over = (now if self._down_since is None else self._down_since) + self._patience.patience
            gone = self.gone()
            if not gone and (
                tries.refusals <= self._patience.retry or (self._endpoint.reached and now + wait < over)
            ):
                return wait
            raise UserError(self._keys.redact(gone or verdict.message), where=self._where)
        elif verdict.remedy == "retry":
            tries.failures += 1
            wished = verdict.retry_after if self._bearable(verdict) else None
            if tries.failures <= self._patience.retry:
                return backoff.seconds(tries.failures, wished)
        raise self._final(verdict, tries.attempts)

    def _wait_for_rest(self, verdict: Verdict, tries: _Tries, now: float) -> float:
        """The wait that a refusal for load asks for.

        One that is longer than the patience may be a single machine's nonsense behind a balancer: it is tried
        like a failure. When it stays, nothing can be answered for hours, and the model says so in one line.
        """
        backoff = self._patience.backoff
        if verdict.retry_after and (len(self._keys) > 1 or self._bearable(verdict)):
            self._keys.rest(tries.key, now + verdict.retry_after)
            if not self._keys.next(now)[1]:
                return 0.0  # another key may go on
        if not self._bearable(verdict):
            tries.failures += 1
            if tries.failures <= self._patience.retry:
                return backoff.seconds(tries.failures)
            raise self._left_alone(verdict)
        tries.refusals += 1
        wait = backoff.seconds(tries.refusals, verdict.retry_after)
        if now + wait < tries.give_up:
            return wait
        raise self._final(verdict, tries.attempts)

    def _left_alone(self, verdict: Verdict) -> UserError:
        said = self._keys.redact(verdict.message)
        return UserError(
            f"the server wants to be left alone for {verdict.retry_after or 0:.0f} s ({said})",
            where=self._where,
            expected=f"less than patience={self._patience.patience:g}; going on later repeats no answer",
        )

    def _bearable(self, verdict: Verdict) -> bool:
        """Whether the wait that the server asks for lies within the patience."""
        return not verdict.retry_after or verdict.retry_after < self._patience.patience

    def _adapt(self, body: dict[str, Any], verdict: Verdict, tries: _Tries) -> bool:
        """Change what the server told us to change, if that is ours to change and was not done yet."""
        if verdict.remedy in tries.adapted:
            return False
        tries.adapted.add(verdict.remedy)
        if verdict.remedy == "rename":
            self._rename = True
            return "max_tokens" in body
        name = "max_tokens" if "max_tokens" in body else "max_completion_tokens"
        if not 0 < verdict.room < body.get(name, 0):
            return False
        body[name] = verdict.room
        return True

    def _other_key(self, key: str, verdict: Verdict) -> bool:
        """Whether a refused key leaves another to try; the last one takes the model with it."""
        if verdict.kind == "forbidden" and self._keys.is_proven(key):
            return False  # the key is good: it is this request that may not pass
        if self._keys.drop(key):
            return True
        said = self._keys.redact(verdict.message)
        if not key and verdict.kind == "key":
            raise UserError(
                f"the server wants a key ({said})",
                where=self._where,
                expected="key='ENV:NAME' or key='file:PATH'",
            )
        words = {"quota": "no quota is left", "forbidden": "access is refused"}.get(
            verdict.kind, "the key is refused"
        )
        raise UserError(f"{words} ({said})", where=self._where)

    def _final(self, verdict: Verdict, attempts: int) -> Exception:
        """The end of a request, or of the model when nothing has ever succeeded and nothing can."""
        message = self._keys.redact(verdict.message)
        if (verdict.remedy == "model" or verdict.kind == "web_page") and not self._succeeded:
            return UserError(message, where=self._where)
        if attempts > 1:
            message = f"{message} (attempt {attempts})"
        transient = verdict.remedy in ("retry", "wait")
        return Unanswered(Failure(verdict.kind, message, transient), attempts)


def _decode(response: Response) -> dict[str, Any]:
    """The JSON object in a response of status 200; anything else in its place is a failed attempt."""
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        return assemble(response.body)
    try:
        data = json.loads(response.body)
    except ValueError as error:
        if response.body[:200].lstrip()[:1] == b"<":
            page = error_in(response.body)[0]
            raise CallFailed(Verdict("web_page", f"status 200 with a web page ({page})", "retry")) from None
        size = len(response.body)
        message = f"status 200 with a body of {size} bytes that is no JSON ({error})"
        raise CallFailed(Verdict("bad_response", message, "retry")) from None
    if not isinstance(data, dict):
        raise CallFailed(Verdict("bad_response", f"status 200 with a JSON {type(data).__name__}", "retry"))
    if data.get("error") and not data.get("choices") and not data.get("output"):
        message, code, param = error_of(data)
        status = int(code) if code.isdigit() and 400 <= int(code) < 600 else 500
        raise CallFailed(judge(status, f"{message} (under status 200)", code, param, response.headers))
    return data
