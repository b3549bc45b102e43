"""Models run by vLLM in this process: the engine is fed from the stream, answers leave as they end.

Prompts are rendered, encoded and fitted by the same code as for transformers, and answers decoded and cut
by it, so that both engines see the same token ids; only the order of the arithmetic differs.
"""

from __future__ import annotations

import importlib.metadata
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from evalsuite.errors import UserError, nearest_name
from evalsuite.models.base import ModelFacts, PromptKind
from evalsuite.models.prompts import Option, Prompts, failed, has_images, image_parts, with_format_stops
from evalsuite.models.settings import (
    EXTRA,
    Truncation,
    given_ends,
    merge_sampling,
    model_defaults,
    request_seed,
    truncation_of,
)
from evalsuite.models.tokens import cut_at, decode_behind, end_ids, special_tokens
from evalsuite.types import Answer, Failure, Finish, OptionScore, Prompt, Request

# What SamplingParams takes and a request may carry in `extra`.
SAMPLING_EXTRA = (*EXTRA, "bad_words", "logit_bias", "allowed_token_ids")
AHEAD = 2


@dataclass
class _Asked:
    """A request inside the engine: how many of its engine calls are out, and what came back."""

    request: Request
    started: float
    notes: dict[str, Any]
    options: list[Option] = field(default_factory=list)
    scores: dict[int, OptionScore] = field(default_factory=dict)
    context: int = 0

    def score(self, option: Option, found: OptionScore) -> None:
        """Note an option's score at all its places, so that equal texts tie to the last bit."""
        self.scores.update({place: found for place, other in enumerate(self.options) if other is option})


