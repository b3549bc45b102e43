"""Reads a config file into a RunConfig: one spelling for what users write in several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalsuite.config import mmconfig
from evalsuite.config.custom import expand_custom
from evalsuite.config.find import config_file, data_roots, find_data
from evalsuite.config.overrides import apply
from evalsuite.config.plain import Plainer
from evalsuite.config.spec import EXTRA_SECTIONS, SECTIONS, PlainDict, RunConfig
from evalsuite.errors import UserError, UserErrors
from evalsuite.registry import short_name

MEANT = frozenset((*SECTIONS, *EXTRA_SECTIONS))


def read_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a config file, apply `--cfg-options`, and name every model and dataset.

    All that cannot be kept as plain data is reported at once.
    """
    file = config_file(str(path))
    values, folders = read_values(file, MEANT.__contains__)
    unknown = tuple(key for key in values if key not in MEANT)
    sections = {key: value for key, value in values.items() if key in MEANT}
    apply(sections, overrides)
    return assemble(sections, file, folders, unknown)


def read_values(file: Path, wanted: Callable[[str], bool]) -> tuple[PlainDict, list[str]]:
    """The variables of a config file as plain data, and the folders beside it that user classes come from.

    Variables that are not wanted keep their names and lose their values.
    """
    raw = mmconfig.load(file)
    folders = [str(file.parent)]
    origins: dict[str, str] = {}

    def reference(value: Any) -> str | None:
        found = mmconfig.reference(value)
        if found is None:
            return None
        dotted, source = found
        name, folder = _beside(dotted, Path(source).resolve().parent if source else file.parent)
        if folder is not None:
            module = name.partition(".")[0]
            if origins.setdefault(module, folder) != folder:
                plainer.errors.append(
                    UserError(
                        f"two files are imported as {module!r}, from {origins[module]} and {folder}",
                        where=str(file),
                        expected="modules with names that differ",
                    )
                )
            if folder not in folders:
                folders.append(folder)
        return name

    plainer = Plainer(str(file), reference)
    values = {
        key: plainer.plain(value, key) if wanted(key) else None
        for key, value in raw.items()
        if not key.startswith("_")
    }
    if plainer.errors:
        raise UserErrors(plainer.errors)
    return values, folders


def _beside(dotted: str, folder: Path) -> tuple[str, str | None]:
    """A type's importable name, and the folder beside the config that it comes from, if it does."""
    level = len(dotted) - len(dotted.lstrip("."))
    if level:
        base = folder
        for _ in range(level - 1):
            base = base.parent
        return dotted[level:], str(base)
    root = folder / dotted.partition(".")[0]
    if root.with_suffix(".py").is_file() or (root / "__init__.py").is_file():
        return dotted, str(folder)
    return dotted, None


def assemble(
    sections: PlainDict,
    file: Path,
    folders: Sequence[str],
    unknown: tuple[str, ...] = (),
    *,
    name: str = "",
) -> RunConfig:
    """A RunConfig from plain sections; shapes are checked here, contents by `check`."""
    errors: list[UserError] = []
    where = str(file)
    roots = data_roots(file.parent)
    sections = _with_custom(sections, roots, where, errors)
    models = _named(sections.get("models"), "models", where, errors, model_abbr)
    datasets = _named(sections.get("datasets"), "datasets", where, errors, dataset_abbr)
    shapes: dict[str, Any] = {}
    for key, kind in (
        ("summarizer", dict),
        ("infer", dict),
        ("eval", dict),
        ("work_dir", str),
    ):
        value = sections.get(key)
        if value is not None and not isinstance(value, kind):
            errors.append(_misshapen(value, f"{where}: {key}", "a dict" if kind is dict else "text"))
        shapes[key] = value if isinstance(value, kind) else None
    combinations = sections.get("model_dataset_combinations") or []
    pairs = _combinations(combinations, where, errors)
    if errors:
        raise UserErrors(errors)
    return RunConfig(
        name=name or file.stem,
        path=str(file),
        config_dir=str(file.parent),
        models=tuple(_with_paths(model, roots) for model in models),
        datasets=tuple(_with_paths(dataset, roots) for dataset in datasets),
        combinations=tuple(pairs),
        summarizer=shapes["summarizer"],
        infer=shapes["infer"] or {},
        eval=shapes["eval"] or {},
        work_dir=shapes["work_dir"] or "",
        search_paths=tuple(folders),
        extra={key: sections[key] for key in EXTRA_SECTIONS if key in sections},
        unknown=unknown,
    )


