"""`-a` turns a transformers dict into another engine's, and says so when it cannot."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from evalsuite.errors import UserError
from evalsuite.models.accelerate import accelerate, rename
from evalsuite.models.server import ManagedServer
from evalsuite.models.vllm import VLLM

DICT: dict[str, Any] = {
    "type": "HuggingFaceBaseModel",
    "abbr": "qwen2.5-7b-hf",
    "path": "Qwen/Qwen2.5-7B",
    "max_out_len": 256,
    "batch_size": 8,
    "max_seq_len": 4096,
    "model_kwargs": {"torch_dtype": "torch.bfloat16", "device_map": "auto", "trust_remote_code": True},
    "generation_kwargs": {"temperature": 0.2},
    "stop_words": ["\n\n"],
    "run_cfg": {"num_gpus": 2},
}
ORCHESTRATOR = {"type", "abbr", "max_out_len", "run_cfg", "meta_template"}


def test_vllm_keeps_what_decides_the_answers() -> None:
    made = accelerate(DICT, "vllm")
    assert made["type"] == "VLLM"
    assert made["abbr"] == "qwen2.5-7b-vllm"
    assert made["tensor_parallel_size"] == 2
    assert made["dtype"] == "bfloat16"
    assert made["trust_remote_code"] is True
    assert "model_kwargs" not in made and "batch_size" not in made
    assert made["generation_kwargs"] == {"temperature": 0.2} and made["stop_words"] == ["\n\n"]
    assert set(made) - ORCHESTRATOR <= set(inspect.signature(VLLM).parameters)
    assert DICT["type"] == "HuggingFaceBaseModel", "the given dict is left alone"


def test_chat_models_stay_chat_models() -> None:
    chat = {**DICT, "type": "opencompass.models.HuggingFacewithChatTemplate"}
    assert accelerate(chat, "vllm")["type"] == "VLLMwithChatTemplate"
    served = accelerate(chat, "sglang")
    assert (served["type"], served["engine"]) == ("ManagedServer", "sglang")
    assert set(served) - ORCHESTRATOR <= set(inspect.signature(ManagedServer).parameters)


def test_other_models_are_left_as_they_are() -> None:
    api = {"type": "OpenAI", "abbr": "gpt", "path": "gpt"}
    assert accelerate(api, "vllm") == api


def test_what_a_server_cannot_be_told_is_refused() -> None:
    with pytest.raises(UserError, match="rope_scaling"):
        accelerate({**DICT, "rope_scaling": {"type": "yarn", "factor": 4}}, "lmdeploy")
    with pytest.raises(UserError, match="did you mean 'vllm'"):
        accelerate(DICT, "vlm")


@pytest.mark.parametrize(
    ("abbr", "expected"),
    [
        ("hf_demo_s_base", "vllm_demo_s_base"),
        ("qwen-hf", "qwen-vllm"),
        ("half", "half_vllm"),
        ("x_hf_y", "x_vllm_y"),
    ],
)
def test_names_say_the_engine(abbr: str, expected: str) -> None:
    assert rename(abbr, "vllm") == expected
