"""Choosing among scored options: what is asked, which loss decides, and what is kept beside the choice."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.errors import UserError
from evalsuite.inferencers import mode_of, options_of, verb_of
from evalsuite.types import Answer, Failure, Message, OptionScore, Request, Sample

from .conftest import META, Rows, ask, make, scored


def ppl(template: Any, kind: str = "PPLInferencer", **options: Any) -> dict[str, Any]:
    template = template if "type" in template else {"type": "PromptTemplate", "template": template}
    return {
        "prompt_template": template,
        "retriever": {"type": "ZeroRetriever"},
        "inferencer": {"type": kind, **options},
    }


TWO = {"A": "{q} is A", "B": "{q} is a long B"}


def test_whole_texts_are_scored_in_one_request_from_their_beginning(sample: Sample) -> None:
    exchange = make(ppl(TWO)).exchange(sample, 0)
    (request,) = exchange.start()
    assert (request.prompt, request.continuations) == ("", ("why? is A", "why? is a long B"))
    assert (request.verb, request.sample_id) == ("loglikelihood", "id0")
    assert exchange.record() == {"label: A": "why? is A", "label: B": "why? is a long B"}


def test_the_smallest_mean_loss_wins_and_the_unpredicted_first_token_counts(sample: Sample) -> None:
    # B: 6 nats over 5 scored + 1 tokens = 1.0; A: 3 nats over 1 scored + 1 = 1.5
    result, _ = ask(
        make(ppl(TWO)).exchange(sample, 0), scored(OptionScore(-3.0, 2, 1), OptionScore(-6.0, 6, 5))
    )
    assert result.text == "B"
    assert result.extra["choices"] == {"ppl": "B", "acc": "A"}
    assert result.extra["scores"]["A"]["ppl"] == 1.5
    assert result.extra["scores"]["B"]["ppl"] == 1.0
    assert result.extra["scores"]["A"]["bpb"] == pytest.approx(3 / math.log(2) / len("why? is A"))
    assert result.finish == "scored" and result.seconds == 1.0


def test_a_beginning_of_text_token_counts_like_a_first_token(sample: Sample) -> None:
    """With such a token all tokens of the text are scored, and the mean counts the token itself."""
    result, _ = ask(
        make(ppl(TWO)).exchange(sample, 0), scored(OptionScore(-3.0, 2, 2), OptionScore(-6.0, 6, 6))
    )
    assert result.extra["scores"]["A"]["ppl"] == 1.0
    assert result.extra["scores"]["B"]["ppl"] == 6 / 7


def test_another_rule_can_choose(sample: Sample) -> None:
    scores = scored(OptionScore(-3.0, 2, 1), OptionScore(-6.0, 6, 5))
    by_sum = make(ppl(TWO, choose="acc")).exchange(sample, 0)
    assert ask(by_sum, scores)[0].text == "A"
    assert by_sum.key != make(ppl(TWO)).exchange(sample, 0).key
    with pytest.raises(UserError, match="acc"):
        ask(make(ppl(TWO, choose="acc_nrom")).exchange(sample, 0), scores)


def test_the_first_of_equals_wins(sample: Sample) -> None:
    result, _ = ask(make(ppl(TWO)).exchange(sample, 0), scored(OptionScore(-1, 2, 1), OptionScore(-1, 2, 1)))
    assert result.text == "A"


def test_labels_may_be_numbers(sample: Sample) -> None:
    result, _ = ask(
        make(ppl({0: "no {q}", 1: "yes {q}"})).exchange(sample, 0),
        scored(OptionScore(-9, 2, 1), OptionScore(-1, 2, 1)),
    )
    assert (result.text, result.extra["labels"], result.extra["choices"]["ppl"]) == ("1", [0, 1], 1)


def test_a_failed_request_makes_a_failed_answer(sample: Sample) -> None:
    failure = Failure("too_long", "no room")
    result, _ = ask(
        make(ppl(TWO)).exchange(sample, 0), lambda request: Answer(request.key, error=failure, finish="error")
    )
    assert result.error == failure


NEUTRAL = {
    "type": "PromptTemplate",
    "template": {"A": "Question {q}<sep> yes", "B": "Question {q}<sep> no", "C": "Other {q}<sep> yes"},
    "sep_token": "<sep>",
}


def test_words_are_measured_against_a_neutral_context(sample: Sample) -> None:
    exchange = make(ppl(NEUTRAL, normalizing_str="Answer:")).exchange(sample, 0)
    losses = {
        ("Question why?", " yes"): 2.0,
        ("Question why?", " no"): 3.0,
        ("Other why?", " yes"): 4.0,
        ("Answer:", " yes"): 1.0,
        ("Answer:", " no"): 2.5,
    }

    def answer(request: Request) -> Answer:
        options = tuple(
            OptionScore(-2 * losses[str(request.prompt), words], 2, 2) for words in request.continuations
        )
        return Answer(request.key, options=options, finish="scored")

    result, asked = ask(exchange, answer)
    assert [(request.prompt, request.continuations) for request in asked] == [
        ("Question why?", (" yes", " no")),
        ("Other why?", (" yes",)),
        ("Answer:", (" yes", " no", " yes")),
    ]
    assert [result.extra["scores"][label]["ppl"] for label in "ABC"] == [1.0, 0.5, 3.0]
    assert result.text == "B"
    assert result.extra["choices"]["acc"] == "A"
    assert exchange.record()["label: A"] == "Question why? yes"


def test_a_neutral_context_needs_a_mark() -> None:
    with pytest.raises(UserError, match="sep_token"):
        make(ppl(TWO, normalizing_str="x"))


def test_the_mark_is_left_out_of_whole_texts(sample: Sample) -> None:
    (request,) = make(ppl(NEUTRAL)).exchange(sample, 0).start()
    assert request.continuations[0] == "Question why? yes"


def test_a_model_that_takes_messages_is_scored_on_the_assistants_words(sample: Sample) -> None:
    label = {
        name: {"round": [{"role": "HUMAN", "prompt": "{q}"}, {"role": "BOT", "prompt": words}]}
        for name, words in (("A", "yes"), ("B", "certainly not"))
    }
    exchange = make(ppl(label), prompt_kind="messages").exchange(sample, 0)
    (request,) = exchange.start()
    assert request.prompt == (Message("user", "why?\n"),)
    assert request.continuations == ("yes", "certainly not")
    result, _ = ask(exchange, scored(OptionScore(-2, 1, 1), OptionScore(-3, 2, 2)))
    assert result.text == "B"
    assert result.extra["choices"] == {
        "ppl": "B",
        "acc": "A",
        "acc_norm": "B",
        "acc_bytes": "B",
        "acc_tokens": "B",
    }
    with pytest.raises(UserError, match="BOT"):
        make(ppl(TWO), prompt_kind="messages").exchange(sample, 0)


def test_meta_templates_write_the_labels_out(sample: Sample) -> None:
    label = {"A": {"round": [{"role": "HUMAN", "prompt": "{q}"}, {"role": "BOT", "prompt": "yes {a}"}]}}
    (request,) = make(ppl(label), meta_template=META).exchange(sample, 0).start()
    assert request.continuations == ("H:why?\nB:yes gold\n",)


def test_ll_scores_what_ends_the_text(sample: Sample) -> None:
    cfg = ppl({0: "{one} {cont}", 1: "{two} {cont}"}, "LLInferencer")
    rows = replace(sample, fields={"one": "Ann", "two": "Bob", "cont": "was tired", "a": 0})
    exchange = make(cfg).exchange(rows, 0)
    first, second = exchange.start()
    assert (first.prompt, first.continuations) == ("Ann ", ("was tired",))
    assert (second.prompt, second.continuations) == ("Bob ", ("was tired",))

    def answer(request: Request) -> Answer:
        return Answer(request.key, options=(OptionScore(-1.0 if request is second else -2.0, 2, 2),))

    result, _ = ask(exchange, answer)
    assert (result.text, result.extra["rule"]) == ("1", "acc")
    with pytest.raises(UserError, match="cont"):
        make(ppl(TWO, "LLInferencer")).exchange(sample, 0)


def test_ll_cuts_at_the_mark_and_shares_one_context(sample: Sample) -> None:
    template = {"type": "PromptTemplate", "template": {"A": "{q}|yes", "B": "{q}|no way"}, "sep_token": "|"}
    exchange = make(ppl(template, "LLInferencer")).exchange(sample, 0)
    (request,) = exchange.start()
    assert (request.prompt, request.continuations) == ("why?", ("yes", "no way"))
    result, _ = ask(exchange, scored(OptionScore(-2.0, 1, 1), OptionScore(-3.0, 2, 2)))
    assert result.text == "A"
    assert result.extra["choices"]["acc_norm"] == "B"
    by_length = make(ppl(template, "LLInferencer", choose="acc_norm")).exchange(sample, 0)
    assert ask(by_length, scored(OptionScore(-2.0, 1, 1), OptionScore(-3.0, 2, 2)))[0].text == "B"


def test_characters_bytes_and_tokens_are_three_lengths(sample: Sample) -> None:
    template = {"type": "PromptTemplate", "template": {"zh": "{q}|日本", "en": "{q}|abcd"}, "sep_token": "|"}
    exchange = make(ppl(template, "LLInferencer")).exchange(sample, 0)
    result, _ = ask(exchange, scored(OptionScore(-4.0, 8, 8), OptionScore(-4.1, 1, 1)))
    assert result.extra["choices"] == {"acc": "zh", "acc_norm": "en", "acc_bytes": "zh", "acc_tokens": "zh"}


def test_clp_gives_the_rows_choices_probabilities(sample: Sample) -> None:
    cfg = {**ppl({"x": ""}, "CLPInferencer"), "prompt_template": {"template": "{q}\nAnswer: {a}"}}
    row = replace(sample, fields={"q": "why?", "a": "B", "choices": ["A", "B", "C"]})
    exchange = make(cfg).exchange(row, 0)
    (request,) = exchange.start()
    assert (request.prompt, request.continuations) == ("why?\nAnswer: ", ("A", "B", "C"))
    scores = [OptionScore(math.log(share), 1, 1) for share in (0.1, 0.3, 0.1)]
    result, _ = ask(exchange, scored(*scores))
    assert result.text == "B"
    assert result.extra["probabilities"] == pytest.approx([0.2, 0.6, 0.2])
    with pytest.raises(UserError, match="choices"):
        make(cfg).exchange(sample, 0)


def test_ppl_only_measures_one_text(sample: Sample) -> None:
    cfg = {**ppl({"x": ""}, "PPLOnlyInferencer"), "prompt_template": {"template": "{q} é"}}
    result, (request,) = ask(make(cfg).exchange(sample, 0), scored(OptionScore(-6.0, 4, 3)))
    assert request.continuations == ("why? é",)
    assert result.extra["ppl"] == 1.5 and result.text == "1.5"
    assert (result.extra["bytes"], result.extra["characters"]) == (7, 6)
    assert result.extra["bpb"] == pytest.approx(6 / math.log(2) / 7)
    with pytest.raises(UserError, match="labels"):
        make(ppl(TWO, "PPLOnlyInferencer"))
    (request,) = make(ppl({0: "{q}"}, "PPLOnlyInferencer")).exchange(sample, 0).start()
    assert request.continuations == ("why?",)


def test_examples_are_shared_by_all_labels_and_dropped_together(sample: Sample) -> None:
    cfg = {
        "prompt_template": {
            "type": "PromptTemplate",
            "template": {"A": "</E>{q} A", "B": "</E>{q} B b b"},
            "ice_token": "</E>",
        },
        "ice_template": {"type": "PromptTemplate", "template": {"A": "{q} yes", "B": "{q} no"}},
        "retriever": {"type": "FixKRetriever", "fix_id_list": [0, 1]},
        "inferencer": {"type": "PPLInferencer"},
    }
    train = [{"q": "eins", "a": "A"}, {"q": "zwei", "a": "B"}]
    known: dict[str, Any] = {"dataset": Rows([], train), "count_tokens": lambda text: len(str(text).split())}
    (request,) = make(cfg, **known, context=100).exchange(sample, 0).start()
    assert request.continuations[0] == "eins yes\nzwei no\nwhy? A"
    long = replace(sample, fields={"q": "wörum " * 100})
    (request,) = make(cfg, **known, context=105).exchange(long, 0).start()
    assert all("eins" in text and "zwei" not in text for text in request.continuations)


@pytest.mark.parametrize(
    ("kind", "mode", "count"),
    [
        ("PPLInferencer", "ppl", 2),
        ("LLInferencer", "ll", 2),
        ("CLPInferencer", "clp", 1),
        ("PPLOnlyInferencer", "ppl_only", 1),
    ],
)
def test_the_way_of_asking_is_known_without_building(kind: str, mode: str, count: int) -> None:
    cfg = ppl(TWO, kind)
    assert (verb_of(cfg), mode_of(cfg), options_of(cfg)) == ("loglikelihood", mode, count)


def test_given_labels_are_what_a_sample_costs(sample: Sample) -> None:
    cfg = ppl(TWO, labels=["B"])
    assert options_of(cfg) == 1
    (request,) = make(cfg).exchange(sample, 0).start()
    assert request.continuations == ("why? is a long B",)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.text(max_size=10), st.text(max_size=10))
def test_the_scored_texts_are_the_rows_own_whatever_they_hold(question: str, one: str, two: str) -> None:
    cfg = ppl({"A": "{q}:{one}", "B": "{q}:{two}"})
    row = Sample(0, "0", {"q": question, "one": one, "two": two, "a": "{q}"}, "{q}")
    (request,) = make(cfg).exchange(row, 0).start()
    assert request.continuations == (f"{question}:{one}", f"{question}:{two}")
