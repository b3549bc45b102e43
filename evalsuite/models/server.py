"""Models served by a program that is started, watched and ended here: vLLM, SGLang, llama.cpp, ..."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from evalsuite.errors import UserError
from evalsuite.models.base import ModelFacts, PromptKind
from evalsuite.models.prompts import has_images, is_chat_format, read_template, with_format_stops
from evalsuite.models.server_command import Wish, command_of
from evalsuite.models.settings import merge_sampling, model_defaults
from evalsuite.registry import load
from evalsuite.types import Answer, Message, Prompt, Request

TAIL = 25
# What each request must say to an engine that else fills in the checkpoint's own repetition penalty.
EXTRA_BODY: Mapping[str, Mapping[str, Any]] = {"transformers": {"frequency_penalty": 0.0}}
# A prompt rendered here has its special tokens in it, and stop strings may be special tokens too.
FORMAT_BODY = {"add_special_tokens": False, "skip_special_tokens": False}
GOING_ON = ("vllm", "sglang")
"""Engines that can be asked to go on with the assistant's words."""
QUICK_END = 15.0


class ServerFailed(UserError):
    """A managed server did not start or died for good; the message ends with the last lines of its log."""


class ServerProcess:
    """One server process: a port, a log, whether it lives, and a sure end."""

    def __init__(
        self,
        engine: str,
        wish: Wish,
        command: Sequence[str] | None,
        env: Mapping[str, str],
        health: str,
        start_timeout: float,
        log: Path,
        restarts: int = 1,
    ) -> None:
        self._engine, self._wish, self._given = engine, wish, command
        self._env, self._health, self._limit = env, health, start_timeout
        self.log = log
        self._restarts = restarts
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.dead = ""
        self.starts = 0
        atexit.register(self.stop)

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"http://{self._wish.host}:{self._wish.port}/v1"

    def start(self) -> None:
        """Start and wait until the server is ready; a port that somebody else took is replaced once."""
        try:
            self._launch()
            self._wait_ready()
        except ServerFailed as error:
            if "address already in use" not in str(error).lower():
                self.stop()
                raise
            self._wish = replace(self._wish, port=free_port(self._wish.host))
            try:
                self._launch()
                self._wait_ready()
            except ServerFailed:
                self.stop()
                raise
        threading.Thread(target=self._watch, name="evalsuite-server-watch", daemon=True).start()

    def stop(self) -> None:
        """End the server and all its helpers; safe to call twice."""
        self._closing.set()
        with self._lock:
            self._end()
        atexit.unregister(self.stop)

    def tail(self) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:])

    def ask(self, path: str, body: Mapping[str, Any]) -> Any:
        """What the server answers to a JSON body at a path of its own; None when it knows no such path."""
        connection = http.client.HTTPConnection(self._wish.host, self._wish.port, timeout=60)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            return json.loads(response.read()) if response.status == 200 else None
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    # ------------------------------------------------------------------ inside
    def _launch(self) -> None:
        words = command_of(self._engine, self._wish, self._given)
        guard = str(Path(__file__).with_name("server_guard.py"))
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(words)}\n".encode())
            log.flush()
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-E", guard, *words],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self._env},
                start_new_session=True,
            )
        self.starts += 1

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(QUICK_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    def _wait_ready(self) -> None:
        """Poll liveness and health; each way to fail says in which phase the server was."""
        process = self._process
        assert process is not None
        began, phase, pause = time.monotonic(), "loading (nothing listens on its port yet)", 0.05
        while True:
            status = process.poll()
            if status is not None:
                raise self._failure(f"the server ended with status {status} while {phase}")
            code = self._ask_health()
            if code == 200:
                return
            if code is not None:
                phase = f"warming up (its health check answers {code})"
            if time.monotonic() - began > self._limit:
                raise self._failure(
                    f"the server was not ready after {self._limit:g} s; it was still {phase}",
                    "a larger start_timeout when it only needs longer",
                )
            time.sleep(pause)
            pause = min(1.0, pause * 1.3)

    def _ask_health(self) -> int | None:
        connection = http.client.HTTPConnection(self._wish.host, self._wish.port, timeout=5)
        try:
            connection.request("GET", self._health)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _failure(self, what: str, expected: str = "") -> ServerFailed:
        text = f"{what}; the end of its log {self.log}:\n{self.tail()}"
        return ServerFailed(text, where=f"model {self._wish.path}", expected=expected)

    def _watch(self) -> None:
        """Start a server that died again, once, on the port that its clients know."""
        while not self._closing.is_set():
            process = self._process
            if process is None:
                return
            status = process.wait()
            with self._lock:
                if self._closing.is_set():
                    return
                if self._restarts <= 0:
                    self.dead = str(self._failure(f"the server died again, with status {status}"))
                    return
                self._restarts -= 1
                try:
                    self._launch()
                except OSError as error:
                    self.dead = f"the server could not be started again: {error}"
                    return


class _Managed:
    """A server of our own and the client that talks to it."""

    prompt_kind: ClassVar[PromptKind]
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        path: str,
        *,
        engine: str = "vllm",
        command: Sequence[str] | None = None,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        python: str = "",
        host: str = "127.0.0.1",
        port: int | None = None,
        health: str = "/health",
        start_timeout: float = 1800.0,
        log: str = "",
        restarts: int = 1,
        client: Mapping[str, Any] | None = None,
        max_seq_len: int | None = None,
        tensor_parallel_size: int | None = None,
        dtype: str | None = None,
        seed: int | None = None,
        trust_remote_code: bool = False,
        chat_template: str | None = None,
        peft_path: str | None = None,
        generation_kwargs: Mapping[str, Any] | None = None,
        stop_words: Sequence[str] = (),
        prompt_prefix: str = "",
        system: str | None = None,
    ) -> None:
        self._path, self._engine = path, engine
        self._defaults = model_defaults(generation_kwargs or {}, path, tokens=False)
        self._stop_words = with_format_stops(stop_words, chat_template)
        self._prefix, self._system = prompt_prefix, system
        file = Path(log) if log else Path(tempfile.mkdtemp(prefix="evalsuite-server-")) / "server.log"
        self._format = chat_template if is_chat_format(chat_template) else None
        if self._format and (engine != "vllm" or command):
            raise UserError(
                f"chat_template={chat_template!r}: among servers, only vLLM's adds no tokens to a text",
                where=path,
                expected="engine='vllm', or the template as Jinja text or a file",
            )
        name = path if engine == "transformers" else path.rstrip("/").rsplit("/", 1)[-1]
        wish = Wish(
            path,
            host,
            port or free_port(host),
            name,
            python,
            max_seq_len,
            tensor_parallel_size,
            dtype,
            seed,
            trust_remote_code,
            None if self._format else _template_file(chat_template, path, file),
            peft_path,
            tuple(args),
        )
        self.server = ServerProcess(engine, wish, command, env or {}, health, start_timeout, file, restarts)
        self.server.start()
        self.served_name = f"{name}-adapter" if peft_path and engine == "vllm" else name
        try:
            self._client = self._make_client(self.served_name, {"max_seq_len": max_seq_len, **(client or {})})
            self._client.give_up_when(lambda: self.server.dead or "")
        except BaseException:
            self.server.stop()
            raise

    def _make_client(self, name: str, options: Mapping[str, Any]) -> Any:
        from evalsuite.models import openai

        body = {**EXTRA_BODY.get(self._engine, {}), **(FORMAT_BODY if self._format else {})}
        options = {"key": "EMPTY", **options, "extra_body": {**body, **options.get("extra_body", {})}}
        chat = self.prompt_kind == "messages" and not self._format
        if chat:
            options.setdefault("continue_final_message", self._engine in GOING_ON)
        kind = openai.OpenAIModel if chat else openai.OpenAICompletionsModel
        return kind(name, base_url=self.server.url, **options)

    def generate(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with a text, in order of completion."""
        yield from self._guarded(self._client.generate(self._dress(request) for request in requests))

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request with the log-likelihood of each of its continuations."""
        yield from self._guarded(self._client.loglikelihood(self._dress(request) for request in requests))

    def count_tokens(self, prompt: Prompt) -> int:
        """As the client counts."""
        return int(self._client.count_tokens(prompt))

    def facts(self) -> ModelFacts:
        """What the client says of the server, and how it was started."""
        found: ModelFacts = self._client.facts()
        details = {
            **found.details,
            "server": self._engine,
            "path": self._path,
            "template": f"format {self._format}" if self._format else "the server's",
            "starts": self.server.starts,
            "log": str(self.server.log),
        }
        return replace(found, details=details)

    def close(self) -> None:
        """End the client, then the server."""
        try:
            self._client.close()
        finally:
            self.server.stop()

    def _dress(self, request: Request) -> Request:
        """A request with what the model dict adds: defaults, stop words, prefix, system."""
        sampling = merge_sampling(request.sampling, self._defaults)
        if self._stop_words:
            sampling = replace(sampling, stop=tuple(dict.fromkeys((*sampling.stop, *self._stop_words))))
        prompt = request.prompt
        if isinstance(prompt, str):
            prompt = self._prefix + prompt
        elif self._format:
            if request.tools or has_images(prompt):
                raise UserError(
                    "tools and images have no place in a named chat format",
                    where=f"{self._path}: chat_template={self._format!r}",
                    expected="the checkpoint's own template",
                )
            rendered = load("evalsuite.prompt.chat:render_chat")(self._format, prompt, self._system)
            prompt = self._prefix + str(rendered)
        elif self._system is not None and not any(message.role == "system" for message in prompt):
            prompt = (Message("system", self._system), *prompt)
        return replace(request, sampling=sampling, prompt=prompt)

    def _guarded(self, answers: Iterable[Answer]) -> Iterator[Answer]:
        """Answers as they come; a server that is dead for good ends the stream with its log."""
        try:
            for answer in answers:
                if answer.error is not None and self.server.dead:
                    raise ServerFailed(self.server.dead)
                yield answer
        except UserError:
            if self.server.dead:
                raise ServerFailed(self.server.dead) from None
            raise


class ManagedServer(_Managed):
    """A managed server that is asked with messages."""

    prompt_kind: ClassVar[PromptKind] = "messages"


class ManagedTextServer(_Managed):
    """A managed server that is asked with text."""

    prompt_kind: ClassVar[PromptKind] = "text"


def _template_file(given: str | None, where: str, log: Path) -> str | None:
    """A chat template as a file, which is how servers take one; Jinja text is written beside the log."""
    if given is None:
        return None
    text, source = read_template(given, where)
    if source != "config":
        return source
    file = log.with_name("chat_template.jinja")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return str(file)


def free_port(host: str) -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