class _VLLM:
    """What both kinds share."""

    prompt_kind: ClassVar[PromptKind]
    needs: ClassVar[tuple[str, ...]] = ("vllm",)

    def __init__(
        self,
        path: str = "",
        *,
        max_seq_len: int | None = None,
        batch_size: int | str | None = None,
        model_kwargs: Mapping[str, Any] | None = None,
        tokenizer_path: str | None = None,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        tensor_parallel_size: int | None = None,
        peft_path: str | None = None,
        generation_kwargs: Mapping[str, Any] | None = None,
        stop_words: Sequence[str] = (),
        pad_token_id: int | None = None,
        prompt_prefix: str = "",
        chat_template: str | None = None,
        chat_template_kwargs: Mapping[str, Any] | None = None,
        system: str | None = None,
        dtype: str | None = None,
        rope_scaling: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
        truncation: Truncation | None = None,
        mode: str = "none",
        drop_middle: bool = False,
        seed: int = 0,
    ) -> None:
        from evalsuite.models import hf_load

        swift = hf_load.swift_args(peft_path or path) if (peft_path or path) else {}
        if not peft_path and path and hf_load.adapter_base(path):
            path, peft_path = "", path
        if peft_path and not path:
            path = str(swift.get("model") or hf_load.adapter_base(peft_path))
        if not path:
            raise UserError("no model to load", where="path", expected="a folder, a hub name, or peft_path")
        if system is None and isinstance(swift.get("system"), str):
            system = swift["system"]
        self._swift, self._path, self._peft_path, self._seed = swift, path, peft_path, seed
        self._defaults = model_defaults(generation_kwargs or {}, path)
        self._stop_words = with_format_stops(stop_words, chat_template)
        settle_environment()
        from transformers import AutoConfig, AutoTokenizer

        config = AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code)
        self.tokenizer = AutoTokenizer.from_pretrained(
            tokenizer_path or path, trust_remote_code=trust_remote_code, **(tokenizer_kwargs or {})
        )
        self._warnings = hf_load.scale_positions(config, rope_scaling)
        stated = hf_load.context_of(config)
        window = max_seq_len or stated
        engine: dict[str, Any] = {
            "tokenizer": tokenizer_path,
            "trust_remote_code": trust_remote_code,
            "max_model_len": window,
            "dtype": dtype,
            "tensor_parallel_size": tensor_parallel_size,
            "max_num_seqs": None if batch_size in (None, "auto", 0) else int(str(batch_size)),
            "seed": seed,
            "enable_prefix_caching": True,
            "disable_log_stats": True,
            # The checkpoint's own sampling defaults must not stand behind our backs.
            "generation_config": "vllm",
        }
        if rope_scaling:
            text = config.get_text_config()
            engine["hf_overrides"] = {"rope_parameters": dict(text.rope_parameters)}
            engine["hf_overrides"]["max_position_embeddings"] = text.max_position_embeddings
        if peft_path:
            engine["enable_lora"] = True
            engine["max_lora_rank"] = lora_rank(peft_path)
        if not on_gpu():
            # The arithmetic of transformers on a CPU, and no minutes of compiling for seconds of work.
            engine |= {"dtype": "float32", "enforce_eager": True}
        engine.update(engine_options(model_kwargs or {}, path))
        engine = {name: value for name, value in engine.items() if value is not None}
        self._llm = _start(path, engine)
        self._engine = self._llm.llm_engine
        self._ahead = AHEAD * int(self._engine.vllm_config.scheduler_config.max_num_seqs)
        window = int(self._engine.model_config.max_model_len)
        self._lora = _adapter(peft_path)
        self.prompts = Prompts(
            self.tokenizer,
            self.prompt_kind,
            path,
            window,
            truncation_of(truncation, mode, drop_middle, path),
            prompt_prefix,
            system,
            chat_template,
            options=dict(chat_template_kwargs or {}),
        )
        configured = _configured_ends(path, config)
        special = special_tokens(self.tokenizer)
        self._ends = sorted(
            end_ids(self.tokenizer, configured)
            | given_ends(generation_kwargs)
            | {special[word] for word in self._stop_words if word in special}
            | ({pad_token_id} if pad_token_id is not None else set())
        )
        self._count = 0

    # ------------------------------------------------------------------ the two verbs
    def generate(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with a text, in order of completion."""
        asked: dict[str, _Asked] = {}
        refused: list[Answer] = []
        stream = iter(requests)
        more = True
        while True:
            while more and len(asked) < self._ahead:
                request = next(stream, None)
                if request is None:
                    more = False
                    break
                made = self._ask(request)
                if isinstance(made, Answer):
                    refused.append(made)
                else:
                    asked[made[0]] = made[1]
            yield from refused
            refused.clear()
            if not asked:
                if not more:
                    return
                continue
            for output in self._engine.step():
                if output.finished:
                    yield self._answer(asked.pop(output.request_id), output)

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with the log-likelihood of each of its continuations."""
        owners: dict[str, tuple[_Asked, int]] = {}
        refused: list[Answer] = []
        stream = iter(requests)
        more = True
        while True:
            while more and len(owners) < self._ahead:
                request = next(stream, None)
                if request is None:
                    more = False
                    break
                made = self._ask_scores(request, owners)
                if made is not None:
                    refused.append(made)
            yield from refused
            refused.clear()
            if not owners:
                if not more:
                    return
                continue
            for output in self._engine.step():
                if output.finished:
                    item, place = owners.pop(output.request_id)
                    if shares_too_much(item.options[place], output):
                        self._add_option(item, place, owners, share=False)
                        continue
                    item.score(item.options[place], read_scores(item.options[place], output))
                    if len(item.scores) == len(item.options):
                        yield _scored(item)

    def count_tokens(self, prompt: Prompt) -> int:
        """How long a prompt is for this model, its template included."""
        return len(self.prompts.ids([(prompt, ())])[0])

    def facts(self) -> ModelFacts:
        """What was loaded, and what looks wrong about it."""
        from evalsuite.models.audit import audit

        names = sorted(str(self.tokenizer.convert_ids_to_tokens(index)) for index in self._ends)
        config = self._engine.vllm_config
        details = {
            "path": self._path,
            "adapter": self._peft_path or "",
            "dtype": str(config.model_config.dtype).removeprefix("torch."),
            "device": str(config.device_config.device_type),
            "tensor_parallel_size": config.parallel_config.tensor_parallel_size,
            "prefix_caching": bool(config.cache_config.enable_prefix_caching),
            "tokenizer": type(self.tokenizer).__name__,
            "vocabulary": len(self.tokenizer),
            "template": self.prompts.template_source,
            "stop_tokens": names,
            "system": self.prompts.system,
        }
        found = audit(self.tokenizer, self.prompts.template, names, self.prompt_kind, self._swift)
        return ModelFacts("vllm", vllm_version(), self.prompts.window, details, (*self._warnings, *found))

    def close(self) -> None:
        """Shut the engine down and give its memory back."""
        import gc

        core = getattr(self._engine, "engine_core", None)
        if core is not None:
            core.shutdown()
        self._llm = self._engine = None
        gc.collect()

    # ------------------------------------------------------------------ into the engine
    def _name(self) -> str:
        self._count += 1
        return f"evalsuite-{self._count}"

    def _ask(self, request: Request) -> Answer | tuple[str, _Asked]:
        sampling = merge_sampling(request.sampling, self._defaults)
        unknown = [name for name in sampling.extra if name not in SAMPLING_EXTRA]
        if unknown:
            return failed(request, "unsupported", f"this engine has no parameter {', '.join(unknown)}")
        prompt: Any
        if has_images(request.prompt):
            from evalsuite.models.hf_vision import load_image

            assert not isinstance(request.prompt, str)
            text = self.prompts.prefix + self.prompts.render(request.prompt, request.tools, images=True)
            try:
                pictures = [load_image(part) for part in image_parts(request.prompt)]
            except (OSError, ValueError) as error:
                return failed(request, "bad_image", str(error))
            prompt = {"prompt": text, "multi_modal_data": {"image": pictures}}
            ids: list[int] = []
            notes: dict[str, Any] = {}
            limit = max(1, sampling.max_out_len)
        else:
            fitted = self.prompts.fit(
                self.prompts.ids([(request.prompt, request.tools)])[0], sampling.max_out_len
            )
            if isinstance(fitted, Failure):
                return failed(request, fitted.kind, fitted.message)
            ids, limit, notes = fitted
            prompt = {"prompt_token_ids": ids}
        options = sampling_options(
            sampling,
            limit,
            (*sampling.stop, *self._stop_words),
            self._ends,
            request_seed(request, self._seed, ids),
        )
        name = self._name()
        try:
            self._add(name, prompt, options)
        except ValueError as error:
            return failed(request, "refused", str(error).splitlines()[0])
        return name, _Asked(request, time.monotonic(), notes)

    def _ask_scores(self, request: Request, owners: dict[str, tuple[_Asked, int]]) -> Answer | None:
        if has_images(request.prompt):
            return failed(request, "unsupported", "log-likelihoods behind images are not offered")
        # The engine wants room for one token behind what is scored.
        pairs = self.prompts.pairs(request, spare=-1)
        if isinstance(pairs, Failure):
            return failed(request, pairs.kind, pairs.message)
        context, options, notes = pairs
        item = _Asked(request, time.monotonic(), notes, options, context=context)
        for place, option in enumerate(options):
            if option.empty:
                item.scores[place] = option.nothing()
            elif not any(option is other for other in options[:place]):
                self._add_option(item, place, owners, share=True)
        return _scored(item) if len(item.scores) == len(options) else None

    def _add_option(
        self, item: _Asked, place: int, owners: dict[str, tuple[_Asked, int]], *, share: bool
    ) -> None:
        """One option into the engine; `share` lets it read the context that other options computed.

        vLLM reads no cache where log-probabilities of a prompt are wanted: it tells none for what it read.
        Only those of the option matter here, so the context may be read.
        """
        name = self._name()
        owners[name] = (item, place)
        options = {"max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 0, "detokenize": False}
        ids = item.options[place].ids
        self._add(name, {"prompt_token_ids": ids}, {**options, "skip_reading_prefix_cache": not share})

    def _add(self, name: str, prompt: Any, options: Mapping[str, Any]) -> None:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        params = SamplingParams(**options, output_kind=RequestOutputKind.FINAL_ONLY)
        self._engine.add_request(name, prompt, params, lora_request=self._lora)

    # ------------------------------------------------------------------ out of the engine
    def _answer(self, asked: _Asked, output: Any) -> Answer:
        one = output.outputs[0]
        finish: Finish = one.finish_reason if one.finish_reason in ("stop", "length") else "error"
        notes = dict(asked.notes)
        tokens = list(one.token_ids)
        if tokens and tokens[-1] in self._ends and finish == "stop":
            tokens.pop()
        text = decode_behind(self.tokenizer, output.prompt_token_ids, tokens)
        if isinstance(one.stop_reason, str):
            stops = (*asked.request.sampling.stop, *self._stop_words)
            minimum = asked.request.sampling.min_out_len
            start = (
                len(decode_behind(self.tokenizer, output.prompt_token_ids, tokens[:minimum]))
                if minimum
                else 0
            )
            text, notes["stopped_by"] = cut_at(text, stops, start)
        if output.num_cached_tokens:
            notes["cached_tokens"] = output.num_cached_tokens
        error = (
            None if finish != "error" else Failure("engine", f"vLLM ended with {one.finish_reason!r}", True)
        )
        return Answer(
            asked.request.key,
            text=text,
            finish=finish,
            prompt_tokens=len(output.prompt_token_ids),
            output_tokens=len(one.token_ids),
            seconds=time.monotonic() - asked.started,
            error=error,
            extra=notes,
        )


class VLLM(_VLLM):
    """A vLLM engine that continues text."""

    prompt_kind: ClassVar[PromptKind] = "text"


class VLLMwithChatTemplate(_VLLM):
    """A vLLM engine that answers messages."""

    prompt_kind: ClassVar[PromptKind] = "messages"


def settle_environment() -> None:
    """vLLM's environment: nothing is reported home; on a CPU, one process and a small cache."""
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    if not on_gpu():
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")


def on_gpu() -> bool:
    """Whether there is a GPU to run on."""
    import torch

    return bool(torch.cuda.is_available())


def sampling_options(
    sampling: Any, limit: int, stops: Sequence[str], ends: Sequence[int], seed: int
) -> dict[str, Any]:
    """A request's sampling in vLLM's words."""
    return {
        "max_tokens": limit,
        "min_tokens": min(sampling.min_out_len, limit),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "repetition_penalty": sampling.repetition_penalty,
        "stop": list(dict.fromkeys(stop for stop in stops if stop)) or None,
        "detokenize": any(stops),
        "stop_token_ids": list(ends),
        "seed": seed if sampling.temperature > 0 else None,
        "spaces_between_special_tokens": False,
        **sampling.extra,
    }


def engine_options(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`model_kwargs` as engine arguments; a name vLLM does not know is told with its nearest."""
    import dataclasses

    from vllm.engine.arg_utils import EngineArgs

    known = [one.name for one in dataclasses.fields(EngineArgs)]
    for name in given:
        if name not in known:
            raise UserError(
                f"vLLM has no engine argument {name!r}",
                where=f"{where}: model_kwargs",
                nearest=nearest_name(name, known),
            )
    return dict(given)


def lora_rank(folder: str) -> int:
    """The smallest rank the engine can be set to that holds this adapter."""
    import json
    from pathlib import Path

    file = Path(folder) / "adapter_config.json"
    if not file.is_file():
        raise UserError("no such adapter folder", where=folder, expected="a folder with adapter_config.json")
    rank = int(json.loads(file.read_text(encoding="utf-8")).get("r", 16))
    return next((size for size in (8, 16, 32, 64, 128, 256, 320, 512) if size >= rank), rank)


def shares_too_much(option: Option, output: Any) -> bool:
    """Whether the first token of an option was predicted from what the engine read from its cache.

    Where another option begins with the same tokens, whole blocks of it may be read too; what vLLM then tells
    of these positions is nothing, or whatever lay in memory.
    """
    return option.start <= (output.num_cached_tokens or 0)


def read_scores(option: Option, output: Any) -> OptionScore:
    """An option's score from the log-probabilities of the prompt's tokens."""
    found = output.prompt_logprobs
    # What was read from the cache may be left out in front, so places are counted from the end.
    ahead = len(found) - len(option.ids)
    total, greedy, scored = 0.0, True, 0
    for place in range(option.start, len(option.ids)):
        entry = found[ahead + place][option.ids[place]]
        total += entry.logprob
        greedy = greedy and entry.rank == 1
        scored += 1
    return OptionScore(total, option.tokens, scored, greedy)


def vllm_version() -> str:
    """The installed version, whichever build it is of."""
    for name in ("vllm", "vllm-cpu"):
        try:
            return f"{importlib.metadata.version(name)}" + ("" if name == "vllm" else " (cpu)")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def _start(path: str, engine: Mapping[str, Any]) -> Any:
    from vllm import LLM

    try:
        return LLM(path, **engine)
    except OSError as error:
        raise UserError(
            f"no model can be loaded from here: {str(error).splitlines()[0]}",
            where=path,
            expected="a folder with config.json, or a name on the hub that can be reached or is cached",
        ) from error


def _adapter(peft_path: str | None) -> Any:
    if not peft_path:
        return None
    from vllm.lora.request import LoRARequest

    return LoRARequest("adapter", 1, peft_path)


def _configured_ends(path: str, config: Any) -> Any:
    from transformers import GenerationConfig

    try:
        generation = GenerationConfig.from_pretrained(path)
    except OSError:
        generation = None
    return getattr(generation, "eos_token_id", None) or getattr(
        config.get_text_config(), "eos_token_id", None
    )


def _scored(item: _Asked) -> Answer:
    return Answer(
        item.request.key,
        options=tuple(item.scores[place] for place in range(len(item.options))),
        finish="scored",
        prompt_tokens=item.context,
        output_tokens=sum(option.tokens for option in item.options),
        seconds=time.monotonic() - item.started,
        extra=item.notes,
    )
