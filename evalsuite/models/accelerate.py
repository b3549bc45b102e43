"""`-a vllm|sglang|lmdeploy`: the same model under a faster engine, by rewriting its dict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalsuite.errors import UserError, nearest_name

ENGINES = ("vllm", "sglang", "lmdeploy")
TEXT = {"HuggingFace", "HuggingFaceCausalLM", "HuggingFaceBaseModel"}
CHAT = {"HuggingFacewithChatTemplate"}
# Said to transformers alone: where layers lie and how many rows fit, which other engines find out themselves.
DROPPED = {"batch_size", "device_map", "peft_kwargs", "engine", "batch_padding", "extract_pred_after_decode"}
PLACEMENT = (
    "device_map",
    "attn_implementation",
    "low_cpu_mem_usage",
    "use_cache",
    "offload_folder",
    "max_memory",
)


def accelerate(model: Mapping[str, Any], engine: str) -> dict[str, Any]:
    """A transformers model dict as one for `engine`; any other model is left as it is."""
    if engine not in ENGINES:
        raise UserError(
            f"unknown engine {engine!r}",
            where="-a",
            expected=", ".join(ENGINES),
            nearest=nearest_name(engine, ENGINES),
        )
    kind = model.get("type")
    name = (
        kind.rsplit(".", 1)[-1].rsplit(":", 1)[-1] if isinstance(kind, str) else getattr(kind, "__name__", "")
    )
    if name not in TEXT | CHAT:
        return dict(model)
    made = {key: value for key, value in model.items() if key not in DROPPED}
    options = dict(made.pop("model_kwargs", None) or {})
    for key in PLACEMENT:
        options.pop(key, None)
    dtype = options.pop("dtype", None) or options.pop("torch_dtype", None)
    options.pop("torch_dtype", None)
    if dtype is not None:
        made.setdefault("dtype", str(dtype).removeprefix("torch."))
    if options.pop("trust_remote_code", False):
        made["trust_remote_code"] = True
    made["abbr"] = rename(str(model.get("abbr", "")), engine)
    gpus = (model.get("run_cfg") or {}).get("num_gpus")
    if gpus and gpus > 1:
        made["tensor_parallel_size"] = gpus
    if engine == "vllm":
        made["type"] = "VLLMwithChatTemplate" if name in CHAT else "VLLM"
        if options:
            made["model_kwargs"] = options
        return made
    return _served(made, options, name in CHAT, engine)


def _served(made: dict[str, Any], options: Mapping[str, Any], chat: bool, engine: str) -> dict[str, Any]:
    where = str(made.get("abbr", ""))
    if options:
        raise UserError(
            f"model_kwargs {', '.join(options)} mean nothing to {engine}",
            where=where,
            expected="args=[...] in a model of type ManagedServer",
        )
    for key in ("tokenizer_path", "tokenizer_kwargs", "rope_scaling", "chat_template_kwargs", "pad_token_id"):
        if made.pop(key, None):
            raise UserError(
                f"{key} cannot be handed to {engine}",
                where=where,
                expected="a checkpoint that has it in its files",
            )
    for key in ("truncation", "mode", "drop_middle"):
        made.pop(key, None)
    made["type"] = "ManagedServer" if chat else "evalsuite.models.server.ManagedTextServer"
    made["engine"] = engine
    return made


def rename(abbr: str, engine: str) -> str:
    """The model's name under another engine: its `hf` replaced, else the engine's name put behind."""
    changed, count = re.subn(r"(?<![A-Za-z0-9])hf(?![A-Za-z0-9])", engine, abbr.replace("_", "\0"), count=1)
    changed = changed.replace("\0", "_")
    return changed if count else f"{abbr}_{engine}"
