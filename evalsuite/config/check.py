"""Finds everything that is wrong with a config before anything is loaded or started.

Classes are imported, and no model is ever built; heavy packages are looked for, never imported. Rooms above
this one are reached the way a config reaches them, by name.
"""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from evalsuite.bounds import NotNegative, Positive
from evalsuite.config.find import data_roots
from evalsuite.config.read import DATA_SUFFIXES, is_path_key, looks_local
from evalsuite.config.signature import check_keywords, describe, fits, missing_packages, shown
from evalsuite.config.spec import EXTRA_SECTIONS, SECTIONS, RunConfig
from evalsuite.errors import NotHere, UserError, UserErrors, nearest_name
from evalsuite.postprocess import NAMES
from evalsuite.registry import choice, extend_path, known_names, load, resolve, short_name

# Keys of a model dict that the program reads itself, with the type each must have.
MODEL_KEYS: Mapping[str, Any] = {
    "abbr": str,
    "type": str,
    "max_out_len": Positive | None,
    "min_out_len": NotNegative | None,
    "batch_size": Positive,
    "run_cfg": dict,
    "meta_template": dict | list | None,
    "generation_kwargs": dict,
    "stop_words": list[str],
    "max_seq_len": Positive | None,
    "pred_postprocessor": dict | None,
    "summarizer_abbr": str,
}
RUN_CFG_KEYS: Mapping[str, Any] = {"num_gpus": NotNegative, "num_procs": NotNegative}
DATASET_KEYS: Mapping[str, Any] = {
    "abbr": str,
    "type": str,
    "reader_cfg": dict,
    "infer_cfg": dict,
    "eval_cfg": dict,
    "n": Positive,
    "k": Positive | list[Positive],
    "num_repeats": Positive,
    "test_range": str | int | float | list,
    "mode": str,
    "summarizer": dict,
    "version": str,
}
READER_KEYS: Mapping[str, Any] = {
    "input_columns": list[str] | str,
    "output_column": str | None,
    "train_split": str,
    "test_split": str,
    "train_range": str | int | float | list,
    "test_range": str | int | float | list,
}
EVAL_KEYS: Mapping[str, Any] = {
    "evaluator": dict,
    "pred_postprocessor": dict | None,
    "dataset_postprocessor": dict | None,
    "pred_role": str | None,
    "num_gpus": NotNegative,
}
STAGE_KEYS: Mapping[str, Any] = {"partitioner": dict, "runner": dict, "given_pred": list}
RUNNER_KEYS: Mapping[str, Any] = {
    "type": str,
    "task": dict,
    "max_num_workers": Positive,
    "max_workers_per_gpu": Positive,
    "retry": NotNegative,
    "debug": bool,
    "keep_tmp_file": bool,
    "lark_bot_url": str | None,
    "concurrent_users": Positive,
}
# Keys that OpenCompass's runner for its own cluster has, beside the options of a stock SLURM.
SLURM_KEYS: Mapping[str, Any] = {
    "cluster": str | None,
    "quotatype": str | None,
    "extra_command": list | None,
    "task_prefix": str,
}
COMBINATION_SIDES = ("models", "datasets")
NEAR = 0.8
FIRST_ROWS = 20


def check(config: RunConfig, *, gpus: int | None = None, scored: bool = True) -> list[UserError]:
    """All problems of a config, each with its file, key path, what was expected and the nearest right name.

    `gpus` is how many this machine has, when the models are to run on it; None leaves that open. Answers that
    are not to be `scored` need no reference.
    """
    extend_path(config.search_paths)
    checker = _Checker(config, gpus, scored)
    checker.sections()
    for i, model in enumerate(config.models):
        checker.model(model, f"models[{i}]")
    for i, dataset in enumerate(config.datasets):
        checker.dataset(dataset, f"datasets[{i}]")
    checker.combinations()
    for stage in ("infer", "eval"):
        checker.stage(getattr(config, stage), stage)
    checker.summarizer()
    return _once(checker.errors)


