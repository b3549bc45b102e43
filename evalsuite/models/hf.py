"""Models run by transformers: text in, or messages in that a chat template renders."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from evalsuite.errors import UserError
from evalsuite.models.base import ModelFacts, PromptKind
from evalsuite.models.settings import Truncation, merge_sampling, model_defaults, truncation_of
from evalsuite.models.tokens import StopStrings, cut_middle, encode_pairs, encoder, end_ids, special_tokens
from evalsuite.types import Answer, ImagePart, Message, OptionScore, Prompt, Request, Tool

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
        self._truncation = truncation_of(truncation, mode, drop_middle, path)
        self._defaults = model_defaults(generation_kwargs or {}, path)
        self._stop_words = tuple(stop_words)
        self._prefix = prompt_prefix
        self._system = system
        self._seed = seed
        self._batch = None if batch_size in (None, "auto", 0) else int(str(batch_size))
        self._template_kwargs = dict(chat_template_kwargs or {})
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
        self._template, self._template_source = _template(self.tokenizer, chat_template, path)
        generation = getattr(self._base.model, "generation_config", None)
        configured = getattr(generation, "eos_token_id", None) or self._base.model.config.eos_token_id
        self._ends = end_ids(self.tokenizer, configured)
        special = special_tokens(self.tokenizer)
        self._ends |= {special[word] for word in self._stop_words if word in special}
        if pad_token_id is not None:
            self._ends |= {pad_token_id}
        stated = hf_load.context_of(self._base.model.config)
        self._context = max_seq_len or stated
        self._warnings = list(self._base.warnings)
        if max_seq_len and stated and max_seq_len > stated:
            self._warnings.append(
                f"max_seq_len {max_seq_len} is beyond the {stated} positions of the checkpoint"
            )
        self._rendered = encoder(self.tokenizer, add_special_tokens=False)
        self._encode = encoder(self.tokenizer, add_special_tokens=True)
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
        from evalsuite.models.hf_decode import Decoder

        decoder = Decoder(self._net, self.tokenizer, self._batch)
        images: list[Request] = []

        def text_only() -> Iterator[Request]:
            for request in requests:
                if _has_images(request.prompt):
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
            for request in requests:
                job = self._job(request)
                if isinstance(job, Answer):
                    refused.append(job)
                else:
                    yield job

        done = hf_plain.score(self._base.model, jobs()) if scorer is None else scorer.run(jobs())
        for job in done:
            yield self._scored(job)
            while refused:
                yield refused.pop(0)
        yield from refused

    def count_tokens(self, prompt: Prompt) -> int:
        """How long a prompt is for this model, its template included."""
        return len(self._ids(prompt))

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
            "template": self._template_source,
            "stop_tokens": names,
            "system": self._system,
            "rope_scaling": base.source.rope_scaling,
            "loop": "" if self._net is None and not self._why else self._why or "slots",
        }
        found = audit(self.tokenizer, self._template, names, self.prompt_kind, self._swift)
        return ModelFacts(
            "transformers",
            importlib.metadata.version("transformers"),
            self._context,
            details,
            (*self._warnings, *found),
        )

    # ------------------------------------------------------------------ prompts
    def _text(self, prompt: Prompt, tools: Sequence[Tool]) -> str:
        if isinstance(prompt, str):
            return prompt
        return render(self._template_of(), self.tokenizer, prompt, tools, self._system, self._template_kwargs)

    def _template_of(self) -> str | None:
        if self._template is None and not self.tokenizer.chat_template:
            raise UserError(
                "the tokenizer has no chat template",
                where=self._path,
                expected="chat_template=..., or the type HuggingFaceBaseModel for a base model",
            )
        return self._template

    def _ids(self, prompt: Prompt, tools: Sequence[Tool] = ()) -> list[int]:
        return self._many([(prompt, tools)])[0]

    def _many(self, prompts: Sequence[tuple[Prompt, Sequence[Tool]]]) -> list[list[int]]:
        texts = [self._prefix + self._text(prompt, tools) for prompt, tools in prompts]
        # A rendered template brings its own beginning-of-text token.
        encode = self._rendered if self.prompt_kind == "messages" else self._encode
        return encode(texts)

    # ------------------------------------------------------------------ generation
    def _rows(self, requests: list[Request]) -> list[Any]:
        encoded = self._many([(request.prompt, request.tools) for request in requests])
        return [self._row(request, ids) for request, ids in zip(requests, encoded, strict=True)]

    def _row(self, request: Request, ids: list[int]) -> Any:
        from evalsuite.models.hf_rows import EXTRA, Row, failed

        sampling = merge_sampling(request.sampling, self._defaults)
        unknown = [name for name in sampling.extra if name not in EXTRA]
        if unknown:
            return failed(
                request, "unsupported", f"transformers models have no parameter {', '.join(unknown)}"
            )
        notes: dict[str, Any] = {}
        limit, context = max(1, sampling.max_out_len), self._context
        if not ids:
            return failed(
                request, "empty_prompt", "the prompt has no tokens; set prompt_prefix to begin with one"
            )
        if context is not None and len(ids) + 1 > context:
            room = max(1, context - limit)
            if self._truncation == "error" or context < 2:
                message = f"the prompt has {len(ids)} tokens, the window {context}"
                return failed(request, "too_long", message, prompt_tokens=len(ids))
            ids = ids[-room:] if self._truncation == "left" else cut_middle(ids, room)
            notes["truncated_prompt"] = True
        if context is not None and len(ids) + limit > context:
            limit = context - len(ids)
            notes["window_limit"] = limit
        stops = (*sampling.stop, *self._stop_words)
        if stops not in self._stops:
            self._stops[stops] = StopStrings(self.tokenizer, stops)
        asked = Request(request.key, request.prompt, sampling, (), request.tools, request.repeat)
        minimum = min(sampling.min_out_len, limit)
        return Row(asked, ids, limit, self._ends, self._stops[stops], self._seed, minimum, notes)

    def _generate_plain(self, requests: Iterable[Request]) -> Iterator[Answer]:
        from evalsuite.models import hf_plain

        stream = iter(requests)
        size = self._batch or 8
        while window := list(islice(stream, PLAIN_WINDOW)):
            texts = [request for request in window if not _has_images(request.prompt)]
            made = self._rows(texts) if texts else []
            yield from (row for row in made if isinstance(row, Answer))
            rows = sorted((row for row in made if not isinstance(row, Answer)), key=lambda row: len(row.ids))
            for start in range(0, len(rows), size):
                yield from hf_plain.generate(
                    self._base.model, self.tokenizer, rows[start : start + size], None
                )
            for request in window:
                if _has_images(request.prompt):
                    yield from self._look(request)

    def _look(self, request: Request) -> Iterator[Answer]:
        from evalsuite.models import hf_plain
        from evalsuite.models.hf_rows import failed
        from evalsuite.models.hf_vision import image_inputs

        if self._base.processor is None or isinstance(request.prompt, str):
            yield failed(request, "unsupported", "this model takes no images")
            return
        inputs = image_inputs(self._base.processor, request.prompt, self._system, self._template)
        row = self._row(request, inputs["input_ids"][0].tolist())
        if isinstance(row, Answer):
            yield row
        else:
            yield from hf_plain.generate(self._base.model, self.tokenizer, [row], inputs)

    # ------------------------------------------------------------------ log-likelihood
    def _job(self, request: Request) -> Any:
        from evalsuite.models.hf_rows import failed
        from evalsuite.models.hf_score import Job, Option

        if _has_images(request.prompt):
            return failed(request, "unsupported", "log-likelihoods behind images are not offered")
        context = self._prefix + self._text(request.prompt, request.tools)
        encode = self._rendered if self.prompt_kind == "messages" else self._encode
        head, tails = encode_pairs(encode, context, request.continuations)
        window, notes, options = self._context, {}, []
        for tail in tails:
            ids = [*head, *tail]
            start = len(head)
            if window is not None and len(ids) > window + 1:
                # The last token is only predicted, never fed, so a text may be one longer than the window.
                if self._truncation == "error" or len(tail) > window:
                    message = f"context and continuation have {len(ids)} tokens, the window {window}"
                    return failed(request, "too_long", message, prompt_tokens=len(head))
                start -= len(ids) - window - 1
                ids = ids[-(window + 1) :]
                notes["truncated_prompt"] = True
            options.append(Option(ids, max(start, 1), len(tail)))
        scorable = [option for option in options if len(option.ids) > option.start]
        return Job((request, options, len(head), notes), scorable or [Option([0, 0], 1, 1)])

    def _scored(self, job: Any) -> Answer:
        from evalsuite.models.hf_rows import failed

        request, options, length, notes = job.tag
        if job.scores is None:
            return failed(request, "out_of_memory", "not enough memory for one request", prompt_tokens=length)
        by_option = {id(option): score for option, score in zip(job.options, job.scores, strict=True)}
        empty = {id(option): OptionScore(0.0, option.tokens, 0, True) for option in options}
        scores = tuple((by_option.get(id(option)) or empty[id(option)]) for option in options)
        return Answer(
            request.key,
            options=scores,
            finish="scored",
            prompt_tokens=length,
            output_tokens=sum(option.tokens for option in options),
            extra=notes,
        )

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


def _has_images(prompt: Prompt) -> bool:
    if isinstance(prompt, str):
        return False
    return any(
        isinstance(part, ImagePart)
        for message in prompt
        if not isinstance(message.content, str)
        for part in message.content
    )


def _template(tokenizer: Any, given: str | None, path: str) -> tuple[str | None, str]:
    """The override of a chat template (Jinja text or a file), and where the template in use comes from."""
    if not given:
        return None, "tokenizer" if tokenizer.chat_template else "none"
    if "{" in given:
        return given, "config"
    file = Path(given)
    if not file.is_file():
        raise UserError(
            f"chat_template {given!r} is neither Jinja text nor a file",
            where=path,
            expected="text with {{ }} or a path",
        )
    return file.read_text(encoding="utf-8"), str(file)


def plain_message(message: Message) -> dict[str, Any]:
    """A message as chat templates expect it."""
    plain: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        plain["tool_calls"] = [
            {
                "type": "function",
                **({"id": call.id} if call.id else {}),
                "function": {"name": call.name, "arguments": dict(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        plain["tool_call_id"] = message.tool_call_id
    return plain


def plain_tools(tools: Sequence[Tool]) -> list[dict[str, Any]] | None:
    """Tools as chat templates expect them."""
    made = [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
            },
        }
        for tool in tools
    ]
    return made or None


def render(
    template: str | None,
    tokenizer: Any,
    messages: Sequence[Message],
    tools: Sequence[Tool] = (),
    system: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> str:
    """The text of messages under a template; a last message of the assistant is continued, not closed."""
    plain = [plain_message(message) for message in messages]
    if system is not None and not any(message.role == "system" for message in messages):
        plain.insert(0, {"role": "system", "content": system})
    going_on = bool(messages) and messages[-1].role == "assistant"
    return str(
        tokenizer.apply_chat_template(
            plain,
            chat_template=template,
            tools=plain_tools(tools),
            add_generation_prompt=not going_on,
            continue_final_message=going_on,
            tokenize=False,
            **(options or {}),
        )
    )
