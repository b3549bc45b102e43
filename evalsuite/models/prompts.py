"""From a request's prompt to token ids, the same way for every engine that runs on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalsuite.errors import UserError, nearest_name
from evalsuite.models.base import PromptKind
from evalsuite.models.settings import Truncation
from evalsuite.models.tokens import Encode, cut_middle, encode_pairs, encoder
from evalsuite.registry import load
from evalsuite.types import Answer, Failure, ImagePart, Message, OptionScore, Prompt, Request, Tool


@dataclass
class Option:
    """One text to score: all its ids, the first one that is scored, and how many the continuation has."""

    ids: list[int]
    start: int
    tokens: int

    @property
    def empty(self) -> bool:
        """Whether there is nothing to score: no token, or one that nothing stands before."""
        return len(self.ids) <= self.start

    def nothing(self) -> OptionScore:
        """The score of an empty option."""
        return OptionScore(0.0, self.tokens, 0, True)


@dataclass
class Prompts:
    """Renders, encodes and fits prompts for one model."""

    tokenizer: Any
    kind: PromptKind
    where: str
    window: int | None = None
    truncation: Truncation = "error"
    prefix: str = ""
    system: str | None = None
    template: str | None = None
    template_source: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A rendered template brings its own beginning-of-text token, a text does not.
        self._encode_text = encoder(self.tokenizer, add_special_tokens=True)
        self._encode_chat = encoder(self.tokenizer, add_special_tokens=False)
        self._format = self.template if is_chat_format(self.template) else None
        if self._format:
            self.template, self.template_source = None, f"format {self._format}"
        elif self.template:
            self.template, self.template_source = read_template(self.template, self.where)
        else:
            self.template, self.template_source = (
                None,
                "tokenizer" if self.tokenizer.chat_template else "none",
            )

    def text(self, prompt: Prompt, tools: Sequence[Tool] = ()) -> str:
        """The final text of a prompt, what stands before every prompt included."""
        if isinstance(prompt, str):
            return self.prefix + prompt
        return self.prefix + self.render(prompt, tools)

    def render(self, messages: Sequence[Message], tools: Sequence[Tool] = (), images: bool = False) -> str:
        """Messages under the template; a last message of the assistant is continued, not closed."""
        if self._format:
            return str(load("evalsuite.prompt.chat:render_chat")(self._format, messages, self.system))
        if self.template is None and not self.tokenizer.chat_template:
            raise UserError(
                "the tokenizer has no chat template",
                where=self.where,
                expected="chat_template=..., or the type HuggingFaceBaseModel for a base model",
            )
        plain = [plain_message(message, images) for message in messages]
        if self.system is not None and not any(message.role == "system" for message in messages):
            plain.insert(0, {"role": "system", "content": self.system})
        going_on = bool(messages) and messages[-1].role == "assistant"
        return str(
            self.tokenizer.apply_chat_template(
                plain,
                chat_template=self.template,
                tools=plain_tools(tools),
                add_generation_prompt=not going_on,
                continue_final_message=going_on,
                tokenize=False,
                **self.options,
            )
        )

    def ids(self, prompts: Sequence[tuple[Prompt, Sequence[Tool]]]) -> list[list[int]]:
        """Token ids of several prompts."""
        if len({isinstance(prompt, str) for prompt, _ in prompts}) > 1:
            return [ids for one in prompts for ids in self.ids([one])]
        texts = [self.text(prompt, tools) for prompt, tools in prompts]
        return self._encoder(prompts[0][0])(texts) if texts else []

    def _encoder(self, prompt: Prompt) -> Encode:
        return self._encode_text if isinstance(prompt, str) else self._encode_chat

    def fit(self, ids: list[int], limit: int) -> tuple[list[int], int, dict[str, Any]] | Failure:
        """Ids and output limit within the window, with a note of what was cut; or why they cannot fit."""
        notes: dict[str, Any] = {}
        if not ids:
            return Failure("empty_prompt", "the prompt has no tokens; prompt_prefix can begin it")
        window, limit = self.window, max(1, limit)
        if window is None:
            return ids, limit, notes
        if len(ids) + 1 > window:
            if self.truncation == "error":
                return Failure("too_long", f"the prompt has {len(ids)} tokens, the window {window}")
            room = max(1, window - min(limit, window // 2))
            ids = ids[-room:] if self.truncation == "left" else cut_middle(ids, room)
            notes["truncated_prompt"] = True
        if len(ids) + limit > window:
            limit = window - len(ids)
            notes["window_limit"] = limit
        return ids, limit, notes

    def pairs(self, request: Request, spare: int = 1) -> tuple[int, list[Option], dict[str, Any]] | Failure:
        """The options of a log-likelihood request, with the length of their context.

        The last token of a text is only predicted, never fed, so a text may be one longer (`spare`) than the
        window.
        """
        return self.many_pairs([request], spare)[0]

    def many_pairs(
        self, requests: Sequence[Request], spare: int = 1
    ) -> list[tuple[int, list[Option], dict[str, Any]] | Failure]:
        """The options of several requests, encoded in one go, which a tokenizer spreads over the cores."""
        if len({isinstance(request.prompt, str) for request in requests}) > 1:
            return [found for one in requests for found in self.many_pairs([one], spare)]
        pairs = [(self.text(request.prompt, request.tools), request.continuations) for request in requests]
        encode = self._encoder(requests[0].prompt if requests else "")
        return [self._options(head, tails, spare) for head, tails in encode_pairs(encode, pairs)]

    def _options(
        self, head: list[int], tails: list[list[int]], spare: int
    ) -> tuple[int, list[Option], dict[str, Any]] | Failure:
        options: list[Option] = []
        known: dict[tuple[int, ...], Option] = {}
        notes: dict[str, Any] = {}
        for tail in tails:
            ids, start = [*head, *tail], len(head)
            longest = len(ids) if self.window is None else self.window + spare
            if len(ids) > longest:
                if self.truncation == "error" or len(tail) >= longest:
                    message = f"context and continuation have {len(ids)} tokens, the window {self.window}"
                    return Failure("too_long", message)
                start -= len(ids) - longest
                ids = ids[-longest:]
                notes["truncated_prompt"] = True
            # Equal texts are one option, so that they are scored once and tie to the last bit.
            options.append(known.setdefault(tuple(ids), Option(ids, max(start, 1), len(tail))))
        return len(head), options, notes


def is_chat_format(given: str | None) -> bool:
    """Whether a chat template is given by the name of a format that is built in."""
    return bool(given) and given in load("evalsuite.prompt.chat:chat_formats")()


def with_format_stops(stop_words: Sequence[str], chat_template: str | None) -> tuple[str, ...]:
    """The stop words of a model, with those of its chat format when it is named."""
    own = load("evalsuite.prompt.chat:chat_stops")(chat_template) if is_chat_format(chat_template) else ()
    return tuple(dict.fromkeys((*stop_words, *own)))


def failed(request: Request, kind: str, message: str, **facts: Any) -> Answer:
    """The answer of a request that cannot be answered."""
    return Answer(request.key, finish="error", error=Failure(kind, message), **facts)


def has_images(prompt: Prompt) -> bool:
    """Whether any message of a prompt carries an image."""
    return bool(image_parts(prompt))


def image_parts(prompt: Prompt) -> list[ImagePart]:
    """The images of a prompt, in order."""
    if isinstance(prompt, str):
        return []
    return [
        part
        for message in prompt
        if not isinstance(message.content, str)
        for part in message.content
        if isinstance(part, ImagePart)
    ]


def read_template(given: str, where: str) -> tuple[str, str]:
    """A chat template given as Jinja text or as a file, and the words for where it comes from."""
    if "{" in given:
        return given, "config"
    file = Path(given)
    if not file.is_file():
        formats = load("evalsuite.prompt.chat:chat_formats")()
        raise UserError(
            f"chat_template {given!r} is neither a format, Jinja text nor a file",
            where=where,
            expected="text with {{ }}, a path, or one of " + ", ".join(formats),
            nearest=nearest_name(given, formats),
        )
    return file.read_text(encoding="utf-8"), str(file)


def plain_message(message: Message, images: bool = False) -> dict[str, Any]:
    """A message as chat templates expect it; with `images`, content of parts keeps a place for each image."""
    content: Any = message.text
    if images and not isinstance(message.content, str):
        content = [
            {"type": "image"} if isinstance(part, ImagePart) else {"type": "text", "text": part.text}
            for part in message.content
            if isinstance(part, ImagePart) or hasattr(part, "text")
        ]
    plain: dict[str, Any] = {"role": message.role, "content": content}
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
