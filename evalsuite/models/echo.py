"""Deterministic models that answer from the prompt itself, with latencies and faults on demand.

They make the whole engine testable without a network or a GPU: what they say depends on the prompt and the
repeat alone, what they do wrong is written in the config, and they cost almost nothing to import and to run.
"""

from __future__ import annotations

import heapq
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from evalsuite.errors import UserError, nearest_name
from evalsuite.models.base import ModelFacts, PromptKind
from evalsuite.types import Answer, Failure, Finish, OptionScore, Prompt, Request

Mode = Literal["echo", "hash", "field", "constant", "choice"]
MODES: tuple[Mode, ...] = get_args(Mode)
CHARS_PER_TOKEN = 4
FOREVER = 10**8


@dataclass(frozen=True)
class EchoFaults:
    """What an echo model does wrong. Every field is a key that a config's `faults` dict may carry.

    A `_rate` picks requests by a hash of their key, so the same ones in every process and every run; an
    `_every` and an `_after` count what this process was asked or has answered; an `_on` picks prompts that
    contain the text. A picked request fails on its first `fail_times` attempts in one process (0: always).
    A crash or a hang happens at most `times` times over all processes that share the folder `state` (without
    a folder: every time).
    """

    error_rate: float = 0.0
    error_every: int = 0
    error_on: str = ""
    error_kind: str = "server"
    transient: bool = True
    fail_times: int = 0
    crash_after: int = -1
    crash_on: str = ""
    crash_rate: float = 0.0
    crash_how: str = "exit"
    hang_after: int = -1
    hang_on: str = ""
    hang_rate: float = 0.0
    hang_seconds: float = float(FOREVER)
    slow_rate: float = 0.0
    slow_seconds: float = 1.0
    lose_rate: float = 0.0
    repeat_rate: float = 0.0
    refuse_after: int = -1
    load_error: str = ""
    load_crash: bool = False
    load_seconds: float = 0.0
    state: str = ""
    times: int = 0

    @classmethod
    def from_config(cls, faults: Mapping[str, Any] | None) -> EchoFaults:
        """Read a `faults` dict; an unknown key is the user's error."""
        known = [item.name for item in fields(cls)]
        for name in faults or {}:
            if name not in known:
                raise UserError(
                    f"no fault named {name!r}",
                    where="faults of an echo model",
                    expected=", ".join(known),
                    nearest=nearest_name(name, known),
                )
        found = cls(**(faults or {}))
        if found.crash_how not in ("exit", "kill", "raise"):
            raise UserError(
                f"crash_how {found.crash_how!r}",
                where="faults of an echo model",
                expected="exit, kill or raise",
            )
        return found


