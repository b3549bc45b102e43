"""Names to classes: what a `type=` in a config stands for, found without loading anything else.

Four sources, in this order: the tables below, the `evalsuite.plugins` entry points of installed packages,
dotted paths of OpenCompass (by their last part), and any other dotted path, so also the user's own files.
Workers use this module, so it rests on the standard library alone and imports a class only when asked for it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from evalsuite.errors import UserError, nearest_name

PLUGIN_GROUP = "evalsuite.plugins"

# Adding a name is adding one line. A plain module means that the attribute is called like the name.
_TABLES: Mapping[str, Mapping[str, str]] = {
    "models": {
        "HuggingFaceBaseModel": "evalsuite.models.hf",
        "HuggingFacewithChatTemplate": "evalsuite.models.hf",
        "HuggingFace": "evalsuite.models.hf",
        "HuggingFaceCausalLM": "evalsuite.models.hf",
        "VLLM": "evalsuite.models.vllm",
        "VLLMwithChatTemplate": "evalsuite.models.vllm",
        "OpenAI": "evalsuite.models.openai:OpenAIModel",
        "OpenAISDK": "evalsuite.models.openai:OpenAIModel",
        "OpenAIModel": "evalsuite.models.openai",
        "OpenAICompletionsModel": "evalsuite.models.openai",
        "LiteLLMAPI": "evalsuite.models.litellm:LiteLLMModel",
        "LiteLLMModel": "evalsuite.models.litellm",
        "EchoModel": "evalsuite.models.echo",
        "EchoChatModel": "evalsuite.models.echo",
        "ReplayModel": "evalsuite.models.replay",
        "ReplayChatModel": "evalsuite.models.replay",
        "ManagedServer": "evalsuite.models.server",
        "ManagedTextServer": "evalsuite.models.server",
    },
    "datasets": {
        "JsonlDataset": "evalsuite.datasets.tables",
        "CsvDataset": "evalsuite.datasets.tables",
        "ParquetDataset": "evalsuite.datasets.tables",
        "HubDataset": "evalsuite.datasets.tables",
    },
    "evaluators": {
        "AccEvaluator": "evalsuite.evaluators.basic",
        "EMEvaluator": "evalsuite.evaluators.basic",
        "HumanEvalEvaluator": "evalsuite.evaluators.code.function_tests",
        "MbppEvaluator": "evalsuite.evaluators.code.function_tests",
        "ContainsEvaluator": "evalsuite.evaluators.basic",
    },
    "postprocessors": {},
    "summarizers": {
        "DefaultSummarizer": "evalsuite.summarizers:build_table",
    },
}

# Names that choose a behaviour of the engine instead of standing for a class.
_CHOICES: Mapping[str, Mapping[str, str]] = {
    "partitioners": {
        "naive": "naive",
        "NaivePartitioner": "naive",
        "size": "size",
        "SizePartitioner": "size",
        "num_worker": "num_worker",
        "NumWorkerPartitioner": "num_worker",
    },
    "runners": {
        "local": "local",
        "subprocess": "subprocess",
        "slurm": "slurm",
        # OpenCompass's local runners start one process per task, which is what `subprocess` stands for here.
        "LocalRunner": "subprocess",
        "LocalAPIRunner": "subprocess",
        "SubprocessRunner": "subprocess",
        "SlurmRunner": "slurm",
        "SlurmSequentialRunner": "slurm",
    },
    "tasks": {
        "infer": "infer",
        "eval": "eval",
        "OpenICLInferTask": "infer",
        "OpenICLInferConcurrentTask": "infer",
        "OpenICLEvalTask": "eval",
        "OpenICLEvalWatchTask": "eval",
    },
}

_plugins: dict[str, dict[str, str]] | None = None


def extend_path(folders: Iterable[str]) -> None:
    """Make the user's files importable.

    The folders go behind the import path, so that a file of the user's that happens to be called like an
    installed package never takes that package's place.
    """
    sys.path.extend(folder for folder in folders if folder not in sys.path)


def known_names(room: str) -> tuple[str, ...]:
    """Every name that a `type=` of this room may have besides dotted paths, installed plugins among them."""
    if room in _CHOICES:
        return tuple(_CHOICES[room])
    return (*_table(room), *_plugin_names(room))


def choice(type_name: str, room: str) -> str:
    """The engine's own word for a partitioner, runner or task type, OpenCompass's names included."""
    short = short_name(type_name)
    if short in _CHOICES[room]:
        return _CHOICES[room][short]
    raise _unknown(short, room)


def short_name(type_name: str) -> str:
    """The last part of a dotted path: `opencompass.models.VLLM` is `VLLM`."""
    return type_name.replace(":", ".").rpartition(".")[2]


def target(type_name: str, room: str) -> str:
    """The `module:attribute` that a type name stands for; nothing is imported."""
    table = _table(room)
    dotted = "." in type_name or ":" in type_name
    short = short_name(type_name)
    if not dotted or type_name.split(".", 1)[0] == "opencompass":
        found = table.get(short) or _plugin_names(room).get(short)
        if found is None:
            raise _unknown(type_name, room)
        return found if ":" in found else f"{found}:{short}"
    if ":" in type_name:
        return type_name
    module, _, attribute = type_name.rpartition(".")
    return f"{module}:{attribute}"


def resolve(type_name: str, room: str) -> Any:
    """The class or function that a type name stands for, imported now."""
    return load(target(type_name, room), type_name)


def load(path: str, type_name: str = "") -> Any:
    """What lies at `module:attribute`; `type_name` is how the user wrote it."""
    type_name = type_name or path
    module_name, _, attribute = path.partition(":")
    parts = attribute.split(".")
    module, rest = _import_prefix(module_name, type_name)
    found: Any = module
    for part in [*rest, *parts]:
        if not hasattr(found, part):
            raise UserError(
                f"{type_name!r}: {getattr(found, '__name__', found)} has no {part!r}",
                nearest=nearest_name(part, (name for name in dir(found) if not name.startswith("_"))),
            )
        found = getattr(found, part)
    return found


def _import_prefix(module_name: str, type_name: str) -> tuple[Any, list[str]]:
    """Import the longest prefix that is a module; what remains are attributes (a class inside a class)."""
    names, rest = module_name.split("."), list[str]()
    while True:
        path = ".".join(names)
        try:
            return importlib.import_module(path), rest
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if not (path == missing or path.startswith(f"{missing}.")):
                raise UserError(
                    f"{type_name!r} needs the package {missing!r}, which is not installed",
                    expected=f"pip install {missing.split('.')[0]}",
                ) from error
            if len(names) == 1:
                raise UserError(
                    f"{type_name!r} cannot be found: there is no module {module_name!r}",
                    expected="a file beside the config, or an installed package",
                ) from error
        rest.insert(0, names.pop())


def _table(room: str) -> Mapping[str, str]:
    if room not in _TABLES:
        raise KeyError(f"there is no room {room!r}; rooms are {', '.join((*_TABLES, *_CHOICES))}")
    return _TABLES[room]


def _unknown(type_name: str, room: str) -> UserError:
    names = known_names(room)
    few = f"one of {', '.join(sorted(names))}"
    return UserError(
        f"{type_name!r} is not one of the {room}",
        expected=few if 0 < len(names) <= 12 else "a known name or a dotted path",
        nearest=nearest_name(short_name(type_name), names),
    )


def _plugin_names(room: str) -> Mapping[str, str]:
    """What installed packages offer: entry points called `ROOM.NAME`, read once per process."""
    global _plugins
    if _plugins is None:
        _plugins = _read_plugins()
    return _plugins.get(room, {})


def _read_plugins() -> dict[str, dict[str, str]]:
    from importlib.metadata import entry_points

    found: dict[str, dict[str, str]] = {}
    owners: dict[tuple[str, str], str] = {}
    for point in entry_points(group=PLUGIN_GROUP):
        owner = point.dist.name if point.dist is not None else point.value
        room, _, name = point.name.partition(".")
        if room not in _TABLES or not name:
            raise UserError(
                f"the entry point {point.name!r} of {owner} names no room",
                expected=f"ROOM.NAME with ROOM one of {', '.join(_TABLES)}",
                nearest=nearest_name(room, _TABLES),
            )
        taken = "evalsuite" if name in _TABLES[room] else owners.get((room, name))
        if taken is not None:
            raise UserError(
                f"the name {name!r} in {room} is offered twice: by {taken} and by {owner}",
                expected="one of the two renamed or uninstalled",
            )
        owners[room, name] = owner
        found.setdefault(room, {})[name] = point.value
    return found
