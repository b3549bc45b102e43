"""Loading a checkpoint with transformers: weights, adapter, tokenizer, processor, position scaling.

One base model is loaded once per process and shared by every model dict that names it with the same options,
so that a series of adapters costs one load.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalsuite.cores import usable_cores
from evalsuite.errors import UserError, nearest_name
from evalsuite.models.hf_linear import use_fast_products
from evalsuite.models.hf_norm import use_fused_norms

HUB_OPTIONS = ("revision", "cache_dir", "token", "local_files_only")
ROPE_TYPES = ("default", "linear", "dynamic", "yarn", "longrope", "llama3", "proportional")


@dataclass(frozen=True)
class Source:
    """What is loaded: everything that two models must have in common to share one set of weights."""

    path: str
    tokenizer_path: str = ""
    model_kwargs: Mapping[str, Any] = field(default_factory=dict)
    tokenizer_kwargs: Mapping[str, Any] = field(default_factory=dict)
    dtype: str | None = None
    device_map: Any = None
    rope_scaling: Mapping[str, Any] | None = None
    trust_remote_code: bool = False

    @property
    def name(self) -> str:
        """A stable text of this source."""
        return json.dumps(self.__dict__, sort_keys=True, default=str)


@dataclass
class Base:
    """A loaded base model and who holds it."""

    source: Source
    model: Any
    tokenizer: Any
    device: Any
    warnings: tuple[str, ...]
    holders: int = 0
    adapters: dict[str, str] = field(default_factory=dict)
    processor: Any = None


_loaded: dict[str, Base] = {}


def swift_args(folder: str) -> dict[str, Any]:
    """What ms-swift wrote beside a checkpoint (args.json there or one folder up), else nothing."""
    for place in (Path(folder), Path(folder).parent):
        file = place / "args.json"
        if file.is_file():
            try:
                found = json.loads(file.read_text(encoding="utf-8"))
            except json.JSONDecodeError as error:
                raise UserError(f"args.json cannot be read: {error}", where=str(file)) from error
            return found if isinstance(found, dict) else {}
    return {}


def adapter_base(folder: str) -> str:
    """The base model that an adapter folder names, or an empty string when the folder is no adapter."""
    file = Path(folder) / "adapter_config.json"
    if not file.is_file():
        return ""
    return str(json.loads(file.read_text(encoding="utf-8")).get("base_model_name_or_path") or "")


def set_threads() -> int:
    """As many torch threads as this process may use: OMP_NUM_THREADS, else the cores it may keep busy.

    More threads than CPUs made a forward pass 4.6 times slower than one thread.
    """
    import torch

    named = os.environ.get("OMP_NUM_THREADS", "")
    if named.isdigit() and int(named) > 0:
        count = int(named)
    else:
        count = usable_cores()
    torch.set_num_threads(count)
    return count


def hold(source: Source) -> Base:
    """The base model of this source, loaded now or shared with who holds it already."""
    base = _loaded.get(source.name)
    if base is None:
        base = _loaded[source.name] = _load(source)
    base.holders += 1
    return base


def let_go(base: Base) -> None:
    """Give a base model back; the last holder frees its memory."""
    base.holders -= 1
    if base.holders > 0 or _loaded.get(base.source.name) is not base:
        return
    del _loaded[base.source.name]
    base.model = None
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def use_adapter(base: Base, path: str, options: Mapping[str, Any]) -> str:
    """Load an adapter onto the base (once) and return its name there."""
    if path in base.adapters:
        return base.adapters[path]
    folder = Path(path)
    if folder.is_absolute() and not folder.is_dir():
        raise UserError("no such adapter folder", where=path, expected="a folder with adapter_config.json")
    from peft import PeftModel

    name = f"adapter{len(base.adapters)}"
    try:
        if base.adapters:
            base.model.load_adapter(path, adapter_name=name, **options)
        else:
            base.model = PeftModel.from_pretrained(base.model, path, adapter_name=name, **options)
    except (ValueError, OSError) as error:
        raise UserError(f"this adapter cannot be loaded: {error}", where=path) from error
    base.model.eval()
    base.adapters[path] = name
    return name


def _load(source: Source) -> Base:
    import torch
    from transformers import AutoConfig, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    options = dict(source.model_kwargs)
    trust = source.trust_remote_code or bool(options.pop("trust_remote_code", False))
    cuda = torch.cuda.is_available()
    if not cuda:
        set_threads()
    hub: dict[str, Any] = {key: options[key] for key in HUB_OPTIONS if key in options}
    with _told(source, trust):
        config = AutoConfig.from_pretrained(source.path, trust_remote_code=trust, **hub)
        tokenizer_options = {"trust_remote_code": trust, **hub, **source.tokenizer_kwargs}
        tokenizer_options.setdefault("padding_side", "left")
        tokenizer = AutoTokenizer.from_pretrained(source.tokenizer_path or source.path, **tokenizer_options)
        warnings = scale_positions(config, source.rope_scaling)
        options["dtype"] = _dtype(source, options, cuda)
        device_map = options.pop("device_map", None) or source.device_map
        if cuda:
            options["device_map"] = device_map or ("auto" if torch.cuda.device_count() > 1 else {"": 0})
        model = _model_class(config, trust).from_pretrained(
            source.path, config=config, trust_remote_code=trust, **options
        )
    model.eval()
    model.requires_grad_(False)
    use_fast_products(model)
    if cuda:
        use_fused_norms(model)
    return Base(source, model, tokenizer, model.device, tuple(warnings))


class _told:
    """Turns the usual mistakes of loading into one line; anything else keeps its traceback."""

    def __init__(self, source: Source, trust: bool) -> None:
        self._source, self._trust = source, trust

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        where = self._source.path
        if isinstance(error, ValueError) and "trust_remote_code" in str(error) and not self._trust:
            raise UserError(
                "this checkpoint brings its own Python code",
                where=where,
                expected="trust_remote_code=True to run it",
            ) from error
        if isinstance(error, OSError):
            raise UserError(
                f"no model can be loaded from here: {str(error).splitlines()[0]}",
                where=where,
                expected="a folder with config.json, or a name on the hub that can be reached or is cached",
            ) from error
        if isinstance(error, TypeError) and "unexpected keyword argument" in str(error):
            raise UserError(f"model_kwargs: {str(error).split('__init__() ')[-1]}", where=where) from error


def _model_class(config: Any, trust: bool) -> Any:
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoModelForSeq2SeqLM

    if getattr(config, "is_encoder_decoder", False):
        return AutoModelForSeq2SeqLM
    remote = getattr(config, "auto_map", {}) if trust else {}
    if hasattr(config, "vision_config") and "AutoModelForCausalLM" not in remote:
        return AutoModelForImageTextToText
    return AutoModelForCausalLM


def processor_of(base: Base) -> Any:
    """What turns images into tensors for this model, loaded at the first image; None when it takes none.

    Raises ImportError when it needs a package (Pillow, torchvision) that is not there.
    """
    if base.processor is None and hasattr(base.model.config, "vision_config"):
        from transformers import AutoProcessor

        source = base.source
        hub = {key: source.model_kwargs[key] for key in HUB_OPTIONS if key in source.model_kwargs}
        base.processor = AutoProcessor.from_pretrained(
            source.path, trust_remote_code=source.trust_remote_code, **hub
        )
    return base.processor


def _dtype(source: Source, options: dict[str, Any], cuda: bool) -> Any:
    """float32 on a CPU, where half precision is slower; else what was asked, else the checkpoint's own."""
    import torch

    old = options.pop("torch_dtype", None)
    asked = source.dtype or options.pop("dtype", None) or old
    options.pop("dtype", None)
    if isinstance(asked, str) and asked != "auto":
        name = asked.removeprefix("torch.")
        found = getattr(
            torch, {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32"}.get(name, name), None
        )
        if not isinstance(found, torch.dtype):
            raise UserError(
                f"unknown dtype {asked!r}", where=source.path, expected="bfloat16, float16 or float32"
            )
        asked = found
    if not cuda and not _quantised(source):
        return torch.float32
    return asked or "auto"


def _quantised(source: Source) -> bool:
    if "quantization_config" in source.model_kwargs:
        return True
    file = Path(source.path) / "config.json"
    return file.is_file() and "quantization_config" in json.loads(file.read_text(encoding="utf-8"))


def scale_positions(config: Any, scaling: Mapping[str, Any] | None) -> list[str]:
    """Write a `rope_scaling` override into the config, on top of what the checkpoint says.

    Given to from_pretrained directly it would replace the checkpoint's own base frequency.
    """
    if not scaling:
        return []
    text = config.get_text_config()
    wanted = dict(scaling)
    kind = wanted.pop("type", None) or wanted.pop("rope_type", None) or "default"
    wanted.pop("rope_type", None)
    if kind not in ROPE_TYPES:
        raise UserError(
            f"unknown rope_scaling type {kind!r}",
            where="rope_scaling",
            expected="one of " + ", ".join(ROPE_TYPES),
            nearest=nearest_name(str(kind), ROPE_TYPES),
        )
    native = int(wanted.get("original_max_position_embeddings") or text.max_position_embeddings)
    factor = float(wanted.get("factor", 1.0))
    if kind in ("yarn", "longrope", "llama3"):
        wanted["original_max_position_embeddings"] = native
    text.rope_parameters = {**(text.rope_parameters or {}), "rope_type": kind, **wanted}
    if kind != "dynamic":
        text.max_position_embeddings = max(text.max_position_embeddings, int(native * factor))
    if kind in ("linear", "yarn") and factor > 1:
        return [f"positions are scaled ({kind}, factor {factor:g}): answers to short prompts change as well"]
    return []


def context_of(config: Any) -> int | None:
    """The context window that a config states."""
    text = config.get_text_config()
    for name in ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "n_ctx"):
        value = getattr(text, name, None)
        if isinstance(value, int) and value > 0:
            scaling = getattr(text, "rope_parameters", None) or {}
            if isinstance(scaling, Mapping) and scaling.get("rope_type") == "dynamic":
                return int(value * float(scaling.get("factor", 1.0)))
            return value
    return None
