"""Mistakes in an infer_cfg: all of them at once, where they stand, and what was meant."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from evalsuite.inferencers import check_infer_cfg, mode_of, options_of, verb_of
from evalsuite.types import Sample

from .conftest import Rows, make

READER = {"input_columns": ["question"], "output_column": "answer"}
GOOD: dict[str, Any] = {
    "prompt_template": {
        "type": "PromptTemplate",
        "template": {
            "begin": ["</E>"],
            "round": [{"role": "HUMAN", "prompt": "{question}"}, {"role": "BOT", "prompt": ""}],
        },
        "ice_token": "</E>",
    },
    "ice_template": {
        "type": "PromptTemplate",
        "template": {
            "round": [{"role": "HUMAN", "prompt": "{question}"}, {"role": "BOT", "prompt": "{answer}"}]
        },
    },
    "retriever": {"type": "opencompass.openicl.icl_retriever.FixKRetriever", "fix_id_list": [0, 1]},
    "inferencer": {"type": "GenInferencer", "max_out_len": 32},
}


def check(**changes: Any) -> list[str]:
    cfg = {**copy.deepcopy(GOOD), **changes}
    cfg = {key: value for key, value in cfg.items() if value is not None}
    return [
        str(error)
        for error in check_infer_cfg(cfg, READER, ["question", "answer", "id"], "datasets[0].infer_cfg")
    ]


TEXT_ICE = {"type": "PromptTemplate", "template": "{question} {answer}"}


def text(template: Any, **more: Any) -> dict[str, Any]:
    return {"type": "PromptTemplate", "template": template, **more}


def test_a_right_config_has_nothing_against_it() -> None:
    assert check() == []
    assert check(ice_template=None, retriever={"type": "ZeroRetriever"}) == []


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        (
            {"prompt_templat": {}},
            "datasets[0].infer_cfg",
            ["'prompt_templat'", "did you mean 'prompt_template'"],
        ),
        ({"inferencer": {"type": "GenInferencr"}}, ".inferencer.type", ["did you mean 'GenInferencer'"]),
        ({"inferencer": None}, ".inferencer", ["no inferencer"]),
        (
            {"inferencer": {"type": "GenInferencer", "max_out_length": 3}},
            ".inferencer",
            ["did you mean 'max_out_len'"],
        ),
        ({"inferencer": {"type": "GenInferencer", "max_out_len": "3"}}, ".max_out_len", ["a whole number"]),
        (
            {"inferencer": {"type": "GenInferencer", "max_out_len": 0}},
            ".max_out_len",
            ["a whole number from 1"],
        ),
        (
            {"inferencer": {"type": "GenInferencer", "stopping_criteria": "x"}},
            ".stopping_criteria",
            ["a list of texts"],
        ),
        (
            {"inferencer": {"type": "GenInferencer", "stopping_criteria": [1]}},
            ".stopping_criteria",
            ["[1] is wrong", "a list of texts"],
        ),
        (
            {"inferencer": {"type": "GenInferencer", "generation_kwargs": {"num_return_sequences": 4}}},
            ".num_return_sequences",
            ["n="],
        ),
        ({"inferencer": {"type": "ChatInferencer", "infer_mode": "evry"}}, ".infer_mode", ["'every'"]),
        ({"retriever": {"type": "FixKRetriever"}}, ".retriever", ["fix_id_list"]),
        ({"retriever": {"type": "ZeroRetriver"}}, ".retriever.type", ["did you mean 'ZeroRetriever'"]),
        ({"ice_template": None}, ".ice_template", ["ZeroRetriever"]),
        ({"as_text": "yes"}, ".as_text", ["True or False"]),
        ({"as_txt": True}, "", ["did you mean 'as_text'"]),
        ({"prompt_template": text("{question}")}, ".prompt_template.ice_token", ["no place"]),
        ({"prompt_template": text("{question}", ice_token="</E>")}, ".template", ["'</E>'"]),
        (
            {"prompt_template": text("</E>{qestion}", ice_token="</E>"), "ice_template": TEXT_ICE},
            ".prompt_template",
            ["'question'"],
        ),
        (
            {"prompt_template": text("</E>{question}", ice_token="</E>")},
            ".ice_template",
            ["dialogues cannot stand among texts"],
        ),
        ({"prompt_template": text({"begin": "</E>"}, ice_token="</E>")}, ".template", ["round"]),
        (
            {"prompt_template": text({"round": ["</E>", {"role": "HUMEN", "prompt": ""}]}, ice_token="</E>")},
            ".template",
            ["did you mean 'HUMAN'"],
        ),
        (
            {
                "prompt_template": text(
                    {"round": ["</E>", {"role": "assistant", "prompt": ""}]}, ice_token="</E>"
                )
            },
            ".template",
            ["did you mean 'BOT'"],
        ),
        (
            {"prompt_template": text({"round": [{"role": "HUMAN", "promt": ""}]}, ice_token="</E>")},
            ".round[0]",
            ["did you mean 'prompt'"],
        ),
        ({"inferencer": {"type": "PPLInferencer"}}, ".template", ["each label"]),
        (
            {
                "inferencer": {"type": "PPLInferencer", "labels": ["A", "C"]},
                "prompt_template": text({"A": "</E>a", "B": "</E>b"}, ice_token="</E>"),
                "ice_template": TEXT_ICE,
            },
            ".inferencer.labels",
            ["'C'"],
        ),
        (
            {"prompt_template": {"type": "RawPromptTemplate", "messages": [{"role": "usr", "content": ""}]}},
            ".messages[0].role",
            ["did you mean 'user'"],
        ),
    ],
)
def test_a_mistake_is_told_where_it_stands(changes: dict[str, Any], path: str, words: list[str]) -> None:
    errors = check(**changes)
    assert len(errors) == 1, errors
    assert path in errors[0].split(": ")[0]
    assert all(word in errors[0] for word in words), errors[0]


def test_all_mistakes_come_at_once() -> None:
    errors = check(
        inferencer={"type": "GenInferencer", "max_len": 1},
        retriever={"type": "ZeroRetriever", "k": 1},
        prompt_template=text("</E>{questions}", ice_token="</E>"),
    )
    assert len(errors) == 3


class OwnInferencer:
    verb = "generate"
    mode = "own"

    def __init__(self, setup: Any) -> None:
        self.setup = setup


class OwnRetriever:
    def __init__(self, shots: Any, far: int) -> None:
        self.shots, self.far = shots, far

    def pick(self, index: int, fields: Any) -> list[int]:
        return [self.far]


def test_classes_of_ones_own_are_taken_by_their_path() -> None:
    own = {"type": f"{__name__}.OwnInferencer", "anything": 1}
    retriever = {"type": f"{__name__}.OwnRetriever", "far": 1}
    assert check(inferencer=own, retriever=retriever) == []
    cfg = {**GOOD, "inferencer": own}
    assert (verb_of(cfg), mode_of(cfg), options_of(cfg)) == ("generate", "own", 1)
    assert isinstance(make(cfg), OwnInferencer)
    rows = Rows([], [{"question": "q0", "answer": "a0"}, {"question": "q1", "answer": "a1"}])
    built = make({**GOOD, "retriever": retriever}, reader=READER, dataset=rows)
    (request,) = built.exchange(Sample(0, "0", {"question": "why?"}), 0).start()
    assert request.prompt == "q1\na1\nwhy?"
    (error,) = check(inferencer={"type": f"{__name__}.OwnInferencr"})
    assert ".inferencer.type" in error and "'OwnInferencer'" in error


def test_braces_that_are_no_column_on_purpose_pass() -> None:
    template = '</E>{question} \\boxed{ANSWER} \\frac{a}{b} x_{i} {} {"key": 1} {0}'
    assert check(prompt_template=text(template, ice_token="</E>"), ice_template=TEXT_ICE) == []
    named = text("</E>{question} <{final}>", ice_token="</E>")
    assert len(check(prompt_template=named, ice_template=TEXT_ICE)) == 1
    assert check(prompt_template={**named, "literals": ["final"]}, ice_template=TEXT_ICE) == []


def test_unknown_columns_pass_where_the_columns_are_not_known() -> None:
    cfg = {**GOOD, "prompt_template": text("</E>{anything}", ice_token="</E>"), "ice_template": TEXT_ICE}
    assert check_infer_cfg(cfg, READER, None, "x") == []
