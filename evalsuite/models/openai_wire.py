"""The three wire formats of OpenAI-compatible servers: how a request is written and how a reply is read.

Pure functions over plain data. Servers differ in what they leave out, so a reply is read strictly where a
score rests on it (the text, its finish reason) and leniently elsewhere.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from evalsuite.errors import UserError
from evalsuite.models.openai_errors import Verdict
from evalsuite.types import AudioPart, Finish, ImagePart, Message, Part, Request, TextPart, Tool, ToolCall

Api = Literal["chat", "completions", "responses"]
PATHS: Mapping[Api, str] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "responses": "/responses",
}
FINISHES: Mapping[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
MEDIA = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
}


class CallFailed(Exception):
    """One attempt brought no usable answer; the verdict says what that means."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__(verdict.message)


@dataclass(frozen=True)
class Settings:
    """What a model's config adds to each request it sends. `goes_on`: the server can be asked to go on with a
    last message of the assistant in place of answering it.
    """

    model: str
    temperature: float | None = None
    max_tokens_name: str = "max_tokens"
    logprobs: bool = False
    top_logprobs: int = 0
    stream: bool = False
    tool_choice: str = ""
    goes_on: bool = False
    extra_body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What a server said, in our words; `extra` has what only some servers tell."""

    text: str
    finish: Finish
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    prompt_tokens: int = 0
    output_tokens: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


# --------------------------------------------------------------------------- requests
def request_body(api: Api, settings: Settings, request: Request) -> dict[str, Any]:
    """The JSON body that asks for one text."""
    sampling = request.sampling
    temperature = sampling.temperature if settings.temperature is None else settings.temperature
    body: dict[str, Any] = {"model": settings.model}
    if api == "completions":
        if not isinstance(request.prompt, str):
            raise TypeError("the completions API takes text, not messages")
        body["prompt"] = request.prompt
    elif api == "chat":
        messages = _messages(request)
        body["messages"] = [_chat_message(message) for message in messages]
        if settings.goes_on and messages and messages[-1].role == "assistant":
            body["add_generation_prompt"], body["continue_final_message"] = False, True
    else:
        body["input"] = [item for message in _messages(request) for item in _responses_items(message)]
        body["store"] = False
    body["max_output_tokens" if api == "responses" else settings.max_tokens_name] = sampling.max_out_len
    body["temperature"] = temperature
    if sampling.top_p != 1.0:
        body["top_p"] = sampling.top_p
    if sampling.top_k:
        body["top_k"] = sampling.top_k
    if sampling.repetition_penalty != 1.0:
        body["repetition_penalty"] = sampling.repetition_penalty
    if sampling.min_out_len:
        body["min_tokens"] = sampling.min_out_len
    if api != "responses":
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if temperature:
            body["seed"] = request.repeat if sampling.seed is None else sampling.seed
    if request.tools and api != "completions":
        body["tools"] = [_tool(api, tool) for tool in request.tools]
        if settings.tool_choice:
            body["tool_choice"] = settings.tool_choice
    _ask_for_logprobs(api, settings, body)
    if settings.stream and api != "responses":
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    body.update(settings.extra_body)
    body.update(sampling.extra)
    if body.get("n", 1) != 1:
        raise UserError("a request for several choices", where="n", expected="num_repeats in the dataset")
    return body


def _ask_for_logprobs(api: Api, settings: Settings, body: dict[str, Any]) -> None:
    if not settings.logprobs:
        return
    if api == "completions":
        body["logprobs"] = settings.top_logprobs
    elif api == "chat":
        body["logprobs"] = True
        if settings.top_logprobs:
            body["top_logprobs"] = settings.top_logprobs
    else:
        body["include"] = ["message.output_text.logprobs"]
        if settings.top_logprobs:
            body["top_logprobs"] = settings.top_logprobs


def _messages(request: Request) -> tuple[Message, ...]:
    if isinstance(request.prompt, str):
        return (Message("user", request.prompt),)
    return request.prompt


def _chat_message(message: Message) -> dict[str, Any]:
    content: Any = message.content
    if not isinstance(content, str):
        content = [_chat_part(part) for part in content]
    turn: dict[str, Any] = {"role": message.role, "content": content}
    if message.tool_calls:
        turn["tool_calls"] = [
            {
                "id": call.id or f"call_{number}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
            }
            for number, call in enumerate(message.tool_calls)
        ]
    if message.tool_call_id:
        turn["tool_call_id"] = message.tool_call_id
    return turn


def _chat_part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, ImagePart):
        return {"type": "image_url", "image_url": {"url": data_uri(part.source), **part.options}}
    return {"type": "input_audio", "input_audio": _audio(part)}


def _responses_items(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [{"type": "function_call_output", "call_id": message.tool_call_id, "output": message.text}]
    items: list[dict[str, Any]] = []
    if message.content or not message.tool_calls:
        content: Any = message.content
        if not isinstance(content, str):
            content = [_responses_part(part) for part in content]
        items.append({"role": message.role, "content": content})
    for number, call in enumerate(message.tool_calls):
        arguments = json.dumps(dict(call.arguments))
        call_id = call.id or f"call_{number}"
        items.append({"type": "function_call", "call_id": call_id, "name": call.name, "arguments": arguments})
    return items


def _responses_part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, ImagePart):
        return {"type": "input_image", "image_url": data_uri(part.source), **part.options}
    return {"type": "input_audio", "input_audio": _audio(part)}


def _audio(part: AudioPart) -> dict[str, Any]:
    head, _, data = data_uri(part.source).partition(";base64,")
    form = head.rpartition("/")[2]
    return {"data": data, "format": "mp3" if form == "mpeg" else form, **part.options}


def _tool(api: Api, tool: Tool) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters) or {"type": "object", "properties": {}},
    }
    return (
        {"type": "function", **function} if api == "responses" else {"type": "function", "function": function}
    )


def data_uri(source: str) -> str:
    """A file as a data URI, so that a server needs no access to it; a URL or a data URI stays as it is."""
    if source.startswith(("data:", "http://", "https://")):
        return source
    path = Path(source.removeprefix("file://"))
    media = MEDIA.get(path.suffix.lower(), "application/octet-stream")
    return f"data:{media};base64,{b64encode(path.read_bytes()).decode('ascii')}"


# --------------------------------------------------------------------------- replies
def read_reply(api: Api, data: Mapping[str, Any], *, logprobs: bool = False) -> Reply:
    """A reply in our words, or `CallFailed` when there is no answer in it."""
    try:
        if api == "responses":
            return _checked(_read_responses(data), logprobs)
        choices = data.get("choices")
        if not isinstance(choices, list) or not choices:
            raise _unusable("the reply has no choices, though one was asked for")
        choice = choices[0]
        if choice.get("finish_reason") == "error":
            raise _unusable(f"the reply ended in an error: {choice.get('error') or 'no word why'}")
        reply = _read_chat(choice) if api == "chat" else _read_completion(choice)
        extra = {**_checked(reply, logprobs).extra, **_usage_extra(data)}
        usage = data.get("usage") or {}
        return Reply(
            reply.text,
            reply.finish,
            reply.reasoning,
            reply.tool_calls,
            int(usage.get("prompt_tokens") or 0),
            int(usage.get("completion_tokens") or 0),
            extra,
        )
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise _unusable(f"the reply has an unknown shape ({type(error).__name__}: {error})") from None


def _checked(reply: Reply, logprobs: bool) -> Reply:
    """A server that leaves out what was asked for has not answered."""
    if logprobs and "logprobs" not in reply.extra:
        raise CallFailed(Verdict("ignored", "the server ignored the wish for logprobs", "none"))
    return reply


def _read_chat(choice: Mapping[str, Any]) -> Reply:
    message = choice["message"]
    extra: dict[str, Any] = {}
    calls, problems = _read_calls(
        (call["function"]["name"], call["function"].get("arguments"), call.get("id"))
        for call in message.get("tool_calls") or ()
    )
    if problems:
        extra["tool_problems"] = problems
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text") or "" for part in content if part.get("type") in ("text", None))
    if message.get("refusal"):
        extra["refusal"] = message["refusal"]
    if choice.get("stop_reason") is not None:
        extra["stop_reason"] = choice["stop_reason"]
    entries = (choice.get("logprobs") or {}).get("content")
    if entries is not None:
        extra["logprobs"] = [_entry(entry) for entry in entries]
    finish = FINISHES.get(choice.get("finish_reason") or "", "unknown")
    if calls and finish in ("stop", "unknown"):
        finish = "tool_calls"
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    return Reply(content or "", finish, str(reasoning), calls, extra=extra)


def _read_completion(choice: Mapping[str, Any]) -> Reply:
    extra: dict[str, Any] = {}
    logprobs = choice.get("logprobs")
    if logprobs:
        pairs = zip(logprobs["tokens"], logprobs["token_logprobs"], strict=True)
        extra["logprobs"] = [{"token": token, "logprob": value} for token, value in pairs]
        for entry, top in zip(extra["logprobs"], logprobs.get("top_logprobs") or (), strict=False):
            entry["top"] = top
    if choice.get("stop_reason") is not None:
        extra["stop_reason"] = choice["stop_reason"]
    finish = FINISHES.get(choice.get("finish_reason") or "", "unknown")
    return Reply(choice.get("text") or "", finish, extra=extra)


def _read_responses(data: Mapping[str, Any]) -> Reply:
    status = data.get("status", "completed")
    if status not in ("completed", "incomplete"):
        said = (data.get("error") or {}).get("message") or "no message"
        raise _unusable(f"the response's status is {status}: {said}")
    text, reasoning, raw_calls = "", "", []
    entries: list[Any] = []
    for item in data["output"]:
        kind = item.get("type")
        if kind == "message":
            said = [part for part in item["content"] if part["type"] == "output_text"]
            text += "".join(part.get("text") or "" for part in said)
            entries += [_entry(entry) for part in said for entry in part.get("logprobs") or ()]
        elif kind == "reasoning":
            parts = item.get("content") or item.get("summary") or ()
            reasoning += "\n".join(part.get("text") or "" for part in parts)
        elif kind == "function_call":
            raw_calls.append((item["name"], item.get("arguments"), item.get("call_id")))
    calls, problems = _read_calls(raw_calls)
    finish: Finish = "tool_calls" if calls else "stop"
    if status == "incomplete":
        reason = (data.get("incomplete_details") or {}).get("reason") or ""
        finish = FINISHES.get(reason, "unknown")
    usage = data.get("usage") or {}
    extra = _usage_extra(data)
    if problems:
        extra["tool_problems"] = problems
    if entries:
        extra["logprobs"] = entries
    return Reply(
        text,
        finish,
        reasoning,
        calls,
        int(usage.get("input_tokens") or 0),
        int(usage.get("output_tokens") or 0),
        extra,
    )


def _read_calls(raw: Any) -> tuple[tuple[ToolCall, ...], list[str]]:
    """Tool calls with their arguments parsed; what cannot be parsed is kept as told, and counted."""
    calls, problems = [], []
    for name, arguments, call_id in raw:
        if isinstance(arguments, str):
            try:
                parsed = json.loads(arguments) if arguments.strip() else {}
            except ValueError:
                parsed = None
        else:
            parsed = arguments or {}
        if not isinstance(parsed, dict):
            problems.append(f"the arguments of {name} are no JSON object: {str(arguments)[:200]}")
            parsed = {}
        calls.append(ToolCall(str(name), parsed, str(call_id or "")))
    return tuple(calls), problems


def _usage_extra(data: Mapping[str, Any]) -> dict[str, Any]:
    """What decides or tells the cost, and the fingerprint of what answered, where the server tells them."""
    usage = data.get("usage") or {}
    prompt = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    output = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    found = {
        "cached_tokens": prompt.get("cached_tokens"),
        "reasoning_tokens": output.get("reasoning_tokens"),
        "system_fingerprint": data.get("system_fingerprint"),
        "cost": usage.get("cost") or data.get("response_cost"),
    }
    return {name: value for name, value in found.items() if value}


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"token": entry["token"], "logprob": entry["logprob"]}
    if entry.get("top_logprobs"):
        kept["top"] = {top["token"]: top["logprob"] for top in entry["top_logprobs"]}
    return kept


def cut_at_stop(text: str, stops: Sequence[str]) -> str | None:
    """The text before the first stop string, or None when it has none: some servers ignore the wish."""
    places = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return text[: min(places)] if places else None


def _unusable(message: str) -> CallFailed:
    return CallFailed(Verdict("bad_response", message, "retry"))
