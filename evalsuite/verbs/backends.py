"""The engines that can run one checkpoint on this machine, and how each is asked the same questions."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evalsuite.errors import UserError
from evalsuite.types import Answer, Failure, Message, OptionScore, Prompt, Request, Sampling

ROOT = Path(__file__).resolve().parents[2]
LOG_LINES = 8
START_SECONDS = 900.0
# What a server is started with where there is no GPU, beside float32: no minutes of compiling, a small cache.
CPU_ARGS = {"vllm": ("--enforce-eager", "--max-num-seqs", "16")}
CPU_ENV = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
# How each server that can is asked for the ids of a text: the path, and the body.
TOKENIZE: Mapping[str, Callable[[str, str], Mapping[str, Any]]] = {
    "vllm": lambda model, text: {"model": model, "prompt": text, "add_special_tokens": True},
    "sglang": lambda model, text: {"model": model, "prompt": text},
    "llama.cpp": lambda model, text: {"content": text, "add_special": True, "parse_special": True},
}


@dataclass(frozen=True)
class Backend:
    """One way to run a model: in a process of its own (`types`, text and chat) or as a server (`engine`)."""

    name: str
    needs: tuple[str, ...]
    install: str
    types: tuple[str, str] = ("", "")
    engine: str = ""


BACKENDS: Mapping[str, Backend] = {
    one.name: one
    for one in (
        Backend(
            "transformers",
            ("torch", "transformers"),
            "pip install 'evalsuite[hf]'",
            ("evalsuite.models.hf:HuggingFaceBaseModel", "evalsuite.models.hf:HuggingFacewithChatTemplate"),
        ),
        Backend(
            "vllm",
            ("vllm",),
            "pip install vllm",
            ("evalsuite.models.vllm:VLLM", "evalsuite.models.vllm:VLLMwithChatTemplate"),
        ),
        Backend("vllm-serve", ("vllm",), "pip install vllm", engine="vllm"),
        Backend(
            "transformers-serve",
            ("torch", "transformers", "fastapi", "uvicorn"),
            "pip install 'transformers[serving]'",
            engine="transformers",
        ),
        Backend("sglang-serve", ("sglang",), "pip install sglang", engine="sglang"),
        Backend("lmdeploy-serve", ("lmdeploy",), "pip install lmdeploy", engine="lmdeploy"),
        Backend("llama.cpp-serve", (), "llama-server of llama.cpp, and --gguf FILE", engine="llama.cpp"),
    )
}


@dataclass(frozen=True)
class Question:
    """A prompt, and the continuation whose log-likelihood is asked for (none: it is not)."""

    prompt: str
    continuation: str = ""


@dataclass(frozen=True)
class Asking:
    """What every backend is asked, and how it is set up."""

    model: str
    questions: Sequence[Question]
    chat: bool = False
    max_out_len: int = 32
    dtype: str | None = None
    gguf: str = ""
    trust_remote_code: bool = False
    on_gpu: bool = False
    pythons: Mapping[str, str] = field(default_factory=dict)

    def python(self, backend: Backend) -> str:
        """The interpreter (for llama.cpp the program) that runs a backend."""
        return self.pythons.get(backend.name, sys.executable)

    def prompt(self, question: Question) -> Prompt:
        """A question's prompt as this comparison sends it."""
        return (Message("user", question.prompt),) if self.chat else question.prompt

    def texts(self) -> list[Request]:
        """One request for a greedy text per question."""
        sampling = Sampling(max_out_len=self.max_out_len)
        return [Request(str(at), self.prompt(one), sampling) for at, one in enumerate(self.questions)]

    def scores(self) -> list[Request]:
        """One request for a log-likelihood per question that has a continuation."""
        return [
            Request(str(at), self.prompt(one), continuations=(one.continuation,))
            for at, one in enumerate(self.questions)
            if one.continuation
        ]


@dataclass
class Told:
    """What one backend said, by the place of the question; None stands for what it does not tell.

    `by_text` says that it was given texts to score and not token ids.
    """

    version: str = ""
    ids: list[list[int]] | None = None
    answers: dict[int, Answer] = field(default_factory=dict)
    scores: dict[int, Answer] | None = None
    by_text: bool = False


class BackendFailed(Exception):
    """A backend that is installed and did not answer; the message ends with its last lines."""


def missing(backend: Backend, asking: Asking) -> str:
    """What this backend wants before it can run, or an empty string."""
    python = asking.python(backend)
    if backend.engine == "llama.cpp":
        program = asking.pythons.get(backend.name, "llama-server")
        return "" if asking.gguf and shutil.which(program) else backend.install
    if python == sys.executable:
        lacking = [name for name in backend.needs if importlib.util.find_spec(name) is None]
    else:
        lacking = _lacking(python, backend.needs)
    return f"{backend.install} (no {', '.join(lacking)} in {python})" if lacking else ""


