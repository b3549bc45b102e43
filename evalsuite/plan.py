"""From a checked config to a plan: which model answers which slices of which dataset.

A plan is plain data. Workers read it as JSON and need neither the config file nor the package that reads it.
Every task's name carries a fingerprint of all that decides its rows, so a changed config makes other tasks
and an unchanged one finds its work done.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from evalsuite import __version__
from evalsuite.datasets.base import Dataset
from evalsuite.datasets.build import build_dataset, repeats_of
from evalsuite.datasets.check import check_columns, check_references, nothing_left
from evalsuite.errors import NotHere, UserError, UserErrors
from evalsuite.evaluators.choice import needs_reference
from evalsuite.partitioners import Load, Partitioner
from evalsuite.store.files import brief_name, file_sha256, folder_fingerprint, read_json, write_json
from evalsuite.store.keys import digest
from evalsuite.types import Sample, Sampling, Stage, Task, Verb

EVAL_QUEUE = "eval"
CHARS_PER_TOKEN = 3.5
SECONDS_PER_TOKEN = 0.002
OUTPUT_WEIGHT = 8
LIKELY_OUTPUT = 256
FIRST_SAMPLES = 20

# These decide how fast or from where an answer comes, not what it says.
NOT_IDENTITY = frozenset(
    (
        "abbr",
        "summarizer_abbr",
        "batch_size",
        "run_cfg",
        "key",
        "api_key",
        "max_out_len",
        "max_workers",
        "concurrency",
        "query_per_second",
        "retry",
        "timeout",
        "rpm_verbose",
        "verbose",
        "latency",
        "latency_jitter",
        "faults",
        "pred_postprocessor",
        "prices",
        "device_map",
        "trust_remote_code",
    )
)


@dataclass(frozen=True)
class ModelEntry:
    """One model of the plan."""

    abbr: str
    config: Mapping[str, Any]
    identity: str
    gpus: int = 0

    @property
    def queue(self) -> str:
        """The queue that this model's workers pull from."""
        return f"infer-{self.abbr}"


@dataclass(frozen=True)
class DatasetEntry:
    """One dataset of the plan: its size and the hashes of its files."""

    abbr: str
    config: Mapping[str, Any]
    size: int
    files: Mapping[str, str]
    repeats: int


@dataclass(frozen=True)
class Pair:
    """One (model x dataset): its slices, and the fingerprints of its answers and of its scores."""

    model: str
    dataset: str
    fingerprint: str
    eval_fingerprint: str
    verb: Verb
    mode: str
    version: str
    seconds: float
    slices: tuple[tuple[int, int], ...]

    def queue(self, stage: Stage) -> str:
        """The queue that the tasks of a stage lie in."""
        return f"infer-{self.model}" if stage == "infer" else EVAL_QUEUE

    def mark(self, stage: Stage) -> tuple[str, str]:
        """How the names of all tasks of a stage begin and end."""
        if stage == "infer":
            return brief_name(self.dataset), self.fingerprint[:12]
        return f"{brief_name(self.model)}-{brief_name(self.dataset)}", self.eval_fingerprint[:12]

    def task(self, stage: Stage, start: int, stop: int) -> Task:
        """The task of one slice in one stage."""
        head, tail = self.mark(stage)
        name = f"{head}-{start}-{stop}-{tail}"
        cost = self.seconds * (stop - start)
        queue = self.queue(stage)
        return Task(name, stage, queue, self.model, self.dataset, start, stop, self.verb, cost)

    def tasks(self, stage: Stage) -> Iterator[Task]:
        """The tasks of all slices in one stage."""
        for start, stop in self.slices:
            yield self.task(stage, start, stop)


