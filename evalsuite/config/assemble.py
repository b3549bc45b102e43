"""A config made on the command line: models, datasets and a summarizer by name, or by flags alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalsuite.config.custom import expand_custom
from evalsuite.config.find import Found, config_roots, match
from evalsuite.config.overrides import apply, parse_value
from evalsuite.config.read import assemble, read_values
from evalsuite.config.spec import PlainDict, RunConfig
from evalsuite.errors import UserError, nearest_name

HERE = Path("command line")
DATASETS_SUFFIX = "_datasets"


@dataclass(frozen=True)
class HfModel:
    """What the `--hf-*` flags say of one transformers model."""

    path: str
    type: str = "chat"
    model_kwargs: Mapping[str, Any] = field(default_factory=dict)
    tokenizer_path: str | None = None
    tokenizer_kwargs: Mapping[str, Any] = field(default_factory=dict)
    peft_path: str | None = None
    peft_kwargs: Mapping[str, Any] = field(default_factory=dict)
    generation_kwargs: Mapping[str, Any] = field(default_factory=dict)
    max_seq_len: int | None = None
    max_out_len: int = 256
    min_out_len: int | None = None
    batch_size: int = 8
    num_gpus: int = 1
    pad_token_id: int | None = None
    stop_words: Sequence[str] = ()

    def as_model(self) -> PlainDict:
        """The model dict; what was not asked for is left to the backend's defaults."""
        if self.type not in ("base", "chat"):
            raise UserError(f"{self.type!r} is no type of model", where="--hf-type", expected="base or chat")
        name = Path(self.path.rstrip("/")).name or self.path
        optional = {
            "tokenizer_path": self.tokenizer_path,
            "model_kwargs": dict(self.model_kwargs),
            "tokenizer_kwargs": dict(self.tokenizer_kwargs),
            "peft_path": self.peft_path,
            "peft_kwargs": dict(self.peft_kwargs),
            "generation_kwargs": dict(self.generation_kwargs),
            "max_seq_len": self.max_seq_len,
            "min_out_len": self.min_out_len,
            "pad_token_id": self.pad_token_id,
            "stop_words": list(self.stop_words),
        }
        return {
            "abbr": f"{name}_hf",
            "type": "HuggingFacewithChatTemplate" if self.type == "chat" else "HuggingFaceBaseModel",
            "path": self.path,
            "max_out_len": self.max_out_len,
            "batch_size": self.batch_size,
            **{key: value for key, value in optional.items() if value not in (None, {}, [])},
            "run_cfg": {"num_gpus": self.num_gpus},
        }


@dataclass(frozen=True)
class CustomDataset:
    """What the `--custom-dataset-*` flags say of one data file; None leaves it to the file itself."""

    path: str
    meta_path: str | None = None
    data_type: str | None = None
    infer_method: str | None = None


@dataclass(frozen=True)
class Named:
    """A run described by names instead of a config file."""

    models: Sequence[str] = ()
    datasets: Sequence[str] = ()
    summarizer: str = ""
    config_dir: str | None = None
    hf_model: HfModel | None = None
    custom_dataset: CustomDataset | None = None
    repeats: int = 1


def assemble_named(named: Named, overrides: Sequence[str] = ()) -> tuple[RunConfig, tuple[Found, ...]]:
    """The config that the names mean, and the files that they matched (a wildcard takes all of them)."""
    roots = config_roots(named.config_dir)
    matched: list[Found] = []
    folders: list[str] = [str(Path.cwd())]
    models: list[PlainDict] = []
    datasets: list[PlainDict] = []
    for pattern in named.models:
        for found in match("models", pattern, roots):
            values = _values(found, folders, matched, lambda key: key == "models")
            models += _list(values, "models", found)
    if named.hf_model is not None:
        models.append(named.hf_model.as_model())
    for pattern in named.datasets:
        name, _, suffix = pattern.partition("/")
        for found in match("datasets", name, roots):
            datasets += _datasets(found, folders, matched, suffix)
    if named.custom_dataset is not None:
        custom = named.custom_dataset
        datasets.append(expand_custom(vars(custom), [Path.cwd()], "--custom-dataset"))
    for dataset in datasets if named.repeats > 1 else ():
        dataset["n"] = dataset["k"] = named.repeats
    sections: PlainDict = {"models": models, "datasets": datasets}
    if named.summarizer:
        sections["summarizer"] = _summarizer(named.summarizer, roots, folders, matched)
    apply(sections, overrides)
    return assemble(sections, Path.cwd() / HERE, folders, name="default"), tuple(dict.fromkeys(matched))


def key_values(words: Sequence[str], flag: str) -> PlainDict:
    """`a=1 b.c=text` of a flag such as --model-kwargs as a dict."""
    result: PlainDict = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise UserError(f"{word!r} sets nothing", where=flag, expected="key=value")
        target = result
        *outer, last = key.split(".")
        for part in outer:
            target = target.setdefault(part, {})
        target[last] = parse_value(value)
    return result


def _values(
    found: Found, folders: list[str], matched: list[Found], wanted: Callable[[str], bool]
) -> PlainDict:
    values, beside = read_values(found.path, wanted)
    folders += [folder for folder in beside if folder not in folders]
    matched.append(found)
    return values


def _list(values: PlainDict, key: str, found: Found) -> list[PlainDict]:
    value = values.get(key)
    if not isinstance(value, list):
        raise UserError(
            f"the config defines no list {key!r}", where=str(found.path), expected=f"{key} = [...]"
        )
    return value


def _datasets(found: Found, folders: list[str], matched: list[Found], suffix: str) -> list[PlainDict]:
    """The dataset lists of a file: all variables that end in `_datasets`, or in the suffix behind a slash."""
    ending = suffix or DATASETS_SUFFIX
    values = _values(found, folders, matched, lambda key: key.endswith(ending) or key == "datasets")
    keys = [key for key in values if key.endswith(ending)] or ([] if suffix else ["datasets"])
    if not keys:
        raise UserError(
            f"no variable ends in {suffix!r}",
            where=str(found.path),
            expected=f"one of {', '.join(values)}",
            nearest=nearest_name(suffix, values),
        )
    return [dict(dataset) for key in keys for dataset in _list(values, key, found)]


def _summarizer(name: str, roots: Sequence[Path], folders: list[str], matched: list[Found]) -> Any:
    file, _, key = name.partition("/")
    found = match("summarizers", file, roots)
    if len(found) > 1:
        raise UserError(
            f"{file!r} matches {len(found)} summarizers",
            where="--summarizer",
            expected=f"one of {', '.join(item.name for item in found)}",
        )
    wanted = key or "summarizer"
    values = _values(found[0], folders, matched, lambda name: name == wanted)
    if wanted not in values:
        raise UserError(f"the config defines no {wanted!r}", where=str(found[0].path), expected="a dict")
    return values[wanted]
