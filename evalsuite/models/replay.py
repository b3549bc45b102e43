"""Answers read from files: to grade what was generated elsewhere, and to evaluate without a model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast, get_args

from evalsuite.errors import UserError
from evalsuite.models.base import ModelFacts, PromptKind
from evalsuite.models.echo import CHARS_PER_TOKEN, prompt_text
from evalsuite.types import Answer, Failure, Finish, OptionScore, Prompt, Request, ToolCall

TEXT_FIELDS = ("prediction", "answer", "output", "completion", "response", "text", "solution")
NAME_FIELDS = {"key": "key", "prompt": "prompt", "origin_prompt": "prompt", "id": "id", "task_id": "id"}


class ReplayModel:
    """Gives back the answers of a JSON-lines file (or several, or a folder of them), by key, prompt or id.

    A line carries a `key` (the request's content key), a `prompt` (the exact text, or the messages) or the
    `id` (also `task_id`) of the sample, and what the model said under `prediction` (or answer, output,
    completion, response, text, solution), as one text or a list with one per repeat. Several lines of one
    prompt or id are its repeats, in the file's order. Log-likelihoods come from `options`: a list of numbers
    or of {logprob, tokens, scored, greedy}. A request without an answer fails as 'no_answer', or is answered
    by an empty text when `missing='empty'`.
    """

    prompt_kind: ClassVar[PromptKind] = "text"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        path: str | Sequence[str],
        *,
        missing: str = "error",
        prediction_field: str = "",
        max_seq_len: int | None = None,
    ) -> None:
        if missing not in ("error", "empty"):
            raise UserError(f"missing={missing!r}", where="a replay model", expected="'error' or 'empty'")
        self._files = _files([path] if isinstance(path, str) else path)
        self._missing = missing
        self._fields = (prediction_field,) if prediction_field else TEXT_FIELDS
        self._max_seq_len = max_seq_len
        self._rows: dict[str, list[Mapping[str, Any]]] = {}
        for file in self._files:
            self._read(file)

    def generate(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with the text that the files hold for it."""
        for request in requests:
            row = self._find(request)
            text = None if row is None else self._text(row)
            yield self._absent(request) if row is None or text is None else _answer(request, row, text)

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with the option scores that the files hold for it."""
        for request in requests:
            row = self._find(request)
            scores = () if row is None else tuple(map(_score, row.get("options", ())))
            if row is None or len(scores) != len(request.continuations):
                yield Answer(
                    request.key,
                    finish="error",
                    error=Failure(
                        "no_answer", f"{len(scores)} option scores for {len(request.continuations)} options"
                    ),
                )
            else:
                yield Answer(request.key, options=scores, finish="scored")

    def count_tokens(self, prompt: Prompt) -> int:
        """Four characters stand for a token, since no tokenizer is known."""
        return -(-len(prompt_text(prompt)) // CHARS_PER_TOKEN)

    def facts(self) -> ModelFacts:
        """Which files answer, and how many keys and prompts they hold."""
        details = {"files": [str(file) for file in self._files], "answers": len(self._rows)}
        return ModelFacts("replay", "1", self._max_seq_len, details)

    def close(self) -> None:
        """Let go of the rows."""
        self._rows.clear()

    # ------------------------------------------------------------------ reading
    def _read(self, file: Path) -> None:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise UserError(f"not a JSON line ({error.msg})", where=f"{file}:{number}") from None
                names = list(_names(row)) if isinstance(row, dict) else []
                if not names:
                    raise UserError(
                        "a line names no request",
                        where=f"{file}:{number}",
                        expected="one of " + ", ".join(NAME_FIELDS),
                    )
                for name in names:
                    self._rows.setdefault(name, []).extend(self._repeats(row))

    def _repeats(self, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """A line whose prediction is a list stands for one row per repeat."""
        for name in self._fields:
            texts = row.get(name)
            if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
                return [{**row, name: text} for text in texts]
        return [row]

    def _find(self, request: Request) -> Mapping[str, Any] | None:
        """The row of a request: by key, else by prompt and repeat, else by sample id and repeat."""
        rows = self._rows.get(f"key:{request.key}")
        if rows:
            return rows[0]
        for name in (f"prompt:{_plain(request.prompt)}", f"id:{request.sample_id}"):
            rows = self._rows.get(name)
            if rows and request.repeat < len(rows):
                return rows[request.repeat]
        return None

    def _text(self, row: Mapping[str, Any]) -> str | None:
        for name in self._fields:
            text = row.get(name)
            if isinstance(text, str):
                return text
        return None

    def _absent(self, request: Request) -> Answer:
        if self._missing == "empty":
            return Answer(request.key)
        message = (
            f"no answer for repeat {request.repeat} of this prompt in {', '.join(map(str, self._files))}"
        )
        return Answer(request.key, finish="error", error=Failure("no_answer", message))


class ReplayChatModel(ReplayModel):
    """A replay model that is asked with messages."""

    prompt_kind: ClassVar[PromptKind] = "messages"


def _files(paths: Sequence[str]) -> list[Path]:
    """The files behind the paths of a config; a folder stands for its *.jsonl files."""
    found: list[Path] = []
    for path in map(Path, paths):
        found.extend(sorted(path.rglob("*.jsonl")) if path.is_dir() else [path])
    for file in found:
        if not file.is_file():
            raise UserError("no such file", where=str(file), expected="a JSON-lines file of answers")
    if not found:
        raise UserError(
            "no *.jsonl file here", where=", ".join(paths), expected="a JSON-lines file of answers"
        )
    return found


def _names(row: Mapping[str, Any]) -> Iterator[str]:
    for field, name in NAME_FIELDS.items():
        if field in row:
            yield f"{name}:{_plain_json(row[field]) if name == 'prompt' else row[field]}"


def _plain(prompt: Prompt) -> str:
    """A prompt as one text: messages as JSON of role and content, as files carry them."""
    if isinstance(prompt, str):
        return prompt
    return json.dumps([[message.role, message.text] for message in prompt], ensure_ascii=False)


def _plain_json(prompt: Any) -> str:
    if not isinstance(prompt, list):
        return str(prompt)
    turns = [turn if isinstance(turn, dict) else {} for turn in prompt]
    pairs = [[turn.get("role"), turn.get("content", turn.get("prompt"))] for turn in turns]
    return json.dumps(pairs, ensure_ascii=False)


def _answer(request: Request, row: Mapping[str, Any], text: str) -> Answer:
    finish = row.get("finish", row.get("finish_reason", "stop"))
    calls = tuple(
        ToolCall(str(call["name"]), call.get("arguments", {}), str(call.get("id", "")))
        for call in row.get("tool_calls") or ()
    )
    return Answer(
        request.key,
        text,
        finish=cast(Finish, finish if finish in get_args(Finish) else "unknown"),
        tool_calls=calls,
        reasoning=str(row.get("reasoning") or ""),
        prompt_tokens=int(row.get("prompt_tokens") or 0),
        output_tokens=int(row.get("output_tokens") or 0),
    )


def _score(option: Any) -> OptionScore:
    if isinstance(option, Mapping):
        tokens = int(option.get("tokens", 1))
        scored = int(option.get("scored", tokens))
        return OptionScore(float(option["logprob"]), tokens, scored, bool(option.get("greedy", False)))
    return OptionScore(float(option), 1, 1)
