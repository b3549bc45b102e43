"""What a failed call means: for the request, the key, or the whole model; and whether to try again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evalsuite.models.http_client import HttpError, Response

Remedy = Literal["retry", "wait", "down", "rest", "shrink", "rename", "key", "model", "none"]
MESSAGE_CHARS = 300
LONGEST_RETRY_AFTER = 3600.0

OVERFLOW = re.compile(
    r"context[_ ]length|context window|maximum (model |input )?length|max_model_len|too many (input )?tokens"
    r"|(prompt|input) is too long|longer than the (maximum|context)"
    r"|exceeds? (the )?(model'?s )?(maximum|context)",
    re.IGNORECASE,
)
WINDOW = re.compile(r"maximum (?:context|model) length (?:is|of) (\d+)", re.IGNORECASE)
PROMPT_LENGTH = re.compile(
    r"(\d+) (?:tokens )?in the (?:messages|prompt|input)"
    r"|(?:has|contains?|with) (?:at least )?(\d+) (?:input|prompt) tokens",
    re.IGNORECASE,
)
QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "account_deactivated", "billing_not_active")
LOAD = (429, 503, 529)


@dataclass(frozen=True)
class Verdict:
    """One failed attempt, judged.

    `remedy`: 'retry' (transient), 'wait' (refused for load: leave the endpoint alone for `retry_after`),
    'down' (nobody listens), 'rest' (no key may be used at present), 'shrink' (ask for at most `room`
    tokens), 'rename' (call max_tokens by its other name), 'key' (this key is refused), 'model' (no request
    can succeed), 'none' (this request cannot).
    """

    kind: str
    message: str
    remedy: Remedy
    retry_after: float | None = None
    room: int = 0


def judge_http_error(error: HttpError) -> Verdict:
    """A call that brought no whole response: all but a distrusted certificate may heal."""
    kind = {"timeout": "timeout", "malformed": "bad_response"}.get(error.kind, "connection")
    remedies: dict[str, Remedy] = {"tls": "model", "connect": "down"}
    return Verdict(kind, str(error), remedies.get(error.kind, "retry"))


def judge_response(response: Response) -> Verdict:
    """A response whose status is not 200, or whose body carries an error in place of an answer."""
    return judge(response.status, *error_in(response.body), response.headers)


def judge(status: int, message: str, code: str, param: str, headers: Mapping[str, str]) -> Verdict:
    """What a status, an error message and an error code mean together; servers agree on none of the three."""
    said = f"HTTP {status}: {message or 'no message'}"
    if code in QUOTA:
        return Verdict("quota", said, "key")
    if status in LOAD:
        kind = "rate_limit" if status == 429 else "overloaded"
        return Verdict(kind, said, "wait", retry_after(headers))
    if status == 401:
        return Verdict("key", said, "key")
    if status == 403:
        return Verdict("forbidden", said, "key")
    if status in (404, 405):
        return Verdict("not_found", said, "model")
    if status == 402:
        return Verdict("quota", said, "key")
    if status in (408, 409, 425) or status >= 500:
        return Verdict("server", said, "retry", retry_after(headers))
    if 300 <= status < 400:
        where = headers.get("location", "nowhere")
        return Verdict("redirect", f"HTTP {status}: the server sends its callers on to {where}", "model")
    if status in (400, 413, 422):
        return _judge_bad_request(said, message, code, param)
    return Verdict("refused", said, "none")


def _judge_bad_request(said: str, message: str, code: str, param: str) -> Verdict:
    if "max_completion_tokens" in message and (
        param == "max_tokens" or "'max_tokens' is not supported" in message
    ):
        return Verdict("refused", said, "rename")
    if code == "context_length_exceeded" or said.startswith("HTTP 413") or OVERFLOW.search(message):
        window, prompt = WINDOW.search(message), PROMPT_LENGTH.search(message)
        room = int(window[1]) - int(prompt[1] or prompt[2]) if window and prompt else 0
        return Verdict("too_long", said, "shrink" if room > 0 else "none", room=room)
    if code in ("content_filter", "content_policy_violation"):
        return Verdict("content_filter", said, "none")
    if code in ("invalid_api_key", "invalid_request_key"):
        return Verdict("key", said, "key")
    return Verdict("refused", said, "none")


def error_in(body: bytes) -> tuple[str, str, str]:
    """The message, code and parameter that an error body names, in any of the usual shapes."""
    text = body.decode("utf-8", "replace").strip()
    try:
        data = json.loads(text) if text else {}
    except ValueError:
        return _short(re.sub(r"<[^>]*>|\s+", " ", text)), "", ""
    return error_of(data)


def error_of(data: Any) -> tuple[str, str, str]:
    """Like `error_in`, for a body that was already read."""
    if not isinstance(data, dict):
        return _short(str(data)), "", ""
    error = data.get("error", data)
    if not isinstance(error, dict):
        return _short(str(error)), str(data.get("code") or ""), ""
    message = error.get("message") or error.get("detail") or error.get("msg") or data.get("message") or ""
    if not isinstance(message, str):
        message = json.dumps(message)
    code = error.get("code") or error.get("type") or ""
    return _short(message), str(code), str(error.get("param") or "")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """How long the server wants to be left alone: seconds, milliseconds or a date."""
    value = headers.get("retry-after-ms", "")
    if value.isdigit():
        return min(int(value) / 1000, LONGEST_RETRY_AFTER)
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER) if seconds == seconds else None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MESSAGE_CHARS else f"{text[: MESSAGE_CHARS - 3]}..."
