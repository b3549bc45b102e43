"""`evalsuite run`: from flags to a finished run. Reads, checks, plans, drives, and prints the table."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import Any

from evalsuite.cli import EXIT_INTERRUPTED, EXIT_WRONG, VERBS
from evalsuite.errors import UserError, UserErrors, nearest_name
from evalsuite.flags import RunOptions, read_flags


def main(argv: Sequence[str]) -> int:
    """Run what the flags say."""
    return launch(read_flags(argv))


def launch(options: RunOptions) -> int:
    """Read, check, plan, drive, report: one run from its options to its exit status."""
    from evalsuite.config.check import check, doubts
    from evalsuite.config.secrets import Redactor, environment_secrets, extract
    from runners.gpus import find_gpus

    if options.mode in ("eval", "viz") and options.reuse is None:
        raise UserError(
            f"--mode {options.mode} needs a run to work on",
            where="-r",
            expected="-r (the latest) or -r STAMP",
        )
    config = accelerated(read(options), options)
    gpus = len(find_gpus())
    problems = check(config, gpus=None if options.slurm else gpus, scored=options.mode != "infer")
    if problems:
        raise UserErrors(problems)
    for doubt in doubts(config):
        if doubt.nearest or doubt.expected:  # what is merely not in this run is told below the table
            sys.stderr.write(f"warning: {doubt.render()}\n")
    config, environment = extract(config)
    redactor = Redactor([*environment.values(), *environment_secrets(os.environ)])
    try:
        return _launch(config, environment, options, gpus)
    except UserError as error:
        raise UserError(redactor.clean(error.render())) from None


def read(options: RunOptions) -> Any:
    """The config that the flags mean: a file, names, or both (names choose among or replace the file's)."""
    from evalsuite.config.assemble import CustomDataset, HfModel, Named, assemble_named, key_values
    from evalsuite.config.find import config_file
    from evalsuite.config.read import read_config

    hf: HfModel | None = None
    if options.hf:
        words = dict(options.hf)
        kwargs = {
            name: key_values(words[name], f"--{name.replace('_', '-')}")
            for name in ("model_kwargs", "tokenizer_kwargs", "peft_kwargs", "generation_kwargs")
        }
        renamed = {
            "type": words.pop("hf_type"),
            "path": words.pop("hf_path"),
            "num_gpus": words.pop("hf_num_gpus"),
        }
        hf = HfModel(**{**words, **kwargs, **renamed})
    named = Named(
        models=options.models,
        datasets=options.datasets,
        summarizer=options.summarizer or "",
        config_dir=options.config_dir,
        hf_model=hf,
        custom_dataset=CustomDataset(**options.custom) if options.custom else None,
        repeats=options.num_runs or 1,
    )
    if options.config is None:
        if not (options.models or hf) or not (options.datasets or options.custom):
            raise UserError(
                "nothing to run",
                where="command line",
                expected="a config, or --models/--hf-path and --datasets",
            )
        config, matched = assemble_named(named, options.overrides)
        for found in matched:
            sys.stderr.write(f"using {found.kind[:-1]} config {found.path}\n")
        return config
    try:
        path = config_file(options.config, options.config_dir)
    except UserError as error:
        nearest = error.nearest or nearest_name(options.config, VERBS)
        raise UserError(error.what, expected=error.expected, nearest=nearest) from None
    return _repeated(_narrowed(read_config(path, options.overrides), named, options), options.num_runs)


def _repeated(config: Any, times: int | None) -> Any:
    """The config with so many answers for each sample, whatever the file's datasets say."""
    if times is None:
        return config
    return replace(config, datasets=tuple({**dataset, "n": times, "k": times} for dataset in config.datasets))


def _narrowed(config: Any, named: Any, options: RunOptions) -> Any:
    """Names beside a config file choose among its models and datasets, or bring others in their place.

    A summarizer that is named takes the place of the file's.
    """
    from evalsuite.config.assemble import assemble_named
    from evalsuite.plan import select

    changes: dict[str, Any] = {}
    others = replace(named, models=(), datasets=())
    for kind, patterns in (("models", options.models), ("datasets", options.datasets)):
        entries = getattr(config, kind)
        names = [entry["abbr"] for entry in entries]
        chosen = set(select(names, patterns))
        lost = [pattern for pattern in patterns if not select(names, [pattern])]
        if chosen and lost:
            raise UserError(
                f"{lost[0]!r} is none of this config's {kind}, and others of those named are",
                where=f"--{kind}",
                expected=f"one of {', '.join(names)}, or names of shipped configs alone",
                nearest=nearest_name(lost[0], names),
            )
        if chosen:
            changes[kind] = tuple(entry for entry in entries if entry["abbr"] in chosen)
        elif patterns:
            others = replace(others, **{kind: patterns})
    if others.models or others.datasets or others.summarizer or others.hf_model or others.custom_dataset:
        extra, matched = assemble_named(others)
        for found in matched:
            sys.stderr.write(f"using {found.kind[:-1]} config {found.path}\n")
        for kind in ("models", "datasets", "summarizer"):
            if getattr(extra, kind):
                changes[kind] = getattr(extra, kind)
        changes["search_paths"] = tuple(dict.fromkeys((*config.search_paths, *extra.search_paths)))
    if changes:
        config = replace(config, **changes)
        config = replace(config, combinations=_combinations(config))
    return config


def _combinations(config: Any) -> tuple[Any, ...]:
    """What is left of the declared combinations; none when they speak of models or datasets that are gone."""
    from evalsuite.plan import abbrs

    present = {kind: {entry["abbr"] for entry in getattr(config, kind)} for kind in ("models", "datasets")}
    left = []
    for combination in config.combinations:
        kept = {kind: sorted(abbrs(combination[kind]) & present[kind]) for kind in present}
        if kept["models"] and kept["datasets"]:
            left.append(kept)
    return tuple(left)


def accelerated(config: Any, options: RunOptions) -> Any:
    """The config with its transformers models turned to the engine that `-a` names."""
    if options.accelerator is None:
        return config
    from evalsuite.models.accelerate import accelerate
    from evalsuite.plan import abbrs

    models = tuple(accelerate(model, options.accelerator) for model in config.models)
    names = {old["abbr"]: new["abbr"] for old, new in zip(config.models, models, strict=True)}
    combinations = tuple(
        {**pairs, "models": [names.get(name, name) for name in sorted(abbrs(pairs["models"]))]}
        for pairs in config.combinations
    )
    return replace(config, models=models, combinations=combinations)


def _launch(config: Any, environment: Mapping[str, str], options: RunOptions, gpus: int) -> int:
    from evalsuite.conclude import history
    from evalsuite.partitioners import Partitioner
    from evalsuite.plan import HashCache, Plan, build_plan
    from evalsuite.pools import make_pools
    from evalsuite.registry import extend_path
    from evalsuite.store.folder import RunFolder, expect_work_dir

    extend_path(config.search_paths)
    parent = Path(options.work_dir or config.work_dir or Path("outputs") / config.name)
    expect_work_dir(parent)
    folder = RunFolder.find(parent, options.reuse) if options.reuse else None
    earlier = Plan.load(folder.plan_file) if folder and folder.plan_file.exists() else None
    hashes = HashCache(parent / ".hashes.json")
    timed = history(parent)
    plan = build_plan(
        config,
        partitioner=Partitioner.from_config(config.infer.get("partitioner")),
        hashes=hashes,
        history=timed,
        reuse=not options.fresh,
        earlier=earlier,
        scored=options.mode != "infer",
    )
    pools = make_pools(config, plan, options, gpus)
    plan = judgeable(plan, look=options.mode != "infer" and not pools.cluster)
    if options.dry_run:
        from evalsuite.dryrun import describe_plan

        sys.stdout.write(describe_plan(plan, workers=pools.infer.workers, timed=timed))
        return _ask_slurm(plan, pools, environment, options) if pools.cluster else 0
    if earlier is not None:
        _tell_changes(earlier, plan, asks=options.mode != "eval")
    folder = folder or RunFolder.create(parent)
    if pools.cluster:
        folder = RunFolder(folder.path.absolute())  # other hosts, other working directories
    hashes.save()
    return _drive(folder, config, plan, pools, environment, options)


def judgeable(plan: Any, *, look: bool) -> Any:
    """The plan without the datasets that are not at hand, or (on a `look`) that this machine cannot judge.

    The user is told which, and why.
    """
    from evalsuite.obstacles import obstacles, without

    blocked = obstacles(plan) if look else dict(plan.blocked)
    for name, reason in blocked.items():
        sys.stderr.write(f"dataset {name} is left out: {reason}\n")
    if blocked and len(blocked) == len(plan.datasets):
        raise UserError("no dataset can be judged on this machine", where="datasets", expected="see above")
    return without(plan, blocked) if blocked else plan


def _tell_changes(earlier: Any, plan: Any, *, asks: bool) -> None:
    """Say what a resumed run does again because it changed since; one that only scores `asks` nothing."""
    again = "changed samples are asked again" if asks else "answers to it are taken in by -r without --mode"
    known = {dataset.abbr: dataset.files for dataset in earlier.datasets}
    for dataset in plan.datasets:
        if dataset.abbr in known and dict(known[dataset.abbr]) != dict(dataset.files):
            sys.stderr.write(f"dataset {dataset.abbr}: its data changed since this run began; {again}\n")
    before = {(pair.model, pair.dataset): (pair.fingerprint, pair.eval_fingerprint) for pair in earlier.pairs}
    for pair in plan.pairs:
        marks = before.get((pair.model, pair.dataset))
        if marks and marks[0] != pair.fingerprint:
            sys.stderr.write(f"{pair.model} x {pair.dataset}: changed since this run began\n")
        elif marks and marks[1] != pair.eval_fingerprint:
            sys.stderr.write(
                f"{pair.model} x {pair.dataset}: its evaluation changed; answers are scored again\n"
            )


def _drive(
    folder: Any, config: Any, plan: Any, pools: Any, environment: Mapping[str, str], options: RunOptions
) -> int:
    from evalsuite.conclude import report
    from evalsuite.drive import DriveOptions, Driver, Interrupted, driving
    from evalsuite.pools import threads
    from evalsuite.report.board import Board
    from runners.gpus import find_gpus

    with driving(folder) as other:
        if other is not None:
            sys.stderr.write(
                f"this run is driven by process {other.get('pid')} on {other.get('host')}; "
                f"watching only (Ctrl-C ends the watching, not the run)\n"
            )
            return watch(folder)
        folder.tasks.mkdir(parents=True, exist_ok=True)
        _write_config(folder, config)
        plan.save(folder.plan_file)
        folder.write_manifest(manifest(plan, options))
        sys.stderr.write(f"run folder: {folder.path}\n")
        if options.mode != "viz":
            count = len(find_gpus())
            board = Board(gpus=f"GPUs: {count}" if count else "")
            env = {**environment, **threads(0 if pools.cluster else pools.infer.workers)}
            drive_options = DriveOptions(options.mode, pools.retry, env, pools.single)
            say = board.note
            if pools.cluster:
                pools.cluster.show = board.note
                say = pools.cluster.tell
            driver = Driver(
                folder, plan, pools.infer, pools.evaluate, drive_options, board.show, say, board.note
            )
            if pools.cluster:
                from evalsuite import cluster as on_cluster

                pools.cluster.open(folder)
                stages = {"infer": pools.infer, "eval": pools.evaluate}
                on_cluster.remember(folder, drive_options, stages, options.details)
                if options.detach:
                    driver.seed()
                    driver.start()
                    on_cluster.submit_coordinator(pools.cluster, pools.evaluate, env)
                    return on_cluster.tell_detached(pools.cluster)
            with terminates(pools.cluster):
                try:
                    driver.seed()
                    driver.run()
                    if pools.cluster:
                        pools.cluster.finish()
                except (Interrupted, KeyboardInterrupt) as stopped:
                    words = " ".join(filter(None, ("-r", folder.stamp)))
                    why = f": {stopped}" if str(stopped) else ""
                    sys.stderr.write(
                        f"\ninterrupted{why}; nothing is lost. Resume with the same command and: {words}\n"
                    )
                    return EXIT_INTERRUPTED
        return report(folder, plan, mode=options.mode, details=options.details)


def _ask_slurm(plan: Any, pools: Any, environment: Mapping[str, str], options: RunOptions) -> int:
    """The rest of a dry run with workers on a cluster: would SLURM take their jobs?"""
    from evalsuite.cluster import ask_only
    from evalsuite.drive import DriveOptions, Driver
    from evalsuite.store.folder import RunFolder

    drive_options = DriveOptions(options.mode, pools.retry, environment, pools.single)
    place = RunFolder(Path("RUN").absolute())
    taken, text = ask_only(Driver(place, plan, pools.infer, pools.evaluate, drive_options).first_jobs())
    sys.stdout.write(f"\n{text}")
    return 0 if taken else EXIT_WRONG


class terminates:
    """While it lasts, SIGTERM and a lost session stop the driver as cleanly as Ctrl-C does.

    Then nobody is there to be asked what becomes of the jobs on a `cluster`.
    """

    def __init__(self, cluster: Any = None) -> None:
        self._cluster = cluster
        self._former: dict[int, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:  # under nohup, SIGHUP stays ignored
                self._former[number] = signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._cluster is not None:
            self._cluster.asks = False
        signal.default_int_handler(number, frame)

    def __exit__(self, *_: object) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)


def watch(folder: Any) -> int:
    """Show a run that another driver drives, until it is over."""
    import time

    from evalsuite.plan import Plan
    from evalsuite.progress import Watcher
    from evalsuite.report.board import Board
    from evalsuite.store.lock import DriverLock

    watcher = Watcher(folder, Plan.load(folder.plan_file))
    board = Board()
    driven = True
    while driven:
        driven = DriverLock(folder.lock_file).holder() is not None
        for line in folder.news():
            board.note(line)
        board.show(watcher.look())
        time.sleep(1.0 if driven else 0.0)
    return 0


def _write_config(folder: Any, config: Any) -> None:
    from evalsuite.store.files import write_json

    place = folder.path / "configs"
    place.mkdir(exist_ok=True)
    write_json(place / f"{config.name}.json", config.as_dict())


def manifest(plan: Any, options: RunOptions) -> dict[str, Any]:
    """What one needs to know later to believe a number: versions, code, host, data, seeds."""
    from evalsuite.manifest import describe_host

    return {
        "evalsuite": describe_host(),
        "datasets": {
            d.abbr: {"size": d.size, "files": dict(d.files), "repeats": d.repeats} for d in plan.datasets
        },
        "models": {m.abbr: {"identity": m.identity, "path": m.config.get("path")} for m in plan.models},
        "session": {"options": {k: v for k, v in asdict(options).items() if v not in (None, (), {}, False)}},
    }
