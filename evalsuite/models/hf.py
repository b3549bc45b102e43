"""Models run by transformers: text in, or messages in that a chat template renders."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, ClassVar

from evalsuite.errors import UserError
from evalsuite.models.base import ModelFacts, PromptKind
from evalsuite.models.prompts import Option, Prompts, failed, has_images, with_format_stops
from evalsuite.models.settings import (
    EXTRA,
    Truncation,
    given_ends,
    merge_sampling,
    model_defaults,
    truncation_of,
)
from evalsuite.models.tokens import StopStrings, end_ids, special_tokens
from evalsuite.types import Answer, Failure, OptionScore, Prompt, Request

PLAIN_WINDOW = 64


class _HuggingFace:
    """What both kinds share: loading, the two verbs, limits, facts."""

    prompt_kind: ClassVar[PromptKind]
    needs: ClassVar[tuple[str, ...]] = ("torch", "transformers")

    def __init__(
        self,
        path: str = "",
        *,
        max_seq_len: int | None = None,
        batch_size: int | str | None = None,
        model_kwargs: Mapping[str, Any] | None = None,
        tokenizer_path: str | None = None,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        peft_path: str | None = None,
        peft_kwargs: Mapping[str, Any] | None = None,
        generation_kwargs: Mapping[str, Any] | None = None,
        stop_words: Sequence[str] = (),
        pad_token_id: int | None = None,
        prompt_prefix: str = "",
        chat_template: str | None = None,
        chat_template_kwargs: Mapping[str, Any] | None = None,
        system: str | None = None,
        dtype: str | None = None,
        device_map: Any = None,
        rope_scaling: Mapping[str, Any] | None = None,
        trust_remote_code: bool = False,
        truncation: Truncation | None = None,
        mode: str = "none",
        drop_middle: bool = False,
        seed: int = 0,
        engine: str = "auto",
    ) -> None:
        from evalsuite.models import hf_load

        swift = hf_load.swift_args(peft_path or path) if (peft_path or path) else {}
        if not peft_path and path and hf_load.adapter_base(path):
            path, peft_path = "", path
        if peft_path and not path:
            path = str(swift.get("model") or hf_load.adapter_base(peft_path))
        if not path:
            raise UserError("no model to load", where="path", expected="a folder, a hub name, or peft_path")
        if engine not in ("auto", "plain"):
            raise UserError(f"unknown engine {engine!r}", where=path, expected="'auto' or 'plain'")
        if system is None and isinstance(swift.get("system"), str):
            system = swift["system"]
        self._swift = swift
        self._defaults = model_defaults(generation_kwargs or {}, path)
        self._stop_words = with_format_stops(stop_words, chat_template)
        self._seed = seed
        self._batch = None if batch_size in (None, "auto", 0) else int(str(batch_size))
        self._base = hf_load.hold(
            hf_load.Source(
                path,
                tokenizer_path or "",
                dict(model_kwargs or {}),
                dict(tokenizer_kwargs or {}),
                dtype,
                device_map,
                dict(rope_scaling) if rope_scaling else None,
                trust_remote_code,
            )
        )
        self._adapter = ""
        if peft_path:
            self._adapter = hf_load.use_adapter(self._base, peft_path, peft_kwargs or {})
        self.tokenizer = self._base.tokenizer
        generation = getattr(self._base.model, "generation_config", None)
        text = self._base.model.config.get_text_config()
        configured = getattr(generation, "eos_token_id", None) or getattr(text, "eos_token_id", None)
        self._ends = end_ids(self.tokenizer, configured) | given_ends(generation_kwargs)
        special = special_tokens(self.tokenizer)
        self._ends |= {special[word] for word in self._stop_words if word in special}
        if pad_token_id is not None:
            self._ends |= {pad_token_id}
        stated = hf_load.context_of(self._base.model.config)
        self._warnings = list(self._base.warnings)
        if max_seq_len and stated and max_seq_len > stated:
            self._warnings.append(f"max_seq_len {max_seq_len} is beyond the checkpoint's {stated} positions")
        self.prompts = Prompts(
            self.tokenizer,
            self.prompt_kind,
            path,
            max_seq_len or stated,
            truncation_of(truncation, mode, drop_middle, path),
            prompt_prefix,
            system,
            chat_template,
            options=dict(chat_template_kwargs or {}),
        )
        self._stops: dict[tuple[str, ...], StopStrings] = {}
        self._path, self._peft_path, self._engine = path, peft_path, engine
        self._net: Any = None

    # ------------------------------------------------------------------ the two verbs
    def generate(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with a text, in order of completion."""
        self._select()
        if self._plain():
            yield from self._generate_plain(requests)
            return
        from evalsuite.models.hf_ahead import AheadDecoder
        from evalsuite.models.hf_decode import Decoder

        kind = AheadDecoder if self._net.device.type == "cuda" else Decoder
        decoder = kind(self._net, self.tokenizer, self._batch)
        images: list[Request] = []

        def text_only() -> Iterator[Request]:
            for request in requests:
                if has_images(request.prompt):
                    images.append(request)
                else:
                    yield request

        yield from decoder.run(text_only(), self._rows)
        if images:
            yield from self._generate_plain(images)

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with the log-likelihood of each of its continuations."""
        from evalsuite.models import hf_plain
        from evalsuite.models.hf_score import Scorer

        self._select()
        plain = self._plain()
        scorer = None if plain else Scorer(self._net, self._batch)
        refused: list[Answer] = []

        def jobs() -> Iterator[Any]:
            stream = iter(requests)
            while window := list(islice(stream, PLAIN_WINDOW)):
                for job in self._jobs(window):
                    if isinstance(job, Answer):
                        refused.append(job)
                    else:
                        yield job

        done = hf_plain.score(self._base.model, jobs()) if scorer is None else scorer.run(jobs())
        for job in done:
            yield _scored(job.tag, job.options, job.scores)
            while refused:
                yield refused.pop(0)
        yield from refused

    def count_tokens(self, prompt: Prompt) -> int:
        """How long a prompt is for this model, its template included."""
        return len(self.prompts.ids([(prompt, ())])[0])

    def close(self) -> None:
        """Give the weights back; they are freed when no other model shares them."""
        from evalsuite.models import hf_load

        self._net = None
        hf_load.let_go(self._base)

    def facts(self) -> ModelFacts:
        """What was loaded, and what looks wrong about it."""
        from evalsuite.models.audit import audit

        base = self._base
        names = sorted(
            str(self.tokenizer.convert_ids_to_tokens(index))
            for index in self._ends
            if index < len(self.tokenizer)
        )
        details = {
            "path": self._path,
            "adapter": self._peft_path or "",
            "architecture": type(base.model).__name__,
            "dtype": str(base.model.dtype).removeprefix("torch."),
            "device": str(base.device),
            "tokenizer": type(self.tokenizer).__name__,
            "vocabulary": len(self.tokenizer),
            "template": self.prompts.template_source,
            "stop_tokens": names,
            "system": self.prompts.system,
            "rope_scaling": base.source.rope_scaling,
            "loop": "" if self._net is None and not self._why else self._why or "slots",
        }
        found = audit(self.tokenizer, self.prompts.template, names, self.prompt_kind, self._swift)
        return ModelFacts(
            "transformers",
            importlib.metadata.version("transformers"),
            self.prompts.window,
            details,
            (*self._warnings, *found),
        )

    # ------------------------------------------------------------------ generation
    def _rows(self, requests: list[Request]) -> list[Any]:
        encoded = self.prompts.ids([(request.prompt, request.tools) for request in requests])
        return [self._row(request, ids) for request, ids in zip(requests, encoded, strict=True)]

    def _row(self, request: Request, ids: list[int]) -> Any:
        from evalsuite.models.hf_rows import Row

        sampling = merge_sampling(request.sampling, self._defaults)
        unknown = [name for name in sampling.extra if name not in EXTRA]
        if unknown:
            return failed(request, "unsupported", f"this engine has no parameter {', '.join(unknown)}")
        fitted = self.prompts.fit(ids, sampling.max_out_len)
        if isinstance(fitted, Failure):
            return failed(request, fitted.kind, fitted.message, prompt_tokens=len(ids))
        ids, limit, notes = fitted
        stops = (*sampling.stop, *self._stop_words)
        if stops not in self._stops:
            self._stops[stops] = StopStrings(self.tokenizer, stops)
        asked = replace(request, sampling=sampling)
        minimum = min(sampling.min_out_len, limit)
        return Row(asked, ids, limit, self._ends, self._stops[stops], self._seed, minimum, notes)

    def _generate_plain(self, requests: Iterable[Request]) -> Iterator[Answer]:
        from evalsuite.models import hf_plain

        stream = iter(requests)
        size = self._batch or 8
        while window := list(islice(stream, PLAIN_WINDOW)):
            texts = [request for request in window if not has_images(request.prompt)]
            made = self._rows(texts) if texts else []
            yield from (row for row in made if isinstance(row, Answer))
            rows = sorted((row for row in made if not isinstance(row, Answer)), key=lambda row: len(row.ids))
            for start in range(0, len(rows), size):
                yield from hf_plain.generate(
                    self._base.model, self.tokenizer, rows[start : start + size], None
                )
            for request in window:
                if has_images(request.prompt):
                    yield from self._look(request)

    def _look(self, request: Request) -> Iterator[Answer]:
        from evalsuite.models import hf_load, hf_plain
        from evalsuite.models.hf_vision import image_inputs

        try:
            processor = hf_load.processor_of(self._base)
        except ImportError as error:
            yield failed(request, "unsupported", f"a package for images is missing: {error}".splitlines()[0])
            return
        if processor is None:
            yield failed(request, "unsupported", "this model takes no images")
            return
        try:
            inputs = image_inputs(processor, self.prompts, request)
        except (OSError, ValueError) as error:
            yield failed(request, "bad_image", str(error))
            return
        row = self._row(request, inputs["input_ids"][0].tolist())
        if isinstance(row, Answer):
            yield row
        elif len(row.ids) < inputs["input_ids"].shape[1]:
            yield failed(request, "too_long", "a prompt with images is not cut", prompt_tokens=len(row.ids))
        else:
            yield from hf_plain.generate(self._base.model, self.tokenizer, [row], inputs)

    # ------------------------------------------------------------------ log-likelihood
    def _jobs(self, requests: Sequence[Request]) -> Iterator[Any]:
        looking = [has_images(request.prompt) for request in requests]
        texts = [request for request, images in zip(requests, looking, strict=True) if not images]
        pairs = iter(self.prompts.many_pairs(texts))
        for request, images in zip(requests, looking, strict=True):
            if images:
                yield failed(request, "unsupported", "log-likelihoods behind images are not offered")
            else:
                yield _job(request, next(pairs))

    # ------------------------------------------------------------------ the engine
    _why = ""

    def _plain(self) -> bool:
        """Whether this architecture needs transformers' own loop; found out once, by trying."""
        if self._net is None and not self._why:
            from evalsuite.models.hf_net import Net

            net = Net(self._base.model)
            self._why = "engine='plain' was asked for" if self._engine == "plain" else net.probe()
            if not self._why:
                self._net = net
            elif self._engine != "plain":
                self._warnings.append(f"slower decoding by transformers' own loop: {self._why}")
        return bool(self._why)

    def _select(self) -> None:
        """Switch the shared base to this model's adapter, or to none."""
        if not self._base.adapters:
            return
        tuner = self._base.model.base_model
        if self._adapter:
            tuner.enable_adapter_layers()
            self._base.model.set_adapter(self._adapter)
        else:
            tuner.disable_adapter_layers()


