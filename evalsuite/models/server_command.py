"""The command lines of the servers that can be managed.

A checkpoint may carry sampling settings of its own (a repetition penalty, say), which some servers put
behind every request that leaves them open. Where a flag turns that off it is set here, so that what was not
asked for is neutral under every engine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalsuite.errors import UserError, nearest_name

LLAMA_SLOTS = 4
"""Requests that llama.cpp's server works on at once, each in a window of its own."""


@dataclass(frozen=True)
class Wish:
    """What a server is started with; `python` is its interpreter, for llama.cpp its program."""

    path: str
    host: str
    port: int
    name: str
    python: str = ""
    window: int | None = None
    gpus: int | None = None
    dtype: str | None = None
    seed: int | None = None
    trust: bool = False
    template: str | None = None
    adapter: str | None = None
    args: tuple[str, ...] = field(default=())


def _options(pairs: Mapping[str, Any]) -> list[str]:
    """Flags with values; None leaves a flag out, True gives it alone."""
    words: list[str] = []
    for flag, value in pairs.items():
        if value is True:
            words.append(flag)
        elif value is not None and value is not False:
            words += [flag, str(value)]
    return words


def _vllm(wish: Wish) -> list[str]:
    pairs = {
        "--model": wish.path,
        "--host": wish.host,
        "--port": wish.port,
        "--served-model-name": wish.name,
        "--max-model-len": wish.window,
        "--tensor-parallel-size": wish.gpus,
        "--dtype": wish.dtype,
        "--seed": wish.seed,
        "--trust-remote-code": wish.trust,
        "--chat-template": wish.template,
        "--generation-config": "vllm",
    }
    if wish.adapter:
        pairs |= {"--enable-lora": True, "--lora-modules": f"{wish.name}-adapter={wish.adapter}"}
    return [wish.python or sys.executable, "-m", "vllm.entrypoints.openai.api_server", *_options(pairs)]


def _sglang(wish: Wish) -> list[str]:
    pairs = {
        "--model-path": wish.path,
        "--host": wish.host,
        "--port": wish.port,
        "--served-model-name": wish.name,
        "--context-length": wish.window,
        "--tp-size": wish.gpus,
        "--dtype": wish.dtype,
        "--random-seed": wish.seed,
        "--trust-remote-code": wish.trust,
        "--chat-template": wish.template,
        "--sampling-defaults": "openai",
    }
    return [wish.python or sys.executable, "-m", "sglang.launch_server", *_options(pairs)]


def _lmdeploy(wish: Wish) -> list[str]:
    pairs = {
        "--server-name": wish.host,
        "--server-port": wish.port,
        "--model-name": wish.name,
        "--session-len": wish.window,
        "--tp": wish.gpus,
        "--dtype": wish.dtype,
        "--trust-remote-code": wish.trust,
        "--generation-config": "lmdeploy",
    }
    return [
        wish.python or sys.executable,
        "-m",
        "lmdeploy",
        "serve",
        "api_server",
        wish.path,
        *_options(pairs),
    ]


def _llama_cpp(wish: Wish) -> list[str]:
    # Left alone, its slots share one window: several long prompts at once then fail for want of room.
    slots = LLAMA_SLOTS if wish.window else 1
    pairs = {
        "-m": wish.path,
        "--host": wish.host,
        "--port": wish.port,
        "--alias": wish.name,
        "-np": slots,
        "-c": wish.window and slots * wish.window,
        "--seed": wish.seed,
        "--chat-template-file": wish.template,
        "--lora": wish.adapter,
        "--top-k": 0,
        "--top-p": 1.0,
        "--min-p": 0.0,
    }
    return [wish.python or "llama-server", *_options(pairs)]


def _transformers(wish: Wish) -> list[str]:
    beside = Path(wish.python or sys.executable).with_name("transformers")
    program = str(beside) if beside.exists() else "transformers"
    pairs = {
        "--host": wish.host,
        "--port": wish.port,
        "--dtype": wish.dtype,
        "--trust-remote-code": wish.trust,
        "--default-seed": wish.seed,
    }
    return [program, "serve", wish.path, *_options(pairs)]


COMMANDS: Mapping[str, Callable[[Wish], list[str]]] = {
    "vllm": _vllm,
    "sglang": _sglang,
    "lmdeploy": _lmdeploy,
    "llama.cpp": _llama_cpp,
    "transformers": _transformers,
}


# What an engine has no flag for, and what to do about it: it is refused, since forgetting it changes answers.
LACKING: Mapping[str, Mapping[str, str]] = {
    "sglang": {"adapter": "the adapter merged into its base"},
    "lmdeploy": {
        "adapter": "the adapter merged into its base",
        "seed": "a seed in generation_kwargs",
        "template": "args=['--chat-template', NAME or JSON file]",
    },
    "llama.cpp": {
        "gpus": "args=[...] in the server's own words",
        "dtype": "a GGUF file of that type",
    },
    "transformers": {
        "adapter": "the adapter merged into its base",
        "template": "a checkpoint that has it in its files",
        "window": "the checkpoint's own window, which this server does not check",
        "gpus": "another engine",
    },
}
KEYS = {
    "adapter": "peft_path",
    "template": "chat_template",
    "window": "max_seq_len",
    "gpus": "tensor_parallel_size",
}


def command_of(engine: str, wish: Wish, given: Sequence[str] | None) -> list[str]:
    """A known engine's words, or the given ones with {path}, {host}, {port} and {name} filled in."""
    if given:
        places = {"path": wish.path, "host": wish.host, "port": wish.port, "name": wish.name}
        return [*(word.format_map(places) for word in given), *wish.args]
    if engine not in COMMANDS:
        raise UserError(
            f"no server engine {engine!r}",
            where=wish.path,
            expected=", ".join(COMMANDS) + ", or a command",
            nearest=nearest_name(engine, COMMANDS),
        )
    for name, instead in LACKING.get(engine, {}).items():
        if getattr(wish, name) is not None:
            raise UserError(f"{engine} takes no {KEYS.get(name, name)}", where=wish.path, expected=instead)
    if engine == "lmdeploy" and wish.dtype not in (None, "auto", "float16", "bfloat16"):
        raise UserError(
            f"lmdeploy computes in no {wish.dtype}", where=wish.path, expected="float16 or bfloat16"
        )
    return [*COMMANDS[engine](wish), *wish.args]