class EchoModel:
    """Answers each prompt from its own text: cheap, deterministic, and as faulty as the config asks.

    `mode`: 'echo' repeats the prompt, 'hash' gives a digest of prompt, seed and repeat, 'field' gives the
    rest of the line behind the last occurrence of `field`, 'constant' gives `text`, 'choice' one of `choices`
    by hash. `concurrency` requests are in flight at once, each for `latency` seconds, spread by
    +-`latency_jitter`. A token is four characters.
    """

    prompt_kind: ClassVar[PromptKind] = "text"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        path: str = "echo",
        mode: Mode = "echo",
        *,
        field: str = "",
        text: str = "",
        choices: Sequence[str] = ("A", "B", "C", "D"),
        latency: float = 0.0,
        latency_jitter: float = 0.0,
        concurrency: int = 1,
        faults: Mapping[str, Any] | None = None,
        max_seq_len: int | None = None,
    ) -> None:
        if mode not in MODES:
            raise UserError(
                f"no echo mode {mode!r}",
                where=f"model {path}",
                expected=", ".join(MODES),
                nearest=nearest_name(mode, MODES),
            )
        if mode == "field" and not field:
            raise UserError(
                "mode 'field' needs the text to look for", where=f"model {path}", expected="field='Answer:'"
            )
        self._path = path
        self._mode = mode
        self._field = field
        self._constant = text
        self._choices = tuple(choices)
        self._latency = latency
        self._jitter = latency_jitter
        self._concurrency = max(1, concurrency)
        self._faults = EchoFaults.from_config(faults)
        self._faulty = self._faults != EchoFaults()
        self._max_seq_len = max_seq_len
        self._asked = 0
        self._answered = 0
        self._attempts: dict[str, int] = {}
        self._load()

    # ------------------------------------------------------------------ the protocol
    def generate(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with a text made from its prompt."""
        return self._run(requests, self._generate_one)

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Score each continuation by a hash; one that equals the text this model would say is the best."""
        return self._run(requests, self._score_one)

    def count_tokens(self, prompt: Prompt) -> int:
        """Four characters are a token."""
        return -(-len(prompt_text(prompt)) // CHARS_PER_TOKEN)

    def facts(self) -> ModelFacts:
        """An echo has a mode and no weights."""
        return ModelFacts("echo", "1", self._max_seq_len, {"path": self._path, "mode": self._mode})

    def close(self) -> None:
        """An echo holds nothing."""

    # ------------------------------------------------------------------ the stream
    def _run(self, requests: Iterable[Request], answer_one: Callable[[Request], Answer]) -> Iterator[Answer]:
        if not self._faulty and not self._latency:
            yield from map(answer_one, requests)
            return
        source = iter(requests)
        flight: list[tuple[float, int, Request]] = []
        more = True
        while more or flight:
            while more and len(flight) < self._concurrency:
                request = next(source, None)
                if request is None:
                    more = False
                    break
                self._asked += 1
                heapq.heappush(flight, (time.monotonic() + self._seconds(request), self._asked, request))
            if not flight:
                return
            due, number, request = heapq.heappop(flight)
            pause = due - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            for answer in self._with_faults(request, number, answer_one):
                yield answer
                self._answered += 1

    def _seconds(self, request: Request) -> float:
        seconds = self._latency
        if self._jitter:
            seconds += self._jitter * (2 * _fraction("jitter", request.key) - 1)
        if _fraction("slow", request.key) < self._faults.slow_rate:
            seconds += self._faults.slow_seconds
        return max(0.0, seconds)

    # ------------------------------------------------------------------ answers
    def _generate_one(self, request: Request) -> Answer:
        prompt = prompt_text(request.prompt)
        prompt_tokens = -(-len(prompt) // CHARS_PER_TOKEN)
        if self._max_seq_len is not None and prompt_tokens >= self._max_seq_len:
            return self._too_long(request.key, prompt_tokens)
        text = self._say(request, prompt)
        finish: Finish = "stop"
        room = request.sampling.max_out_len
        if self._max_seq_len is not None:
            room = min(room, self._max_seq_len - prompt_tokens)
        if len(text) > room * CHARS_PER_TOKEN:
            text = text[: room * CHARS_PER_TOKEN]
            finish = "length"
        for stop in request.sampling.stop:
            head, found, _ = text.partition(stop)
            if found:
                text, finish = head, "stop"
        return Answer(
            request.key,
            text,
            finish=finish,
            prompt_tokens=prompt_tokens,
            output_tokens=-(-len(text) // CHARS_PER_TOKEN),
        )

    def _score_one(self, request: Request) -> Answer:
        prompt = prompt_text(request.prompt)
        prompt_tokens = -(-len(prompt) // CHARS_PER_TOKEN)
        longest = max((len(text) for text in request.continuations), default=0)
        if self._max_seq_len is not None and prompt_tokens + longest // CHARS_PER_TOKEN > self._max_seq_len:
            return self._too_long(request.key, prompt_tokens)
        said = "" if self._mode in ("echo", "hash") else self._say(request, prompt).strip()
        scores = []
        for text in request.continuations:
            tokens = max(1, -(-len(text) // CHARS_PER_TOKEN))
            scored = tokens if prompt else tokens - 1
            best = bool(said) and text.strip() == said
            per_token = 0.01 if best else 1.0 + 4.0 * _fraction(prompt, text)
            scores.append(OptionScore(-per_token * scored, tokens, scored, greedy=best))
        return Answer(request.key, options=tuple(scores), finish="scored", prompt_tokens=prompt_tokens)

    def _say(self, request: Request, prompt: str) -> str:
        if self._mode == "echo":
            return prompt
        if self._mode == "constant":
            return self._constant
        if self._mode == "field":
            _, found, rest = prompt.rpartition(self._field)
            return rest.partition("\n")[0].strip() if found else ""
        drawn = _digest(prompt, f"{request.sampling.seed}/{request.repeat}")
        return drawn.hex() if self._mode == "hash" else self._choices[drawn[0] % len(self._choices)]

    def _too_long(self, key: str, tokens: int) -> Answer:
        message = f"a prompt of {tokens} tokens is longer than the window of {self._max_seq_len}"
        return Answer(key, finish="error", prompt_tokens=tokens, error=Failure("too_long", message))

    # ------------------------------------------------------------------ faults
    def _load(self) -> None:
        faults = self._faults
        if faults.load_seconds:
            time.sleep(faults.load_seconds)
        if faults.load_crash and self._once_more("load"):
            os._exit(137)
        if faults.load_error:
            raise UserError(faults.load_error, where=f"model {self._path}")

    def _with_faults(
        self, request: Request, number: int, answer_one: Callable[[Request], Answer]
    ) -> Iterator[Answer]:
        faults = self._faults
        text = prompt_text(request.prompt) if faults.crash_on or faults.hang_on or faults.error_on else ""
        if 0 <= faults.refuse_after <= self._answered:
            raise UserError("the key was refused", where=f"model {self._path}")
        if self._hit("crash", faults.crash_after, faults.crash_on, faults.crash_rate, request.key, text):
            self._crash(request.key)
        if self._hit("hang", faults.hang_after, faults.hang_on, faults.hang_rate, request.key, text):
            time.sleep(faults.hang_seconds)
        if self._errs(request.key, number, text):
            message = f"injected on attempt {self._attempts[request.key]}"
            failure = Failure(faults.error_kind, message, faults.transient)
            yield Answer(request.key, finish="error", error=failure)
            return
        if faults.lose_rate and _fraction("lose", request.key) < faults.lose_rate:
            return
        answer = answer_one(request)
        yield answer
        if faults.repeat_rate and _fraction("repeat", request.key) < faults.repeat_rate:
            yield answer

    def _hit(self, name: str, after: int, on: str, rate: float, key: str, text: str) -> bool:
        picked = 0 <= after <= self._answered or bool(on and on in text) or _fraction(name, key) < rate
        return picked and self._once_more(name)

    def _errs(self, key: str, number: int, text: str) -> bool:
        faults = self._faults
        picked = (
            _fraction("error", key) < faults.error_rate
            or bool(faults.error_every and number % faults.error_every == 0)
            or bool(faults.error_on and faults.error_on in text)
        )
        if not picked:
            return False
        self._attempts[key] = self._attempts.get(key, 0) + 1
        return not faults.fail_times or self._attempts[key] <= faults.fail_times

    def _crash(self, key: str) -> None:
        if self._faults.crash_how == "raise":
            raise RuntimeError(f"injected crash at {key}")
        if self._faults.crash_how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(FOREVER)
        os._exit(137)

    def _once_more(self, name: str) -> bool:
        """Whether a fault may still happen; each leaves one file, so that processes share the count."""
        if not self._faults.state or not self._faults.times:
            return True
        folder = Path(self._faults.state)
        folder.mkdir(parents=True, exist_ok=True)
        for happened in range(self._faults.times):
            try:
                os.close(os.open(folder / f"{name}.{happened}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                continue
            return True
        return False


class EchoChatModel(EchoModel):
    """An echo model that takes its prompts as messages and answers from the last one of the user."""

    prompt_kind: ClassVar[PromptKind] = "messages"


def prompt_text(prompt: Prompt) -> str:
    """What a deterministic model reads of a prompt: the text, or the last user's message."""
    if isinstance(prompt, str):
        return prompt
    for message in reversed(prompt):
        if message.role == "user":
            return message.text
    return prompt[-1].text if prompt else ""


def _digest(first: str, second: str) -> bytes:
    return blake2b(f"{len(first)}\n{first}{second}".encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _fraction(first: str, second: str) -> float:
    """A number in [0, 1) that depends on two texts alone."""
    return int.from_bytes(_digest(first, second), "big") / 2**64
