"""Every shipped model config can be used as it stands: known types, known keys, names of their own."""

from __future__ import annotations

import inspect
import runpy
from collections import Counter
from pathlib import Path

import pytest

from evalsuite.config.check import MODEL_KEYS
from evalsuite.models.accelerate import accelerate
from evalsuite.registry import resolve

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "configs" / "models").rglob("*.py"))
FAMILIES = [
    "qwen2",
    "qwen2_5",
    "qwen2_5_coder",
    "qwen3",
    "qwen3_coder",
    "qwen2_vl",
    "glm4",
    "tigerbot",
    "llama",
    "internlm",
    "deepseek_coder",
]


def models() -> list[tuple[Path, dict[str, object]]]:
    return [(file, model) for file in FILES for model in runpy.run_path(str(file))["models"]]


def test_types_and_keys_are_known() -> None:
    for file, model in models():
        factory = resolve(str(model["type"]), "models")
        known = {*inspect.signature(factory).parameters, *MODEL_KEYS}
        assert set(model) <= known, (file.name, set(model) - known)


def test_each_model_has_a_name_of_its_own_that_its_file_says() -> None:
    names = Counter(str(model["abbr"]) for _, model in models())
    assert [name for name, count in names.items() if count > 1] == []
    for file, model in models():
        assert (
            str(model["abbr"]).removesuffix(f"_{file.stem.split('_')[0]}") in file.stem or "demo" in file.stem
        )


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_comes_in_every_form(family: str) -> None:
    kinds = {model["type"] for file, model in models() if file.parent.name == family}
    assert "OpenAI" in kinds
    assert kinds & {"HuggingFaceBaseModel", "HuggingFacewithChatTemplate"}
    assert kinds & {"VLLM", "VLLMwithChatTemplate"}


def test_every_transformers_config_turns_into_a_vllm_config() -> None:
    for file, model in models():
        if str(model["type"]).startswith("HuggingFace"):
            made = accelerate(model, "vllm")
            known = {*inspect.signature(resolve(made["type"], "models")).parameters, *MODEL_KEYS}
            assert set(made) <= known, (file.name, set(made) - known)
            assert made["abbr"] != model["abbr"]
