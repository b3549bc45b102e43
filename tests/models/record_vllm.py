"""Writes vllm_signatures.json: what the installed vLLM accepts. Run with the python of vLLM's environment."""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path
from typing import Any


def parameters(function: Any) -> list[str]:
    """The names of a callable's parameters."""
    return [name for name in inspect.signature(function).parameters if name != "self"]


def main() -> None:
    """Record and write."""
    from vllm import LLM, SamplingParams
    from vllm.engine.arg_utils import EngineArgs
    from vllm.lora.request import LoRARequest
    from vllm.sampling_params import RequestOutputKind
    from vllm.v1.engine.llm_engine import LLMEngine

    from evalsuite.models.vllm import vllm_version

    found = {
        "version": vllm_version(),
        "LLM": parameters(LLM.__init__),
        "EngineArgs": [one.name for one in dataclasses.fields(EngineArgs)],
        "SamplingParams": parameters(SamplingParams),
        "add_request": parameters(LLMEngine.add_request),
        "LoRARequest": parameters(LoRARequest),
        "engine": [name for name in dir(LLMEngine) if not name.startswith("_")],
        "output_kinds": [kind.name for kind in RequestOutputKind],
    }
    file = Path(__file__).with_name("vllm_signatures.json")
    file.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