def _once(errors: Iterable[UserError]) -> list[UserError]:
    """Each mistake once: a key may be known to the engine and to the class that its dict names."""
    found: dict[tuple[str, str], UserError] = {}
    for error in errors:
        found.setdefault((error.where, error.what), error)
    return list(found.values())


def doubts(config: RunConfig) -> list[UserError]:
    """What may be meant as it stands in a config that has no problems, and may be a slip."""
    found = [
        UserError(
            f"k={k} says nothing: this dataset's evaluator makes no pass@k",
            where=f"{config.path}: {where}",
            expected="no k, or an evaluator that runs code",
        )
        for where, k in _idle_ks(config.datasets)
    ]
    if config.summarizer is None:
        return found
    absent: Callable[..., list[UserError]] = load("evalsuite.summarizers:absent_names")
    return found + [
        UserError(one.what, where=f"{config.path}: {one.where}", nearest=one.nearest)
        for one in absent(config.summarizer, [dataset["abbr"] for dataset in config.datasets])
    ]


def _idle_ks(datasets: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Where a dataset names a k that is more than 1, is not just its n again, and has no effect."""
    evaluator_of, knows_k = (
        load(f"evalsuite.evaluators.choice:{name}") for name in ("evaluator_of", "knows_k")
    )
    for at, dataset in enumerate(datasets):
        k = dataset.get("k", 1)
        said_otherwise = k in (1, [1]) or k == dataset.get("n", dataset.get("num_repeats"))
        if not said_otherwise and not knows_k(evaluator_of(dataset.get("eval_cfg") or {})):
            yield f"datasets[{at}].k", k


def ensure(config: RunConfig, *, gpus: int | None = None) -> None:
    """Raise all problems of a config as one error."""
    errors = check(config, gpus=gpus)
    if errors:
        raise UserErrors(errors)


class _Checker:
    def __init__(self, config: RunConfig, gpus: int | None, scored: bool) -> None:
        self.config = config
        self.scored = scored
        runner = config.infer.get("runner")
        elsewhere = isinstance(runner, dict) and "slurm" in str(runner.get("type")).lower()
        self.gpus = None if elsewhere else gpus
        self.errors: list[UserError] = []
        self._said: set[str] = set()
        # Kind of prompt, meta template and first model of each way in which a template has to be spoken.
        self._speakers: dict[str, tuple[str, Any, str]] = {}

    def _add(self, what: str, where: str, expected: str = "", nearest: str = "") -> None:
        self.errors.append(
            UserError(what, where=f"{self.config.path}: {where}", expected=expected, nearest=nearest)
        )

    def _take(self, error: UserError, where: str) -> None:
        """An error of another room, with this config's file in front of its place."""
        for one in error.errors if isinstance(error, UserErrors) else (error,):
            place = one.where if one.where.startswith(where.partition("[")[0]) else where
            self._add(one.what, place, one.expected, one.nearest)

    def _errors_under(self, where: str) -> bool:
        place = f"{self.config.path}: {where}"
        return any(error.where == place or error.where.startswith(f"{place}.") for error in self.errors)

    # ------------------------------------------------------------------ the config as a whole
    def sections(self) -> None:
        """Sections that are missing, and variables that look like a mistyped section."""
        present = {
            "models": bool(self.config.models),
            "datasets": bool(self.config.datasets),
            "summarizer": self.config.summarizer is not None,
            "infer": bool(self.config.infer),
            "eval": bool(self.config.eval),
            "work_dir": bool(self.config.work_dir),
            "model_dataset_combinations": bool(self.config.combinations),
            **{key: key in self.config.extra for key in EXTRA_SECTIONS},
        }
        absent = [key for key in (*SECTIONS, *EXTRA_SECTIONS) if not present[key]]
        for name in self.config.unknown:
            near = difflib.get_close_matches(name, absent, n=1, cutoff=NEAR)
            if near:
                self._add(f"{name!r} has no meaning in a config", name, "a section's name", near[0])
        for key in COMBINATION_SIDES:
            if not present[key]:
                self._add(f"the config has no {key}", key, f"{key} = [dict(...), ...]")

    def combinations(self) -> None:
        """Every name in model_dataset_combinations is one of the config's."""
        known = {
            "models": [model["abbr"] for model in self.config.models],
            "datasets": [dataset["abbr"] for dataset in self.config.datasets],
        }
        for i, pair in enumerate(self.config.combinations):
            for side in COMBINATION_SIDES:
                for abbr in pair[side]:
                    if abbr not in known[side]:
                        self._add(
                            f"{abbr!r} is not among the {side}",
                            f"model_dataset_combinations[{i}].{side}",
                            f"one of {', '.join(known[side])}",
                            nearest_name(abbr, known[side]),
                        )

    # ------------------------------------------------------------------ models and datasets
    def model(self, model: Mapping[str, Any], where: str) -> None:
        """One model dict against its class, its GPUs and its post-processor."""
        factory = self._typed(model, "models", where)
        self._own_keys(model, MODEL_KEYS, where)
        for error in load("evalsuite.inferencers.check:check_sampling")(model, where):
            self._take(error, where)
        self._name(model["abbr"], where)
        if factory is not None:
            replaced = load("evalsuite.models.settings:REPLACED")
            self.errors += self._keywords(factory, model, where, MODEL_KEYS, replaced=replaced)
            kind, meta = getattr(factory, "prompt_kind", "text"), model.get("meta_template")
            self._speakers.setdefault(f"{kind} {json.dumps(meta, sort_keys=True)}", (kind, meta, where))
        run_cfg = model.get("run_cfg")
        if isinstance(run_cfg, dict):
            self._section(run_cfg, RUN_CFG_KEYS, f"{where}.run_cfg")
            wanted = run_cfg.get("num_gpus", 0)
            if self.gpus is not None and isinstance(wanted, int) and wanted > self.gpus:
                self._add(
                    f"{wanted} GPUs are asked for, and this machine has {self.gpus}",
                    f"{where}.run_cfg.num_gpus",
                    f"at most {self.gpus}, or a runner that brings more (slurm)",
                )
        for key, value in model.items():
            local = isinstance(value, str) and value.startswith(("/", "./", "../", "~", "data/"))
            if is_path_key(key) and local:
                self._file(value, f"{where}.{key}")
        self._postprocessor(model.get("pred_postprocessor"), f"{where}.pred_postprocessor")

    def dataset(self, dataset: Mapping[str, Any], where: str) -> None:
        """One dataset dict against its class, its files, its templates and its evaluator."""
        factory = self._typed(dataset, "datasets", where)
        self._own_keys(dataset, DATASET_KEYS, where)
        self._name(dataset["abbr"], where)
        if factory is not None:
            self.errors += self._keywords(factory, dataset, where, DATASET_KEYS, supplied=("reader_cfg",))
        for key, value in dataset.items():
            for name in value if isinstance(value, list) else [value]:
                if is_path_key(key) and isinstance(name, str) and _names_file(name):
                    self._file(name, f"{where}.{key}")
        reader = dataset.get("reader_cfg")
        if isinstance(reader, dict):
            self._section(reader, READER_KEYS, f"{where}.reader_cfg")
        sound = factory is not None and not self._errors_under(where)
        rows = self._rows(factory, dataset, where) if sound else None
        columns = rows.columns if rows else None
        infer = dataset.get("infer_cfg")
        if isinstance(infer, dict):
            self._infer_cfg(infer, reader if isinstance(reader, dict) else {}, columns, where)
        elif "infer_cfg" not in dataset:
            self._add(
                f"{dataset['abbr']!r} does not say how models are asked",
                f"{where}.infer_cfg",
                "dict(prompt_template=..., retriever=..., inferencer=...)",
            )
        evaluation = dataset.get("eval_cfg")
        evaluation = evaluation if isinstance(evaluation, dict) else {}
        self._eval_cfg(evaluation, f"{where}.eval_cfg")
        self._repeats(dataset, evaluation.get("evaluator"), where)
        if rows is not None:
            self._against_rows(dataset, rows, evaluation, where)

    def _infer_cfg(
        self, infer: Mapping[str, Any], reader: Mapping[str, Any], columns: Collection[str] | None, where: str
    ) -> None:
        """The templates against the columns of the rows, and against the roles of every model."""
        checker: Callable[..., list[UserError]] = load("evalsuite.inferencers:check_infer_cfg")
        errors = checker(infer, reader, columns, f"{where}.infer_cfg")
        for error in errors:
            self._take(error, f"{where}.infer_cfg")
        if errors:
            return
        layout_for: Callable[..., Any] = load("evalsuite.prompt.layout:layout_for")
        variants = [
            variant
            for key in ("prompt_template", "ice_template")
            if infer.get(key)
            for variant in load("evalsuite.prompt.template:read_template")(infer[key], key).variants.values()
        ]
        mode = "gen" if load("evalsuite.inferencers:verb_of")(infer) == "generate" else "ppl"
        for kind, meta, model in self._speakers.values():
            if infer.get("as_text"):
                kind, meta = "text", None
            try:
                layout = layout_for(kind, meta)
                for variant in variants:
                    layout.plan(variant, mode)
            except UserError as error:
                if (text := f"{model} {error.what}") not in self._said:
                    self._said.add(text)
                    what = f"{error.what} ({where} is the first to speak it)"
                    self._add(
                        what, f"{model}.{error.where or 'meta_template'}", error.expected, error.nearest
                    )

    def _against_rows(
        self, dataset: Mapping[str, Any], rows: _Rows, evaluation: Mapping[str, Any], where: str
    ) -> None:
        """The columns and the range that a dataset names, against its rows."""
        selection: Callable[..., list[UserError]] = load("evalsuite.datasets.check:check_selection")
        errors = selection(dataset, len(rows.first), rows.count, where)
        if rows.first:
            named: Callable[..., list[UserError]] = load("evalsuite.datasets.check:check_columns")
            referenced = any(reference is not None for reference in islice(rows.references(), FIRST_ROWS))
            wrong = named(dataset, rows.all(), referenced, where)
            if self._compares(evaluation, where) and not any("output_column" in one.where for one in wrong):
                references: Callable[..., list[UserError]] = load("evalsuite.datasets.check:check_references")
                wrong += references(dataset, rows.references(), rows.columns, where)
            errors += wrong
        for error in errors:
            self._take(error, where)

    def _compares(self, evaluation: Mapping[str, Any], where: str) -> bool:
        """Whether answers will be compared with references; an evaluator that is wrong itself cannot tell."""
        if not self.scored or self._errors_under(f"{where}.eval_cfg.evaluator"):
            return False
        return bool(load("evalsuite.evaluators.choice:needs_reference")(evaluation))

    def _rows(self, factory: Any, dataset: Mapping[str, Any], where: str) -> _Rows | None:
        """The first rows, when they lie in a file that can be read without another package."""
        needs: Collection[str] = getattr(factory, "needs", ())
        if needs or not hasattr(factory, "rows"):
            return None
        accepted = inspect.signature(factory).parameters
        try:
            built = factory(**{key: value for key, value in dataset.items() if key in accepted})
            return _Rows(built, list(islice(built.rows(), FIRST_ROWS)))
        except NotHere:
            return None  # no fault of the config: the plan leaves such a dataset out and says so
        except UserError as error:
            self._take(error, f"{where}.path")
        except (Exception, SystemExit) as error:  # the user's own class fails while it is built or read
            self._add(f"reading its first rows fails: {type(error).__name__}: {error}", where)
        return None

    def _eval_cfg(self, evaluation: Mapping[str, Any], where: str) -> None:
        self._section(evaluation, EVAL_KEYS, where)
        evaluator = evaluation.get("evaluator")
        if isinstance(evaluator, dict):
            factory = self._typed(evaluator, "evaluators", f"{where}.evaluator")
            if factory is not None:
                self.errors += self._keywords(factory, evaluator, f"{where}.evaluator", {"type": str})
        for key in ("pred_postprocessor", "dataset_postprocessor"):
            self._postprocessor(evaluation.get(key), f"{where}.{key}")

    def _postprocessor(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            return
        if not isinstance(value.get("type"), str):
            self._add("a post-processor has no type", where, "dict(type='general', ...)")
            return
        name = value["type"]
        function: Any = NAMES.get(name) or NAMES.get(short_name(name))
        if function is None:
            try:
                function = resolve(name, "postprocessors")
            except UserError as error:
                near = error.nearest or nearest_name(short_name(name), NAMES)
                own = f"one of {', '.join(sorted(NAMES))}, or a dotted path"
                bare = not {".", ":"} & set(name)
                self._add(error.what, f"{where}.type", own if bare else error.expected, near)
                return
        text = next(iter(inspect.signature(function).parameters), "")
        self.errors += self._keywords(function, value, where, {"type": str}, supplied=(text,))

    # ------------------------------------------------------------------ stages and tables
    def stage(self, stage: Mapping[str, Any], where: str) -> None:
        """The partitioner and the runner of a stage."""
        self._section(stage, STAGE_KEYS, where)
        partitioner = stage.get("partitioner")
        if isinstance(partitioner, dict):
            read: Callable[..., Any] = load("evalsuite.partitioners:Partitioner").from_config
            try:
                read(partitioner, where=f"{where}.partitioner")
            except UserError as error:
                self._take(error, f"{where}.partitioner")
        runner = stage.get("runner")
        if isinstance(runner, dict):
            self._runner(runner, f"{where}.runner")

    def _runner(self, runner: Mapping[str, Any], where: str) -> None:
        options: Mapping[str, Callable[[Any], str]] = {}
        known = dict(RUNNER_KEYS)
        if self._choice(runner, "runners", where) == "slurm":
            options = load("runners.slurm_script:OPTIONS")
            known |= {**SLURM_KEYS, **dict.fromkeys(options, Any)}
        self._section(runner, known, where)
        for key, wrong in options.items():
            if runner.get(key) is not None and (expected := wrong(runner[key])):
                self._add(f"{runner[key]!r:.60} is wrong", f"{where}.{key}", expected)
        task = runner.get("task")
        if isinstance(task, dict):
            self._choice(task, "tasks", f"{where}.task")

    def summarizer(self) -> None:
        """The summarizer's groups and columns, by the room that reads them."""
        if self.config.summarizer is None:
            return
        name = self.config.summarizer.get("type")
        if isinstance(name, str) and short_name(name) not in known_names("summarizers"):
            self._typed(self.config.summarizer, "summarizers", "summarizer")
        checker: Callable[..., Any] = load("evalsuite.summarizers:check_summarizer")
        for error in checker(self.config.summarizer):
            self._take(error, "summarizer")

    # ------------------------------------------------------------------ values that bear on each other
    def _repeats(self, dataset: Mapping[str, Any], evaluator: Any, where: str) -> None:
        """Each k of pass@k has to have as many answers."""
        answers = dataset.get("n", dataset.get("num_repeats", 1))
        given = {f"{where}.k": dataset.get("k")}
        if isinstance(evaluator, dict):
            given[f"{where}.eval_cfg.evaluator.k"] = evaluator.get("k")
        for place, value in given.items():
            ks = value if isinstance(value, (list, tuple)) else [value]
            if fits(answers, Positive) and fits(ks, list[int]) and max(ks, default=1) > answers:
                self._add(
                    f"k={max(ks)}, and each sample gets {answers} answer{'s' if answers > 1 else ''}",
                    place,
                    f"{answers} at most, or a larger n",
                )

    def _name(self, abbr: str, where: str) -> None:
        """Folders are called after models and datasets, and file systems have a longest name."""
        longest: int = load("evalsuite.store.files:LONGEST_ABBR")
        if (size := len(abbr.encode())) > longest:
            self._add(f"a name of {size} bytes", f"{where}.abbr", f"{longest} bytes at most")

    # ------------------------------------------------------------------ shared by all of them
    def _typed(self, value: Mapping[str, Any], room: str, where: str) -> Any:
        """The class that a dict's `type` names, once its packages are known to be there."""
        name = value.get("type")
        if not isinstance(name, str):
            self._add("the type is missing", f"{where}.type", f"one of {', '.join(known_names(room))}")
            return None
        try:
            factory = resolve(name, room)
        except UserError as error:
            self._take(error, f"{where}.type")
            return None
        except (Exception, SystemExit) as error:  # the user's own module fails (or exits) at its import
            self._add(f"importing {name!r} fails: {type(error).__name__}: {error}", f"{where}.type")
            return None
        if not callable(factory):
            self._add(f"{name!r} is no class", f"{where}.type", "a class or a function")
            return None
        for package in missing_packages(factory):
            if (
                message := f"{name!r} needs the package {package!r}, which is not installed"
            ) not in self._said:
                self._said.add(message)
                self._add(message, f"{where}.type", f"pip install {package}")
        return factory

    def _keywords(
        self,
        factory: Any,
        value: Mapping[str, Any],
        where: str,
        own: Mapping[str, Any],
        **known: Any,
    ) -> list[UserError]:
        place = f"{self.config.path}: {where}"
        return check_keywords(factory, value, place, others=own, **known)

    def _own_keys(self, value: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
        for key, hint in known.items():
            if key in value and key != "type" and not fits(value[key], hint):
                self._add(f"{shown(key, value[key])} is wrong", f"{where}.{key}", describe(hint))

    def _section(self, value: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
        """A dict that only the program reads: its keys are known, and so are their types."""
        for key in value:
            if key not in known:
                self._add(
                    f"unknown key {key!r}",
                    f"{where}.{key}",
                    ", ".join(sorted(known)),
                    nearest_name(key, known),
                )
        self._own_keys(value, known, where)

    def _choice(self, value: Mapping[str, Any], room: str, where: str) -> str:
        name = value.get("type")
        if not isinstance(name, str):
            self._add("the type is missing", f"{where}.type", f"one of {', '.join(known_names(room))}")
            return ""
        try:
            return choice(name, room)
        except UserError as error:
            self._take(error, f"{where}.type")
            return ""

    def _file(self, name: str, where: str) -> None:
        path = Path(name).expanduser()
        if path.is_absolute():
            if path.exists():
                return
            looked = [path]
        else:
            # An existing one was made absolute when the config was read.
            looked = [root / path for root in data_roots(self.config.config_dir)]
        siblings = [item.name for one in looked if one.parent.is_dir() for item in one.parent.iterdir()]
        self._add(
            f"there is no file {name!r}",
            where,
            f"a file at {' or '.join(map(str, dict.fromkeys(looked)))}",
            nearest_name(path.name, siblings),
        )


class _Rows:
    """A dataset's rows as far as they have been read; the rest is read only when that decides something."""

    def __init__(self, built: Any, first: list[Any]) -> None:
        self._built = built
        self.first = first
        self.columns: frozenset[str] = frozenset(column for row in first for column in row)

    def count(self) -> int:
        """How many rows there are."""
        return sum(1 for _ in self.all())

    def all(self) -> Iterator[Any]:
        """Every row, read anew."""
        return iter(self._built.rows())

    def references(self) -> Iterator[Any]:
        """The reference of each row, until the reader has enough."""
        of = getattr(self._built, "reference_of", None)
        return iter([True]) if of is None else map(of, self.all())


def _names_file(name: str) -> bool:
    marked = name.startswith(("/", "./", "../", "~", "data/"))
    return looks_local(name) and (marked or Path(name).suffix in DATA_SUFFIXES)
