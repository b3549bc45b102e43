"""Our vLLM backend against what the real package accepts, as recorded: a renamed argument fails here.

The pretended engine answers with fixed tokens; it refuses every name that the recorded version does not know.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="transformers is not installed")

from evalsuite.errors import UserError
from evalsuite.models.vllm import VLLM, VLLMwithChatTemplate
from evalsuite.types import Message, Request, Sampling

KNOWN = json.loads(Path(__file__).with_name("vllm_signatures.json").read_text())


def checked(name: str, given: dict[str, Any]) -> dict[str, Any]:
    unknown = set(given) - set(KNOWN[name])
    if unknown:
        raise TypeError(f"{name}: Unexpected keyword argument {sorted(unknown)}")
    return given


class FakeEngine:
    """Finishes one request per step, in the order of asking."""

    def __init__(self, settings: dict[str, Any]) -> None:
        note = types.SimpleNamespace
        self.settings = settings
        self.queue: list[tuple[str, Any, Any, Any]] = []
        self.cached, self.asked = 0, 0
        self.most = 0
        self.model_config = note(max_model_len=settings.get("max_model_len", 256))
        self.vllm_config = note(
            scheduler_config=note(max_num_seqs=settings.get("max_num_seqs", 8)),
            model_config=note(dtype=settings.get("dtype")),
            device_config=note(device_type="cpu"),
            parallel_config=note(tensor_parallel_size=settings.get("tensor_parallel_size", 1)),
            cache_config=note(enable_prefix_caching=settings.get("enable_prefix_caching")),
        )

    def add_request(self, request_id: str, prompt: Any, params: Any, **options: Any) -> None:
        checked("add_request", {"request_id": 1, "prompt": 1, "params": 1, **options})
        self.asked += 1
        self.queue.append((request_id, prompt, params, options.get("lora_request")))
        self.most = max(self.most, len(self.queue))

    def step(self) -> list[Any]:
        note = types.SimpleNamespace
        name, prompt, params, _ = self.queue.pop(0)
        ids = prompt["prompt_token_ids"]
        table = [None, *({one: note(logprob=-1.0, rank=1)} for one in ids[1:])]
        cached = 0 if getattr(params, "skip_reading_prefix_cache", True) else min(self.cached, len(ids) - 1)
        del table[1 : cached + 1]
        size = params.max_tokens
        one = note(text="", finish_reason="length", stop_reason=None, token_ids=ids[:1] * size)
        return [
            note(
                finished=True,
                request_id=name,
                outputs=[one],
                prompt_token_ids=ids,
                prompt_logprobs=table if getattr(params, "prompt_logprobs", None) is not None else None,
                num_cached_tokens=cached,
            )
        ]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeEngine]]:
    engines: list[FakeEngine] = []

    class LLM:
        def __init__(self, model: str, **settings: Any) -> None:
            own = {name: value for name, value in settings.items() if name not in KNOWN["LLM"]}
            checked("EngineArgs", own)
            self.llm_engine = FakeEngine(settings)
            engines.append(self.llm_engine)

    def sampling_params(**given: Any) -> Any:
        return types.SimpleNamespace(**checked("SamplingParams", given))

    def lora_request(*given: Any) -> Any:
        return dict(zip(KNOWN["LoRARequest"], given, strict=False))

    kinds = types.SimpleNamespace(**{name: name for name in KNOWN["output_kinds"]})
    modules = {
        "vllm": {"LLM": LLM, "SamplingParams": sampling_params},
        "vllm.sampling_params": {"RequestOutputKind": kinds},
        "vllm.engine": {},
        "vllm.engine.arg_utils": {"EngineArgs": make_dataclass("EngineArgs", KNOWN["EngineArgs"])},
        "vllm.lora": {},
        "vllm.lora.request": {"LoRARequest": lora_request},
    }
    for name, content in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    yield engines


def test_everything_that_is_said_to_vllm_is_known_to_it(
    tiny: Path, tmp_path: Path, fake: list[FakeEngine]
) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"r": 24, "base_model_name_or_path": str(tiny)}))
    model = VLLM(
        str(tiny),
        max_seq_len=128,
        batch_size=4,
        tensor_parallel_size=2,
        peft_path=str(adapter),
        rope_scaling={"type": "yarn", "factor": 2.0},
        generation_kwargs={"min_p": 0.1},
        stop_words=["<|im_start|>"],
        model_kwargs={"gpu_memory_utilization": 0.8},
    )
    sampling = Sampling(
        max_out_len=3,
        min_out_len=2,
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        stop=("\n",),
        repetition_penalty=1.1,
    )
    answers = list(model.generate(Request(str(at), "def", sampling) for at in range(30)))
    assert len(answers) == 30
    assert all((answer.finish, answer.output_tokens) == ("length", 3) for answer in answers)
    scored = list(
        model.loglikelihood(Request(str(at), "def", continuations=(" a", " b c")) for at in range(9))
    )
    assert [option.logprob for option in scored[0].options] == [
        -option.scored for option in scored[0].options
    ]
    (engine,) = fake
    assert engine.settings["max_lora_rank"] == 32
    assert engine.settings["hf_overrides"]["rope_parameters"]["rope_theta"] == 10000.0
    assert engine.most <= 8 + 1, "no more is asked ahead than keeps the engine full"
    assert model.facts().engine == "vllm"


@pytest.mark.parametrize("cached", range(12))
def test_a_shared_context_is_read_and_an_option_in_the_cache_is_asked_again(
    tiny: Path, fake: list[FakeEngine], cached: int
) -> None:
    model = VLLM(str(tiny))
    (engine,) = fake
    engine.cached = cached
    request = Request("k", "for i in range", continuations=("(3):", " x", "(3):"))
    (answer,) = model.loglikelihood([request])
    assert [option.logprob for option in answer.options] == [-option.tokens for option in answer.options]
    assert answer.options[0] is answer.options[2], "equal texts are scored once"
    begins = len(model.prompts.ids([("for i in range", ())])[0])
    assert engine.asked == (2 if cached < begins else 4)


def test_messages_are_rendered_here_and_bad_arguments_are_told(tiny: Path, fake: list[FakeEngine]) -> None:
    model = VLLMwithChatTemplate(str(tiny))
    (answer,) = model.generate([Request("m", (Message("user", "hi"),), Sampling(max_out_len=1))])
    assert answer.prompt_tokens == model.count_tokens((Message("user", "hi"),))
    (refused,) = model.generate([Request("u", (Message("user", "hi"),), Sampling(extra={"best_of": 3}))])
    assert refused.error is not None
    assert refused.error.kind == "unsupported"
    with pytest.raises(UserError, match="did you mean 'gpu_memory_utilization'"):
        VLLM(str(tiny), model_kwargs={"gpu_memory_utilisation": 0.5})