class HuggingFaceBaseModel(_HuggingFace):
    """A model that continues text; special tokens are added as its tokenizer does."""

    prompt_kind: ClassVar[PromptKind] = "text"


class HuggingFacewithChatTemplate(_HuggingFace):
    """A model that answers messages, rendered by its tokenizer's template or the one of the config."""

    prompt_kind: ClassVar[PromptKind] = "messages"


HuggingFace = HuggingFaceBaseModel
HuggingFaceCausalLM = HuggingFaceBaseModel


def _job(request: Request, pairs: tuple[int, list[Option], dict[str, Any]] | Failure) -> Any:
    from evalsuite.models.hf_score import Job

    if isinstance(pairs, Failure):
        return failed(request, pairs.kind, pairs.message)
    length, options, notes = pairs
    scorable = list({id(option): option for option in options if not option.empty}.values())
    tag = (request, options, length, notes)
    return Job(tag, scorable) if scorable else _scored(tag, [], [])


def _scored(tag: Any, options: Sequence[Option], scores: Sequence[OptionScore] | None) -> Answer:
    request, wanted, length, notes = tag
    if scores is None:
        return failed(request, "out_of_memory", "not enough memory for one request", prompt_tokens=length)
    found = {id(option): score for option, score in zip(options, scores, strict=True)}
    return Answer(
        request.key,
        options=tuple(found[id(option)] if id(option) in found else option.nothing() for option in wanted),
        finish="scored",
        prompt_tokens=length,
        output_tokens=sum(option.tokens for option in wanted),
        extra=notes,
    )
