"""The words of the design as frozen dataclasses: what flows from a config to a table.

Every room speaks in these types. They are plain data: picklable, comparable, and free of any package
beyond the standard library, so that importing them costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Union

Json = Any
Verb = Literal["generate", "loglikelihood"]
Finish = Literal["stop", "length", "tool_calls", "content_filter", "scored", "error", "unknown"]
Status = Literal["right", "wrong", "unextracted", "syntax", "timeout", "truncated", "error"]
Stage = Literal["infer", "eval"]
EMPTY: Mapping[str, Any] = {}


# --------------------------------------------------------------------------- prompts
@dataclass(frozen=True)
class TextPart:
    """A piece of text inside a message of several parts."""

    text: str


@dataclass(frozen=True)
class ImagePart:
    """An image: a path, a URL or a data URI."""

    source: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AudioPart:
    """A sound: a path, a URL or a data URI."""

    source: str
    options: Mapping[str, Any] = field(default_factory=dict)


Part = Union[TextPart, ImagePart, AudioPart]


@dataclass(frozen=True)
class ToolCall:
    """A function that the model asks to have called; arguments are already parsed."""

    name: str
    arguments: Mapping[str, Any]
    id: str = ""


@dataclass(frozen=True)
class Tool:
    """A function that the model may call, with the JSON schema of its parameters."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """One turn of a conversation; content is text or a sequence of parts."""

    role: str
    content: str | tuple[Part, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""

    @property
    def text(self) -> str:
        """The text of this message, parts joined."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))


Prompt = Union[str, tuple[Message, ...]]


# --------------------------------------------------------------------------- one model call
@dataclass(frozen=True)
class Sampling:
    """How a text is drawn from the model; every backend gives these the same meaning.

    `stop` strings end the text and are not part of it. `temperature` 0 is greedy. `seed` None leaves the
    choice to the request's repeat index, so that repeats differ and a rerun agrees.
    """

    max_out_len: int = 512
    min_out_len: int = 0
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What one model call needs, with the content key of its answer.

    For log-likelihood, `continuations` are scored behind `prompt` (which may be empty: then whole texts are
    scored). All continuations of one request share that prompt, so that a backend may compute it once.
    `sample_id` is the id of the sample that asks, where one alone does: it is for answers that are looked up,
    and decides nothing else.
    """

    key: str
    prompt: Prompt
    sampling: Sampling = Sampling()
    continuations: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    repeat: int = 0
    sample_id: str = ""

    @property
    def verb(self) -> Verb:
        """Which of a model's two verbs answers this request."""
        return "loglikelihood" if self.continuations else "generate"


@dataclass(frozen=True)
class OptionScore:
    """The log-likelihood of one continuation.

    `logprob` is the natural-log sum over the `scored` tokens; `tokens` counts all tokens of the continuation
    (more than `scored` only when the very first token of an empty prompt has nothing to be predicted from).
    """

    logprob: float
    tokens: int
    scored: int
    greedy: bool = False


@dataclass(frozen=True)
class Failure:
    """Why there is no answer: a class of cause that can be counted, and the words for it."""

    kind: str
    message: str
    transient: bool = False


@dataclass(frozen=True)
class Answer:
    """What came back for a request: a text, or option scores, or the failure in their place."""

    key: str
    text: str = ""
    options: tuple[OptionScore, ...] = ()
    finish: Finish = "stop"
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    prompt_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    error: Failure | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


# --------------------------------------------------------------------------- data and verdicts
@dataclass(frozen=True)
class Sample:
    """One row of a dataset: its place, its stable id, its fields and its reference."""

    index: int
    id: str
    fields: Mapping[str, Any]
    reference: Any = None


@dataclass(frozen=True)
class Score:
    """The verdict on one answer.

    `metrics` are numbers of this answer alone (0..1 for rates); `extra` carries what a benchmark wants to
    keep beside them (isolation, integrity, cpu_s, the extracted text...).
    """

    id: str
    repeat: int
    status: Status
    correct: bool | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    detail: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """An aggregate that never comes without its n and its doubt.

    `value` is what is shown (a rate in percent). `high` is what the value would be if every failed sample had
    been right (`low` likewise if all had been wrong); both equal the value when nothing failed.
    """

    value: float
    n: int
    stderr: float | None
    low: float | None = None
    high: float | None = None
    failed: int = 0


# --------------------------------------------------------------------------- work
@dataclass(frozen=True)
class Task:
    """A slice of (model x dataset) in one stage: the unit that is partitioned, leased, retried and resumed.

    `name` is unique in a run and carries the fingerprint of everything that decides its rows, so that a
    task of a changed config is another task. `samples` is the half-open range of sample positions.
    """

    name: str
    stage: Stage
    queue: str
    model: str
    dataset: str
    start: int
    stop: int
    verb: Verb = "generate"
    cost: float = 1.0


@dataclass(frozen=True)
class Counts:
    """How the answers of a (model x dataset) fell out, beside its metrics."""

    total: int = 0
    answered: int = 0
    errors: int = 0
    truncated: int = 0
    empty: int = 0
    unextracted: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """The metrics of one (model x dataset) with their counts."""

    model: str
    dataset: str
    metrics: Mapping[str, Metric]
    counts: Counts
    version: str = ""
    mode: str = "gen"
    headline: str = ""


Rows = Sequence[Mapping[str, Any]]