@dataclass(frozen=True)
class Plan:
    """Everything that workers, the driver and the summary need to know of a run."""

    models: tuple[ModelEntry, ...]
    datasets: tuple[DatasetEntry, ...]
    pairs: tuple[Pair, ...]
    search_paths: tuple[str, ...] = ()
    summarizer: Mapping[str, Any] = field(default_factory=dict)
    reuse: bool = True
    blocked: Mapping[str, str] = field(default_factory=dict)
    """Datasets that cannot be asked or judged on this machine, with the reason."""

    @cached_property
    def _models(self) -> Mapping[str, ModelEntry]:
        return {model.abbr: model for model in self.models}

    @cached_property
    def _datasets(self) -> Mapping[str, DatasetEntry]:
        return {dataset.abbr: dataset for dataset in self.datasets}

    def model(self, abbr: str) -> ModelEntry:
        """The model of that name."""
        return self._models[abbr]

    def dataset(self, abbr: str) -> DatasetEntry:
        """The dataset of that name."""
        return self._datasets[abbr]

    def tasks(self, stage: Stage) -> Iterator[Task]:
        """All tasks of one stage."""
        for pair in self.pairs:
            yield from pair.tasks(stage)

    def save(self, path: Path) -> None:
        """Write the plan for the workers."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, asdict(self), indent=None)

    @classmethod
    def load(cls, path: Path) -> Plan:
        """Read a plan that was saved."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise UserError("this run has no plan", where=str(path), expected="a run folder") from error
        return cls(
            models=tuple(ModelEntry(**entry) for entry in raw["models"]),
            datasets=tuple(DatasetEntry(**entry) for entry in raw["datasets"]),
            pairs=tuple(
                Pair(**{**entry, "slices": tuple((a, b) for a, b in entry["slices"])})
                for entry in raw["pairs"]
            ),
            search_paths=tuple(raw["search_paths"]),
            summarizer=raw["summarizer"],
            reuse=raw["reuse"],
            blocked=raw["blocked"],
        )


class TaskFinder:
    """Finds the tasks of a queue by their names, without a table of them all."""

    def __init__(self, pairs: Sequence[Pair], stage: Stage) -> None:
        self._stage = stage
        self._pairs = {pair.mark(stage): pair for pair in pairs}
        self._slices: dict[tuple[str, str], frozenset[tuple[int, int]]] = {}

    def find(self, name: str) -> tuple[Pair, int, int] | None:
        """The slice that a name stands for; None when the plan has no such task."""
        try:
            head, start, stop, tail = name.rsplit("-", 3)
            mark, place = (head, tail), (int(start), int(stop))
        except ValueError:
            return None
        pair = self._pairs.get(mark)
        if pair is None:
            return None
        if mark not in self._slices:
            self._slices[mark] = frozenset(pair.slices)
        return (pair, *place) if place in self._slices[mark] else None

    def task(self, name: str) -> tuple[Task, Pair]:
        """The task of a name that the plan has."""
        found = self.find(name)
        if found is None:
            raise KeyError(name)
        pair, start, stop = found
        return pair.task(self._stage, start, stop), pair


# --------------------------------------------------------------------------- identities
def model_identity(config: Mapping[str, Any]) -> str:
    """What tells this model's answers from another's: the config that decides them, and the weights."""
    parts: dict[str, Any] = {key: value for key, value in config.items() if key not in NOT_IDENTITY}
    for key in ("path", "peft_path", "tokenizer_path"):
        value = config.get(key)
        if isinstance(value, str) and value:
            place = Path(value)
            if place.is_dir():
                parts[f"{key}_content"] = folder_fingerprint(place)
            elif place.is_file():
                parts[f"{key}_content"] = file_sha256(place)
    return digest(parts)


def sampling_of(config: Mapping[str, Any]) -> Sampling:
    """The sampling parameters of a model dict (an inferencer's own come on top of them)."""
    known = Sampling.__dataclass_fields__
    chosen: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    generation = dict(config.get("generation_kwargs") or {})
    if generation.pop("do_sample", None) is False:
        generation["temperature"] = 0.0
    for source in (generation, {k: config[k] for k in ("temperature", "seed") if config.get(k) is not None}):
        for key, value in source.items():
            target = chosen if key in known and key not in ("extra", "stop") else extra
            target[key] = value
    named = generation.get("stop") or ()
    stop = (*([named] if isinstance(named, str) else named), *(config.get("stop_words") or ()))
    extra.pop("stop", None)
    for key, name in (("max_out_len", "max_out_len"), ("min_out_len", "min_out_len")):
        if config.get(key) is not None:
            chosen[name] = config[key]
    return Sampling(**chosen, stop=tuple(stop), extra=extra)


