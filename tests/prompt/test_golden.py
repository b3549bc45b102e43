"""Prompts against those that OpenCompass 0.5.4 renders, byte for byte (tools/golden_opencompass.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalsuite.errors import UserError
from evalsuite.inferencers import prompt_version
from evalsuite.prompt.builder import PromptBuilder
from evalsuite.prompt.conversation import speaker
from evalsuite.types import Message, Sample

GOLDEN = Path(__file__).parent / "golden"


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((GOLDEN / name).read_text(encoding="utf-8"))
    return content


def with_labels(cfg: dict[str, Any]) -> dict[str, Any]:
    """The infer_cfg with its label pairs as a dict again."""
    for key in ("prompt_template", "ice_template"):
        template = cfg.get(key, {}).get("template")
        if isinstance(template, dict) and "labels" in template:
            cfg[key]["template"] = dict(template["labels"])
    return cfg


def builder(content: dict[str, Any], case: dict[str, Any], mode: Any) -> PromptBuilder:
    return PromptBuilder(
        with_labels(case["infer_cfg"]),
        content["reader_cfg"],
        kind=case["kind"],
        meta_template=case["meta_template"],
        mode=mode,
        examples=lambda: content["train"],
    )


def samples(content: dict[str, Any], case: dict[str, Any]) -> list[Sample]:
    rows = case.get("test", content["test"])
    return [Sample(at, str(at), row, row["answer"]) for at, row in enumerate(rows)]


def ours(content: dict[str, Any], case: dict[str, Any]) -> list[Any]:
    built = builder(content, case, "gen")
    prompts = [built.build(sample) for sample in samples(content, case)]
    return [
        prompt if isinstance(prompt, str) else [{"role": one.role, "content": one.content} for one in prompt]
        for prompt in prompts
    ]


@pytest.mark.parametrize("name", ["text_models.json", "chat_models.json", "raw_messages.json"])
def test_prompts_are_those_of_opencompass(name: str) -> None:
    content = load(name)
    wrong = []
    compared = 0
    for case in content["cases"]:
        if "raises" in case:
            continue
        compared += len(case["prompts"])
        if ours(content, case) != case["prompts"]:
            wrong.append((case["name"], ours(content, case)[0], case["prompts"][0]))
    assert not wrong, f"{len(wrong)} cases differ, first: {wrong[0]}"
    assert compared > 50


def test_label_prompts_are_those_of_opencompass() -> None:
    content = load("labels.json")
    wrong = []
    for case in content["cases"]:
        built = builder(content, case, "ppl")
        for sample, pairs in zip(samples(content, case), case["prompts"], strict=True):
            labels = [label for label, _ in pairs]
            prompts, _ = built.build_labels(sample, labels)
            if prompts != [prompt for _, prompt in pairs]:
                wrong.append((case["name"], prompts, pairs))
    assert not wrong, f"{len(wrong)} prompts differ, first: {wrong[0]}"


@pytest.mark.parametrize("name", ["text_models.json", "chat_models.json"])
def test_what_opencompass_cannot_render_is_a_prompt_or_a_clear_error(name: str) -> None:
    content = load(name)
    raised = [case for case in content["cases"] if "raises" in case]
    assert raised
    for case in raised:
        try:
            prompts = ours(content, case)
        except UserError as error:
            assert error.where
        else:
            assert all(prompts)


def test_dialogues_before_a_turn_are_those_of_opencompass() -> None:
    wrong = []
    cases = [case for case in load("dialogues.json")["cases"] if "raises" not in case]
    for case in cases:
        talk = [Message(one["role"], one["content"]) for one in case["talk"]]
        prompt = speaker(case["kind"], case["meta_template"])(talk)
        if not isinstance(prompt, str):
            prompt = [{"role": one.role, "content": one.content} for one in prompt]  # type: ignore[assignment]
        if prompt != case["prompt"]:
            wrong.append((case["name"], prompt, case["prompt"]))
    assert not wrong, f"{len(wrong)} dialogues differ, first: {wrong[0]}"
    assert len(cases) > 20


def plain_types(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: inner.rpartition(".")[2] if key == "type" else plain_types(inner)
            for key, inner in value.items()
        }
    return value


def test_versions_are_those_of_opencompass_however_types_are_written() -> None:
    for case in load("versions.json")["cases"]:
        assert prompt_version(case["infer_cfg"]) == case["version"], case["name"]
        assert prompt_version(plain_types(case["infer_cfg"])) == case["version"], case["name"]
