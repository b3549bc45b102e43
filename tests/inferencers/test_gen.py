"""Generation: the request that a sample becomes, and dialogues filled turn by turn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evalsuite.errors import UserError
from evalsuite.inferencers import mode_of, options_of, verb_of
from evalsuite.types import Answer, Failure, Message, Request, Sample, Sampling, Tool

from .conftest import META, Rows, ask, make

ROUND = {"round": [{"role": "HUMAN", "prompt": "{q}"}, {"role": "BOT", "prompt": "{a}"}]}


def gen(template: Any = ROUND, **options: Any) -> dict[str, Any]:
    return {
        "prompt_template": {"type": "PromptTemplate", "template": template},
        "retriever": {"type": "ZeroRetriever"},
        "inferencer": {"type": "GenInferencer", **options},
    }


def only(exchange: Any) -> Request:
    (request,) = exchange.start()
    assert isinstance(request, Request)
    return request


def test_a_sample_becomes_one_request_and_its_answer_is_taken_as_it_is(sample: Sample) -> None:
    exchange = make(gen(), meta_template=META).exchange(sample, 2)
    request = only(exchange)
    assert (request.prompt, request.repeat, request.sample_id) == ("H:why?\nB:", 2, "id0")
    assert exchange.key == request.key
    assert exchange.record() == "H:why?\nB:"
    failed = Answer(request.key, error=Failure("timeout", "too slow", True), finish="error")
    assert exchange.receive(failed) == ()
    assert exchange.result() is failed


def test_the_inferencer_overrides_the_models_sampling(sample: Sample) -> None:
    base = Sampling(max_out_len=8, temperature=0.7, stop=("<|im_end|>",), extra={"logit_bias": 1})
    cfg = gen(
        max_out_len=99,
        stopping_criteria=["\n", "<|im_end|>"],
        generation_kwargs={"do_sample": False, "top_p": 0.5, "num_beams": 2, "seed": 3},
    )
    assert only(make(cfg, sampling=base).exchange(sample, 0)).sampling == Sampling(
        max_out_len=99,
        temperature=0.0,
        top_p=0.5,
        seed=3,
        stop=("<|im_end|>", "\n"),
        extra={"logit_bias": 1, "num_beams": 2},
    )
    drawn = make(gen(generation_kwargs={"do_sample": True})).exchange(sample, 0)
    assert only(drawn).sampling.temperature == 1.0


def test_the_key_changes_with_all_that_decides_the_answer_and_with_nothing_else(sample: Sample) -> None:
    key = make(gen()).exchange(sample, 0).key
    assert make(gen()).exchange(replace(sample, index=9, id="other"), 0).key == key
    assert make(gen(batch_size=4)).exchange(sample, 0).key == key
    others = [
        make(gen()).exchange(sample, 1),
        make(gen(max_out_len=3)).exchange(sample, 0),
        make(gen(), identity="other").exchange(sample, 0),
        make(gen(), meta_template=META).exchange(sample, 0),
        make(gen(), prompt_kind="messages").exchange(sample, 0),
        make(gen()).exchange(replace(sample, fields={"q": "what?"}), 0),
    ]
    assert len({key, *(other.key for other in others)}) == 7


def test_an_empty_answer_at_the_end_is_where_the_model_speaks(sample: Sample) -> None:
    messages = [{"role": "user", "content": "{q}"}, {"role": "assistant", "content": ""}]
    cfg = {**gen(), "prompt_template": {"type": "RawPromptTemplate", "messages": messages}}
    assert only(make(cfg, prompt_kind="messages").exchange(sample, 0)).prompt == (Message("user", "why?"),)
    messages[1]["content"] = "Because"
    prompt = only(make(cfg, prompt_kind="messages").exchange(sample, 0)).prompt
    assert prompt == (Message("user", "why?"), Message("assistant", "Because"))


def test_a_chat_model_can_be_asked_as_a_base_model_is(sample: Sample) -> None:
    plain = only(make(gen()).exchange(sample, 0)).prompt
    asked = make({**gen(), "as_text": True}, prompt_kind="messages", meta_template=META).exchange(sample, 0)
    assert only(asked).prompt == plain and isinstance(plain, str)
    assert only(make({**gen(), "as_text": False}, prompt_kind="messages").exchange(sample, 0)).prompt != plain


def test_examples_are_dropped_until_prompt_and_answer_fit_the_context(sample: Sample) -> None:
    train = [{"q": f"q{at}", "a": f"a{at}"} for at in range(5)]
    cfg = {
        "prompt_template": {"type": "PromptTemplate", "template": "</E>{q}", "ice_token": "</E>"},
        "ice_template": {"type": "PromptTemplate", "template": "{q} {a}"},
        "retriever": {"type": "FixKRetriever", "fix_id_list": [0, 1, 2, 3, 4]},
        "inferencer": {"type": "GenInferencer", "max_out_len": 4},
    }

    def prompt(**given: Any) -> str:
        exchange = make(
            cfg, dataset=Rows([], train), count_tokens=lambda text: len(str(text).split()), **given
        )
        return str(only(exchange.exchange(replace(sample, fields={"q": "wärum?"}), 0)).prompt)

    assert prompt(context=None).count("q") == 5
    assert prompt(context=15).count("q") == 5
    assert prompt(context=14).count("q") == 4
    assert prompt(context=9).count("q") == 2
    assert prompt(context=2).count("q") == 0
    cfg["inferencer"]["max_seq_len"] = 3
    assert prompt(context=1000).count("q") == 1


def test_a_row_can_bring_tools(sample: Sample) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    functions = [
        {"type": "function", "function": {"name": "weather", "description": "d", "parameters": schema}},
        {"name": "bare"},
    ]
    plain = only(make(gen()).exchange(sample, 0))
    cfg = gen(tools_column="tools")
    request = only(make(cfg).exchange(replace(sample, fields={**sample.fields, "tools": functions}), 0))
    assert request.tools == (Tool("weather", "d", schema), Tool("bare"))
    assert request.key != plain.key
    with pytest.raises(UserError, match="tools"):
        make(cfg).exchange(replace(sample, fields={**sample.fields, "tools": 3}), 0)


def test_every_empty_answer_is_filled_in_order_with_the_models_own_words(sample: Sample) -> None:
    messages = [
        {"role": "user", "content": "one {q}"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": "given"},
        {"role": "user", "content": "three"},
        {"role": "assistant", "content": ""},
    ]
    cfg = gen(multiround=True)
    cfg["prompt_template"] = {"type": "RawPromptTemplate", "messages": messages}
    exchange = make(cfg, prompt_kind="messages").exchange(sample, 0)
    result, asked = ask(
        exchange, lambda request: Answer(request.key, f"said {len(request.prompt)}", output_tokens=2)
    )
    assert [len(request.prompt) for request in asked] == [1, 5]
    assert asked[1].prompt[1] == Message("assistant", "said 1")
    assert result.extra["turns"] == ["said 1", "said 5"]
    assert (result.text, result.output_tokens) == ("said 5", 4)
    text, asked = ask(
        make(cfg, meta_template=META).exchange(sample, 0), lambda request: Answer(request.key, "ok")
    )
    assert asked[1].prompt == "H:one why?\nB:ok\nH:two\nB:given\nH:three\nB:"
    assert text.extra["turns"] == ["ok", "ok"]


@pytest.mark.parametrize("written", ["GenInferencer", "opencompass.openicl.icl_inferencer.GenInferencer"])
def test_the_way_of_asking_is_known_without_building(written: str) -> None:
    cfg = {**gen(), "inferencer": {"type": written}}
    assert (verb_of(cfg), mode_of(cfg), options_of(cfg)) == ("generate", "gen", 1)


def test_an_unknown_inferencer_is_told() -> None:
    with pytest.raises(UserError, match="GenInferencer"):
        verb_of({**gen(), "inferencer": {"type": "GenInferecer"}})
    with pytest.raises(UserError, match="inferencer"):
        make({"prompt_template": {"template": "x"}})