class HashCache:
    """File hashes of earlier runs, kept by path, size and time of change, so that large data is read once."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, list[Any]] = read_json(path, {}) if path else {}
        self._changed = False

    def sha256(self, path: Path) -> str:
        """The hash of a file's content."""
        stat = path.stat()
        mark = [stat.st_size, stat.st_mtime_ns]
        known = self._known.get(str(path))
        if known and known[:2] == mark:
            return str(known[2])
        value = file_sha256(path)
        self._known[str(path)] = [*mark, value]
        self._changed = True
        return value

    def save(self) -> None:
        """Keep what was learnt, if the place can be written."""
        if self._path and self._changed and self._path.parent.is_dir():
            write_json(self._path, self._known)


# --------------------------------------------------------------------------- planning
def build_plan(
    config: Any,
    *,
    partitioner: Partitioner,
    hashes: HashCache,
    history: Mapping[str, float],
    reuse: bool = True,
    earlier: Plan | None = None,
    scored: bool = True,
) -> Plan:
    """The plan of a config (a RunConfig): datasets are measured, no model is loaded.

    A resumed run gives its `earlier` plan: what did not change keeps its slices, so that done stays done.
    Answers that are not to be `scored` need no reference.
    """
    from evalsuite.inferencers import mode_of, prompt_version, verb_of

    problems: list[UserError] = []
    blocked: dict[str, str] = {}
    datasets: list[DatasetEntry] = []
    lengths: dict[str, float] = {}
    for entry in config.datasets:
        try:
            built, length = _measure(entry, hashes, scored=scored)
        except NotHere as error:
            built, length = DatasetEntry(entry["abbr"], entry, 0, {}, repeats_of(entry)), 0.0
            blocked[built.abbr] = error.render()
        except UserError as error:
            problems += _of_dataset(error, f"{config.path}: dataset {entry['abbr']}")
            continue
        datasets.append(built)
        lengths[built.abbr] = length
    if problems:
        raise UserErrors(problems)
    models = [
        ModelEntry(m["abbr"], m, model_identity(m), int((m.get("run_cfg") or {}).get("num_gpus", 0) or 0))
        for m in config.models
    ]
    code = _user_code(config.search_paths, config)
    kept = {(p.fingerprint, p.slices[-1][1]): p.slices for p in earlier.pairs if p.slices} if earlier else {}
    pairs: list[Pair] = []
    for model in models:
        mine = [
            d
            for d in datasets
            if d.abbr not in blocked and _combined(config.combinations, model.abbr, d.abbr)
        ]
        estimates = {d.abbr: estimate(model, d, lengths[d.abbr]) for d in mine}
        seconds = corrected(model.abbr, estimates, history)
        loads = [Load(d.size, seconds[d.abbr], *_calls(d)) for d in mine]
        for dataset, cuts in zip(mine, partitioner.cut(loads), strict=True):
            infer_cfg = dataset.config.get("infer_cfg") or {}
            infer_part = {
                k: v for k, v in dataset.config.items() if k not in ("eval_cfg", "abbr", "summarizer")
            }
            fingerprint = digest(
                [
                    __version__,
                    model.identity,
                    asdict(sampling_of(model.config)),
                    model.config.get("meta_template"),
                    infer_part,
                    sorted(dataset.files.values()),
                    code,
                ]
            )
            evaluation = [dataset.config.get("eval_cfg"), model.config.get("pred_postprocessor")]
            pairs.append(
                Pair(
                    model.abbr,
                    dataset.abbr,
                    fingerprint,
                    digest([fingerprint, evaluation]),
                    verb_of(infer_cfg),
                    mode_of(infer_cfg),
                    prompt_version(infer_cfg),
                    seconds[dataset.abbr],
                    kept.get((fingerprint, dataset.size), tuple(cuts)),
                )
            )
    return Plan(
        tuple(models),
        tuple(datasets),
        tuple(pairs),
        tuple(config.search_paths),
        config.summarizer or {},
        reuse,
        blocked,
    )


def _of_dataset(error: UserError, where: str) -> list[UserError]:
    several = error.errors if isinstance(error, UserErrors) else (error,)
    return [UserError(one.render(), where=where) for one in several]