def _lacking(python: str, modules: Sequence[str]) -> list[str]:
    code = "import importlib.util as u, sys; print(*[m for m in sys.argv[1:] if u.find_spec(m) is None])"
    try:
        done = subprocess.run([python, "-c", code, *modules], capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(
            f"{python} cannot be started: {error.strerror}", where="--python", expected="a Python interpreter"
        ) from None
    if done.returncode:
        raise UserError(f"{python} is no Python interpreter", where="--python", expected="BACKEND=PATH")
    return done.stdout.split()


def ask(backend: Backend, asking: Asking) -> Told:
    """All that one backend has to say; its process has ended when this returns."""
    return _ask_server(backend, asking) if backend.engine else _ask_process(backend, asking)


# --------------------------------------------------------------------------- in a process of its own
def _ask_process(backend: Backend, asking: Asking) -> Told:
    settings: dict[str, Any] = {"path": asking.model}
    if asking.dtype:
        settings["dtype"] = asking.dtype
    if asking.trust_remote_code:
        settings["trust_remote_code"] = True
    common = {"type": backend.types[asking.chat], "settings": settings}
    texts, scores = asking.texts(), asking.scores()
    jobs = [
        {**common, "verb": "ids", "requests": [asdict(one) for one in texts]},
        {**common, "verb": "generate", "requests": [asdict(one) for one in texts]},
        {**common, "verb": "loglikelihood", "requests": [asdict(one) for one in scores]},
    ]
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder, "asked.json"), Path(folder, "told.json")
        asked.write_text(json.dumps(jobs), encoding="utf-8")
        done = subprocess.run(
            [asking.python(backend), "-m", "evalsuite.verbs.backend_child", str(asked), str(told)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_paths())},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BackendFailed(_tail(done.stderr or done.stdout))
        found = json.loads(told.read_text(encoding="utf-8"))
    facts = found[1]["facts"]
    return Told(
        f"{facts['version']}, {facts['details'].get('dtype', '')}".strip(", "),
        found[0]["ids"],
        _by_place(found[1]["answers"]),
        _by_place(found[2]["answers"]),
    )


def _paths() -> list[str]:
    """Where the other interpreter finds evalsuite, which need not be installed there."""
    given = os.environ.get("PYTHONPATH", "")
    return [str(ROOT), *([given] if given else [])]


def _by_place(answers: Sequence[Mapping[str, Any]]) -> dict[int, Answer]:
    found = {}
    for one in answers:
        fields = {name: one[name] for name in ("key", "text", "finish", "prompt_tokens", "output_tokens")}
        options = tuple(OptionScore(**option) for option in one["options"])
        error = Failure(**one["error"]) if one["error"] else None
        found[int(one["key"])] = Answer(**fields, options=options, error=error)
    return found


# --------------------------------------------------------------------------- behind a server
def _ask_server(backend: Backend, asking: Asking) -> Told:
    from evalsuite.models.server import ManagedServer, ManagedTextServer

    llama = backend.engine == "llama.cpp"
    settings: dict[str, Any] = {
        "engine": backend.engine,
        "start_timeout": START_SECONDS,
        "trust_remote_code": asking.trust_remote_code,
        "dtype": None if llama else asking.dtype,
    }
    if not asking.on_gpu:
        settings |= {"args": CPU_ARGS.get(backend.engine, ()), "env": CPU_ENV}
    if backend.name in asking.pythons:
        settings["python"] = asking.pythons[backend.name]
    kind = ManagedServer if asking.chat else ManagedTextServer
    try:
        model = kind(asking.gguf if llama else asking.model, **settings)
    except UserError as error:
        raise BackendFailed(_tail(str(error))) from None
    try:
        facts = model.facts()
        told = Told(facts.version, _served_ids(model, backend.engine, asking), by_text=True)
        told.answers = {int(answer.key): answer for answer in model.generate(asking.texts())}
        told.scores = _served_scores(model, asking)
        return told
    except UserError as error:
        raise BackendFailed(_tail(str(error))) from None
    finally:
        model.close()


def _served_scores(model: Any, asking: Asking) -> dict[int, Answer] | None:
    if asking.chat:
        return None
    try:
        return {int(answer.key): answer for answer in model.loglikelihood(asking.scores())}
    except UserError as error:
        if "no log-likelihoods here" not in str(error):
            raise
        return None


def _served_ids(model: Any, engine: str, asking: Asking) -> list[list[int]] | None:
    """The ids of every prompt where the server tells them; of messages only their number is told."""
    if asking.chat or engine not in TOKENIZE:
        return None
    found = []
    for one in asking.questions:
        told = model.server.ask("/tokenize", TOKENIZE[engine](model.served_name, one.prompt))
        if not isinstance(told, dict) or not isinstance(told.get("tokens"), list):
            return None
        found.append([int(token) for token in told["tokens"]])
    return found


def _tail(text: str) -> str:
    return "\n".join(line for line in text.strip().splitlines()[-LOG_LINES:] if line.strip())
