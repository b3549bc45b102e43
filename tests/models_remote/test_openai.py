"""OpenAI-compatible models: what is sent, how replies are read, and what each failure means."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from storm_server import Storm, StormServer

from evalsuite.errors import UserError
from evalsuite.models.openai import OpenAICompletionsModel, OpenAIModel, plain_base
from evalsuite.models.openai_errors import error_in, judge, retry_after
from evalsuite.models.openai_keys import KeyRing
from evalsuite.types import (
    Answer,
    AudioPart,
    ImagePart,
    Message,
    Request,
    Sampling,
    TextPart,
    Tool,
    ToolCall,
)

HI = (Message("user", "hi"),)
Reply = Callable[..., Any]


def one(
    server: StormServer,
    request: Request | None = None,
    kind: type[OpenAIModel] = OpenAIModel,
    **options: Any,
) -> Answer:
    settings: dict[str, Any] = {"key": "EMPTY", "retry": 2, "backoff": 0.01, "timeout": 5.0, **options}
    (answer,) = kind("m", base_url=server.url, **settings).generate([request or Request("k", HI)])
    return answer


def replying(*replies: Any) -> Reply:
    """A handler that gives these in turn, the last one for ever: a body, or (status, headers, body)."""
    left = list(replies)

    def handler(*_: Any) -> Any:
        reply = left.pop(0) if len(left) > 1 else left[0]
        return reply if isinstance(reply, tuple) or reply is None else (200, {}, reply)

    return handler


def chat(content: Any = "hi", finish: str = "stop", **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": finish, "message": {"content": content, **message}}
    return {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}


def error(
    status: int, message: str, code: str = "", headers: dict[str, str] | None = None, **more: Any
) -> Any:
    return status, headers or {}, {"error": {"message": message, "code": code, **more}}


# --------------------------------------------------------------------------- what is sent
def test_sampling_goes_over_the_wire_and_defaults_stay_at_home() -> None:
    sampling = Sampling(max_out_len=9, temperature=0.5, top_p=0.9, stop=("\n\n",), extra={"min_p": 0.1})
    with StormServer() as server:
        one(server, Request("k", HI, sampling, repeat=3), extra_body={"chat_template_kwargs": {"x": 1}})
        assert server.seen.last_body == {
            "model": "m",
            "messages": [{"role": "user", "content": "hi"}],
            "max_tokens": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "stop": ["\n\n"],
            "seed": 3,
            "chat_template_kwargs": {"x": 1},
            "min_p": 0.1,
        }
        one(
            server,
            Request("k", HI, Sampling(top_k=5, repetition_penalty=1.1, min_out_len=2)),
            temperature=1.0,
        )
        body = server.seen.last_body
        assert (body["top_k"], body["repetition_penalty"], body["min_tokens"]) == (5, 1.1, 2)
        assert body["temperature"] == 1.0
        one(server)
        assert set(server.seen.last_body) == {"model", "messages", "max_tokens", "temperature"}


def test_a_turn_that_was_begun_is_gone_on_with_where_the_server_can() -> None:
    begun = (*HI, Message("assistant", "```python\n"))
    with StormServer() as server:
        one(server, Request("k", begun), continue_final_message=True)
        body = server.seen.last_body
        assert (body["add_generation_prompt"], body["continue_final_message"]) == (False, True)
        assert body["messages"][-1] == {"role": "assistant", "content": "```python\n"}
        for messages, going_on in ((begun, False), (HI, True)):
            one(server, Request("k", messages), continue_final_message=going_on)
            assert "continue_final_message" not in server.seen.last_body


def test_the_three_apis_are_called_at_their_paths() -> None:
    with StormServer() as server:
        assert one(server).text == "hi"
        assert one(server, api="responses").text == "hi"
        assert server.seen.last_body["input"] == [{"role": "user", "content": "hi"}]
        assert server.seen.last_body["max_output_tokens"] == 512
        assert one(server, Request("k", "plain"), OpenAICompletionsModel).text == "plain"
        assert server.seen.targets == {
            "/v1/chat/completions": 1,
            "/v1/responses": 1,
            "/v1/completions": 1,
        }
        with pytest.raises(UserError, match="takes text"):
            one(server, kind=OpenAICompletionsModel)
        with pytest.raises(UserError, match="OpenAICompletionsModel"):
            one(server, api="completions")


def test_parts_tools_and_tool_results(tmp_path: Path) -> None:
    image, sound = tmp_path / "a.png", tmp_path / "b.wav"
    image.write_bytes(b"png")
    sound.write_bytes(b"wav")
    parts = (TextPart("see"), ImagePart(str(image), {"detail": "low"}), ImagePart("https://x/y.jpg"))
    messages = (
        Message("user", (*parts, AudioPart(str(sound)))),
        Message("assistant", "", (ToolCall("add", {"a": 1}, "c1"),)),
        Message("tool", "2", tool_call_id="c1"),
        Message("user", "go"),
    )
    tools = (Tool("add", "adds", {"type": "object"}),)
    with StormServer() as server:
        one(server, Request("k", messages, tools=tools))
        body = server.seen.last_body
        assert body["messages"][0]["content"] == [
            {"type": "text", "text": "see"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "https://x/y.jpg"}},
            {"type": "input_audio", "input_audio": {"data": "d2F2", "format": "wav"}},
        ]
        call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
        assert body["messages"][1] == {"role": "assistant", "content": "", "tool_calls": [call]}
        assert body["messages"][2] == {"role": "tool", "content": "2", "tool_call_id": "c1"}
        function = {"name": "add", "description": "adds", "parameters": {"type": "object"}}
        assert body["tools"] == [{"type": "function", "function": function}]
        one(server, Request("k", messages, tools=tools), api="responses")
        body = server.seen.last_body
        assert body["tools"] == [{"type": "function", **function}]
        assert body["input"][1]["type"] == "function_call"
        assert body["input"][2] == {"type": "function_call_output", "call_id": "c1", "output": "2"}


def test_keys_of_older_configs() -> None:
    with StormServer() as server:
        one(server, openai_extra_kwargs={"a": 1}, extra_body={"b": 2}, verbose=True, rpm_verbose=True)
        assert (server.seen.last_body["a"], server.seen.last_body["b"]) == (1, 2)
    with pytest.raises(UserError, match="a prompt that is cut is another prompt"):
        OpenAIModel("m", mode="mid")  # type: ignore[arg-type]


def test_a_key_header_and_a_query_as_azure_has_them() -> None:
    with StormServer() as server:
        url = f"{server.url}/deployments/d/chat/completions?api-version=9"
        model = OpenAIModel("m", base_url=url, key="sk-azure", key_header="api-key")
        assert next(model.generate([Request("k", HI)])).error is None
        assert list(server.seen.targets or ()) == ["/v1/deployments/d/chat/completions?api-version=9"]
        assert server.seen.last_headers is not None
        assert server.seen.last_headers["api-key"] == "sk-azure"
        assert "authorization" not in server.seen.last_headers
    with pytest.raises(UserError, match="password in a server's URL") as caught:
        OpenAIModel("m", base_url="https://u:secret@h/v1")
    assert "secret" not in str(caught.value)


def test_several_choices_are_not_asked_for_behind_the_programs_back() -> None:
    with StormServer() as server, pytest.raises(UserError, match="num_repeats"):
        one(server, Request("k", HI, Sampling(extra={"n": 4})))


def test_a_missing_image_fails_its_request_alone() -> None:
    with StormServer() as server:
        answer = one(server, Request("k", (Message("user", (ImagePart("/nowhere.png"),)),)))
    assert answer.error is not None
    assert answer.error.kind == "bad_prompt"


def test_many_configs_carry_the_path_of_one_api_in_their_base() -> None:
    assert plain_base("https://h/v1/chat/completions") == "https://h/v1"
    assert plain_base("https://h/v1/") == "https://h/v1"


# --------------------------------------------------------------------------- what is read
def test_reasoning_is_kept_apart_from_the_answer() -> None:
    with StormServer(handler=replying(chat("4", reasoning_content="2+2"))) as server:
        assert (one(server).reasoning, one(server).text) == ("2+2", "4")
    with StormServer(handler=replying(chat("4", reasoning="2+2"))) as server:
        assert one(server).reasoning == "2+2"
    with StormServer(handler=replying(chat("<think>\n2+2\n</think>\n\n4"))) as server:
        answer = one(server, think_tag="</think>")
        assert (answer.reasoning, answer.text) == ("2+2", "4")
        assert one(server).text.startswith("<think>")
    with StormServer(handler=replying(chat("<think>\nfor ever", "length"))) as server:
        answer = one(server, think_tag="</think>")
        assert (answer.reasoning, answer.text, answer.finish) == ("for ever", "", "length")


@pytest.mark.parametrize(
    ("said", "meant"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("?", "unknown")],
)
def test_finish_reasons(said: str, meant: str) -> None:
    with StormServer(handler=replying(chat(finish=said))) as server:
        assert one(server).finish == meant


def test_a_stop_string_that_the_server_ignored_still_ends_the_text() -> None:
    with StormServer(handler=replying(chat("def f():\n\nprint", "length"))) as server:
        answer = one(server, Request("k", HI, Sampling(stop=("zz", "\n\n"))))
    assert (answer.text, answer.finish) == ("def f():", "stop")


def test_tokens_and_cost_are_accounted() -> None:
    reply = chat()
    reply["usage"]["prompt_tokens_details"] = {"cached_tokens": 5}
    with StormServer(handler=replying(reply)) as server:
        model = OpenAIModel(
            "m", base_url=server.url, key="EMPTY", price={"m": {"input": 1.0, "output": 10.0, "cached": 0.1}}
        )
        answers = list(model.generate([Request("a", HI), Request("b", HI)]))
        assert (answers[0].prompt_tokens, answers[0].output_tokens) == (7, 3)
        assert answers[0].extra["cost"] == pytest.approx((2 * 1.0 + 5 * 0.1 + 3 * 10.0) / 1e6)
        spent = model.facts().details["spent"]
        assert (spent["requests"], spent["attempts"], spent["prompt_tokens"]) == (2, 2, 14)
        assert spent["cost"] == pytest.approx(2 * answers[0].extra["cost"])


def test_a_price_table_without_the_model_is_told() -> None:
    with pytest.raises(UserError, match="did you mean 'gpt-5-mini'"):
        OpenAIModel("gpt-5-mni", price={"gpt-5-mini": {"input": 1, "output": 1}})


def test_logprobs_are_kept_and_their_absence_is_no_answer() -> None:
    reply = chat()
    top = [{"token": "hi", "logprob": -0.1}, {"token": "ho", "logprob": -3.0}]
    reply["choices"][0]["logprobs"] = {"content": [{"token": "hi", "logprob": -0.1, "top_logprobs": top}]}
    with StormServer(handler=replying(reply)) as server:
        answer = one(server, logprobs=True, top_logprobs=2)
        assert server.seen.last_body["top_logprobs"] == 2
        assert answer.extra["logprobs"] == [{"token": "hi", "logprob": -0.1, "top": {"hi": -0.1, "ho": -3.0}}]
    with StormServer() as server:
        answer = one(server, logprobs=True)
        assert answer.error is not None
        assert answer.error.kind == "ignored"


def test_server_parsed_tool_calls() -> None:
    calls = [
        {"id": "c1", "function": {"name": "add", "arguments": '{"a": 1}'}},
        {"id": "c2", "function": {"name": "add", "arguments": "{oops"}},
    ]
    with StormServer(handler=replying(chat(None, "tool_calls", tool_calls=calls))) as server:
        answer = one(server, Request("k", HI, tools=(Tool("add"),)))
    assert answer.tool_calls == (ToolCall("add", {"a": 1}, "c1"), ToolCall("add", {}, "c2"))
    assert (answer.finish, answer.text) == ("tool_calls", "")
    assert answer.extra["tool_parser"] == "server"
    assert "oops" in answer.extra["tool_problems"][0]


def test_client_parsed_tool_calls_say_so_and_keep_the_raw_text() -> None:
    said = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'
    with StormServer(handler=replying(chat(said))) as server:
        answer = one(server, Request("k", HI, tools=(Tool("add"),)), tool_parser="hermes")
        assert server.seen.last_body["tool_choice"] == "none"
    assert answer.tool_calls == (ToolCall("add", {"a": 1}, "call_0"),)
    assert (answer.finish, answer.text, answer.extra["raw_text"]) == ("tool_calls", "", said)
    assert answer.extra["tool_parser"] == "hermes"
    with pytest.raises(UserError, match="did you mean 'hermes'"):
        OpenAIModel("m", tool_parser="hermse")


def test_responses_api_replies() -> None:
    output: list[dict[str, Any]] = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "4"}]},
        {"type": "function_call", "name": "add", "arguments": '{"a": 1}', "call_id": "c"},
    ]
    usage = {"input_tokens": 5, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 1}}
    done: dict[str, Any] = {"status": "completed", "output": output, "usage": usage}
    cut = {
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": output[:2],
    }
    with StormServer(handler=replying(done, cut)) as server:
        answer = one(server, api="responses")
        assert (answer.text, answer.reasoning, answer.finish) == ("4", "hm", "tool_calls")
        assert (answer.tool_calls[0].id, answer.prompt_tokens, answer.output_tokens) == ("c", 5, 2)
        assert answer.extra["reasoning_tokens"] == 1
        assert one(server, api="responses").finish == "length"
        answer = one(server, api="responses", logprobs=True)
        assert server.seen.last_body["include"] == ["message.output_text.logprobs"]
        assert answer.error is not None
        assert answer.error.kind == "ignored"
    done["output"][1]["content"][0]["logprobs"] = [{"token": "4", "logprob": -0.5}]
    with StormServer(handler=replying(done)) as server:
        answer = one(server, api="responses", logprobs=True)
        assert answer.extra["logprobs"] == [{"token": "4", "logprob": -0.5}]


# --------------------------------------------------------------------------- streams
def events(*parts: dict[str, Any], done: bool = True) -> tuple[int, dict[str, str], bytes]:
    import json

    lines = [f"data: {json.dumps(part, ensure_ascii=False)}\n\n" for part in parts]
    body = ": ping\n\n" + "".join(lines) + ("data: [DONE]\n\n" if done else "")
    return 200, {"Content-Type": "text/event-stream; charset=utf-8"}, body.encode()


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def test_a_streamed_reply_is_put_together() -> None:
    call = {"index": 0, "id": "c", "function": {"name": "add", "arguments": '{"a"'}}
    rest = {"index": 0, "function": {"arguments": ": 1}"}}
    usage = {"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 2}}
    stream = events(
        delta(role="assistant", content=""),
        delta(reasoning_content="h\u2028m"),
        delta(content="a\u2028"),
        delta(content="b", tool_calls=[call]),
        delta("tool_calls", tool_calls=[rest]),
        usage,
    )
    with StormServer(handler=replying(stream)) as server:
        answer = one(server, stream=True)
        assert server.seen.last_body["stream_options"] == {"include_usage": True}
    assert (answer.text, answer.reasoning, answer.finish) == ("a\u2028b", "h\u2028m", "tool_calls")
    assert answer.tool_calls == (ToolCall("add", {"a": 1}, "c"),)
    assert (answer.prompt_tokens, answer.output_tokens) == (4, 2)


def test_a_dropped_stream_is_no_answer_and_is_tried_again() -> None:
    dropped = events(delta(content="half an ans"), done=False)
    whole = events(delta("stop", content="whole"))
    with StormServer(handler=replying(dropped, whole)) as server:
        answer = one(server, stream=True)
    assert (answer.text, answer.extra["attempts"]) == ("whole", 2)


# --------------------------------------------------------------------------- failures
def test_a_wrong_key_fails_the_whole_model_at_once_in_one_line_without_the_key() -> None:
    with StormServer(Storm(keys=("right",))) as server:
        model = OpenAIModel("m", base_url=server.url, key="sk-wrong-and-secret", concurrency=4, backoff=60)
        with pytest.raises(UserError, match="model m: the key is refused") as caught:
            list(model.generate(Request(str(n), HI) for n in range(100)))
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)
        assert sum(server.seen.keys.values()) <= 8
        refused = pytest.raises(UserError, match="the key is refused")
        with StormServer(handler=replying(error(401, "no", "invalid_api_key"))) as refusing, refused:
            OpenAIModel("m", base_url=refusing.url, key="sk-wrong").facts()


def test_a_server_that_wants_a_key_says_how_to_give_one() -> None:
    with (
        StormServer(Storm(keys=("right",))) as server,
        pytest.raises(UserError, match=r"wants a key.*ENV:NAME"),
    ):
        one(server, key="ENV")


def test_a_refused_key_is_dropped_and_the_others_go_on() -> None:
    with StormServer(Storm(keys=("key-one", "key-two"))) as server:
        model = OpenAIModel("m", base_url=server.url, key=["key-bad", "key-one", "key-two"], concurrency=2)
        answers = list(model.generate(Request(str(n), HI) for n in range(40)))
    assert all(answer.error is None for answer in answers)
    assert server.seen.keys["key-bad"] <= 2
    assert min(server.seen.keys["key-one"], server.seen.keys["key-two"]) >= 15


def test_a_key_whose_rate_is_used_up_rests_while_the_others_work() -> None:
    state = {"first": True}

    def handler(target: str, headers: Any, body: Any) -> Any:
        if headers["authorization"] == "Bearer key-one" and state.pop("first", None):
            return 429, {"Retry-After": "30"}, {"error": {"message": "slow down"}}
        return None

    started = time.monotonic()
    with StormServer(handler=handler) as server:
        model = OpenAIModel("m", base_url=server.url, key=["key-one", "key-two"], concurrency=1, patience=100)
        answers = list(model.generate(Request(str(n), HI) for n in range(20)))
    assert all(answer.error is None for answer in answers)
    assert time.monotonic() - started < 10
    assert server.seen.keys["key-one"] == 1


def test_spent_quota_is_not_waited_for() -> None:
    with (
        StormServer(handler=replying(error(429, "You exceeded your quota", "insufficient_quota"))) as server,
        pytest.raises(UserError, match="no quota is left"),
    ):
        one(server, key="sk-poor")


def test_too_long_a_prompt_fails_its_request_and_no_other() -> None:
    message = "This model's maximum context length is 1024 tokens. However, your messages have 3001 tokens."

    def handler(target: str, headers: Any, body: Any) -> Any:
        long = body["messages"][0]["content"] == "long"
        return error(400, message, "context_length_exceeded") if long else None

    with StormServer(handler=handler) as server:
        model = OpenAIModel("m", base_url=server.url, key="EMPTY")
        asked = [Request("a", HI), Request("b", (Message("user", "long"),)), Request("c", HI)]
        answers = {answer.key: answer for answer in model.generate(asked)}
    assert answers["a"].error is None
    assert answers["c"].error is None
    failure = answers["b"].error
    assert failure is not None
    assert (failure.kind, failure.transient) == ("too_long", False)


def test_a_prompt_that_leaves_less_room_than_asked_gets_what_is_left() -> None:
    said = (
        "This model's maximum context length is 1024 tokens. However, you requested 1500 tokens "
        "(1000 in the messages, 500 in the completion)."
    )
    with StormServer(handler=replying(error(400, said), None)) as server:
        answer = one(server, Request("k", HI, Sampling(max_out_len=500)), retry=0)
        assert server.seen.last_body["max_tokens"] == 24
    assert answer.error is None


def test_max_tokens_is_renamed_when_the_server_asks_for_it() -> None:
    said = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
    )
    seen = []

    def handler(target: str, headers: Any, body: Any) -> Any:
        seen.append("max_tokens" in body)
        return error(400, said, "unsupported_parameter", param="max_tokens") if "max_tokens" in body else None

    with StormServer(handler=handler) as server:
        model = OpenAIModel("m", base_url=server.url, key="EMPTY", concurrency=1, retry=0)
        answers = list(model.generate(Request(str(n), HI) for n in range(5)))
    assert all(answer.error is None for answer in answers)
    assert seen == [True, *[False] * 5]


def test_a_model_that_the_server_does_not_have_fails_at_once() -> None:
    with (
        StormServer(handler=replying(error(404, "The model `m` does not exist"))) as server,
        pytest.raises(UserError, match="does not exist"),
    ):
        one(server, retry=50)


def test_a_server_that_was_never_there_fails_the_model_and_not_each_request() -> None:
    model = OpenAIModel("m", base_url="http://127.0.0.1:1/v1", key="EMPTY", retry=2, backoff=0.01)
    with pytest.raises(UserError, match=r"cannot connect to 127\.0\.0\.1:1"):
        list(model.generate(Request(str(n), HI) for n in range(50)))


def test_a_redirect_names_where_the_server_is() -> None:
    moved = (308, {"Location": "https://api.example.com/v1/chat/completions"}, {})
    with (
        StormServer(handler=replying(moved)) as server,
        pytest.raises(UserError, match=r"HTTP 308.*https://api\.example\.com/v1"),
    ):
        one(server, retry=50)
    assert sum(server.seen.attempts.values()) == 1


def test_a_web_page_in_place_of_an_api_fails_the_model_but_one_among_answers_is_tried_again() -> None:
    page = b"<!doctype html><title>Sign in</title>"
    with (
        StormServer(handler=replying(page)) as server,
        pytest.raises(UserError, match=r"a web page.*Sign in"),
    ):
        one(server)
    with StormServer(handler=replying(page, None)) as server:
        assert one(server).error is None


def test_a_wish_to_be_left_alone_for_hours_is_neither_waited_for_nor_believed_at_once() -> None:
    hours = error(503, "maintenance", headers={"Retry-After": "86400"})
    started = time.monotonic()
    with StormServer(handler=replying(hours, None)) as server:
        answer = one(server)
    assert (answer.error, answer.extra["attempts"]) == (None, 2)
    with (
        StormServer(handler=replying(hours)) as server,
        pytest.raises(UserError, match=r"left alone for 3600 s \(HTTP 503: maintenance\)"),
    ):
        model = OpenAIModel("m", base_url=server.url, key="EMPTY", retry=2, backoff=0.01)
        list(model.generate(Request(str(n), HI) for n in range(1000)))
    assert sum(server.seen.attempts.values()) <= 300
    assert time.monotonic() - started < 60


def test_a_bad_request_is_not_tried_again() -> None:
    with StormServer(handler=replying(error(400, "no such option"))) as server:
        answer = one(server)
        assert sum(server.seen.attempts.values()) == 1
    assert answer.error is not None
    assert (answer.error.kind, answer.error.message) == ("refused", "HTTP 400: no such option")


@pytest.mark.parametrize(
    "reply",
    [
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"message": None}]},
        [1],
        {"choices": "x"},
        b"\xff\xfe",
    ],
)
def test_replies_of_the_wrong_shape_are_tried_again_and_then_reported(reply: Any) -> None:
    with StormServer(handler=replying(reply)) as server:
        answer = one(server, retry=1)
        assert sum(server.seen.attempts.values()) == 2
    assert answer.error is not None
    assert (answer.error.kind, answer.error.transient) == ("bad_response", True)


def test_an_answer_without_text_is_an_answer() -> None:
    with StormServer(handler=replying(chat(None))) as server:
        answer = one(server)
    assert (answer.text, answer.error) == ("", None)


def test_query_per_second_spaces_the_starts() -> None:
    with StormServer() as server:
        model = OpenAIModel("m", base_url=server.url, key="EMPTY", query_per_second=20)
        started = time.monotonic()
        assert len(list(model.generate(Request(str(n), HI) for n in range(11)))) == 11
        assert time.monotonic() - started >= 0.5


def test_several_urls_share_the_load() -> None:
    with StormServer(Storm(latency=0.01)) as one_server, StormServer(Storm(latency=0.01)) as other:
        model = OpenAIModel("m", base_url=[one_server.url, other.url], key="EMPTY", concurrency=4)
        assert len(list(model.generate(Request(str(n), HI) for n in range(80)))) == 80
        counts = [sum(server.seen.attempts.values()) for server in (one_server, other)]
    assert min(counts) >= 25


# --------------------------------------------------------------------------- facts
def test_facts_come_from_the_servers_list() -> None:
    listed = {"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 4096, "root": "/w/m"}]}
    with StormServer(handler=replying(listed)) as server:
        facts = OpenAIModel("m", base_url=server.url, key="EMPTY").facts()
        assert (facts.engine, facts.context, facts.details["root"]) == ("vllm", 4096, "/w/m")
        assert facts.warnings == ()
        (warning,) = OpenAIModel("n", base_url=server.url, key="EMPTY").facts().warnings
        assert "lists no model 'n'" in warning
    with StormServer(handler=replying((500, {}, b"boom"))) as server:
        (warning,) = OpenAIModel("m", base_url=server.url, key="EMPTY").facts().warnings
        assert "did not say what it serves" in warning


def test_tokens_are_counted_by_the_named_tokenizer_or_estimated(tmp_path: Path) -> None:
    model = OpenAIModel("m", base_url="http://127.0.0.1:1")
    assert model.count_tokens("abcdefgh") == 2
    assert model.count_tokens((Message("user", "中文"),)) == 2
    with pytest.raises(UserError, match="no tokenizer"):
        OpenAIModel("m", base_url="http://127.0.0.1:1", tokenizer_path=str(tmp_path)).count_tokens("x")


# --------------------------------------------------------------------------- keys
def test_where_keys_come_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "env-key")
    monkeypatch.setenv("OTHER", "a-key, b-key")
    file = tmp_path / "keys"
    file.write_text("f-key\n\ng-key\n")

    def keys(key: Any) -> list[str]:
        ring = KeyRing(key, "model m")
        return sorted({ring.next(0.0)[0] for _ in range(10)})

    assert keys("ENV") == ["env-key"]
    assert keys("ENV:OTHER") == ["a-key", "b-key"]
    assert keys(f"file:{file}") == ["f-key", "g-key"]
    assert keys(["literal", "ENV"]) == ["env-key", "literal"]
    assert keys("EMPTY") == [""]
    for bad, word in (
        ("ENV:UNSET", "UNSET is not set"),
        ("file:/nowhere", "no key file"),
        ("a b", "white space"),
    ):
        with pytest.raises(UserError, match=word):
            KeyRing(bad, "model m")


def test_keys_are_never_shown_nor_pickled() -> None:
    ring = KeyRing("sk-secret", "model m")
    assert "secret" not in repr(ring)
    assert ring.redact("bad key sk-secret!") == "bad key ***!"
    with pytest.raises(TypeError):
        pickle.dumps(ring)


# --------------------------------------------------------------------------- judgement
def test_retry_after_in_seconds_milliseconds_and_dates() -> None:
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    seconds = retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert seconds is not None
    assert 55 < seconds <= 61
    assert retry_after({"retry-after": formatdate(time.time() - 60, usegmt=True)}) == 0
    for nothing in ({}, {"retry-after": "soon"}, {"retry-after": "nan"}):
        assert retry_after(nothing) is None
    assert retry_after({"retry-after": "999999999"}) == 3600


@pytest.mark.parametrize(
    ("status", "message", "kind", "remedy"),
    [
        (500, "x", "server", "retry"),
        (502, "x", "server", "retry"),
        (408, "x", "server", "retry"),
        (429, "x", "rate_limit", "wait"),
        (503, "x", "overloaded", "wait"),
        (529, "x", "overloaded", "wait"),
        (400, "The input is too long for this model", "too_long", "none"),
        (400, "Input length (9000) exceeds model's maximum context length (8192).", "too_long", "none"),
        (422, "prompt is too long: 210000 tokens > 200000 maximum", "too_long", "none"),
        (413, "Request too large", "too_long", "none"),
        (302, "x", "redirect", "model"),
        (422, "unexpected field", "refused", "none"),
        (418, "teapot", "refused", "none"),
    ],
)
def test_what_a_status_means(status: int, message: str, kind: str, remedy: str) -> None:
    verdict = judge(status, message, "", "", {})
    assert (verdict.kind, verdict.remedy) == (kind, remedy)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "m", "code": "c"}}', "m"),
        (b'{"error": "m"}', "m"),
        (b'{"detail": "m"}', "m"),
        (b'{"object": "error", "message": "m"}', "m"),
        (b"<html><h1>m</h1>\n</html>", "m"),
        (b'{"detail": [{"msg": "m"}]}', '[{"msg": "m"}]'),
        (b"", ""),
    ],
)
def test_error_bodies_of_all_shapes(body: bytes, message: str) -> None:
    assert error_in(body)[0].strip() == message