def _measure(entry: Mapping[str, Any], hashes: HashCache, *, scored: bool) -> tuple[DatasetEntry, float]:
    dataset = build_dataset(entry)
    size = len(dataset)
    if not size:
        raise nothing_left(entry, size, entry["abbr"])
    first = list(islice(dataset.samples(0, FIRST_SAMPLES), FIRST_SAMPLES))
    if problems := _against_samples(entry, dataset, first, scored=scored):
        raise UserErrors(problems)
    files = {file: hashes.sha256(Path(file)) for file in dataset.files() if Path(file).is_file()}
    columns = (entry.get("reader_cfg") or {}).get("input_columns") or ()
    columns = [columns] if isinstance(columns, str) else columns
    shown = [v for s in first for k, v in s.fields.items() if not columns or k in columns]
    chars = sum(len(str(value)) for value in shown) / max(1, len(first))
    return DatasetEntry(entry["abbr"], entry, size, files, repeats_of(entry)), chars / CHARS_PER_TOKEN


def _against_samples(
    entry: Mapping[str, Any], dataset: Dataset, first: Sequence[Sample], *, scored: bool
) -> list[UserError]:
    """Columns and references that the samples lack, also where the config's check cannot read them."""
    columns = {column for sample in first for column in sample.fields}
    referenced = any(sample.reference is not None for sample in first)
    problems = check_columns(
        entry, (sample.fields for sample in dataset.samples()), referenced, entry["abbr"]
    )
    if scored and not referenced and not problems and needs_reference(entry.get("eval_cfg") or {}):
        references = (sample.reference for sample in dataset.samples())
        problems = check_references(entry, references, columns, entry["abbr"])
    return problems


def _calls(dataset: DatasetEntry) -> tuple[int, bool]:
    from evalsuite.inferencers import options_of, verb_of

    infer_cfg = dataset.config.get("infer_cfg") or {}
    return options_of(infer_cfg) * dataset.repeats, verb_of(infer_cfg) == "generate"


def estimate(model: ModelEntry, dataset: DatasetEntry, prompt_tokens: float) -> float:
    """A first guess of the seconds that one sample takes: tokens x options x repeats."""
    calls, generates = _calls(dataset)
    inferencer = (dataset.config.get("infer_cfg") or {}).get("inferencer") or {}
    output = inferencer.get("max_out_len") or model.config.get("max_out_len") or LIKELY_OUTPUT
    tokens = prompt_tokens + (OUTPUT_WEIGHT * min(float(output), LIKELY_OUTPUT) if generates else 0)
    return max(1.0, tokens) * calls * SECONDS_PER_TOKEN


def corrected(model: str, guesses: Mapping[str, float], history: Mapping[str, float]) -> dict[str, float]:
    """The guesses made true by what earlier runs took: measured where known, scaled alike where not."""
    measured = {name: history[f"{model}/{name}"] for name in guesses if f"{model}/{name}" in history}
    known = sum(guesses[name] for name in measured)
    scale = sum(measured.values()) / known if known else 1.0
    return {name: measured.get(name, guess * scale) for name, guess in guesses.items()}


def _combined(combinations: Sequence[Mapping[str, Any]] | None, model: str, dataset: str) -> bool:
    if not combinations:
        return True
    return any(model in abbrs(c["models"]) and dataset in abbrs(c["datasets"]) for c in combinations)


def abbrs(entries: Sequence[Any]) -> set[str]:
    """The names in a list of names or of dicts with an abbr."""
    return {entry["abbr"] if isinstance(entry, Mapping) else str(entry) for entry in entries}


def _user_code(search_paths: Sequence[str], config: Any) -> str:
    """A digest of the user's own modules that the config names: edited code makes other tasks."""
    found: dict[str, str] = {}
    for name in sorted(_types(config.models) | _types(config.datasets)):
        top = name.split(":")[0].split(".")[0]
        for folder in search_paths:
            for path in (Path(folder) / f"{top}.py", Path(folder) / top / "__init__.py"):
                if top and path.is_file():
                    found[top] = file_sha256(path)
    return digest(found)


def _types(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        own = {value["type"]} if isinstance(value.get("type"), str) else set()
        return own.union(*(_types(item) for item in value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*(_types(item) for item in value))
    return set()


def select(abbrs: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """The names that match any of the wildcard patterns, in their own order."""
    return [abbr for abbr in abbrs if any(fnmatch.fnmatch(abbr, pattern) for pattern in patterns)]