def _with_custom(
    sections: PlainDict, roots: Sequence[Path], where: str, errors: list[UserError]
) -> PlainDict:
    """The same sections, with datasets that are no more than a file made whole."""
    datasets = sections.get("datasets")
    if not isinstance(datasets, list):
        return sections
    whole: list[Any] = []
    for i, dataset in enumerate(datasets):
        bare = isinstance(dataset, dict) and "type" not in dataset and isinstance(dataset.get("path"), str)
        try:
            whole.append(expand_custom(dataset, roots, f"{where}: datasets[{i}]") if bare else dataset)
        except UserError as error:
            errors.append(error)
    return {**sections, "datasets": whole}


def model_abbr(model: Mapping[str, Any]) -> str:
    """A model's name when it has none of its own: its type and the last two parts of its path."""
    parts = [short_name(str(model.get("type", "model")))]
    for key in ("path", "peft_path"):
        if isinstance(model.get(key), str):
            parts += [part for part in str(model[key]).split("/") if part not in ("", ".", "..")][-2:]
    return "_".join(parts).replace("/", "_")


def dataset_abbr(dataset: Mapping[str, Any]) -> str:
    """A dataset's name when it has none of its own: its path, and its `name` behind it."""
    parts = [str(dataset[key]) for key in ("path", "name") if dataset.get(key) is not None]
    return "_".join(parts).replace("/", "_") or short_name(str(dataset.get("type", "dataset")))


def _named(value: Any, key: str, where: str, errors: list[UserError], fallback: Any) -> list[PlainDict]:
    if value is None:
        return []
    if not isinstance(value, list):
        errors.append(_misshapen(value, f"{where}: {key}", "a list of dicts"))
        return []
    result: list[PlainDict] = []
    places: dict[str, int] = {}
    for i, item in enumerate(value):
        place = f"{where}: {key}[{i}]"
        if not isinstance(item, dict):
            errors.append(_misshapen(item, place, "a dict"))
            continue
        abbr = item.get("abbr") or fallback(item)
        if not isinstance(abbr, str):
            errors.append(_misshapen(abbr, f"{place}.abbr", "text"))
            continue
        named = {"abbr": abbr, **{name: part for name, part in item.items() if name != "abbr"}}
        if abbr in places:
            # The same dict listed twice (two collections that overlap) is one and the same thing.
            if named != result[places[abbr]]:
                errors.append(
                    UserError(
                        f"the abbr {abbr!r} is taken by another entry of {key}",
                        where=f"{place}.abbr",
                        expected="an abbr of its own for each",
                    )
                )
            continue
        places[abbr] = len(result)
        result.append(named)
    return result


def _combinations(value: Any, where: str, errors: list[UserError]) -> list[PlainDict]:
    key = f"{where}: model_dataset_combinations"
    if not isinstance(value, list):
        errors.append(_misshapen(value, key, "a list of dicts with models and datasets"))
        return []
    result: list[PlainDict] = []
    for i, item in enumerate(value):
        if not isinstance(item, dict) or set(item) != {"models", "datasets"}:
            errors.append(_misshapen(item, f"{key}[{i}]", "a dict with the keys models and datasets"))
            continue
        pair: PlainDict = {}
        for side, fallback in (("models", model_abbr), ("datasets", dataset_abbr)):
            members = item[side]
            if not isinstance(members, list):
                errors.append(_misshapen(members, f"{key}[{i}].{side}", "a list of dicts or abbrs"))
                continue
            pair[side] = [
                str(one.get("abbr") or fallback(one)) if isinstance(one, dict) else str(one)
                for one in members
            ]
        result.append(pair)
    return result


def _with_paths(item: PlainDict, roots: Sequence[Path]) -> PlainDict:
    """The same dict with the paths that exist made absolute, so that a worker may start anywhere."""
    result = dict(item)
    for key, value in item.items():
        if is_path_key(key) and isinstance(value, str) and looks_local(value):
            found = find_data(value, roots)
            if found is not None:
                result[key] = str(found)
    return result


def is_path_key(key: str) -> bool:
    """Whether a model's or dataset's key holds a file or folder name."""
    return key in ("path", "file", "data_files") or key.endswith(("_path", "_file"))


def looks_local(value: str) -> bool:
    """Whether a path may be a file here, and not the name of a model at an API or a URL."""
    return "://" not in value and ("/" in value or Path(value).suffix in DATA_SUFFIXES)


DATA_SUFFIXES = frozenset((".jsonl", ".json", ".csv", ".tsv", ".parquet", ".gz", ".zst", ".txt", ".gguf"))


def _misshapen(value: Any, where: str, expected: str) -> UserError:
    return UserError(f"{value!r:.60} is a {type(value).__name__}", where=where, expected=expected)
