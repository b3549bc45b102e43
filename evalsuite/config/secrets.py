"""Keeps keys and tokens out of every file and log: only their names travel.

A literal secret in a model dict is taken out and replaced by `{"$secret": NAME}`; its value goes to workers
in their environment under NAME. `ENV`, `ENV:NAME` and `file:PATH` in its place are references, and stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from evalsuite.config.spec import RunConfig
from evalsuite.errors import UserError

REFERENCE = "$secret"
HIDDEN = "[redacted]"
PREFIX = "EVALSUITE_SECRET_"
SHORTEST = 6

_ALWAYS = re.compile(
    r"api_?key|access_key|secret|passwd|password|authorization|credential|lark_bot_url|_token$"
)
_IN_MODELS = re.compile(r"(^|_)(key|keys|token|tokens)$")
_NEVER = re.compile(
    r"token_ids?$|^(max|min|num|skip|pad|eos|bos|unk|ice|sep|stop|special|start|end|mask)_|_tokens$"
)
# Under these keys stands a model of its own, with its own key (a judge, a user simulator...).
_MODEL_SECTIONS = re.compile(r"model|judge")


def is_secret_key(name: str, *, in_model: bool = False) -> bool:
    """Whether a key of a dict holds a secret by its name (`api_key`, `Authorization`, `hf_token`...).

    A bare `key` or `token` is one only in a model dict: elsewhere it names a column or a word.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("-", "_")
    if _NEVER.search(words):
        return False
    return bool(_ALWAYS.search(words) or (in_model and _IN_MODELS.search(words)))


def is_reference(value: str) -> bool:
    """Whether a value says where the secret is instead of being it."""
    return value in ("", "ENV", "EMPTY") or value.startswith(("ENV:", "file:"))


def extract(config: RunConfig) -> tuple[RunConfig, dict[str, str]]:
    """The config with every literal secret replaced by a reference, and the environment that holds them."""
    environment: dict[str, str] = {}

    def swap(place: str, value: str) -> dict[str, str]:
        for known, text in environment.items():
            if text == value:
                return {REFERENCE: known}
        # The name rests on the place and never on the value, so that nothing can be learnt from it.
        label = PREFIX + re.sub(r"[^A-Za-z0-9]+", "_", place).strip("_").upper()
        while label in environment:
            label += "_"
        environment[label] = value
        return {REFERENCE: label}

    return _changed(config, swap), environment


def _changed(config: RunConfig, swap: Callable[[str, str], Any]) -> RunConfig:
    """The config with every secret or reference to one given to `swap`, with its place."""

    def walk(value: Any, place: str, in_model: bool, secret: bool) -> Any:
        if isinstance(value, dict):
            if REFERENCE in value:
                return value
            return {
                key: walk(
                    item,
                    f"{place}_{key}",
                    in_model or bool(_MODEL_SECTIONS.search(str(key))),
                    secret or is_secret_key(str(key), in_model=in_model),
                )
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [walk(item, f"{place}_{i}", in_model, secret) for i, item in enumerate(value)]
        if secret and isinstance(value, str) and not is_reference(value):
            return swap(place, value)
        return value

    return replace(
        config,
        models=tuple(walk(model, model["abbr"], True, False) for model in config.models),
        datasets=tuple(walk(dataset, dataset["abbr"], False, False) for dataset in config.datasets),
        **{
            key: walk(getattr(config, key), key, False, False)
            for key in ("summarizer", "infer", "eval", "extra")
        },
    )


def resolve_secrets(value: Any, environment: Mapping[str, str]) -> Any:
    """The same data with every `{"$secret": NAME}` replaced by its value; only for building a model."""
    if isinstance(value, Mapping):
        if set(value) == {REFERENCE}:
            name = str(value[REFERENCE])
            if name not in environment:
                raise UserError(
                    f"the secret {name} is not in the environment of this process",
                    expected="a run started by the same program, or the variable set",
                )
            return environment[name]
        return {key: resolve_secrets(item, environment) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolve_secrets(item, environment) for item in value]
    return value


def environment_secrets(environment: Mapping[str, str]) -> list[str]:
    """The values of environment variables whose names say that they are secret."""
    return [value for name, value in environment.items() if value and is_secret_key(name, in_model=True)]


class Redactor:
    """Takes known secrets out of text before it is written."""

    def __init__(self, values: Iterable[str]) -> None:
        # Longest first, so that a secret that contains another one is removed whole.
        parts = sorted({value for value in values if len(value) >= SHORTEST}, key=lambda v: (-len(v), v))
        self._pattern = re.compile("|".join(map(re.escape, parts))) if parts else None

    def clean(self, text: str) -> str:
        """The text without any of the secrets."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text
