"""`evalsuite run`: from flags to a finished run. Reads, checks, plans, drives, and prints the table."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from evalsuite.cli import EXIT_INTERRUPTED, EXIT_WRONG, parser
from evalsuite.errors import UserError, UserErrors

MODES = ("all", "infer", "eval", "viz")


@dataclass(frozen=True)
class RunOptions:
    """Everything that the flags of a run say, made once and passed whole."""

    config: str | None = None
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    summarizer: str | None = None
    mode: str = "all"
    reuse: str | None = None
    work_dir: str | None = None
    config_dir: str | None = None
    debug: bool = False
    dry_run: bool = False
    fresh: bool = False
    overrides: tuple[str, ...] = ()
    max_num_workers: int | None = None
    max_workers_per_gpu: int = 1
    retry: int | None = None
    accelerator: str | None = None
    num_runs: int | None = None
    details: bool = True
    slurm: bool = False
    detach: bool = False
    slurm_options: Mapping[str, Any] = field(default_factory=dict)
    hf: Mapping[str, Any] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)


def main(argv: Sequence[str]) -> int:
    """Run what the flags say."""
    return launch(read_flags(argv))


# --------------------------------------------------------------------------- flags
def read_flags(argv: Sequence[str]) -> RunOptions:
    """The flags of OpenCompass by their names, and a few of ours."""
    p = parser("run", "Evaluate the models of a config on its datasets.")
    p.add_argument("config", nargs="?", help="a config file, or the name of a shipped one (eval_demo)")
    p.add_argument(
        "--models", nargs="+", default=[], metavar="NAME", help="model configs by name, wildcards allowed"
    )
    p.add_argument("--datasets", nargs="+", default=[], metavar="NAME", help="dataset configs by name")
    p.add_argument("--summarizer", help="a summarizer config by name")
    p.add_argument("-m", "--mode", choices=MODES, default="all", help="which stages to run (all)")
    p.add_argument(
        "-r", "--reuse", nargs="?", const="latest", metavar="STAMP", help="resume this run (the latest)"
    )
    p.add_argument("-w", "--work-dir", help="where run folders go (outputs/CONFIG)")
    p.add_argument("--config-dir", help="where names of configs are looked up first (configs)")
    p.add_argument(
        "--cfg-options", nargs="+", default=[], metavar="KEY=VALUE", help="change the config: a.b=c"
    )
    p.add_argument("--debug", action="store_true", help="everything in this process, one task after another")
    p.add_argument(
        "--dry-run", action="store_true", help="print tasks, first prompts and an estimate; start nothing"
    )
    p.add_argument("--fresh", action="store_true", help="do not reuse answers of earlier runs")
    p.add_argument(
        "--max-num-workers", type=int, metavar="N", help="workers at a time (GPU slots, or CPU cores)"
    )
    p.add_argument("--max-workers-per-gpu", type=int, default=1, metavar="N")
    p.add_argument("--retry", type=int, metavar="N", help="how often a failed task is tried again (2)")
    p.add_argument(
        "-a", "--accelerator", choices=("vllm", "sglang", "lmdeploy"), help="run HF models by this engine"
    )
    p.add_argument(
        "--dump-eval-details",
        nargs="?",
        const=True,
        default=True,
        type=lambda word: word.lower() in ("true", "1", "yes"),
        help="keep each sample's prompt, answer and verdict in the exported results (True)",
    )
    p.add_argument("--dataset-num-runs", type=int, metavar="N", help="answers for each sample")
    slurm = p.add_argument_group("SLURM")
    slurm.add_argument("--slurm", action="store_true", help="run workers on a SLURM cluster")
    slurm.add_argument("-p", "--partition")
    slurm.add_argument("-q", "--quotatype", help="a partition's quota type, where the site has one")
    slurm.add_argument("--qos")
    slurm.add_argument("--account")
    slurm.add_argument("--time", help="time limit of a worker (2:00:00)")
    slurm.add_argument("--exclude", help="nodes to keep away from")
    slurm.add_argument("--cluster", help="a site's options: the name of a file in configs/clusters")
    slurm.add_argument(
        "--detach", action="store_true", help="submit and return; `evalsuite attach RUN` continues"
    )
    hf = p.add_argument_group("one Hugging Face model without a config")
    hf.add_argument("--hf-type", choices=("base", "chat"), default="chat")
    hf.add_argument("--hf-path")
    for name in ("model-kwargs", "tokenizer-kwargs", "peft-kwargs", "generation-kwargs"):
        hf.add_argument(f"--{name}", nargs="+", default=[], metavar="K=V")
    hf.add_argument("--tokenizer-path")
    hf.add_argument("--peft-path")
    hf.add_argument("--max-seq-len", type=int)
    hf.add_argument("--max-out-len", type=int, default=256)
    hf.add_argument("--min-out-len", type=int, default=1)
    hf.add_argument("--batch-size", type=int, default=8)
    hf.add_argument("--hf-num-gpus", type=int, default=0)
    hf.add_argument("--pad-token-id", type=int)
    hf.add_argument("--stop-words", nargs="+", default=[])
    custom = p.add_argument_group("one dataset of your own without a config")
    custom.add_argument("--custom-dataset-path")
    custom.add_argument("--custom-dataset-meta-path")
    custom.add_argument("--custom-dataset-data-type", choices=("mcq", "qa"))
    custom.add_argument("--custom-dataset-infer-method", choices=("gen", "ppl"))
    w = p.parse_args(list(argv))
    slurm_names = ("partition", "quotatype", "qos", "account", "time", "exclude", "cluster")
    hf_names = (
        *("hf_type", "hf_path", "model_kwargs", "tokenizer_kwargs", "peft_kwargs", "generation_kwargs"),
        *("tokenizer_path", "peft_path", "max_seq_len", "max_out_len", "min_out_len", "batch_size"),
        *("hf_num_gpus", "pad_token_id", "stop_words"),
    )
    return RunOptions(
        config=w.config,
        models=tuple(w.models),
        datasets=tuple(w.datasets),
        summarizer=w.summarizer,
        mode=w.mode,
        reuse=w.reuse,
        work_dir=w.work_dir,
        config_dir=w.config_dir,
        debug=w.debug,
        dry_run=w.dry_run,
        fresh=w.fresh,
        overrides=tuple(w.cfg_options),
        max_num_workers=w.max_num_workers,
        max_workers_per_gpu=w.max_workers_per_gpu,
        retry=w.retry,
        accelerator=w.accelerator,
        num_runs=w.dataset_num_runs,
        details=w.dump_eval_details,
        slurm=w.slurm,
        detach=w.detach,
        slurm_options={name: getattr(w, name) for name in slurm_names if getattr(w, name) is not None},
        hf={name: getattr(w, name) for name in hf_names} if w.hf_path else {},
        custom={
            name: getattr(w, f"custom_dataset_{name}")
            for name in ("path", "meta_path", "data_type", "infer_method")
            if getattr(w, f"custom_dataset_{name}") is not None
        },
    )


# --------------------------------------------------------------------------- the spine
def launch(options: RunOptions) -> int:
    """Read, check, plan, drive, report: one run from its options to its exit status."""
    from evalsuite.config.check import check
    from evalsuite.config.secrets import Redactor, extract
    from runners.gpus import find_gpus

    if options.mode in ("eval", "viz") and options.reuse is None:
        raise UserError(
            f"--mode {options.mode} needs a run to work on",
            where="-r",
            expected="-r (the latest) or -r STAMP",
        )
    config = accelerated(read(options), options)
    gpus = len(find_gpus())
    problems = check(config, gpus=None if options.slurm else gpus)
    if problems:
        raise UserErrors(problems)
    config, environment = extract(config)
    redactor = Redactor(environment.values())
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
    config = read_config(config_file(options.config, options.config_dir), options.overrides)
    return _narrowed(config, named, options)


def _narrowed(config: Any, named: Any, options: RunOptions) -> Any:
    """Names beside a config file choose among its models and datasets, or bring others in their place."""
    from evalsuite.config.assemble import assemble_named
    from evalsuite.plan import select

    changes: dict[str, Any] = {}
    others = replace(named, models=(), datasets=(), summarizer="")
    for kind, patterns in (("models", options.models), ("datasets", options.datasets)):
        entries = getattr(config, kind)
        chosen = set(select([entry["abbr"] for entry in entries], patterns))
        if chosen:
            changes[kind] = tuple(entry for entry in entries if entry["abbr"] in chosen)
        elif patterns:
            others = replace(others, **{kind: patterns})
    if others.models or others.datasets or others.hf_model or others.custom_dataset:
        extra, matched = assemble_named(others)
        for found in matched:
            sys.stderr.write(f"using {found.kind[:-1]} config {found.path}\n")
        for kind in ("models", "datasets"):
            if getattr(extra, kind):
                changes[kind] = getattr(extra, kind)
        changes["search_paths"] = tuple(dict.fromkeys((*config.search_paths, *extra.search_paths)))
    return replace(config, **changes) if changes else config


def accelerated(config: Any, options: RunOptions) -> Any:
    """The config with its transformers models turned to the engine that `-a` names."""
    if options.accelerator is None:
        return config
    from evalsuite.models.accelerate import accelerate

    return replace(config, models=tuple(accelerate(model, options.accelerator) for model in config.models))


def _launch(config: Any, environment: Mapping[str, str], options: RunOptions, gpus: int) -> int:
    from evalsuite.partitioners import Partitioner
    from evalsuite.plan import HashCache, Plan, build_plan
    from evalsuite.registry import extend_path
    from evalsuite.store.folder import RunFolder

    extend_path(config.search_paths)
    parent = Path(options.work_dir or config.work_dir or Path("outputs") / config.name)
    folder = RunFolder.find(parent, options.reuse) if options.reuse else None
    earlier = Plan.load(folder.plan_file) if folder and folder.plan_file.exists() else None
    hashes = HashCache(parent / ".hashes.json")
    plan = build_plan(
        config,
        partitioner=Partitioner.from_config(config.infer.get("partitioner")),
        hashes=hashes,
        history=history(parent),
        reuse=not options.fresh,
        earlier=earlier,
    )
    pools = make_pools(config, plan, options, gpus)
    if options.dry_run:
        from evalsuite.dryrun import describe_plan

        sys.stdout.write(describe_plan(plan, workers=pools.infer.workers))
        return _ask_slurm(plan, pools, environment, options) if pools.cluster else 0
    if earlier is not None:
        _tell_changes(earlier, plan)
    folder = folder or RunFolder.create(parent)
    if pools.cluster:
        folder = RunFolder(folder.path.absolute())  # other hosts, other working directories
    hashes.save()
    return _drive(folder, config, plan, pools, environment, options)


def _tell_changes(earlier: Any, plan: Any) -> None:
    """Say what a resumed run does again because it changed since."""
    known = {dataset.abbr: dataset.files for dataset in earlier.datasets}
    for dataset in plan.datasets:
        if dataset.abbr in known and dict(known[dataset.abbr]) != dict(dataset.files):
            words = "its data changed since this run began; changed samples are asked again"
            sys.stderr.write(f"dataset {dataset.abbr}: {words}\n")
    before = {(pair.model, pair.dataset): (pair.fingerprint, pair.eval_fingerprint) for pair in earlier.pairs}
    for pair in plan.pairs:
        marks = before.get((pair.model, pair.dataset))
        if marks and marks[0] != pair.fingerprint:
            sys.stderr.write(f"{pair.model} x {pair.dataset}: changed since this run began\n")
        elif marks and marks[1] != pair.eval_fingerprint:
            sys.stderr.write(
                f"{pair.model} x {pair.dataset}: its evaluation changed; answers are scored again\n"
            )


@dataclass(frozen=True)
class Pools:
    """Who runs the workers of each stage."""

    infer: Any
    evaluate: Any
    retry: int = 2
    single: frozenset[str] = frozenset()
    cluster: Any = None


def make_pools(config: Any, plan: Any, options: RunOptions, gpus: int) -> Pools:
    """The runners that the config and the flags ask for, and how many workers each may start."""
    from evalsuite.drive import Pool
    from evalsuite.registry import choice, resolve
    from runners.local import LocalRunner
    from runners.subprocess import SubprocessRunner

    stages: dict[str, Any] = {}
    retry = options.retry
    cluster: Any = None
    for stage in ("infer", "eval"):
        runner_cfg = dict((getattr(config, stage) or {}).get("runner") or {})
        kind = "local" if options.debug else choice(runner_cfg.pop("type", "subprocess"), "runners")
        if options.slurm and not options.debug and kind != "slurm":
            kind, runner_cfg = "slurm", {}  # what a runner of this machine was told means nothing there
        runner_cfg.pop("task", None)
        if retry is None and "retry" in runner_cfg:
            retry = int(runner_cfg["retry"])
        workers = options.max_num_workers or runner_cfg.get("max_num_workers") or _workers(plan, stage, gpus)
        if options.max_num_workers == 0:
            # Workers come from elsewhere: `evalsuite worker` by hand, or under another scheduler.
            stages[stage] = Pool(LocalRunner(), 0, outlives_driver=True)
        elif kind == "local":
            stages[stage] = Pool(LocalRunner(), 1, in_process=True)
        elif kind == "subprocess":
            per_gpu = runner_cfg.get("max_workers_per_gpu", options.max_workers_per_gpu)
            runner = SubprocessRunner(workers, per_gpu, die_with_driver=True)
            stages[stage] = Pool(runner, workers)
        else:
            from evalsuite import cluster as on_cluster

            workers = options.max_num_workers or runner_cfg.get("max_num_workers")
            workers = workers or (on_cluster.INFER_WORKERS if stage == "infer" else on_cluster.EVAL_WORKERS)
            cluster = cluster or on_cluster.ClusterRunner()
            asked = on_cluster.cluster_options(runner_cfg, options.slurm_options, stage)
            stages[stage] = on_cluster.cluster_pool(cluster, workers, asked)
    single = frozenset(
        model.abbr
        for model in plan.models
        if getattr(resolve(model.config["type"], "models"), "is_api", False)
    )
    return Pools(stages["infer"], stages["eval"], 2 if retry is None else retry, single, cluster)


def _workers(plan: Any, stage: str, gpus: int) -> int:
    """As many workers as there are GPU slots; without GPUs one for each model while cores last."""
    cores = os.cpu_count() or 1
    if stage == "eval":
        return 1
    wanted = [model.gpus for model in plan.models if model.gpus]
    if wanted and gpus:
        return max(1, int(gpus // min(wanted)))
    return max(1, min(cores, len(plan.models), 4))


def _drive(
    folder: Any, config: Any, plan: Any, pools: Pools, environment: Mapping[str, str], options: RunOptions
) -> int:
    from evalsuite.drive import DriveOptions, Driver, Interrupted, driving
    from evalsuite.report.board import Board

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
            board = Board()
            env = {**environment, **_threads(0 if pools.cluster else pools.infer.workers)}
            drive_options = DriveOptions(_mode(options.mode), pools.retry, env, pools.single)
            driver = Driver(folder, plan, pools.infer, pools.evaluate, drive_options, board.show)
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
            with terminates():
                try:
                    driver.seed()
                    driver.run()
                    if pools.cluster:
                        pools.cluster.dismiss_coordinator()
                except (Interrupted, KeyboardInterrupt):
                    words = " ".join(filter(None, ("-r", folder.stamp)))
                    sys.stderr.write(
                        f"\ninterrupted; nothing is lost. Resume with the same command and: {words}\n"
                    )
                    return EXIT_INTERRUPTED
        return report(folder, plan, options)


def _ask_slurm(plan: Any, pools: Pools, environment: Mapping[str, str], options: RunOptions) -> int:
    """The rest of a dry run with workers on a cluster: would SLURM take their jobs?"""
    from evalsuite.cluster import ask_only
    from evalsuite.drive import DriveOptions, Driver
    from evalsuite.store.folder import RunFolder

    drive_options = DriveOptions(_mode(options.mode), pools.retry, environment, pools.single)
    place = RunFolder(Path("RUN").absolute())
    taken, text = ask_only(Driver(place, plan, pools.infer, pools.evaluate, drive_options).first_jobs())
    sys.stdout.write(f"\n{text}")
    return 0 if taken else EXIT_WRONG


def _mode(mode: str) -> Any:
    return mode


class terminates:
    """While it lasts, SIGTERM stops the driver as cleanly as Ctrl-C does."""

    def __enter__(self) -> None:
        self._former = signal.signal(signal.SIGTERM, signal.default_int_handler)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._former)


def _threads(workers: int) -> dict[str, str]:
    """Cores for each worker: two that share all cores are slower than two that split them."""
    if not workers:  # they run on other machines, whose cores their scheduler deals out
        return {"TOKENIZERS_PARALLELISM": "false"}
    cores = max(1, (os.cpu_count() or 1) // workers)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {name: str(cores) for name in names if name not in os.environ} | {
        "TOKENIZERS_PARALLELISM": "false"
    }


def report(folder: Any, plan: Any, options: RunOptions) -> int:
    """Results, summary files and the printed table; the exit status says whether all is there."""
    from evalsuite.collect import collect
    from evalsuite.export import export_pair
    from evalsuite.summarizers import build_table, render_csv, render_md, render_txt

    if options.mode == "infer":
        sys.stderr.write(f"inference is done. Score it with --mode eval -r {folder.stamp}\n")
        return _infer_status(folder, plan)
    results = [collect(folder, plan, pair) for pair in plan.pairs]
    for pair, result in zip(plan.pairs, results, strict=True):
        export_pair(folder, plan, pair, result, details=options.details)
    models = [model.abbr for model in plan.models]
    datasets = [dataset.abbr for dataset in plan.datasets]
    labels = {m.abbr: str(m.config.get("summarizer_abbr") or m.abbr) for m in plan.models}
    table = build_table(results, plan.summarizer, models=models, datasets=datasets, labels=labels)
    summary = folder.path / "summary"
    summary.mkdir(exist_ok=True)
    from evalsuite.store.files import write_atomic, write_json

    for suffix, render in (("txt", render_txt), ("csv", render_csv), ("md", render_md)):
        write_atomic(folder.summary_file(suffix), render(table))
    write_json(folder.path / "timing.json", timing(folder, plan))
    sys.stdout.write(render_txt(table).rstrip() + "\n")
    sys.stderr.write(f"summary: {folder.summary_file('txt')}\n")
    return 1 if any(result.counts.errors for result in results) else 0


def _infer_status(folder: Any, plan: Any) -> int:
    failures = 0
    for model in plan.models:
        queue = folder.queue(model.queue)
        for entry in queue.entries("failed"):
            reasons = queue.content("failed", entry.name).get("reasons") or [{"reason": "unknown"}]
            sys.stderr.write(f"failed: {model.abbr} {entry.name}: {reasons[-1]['reason']}\n")
            failures += 1
        for entry in queue.entries("done"):
            failed = queue.content("done", entry.name).get("failed", 0)
            if failed:
                sys.stderr.write(f"failed: {model.abbr} {entry.name}: {failed} answers\n")
                failures += failed
    return 1 if failures else 0


def timing(folder: Any, plan: Any) -> dict[str, float]:
    """Seconds for one sample of each (model x dataset), for the plans of later runs."""
    measured: dict[str, float] = {}
    for pair in plan.pairs:
        seconds = samples = 0.0
        for task in pair.tasks("infer"):
            mark = folder.queue(task.queue).content("done", task.name)
            if mark and not mark.get("reused"):
                seconds += mark["seconds"]
                samples += task.stop - task.start
        if samples:
            measured[f"{pair.model}/{pair.dataset}"] = seconds / samples
    return measured


def history(parent: Path) -> dict[str, float]:
    """What samples took in earlier runs of this work directory; the newest word counts."""
    from evalsuite.store.files import read_json
    from evalsuite.store.folder import list_runs

    known: dict[str, float] = {}
    for run in list_runs(parent)[-10:]:
        known.update(read_json(run / "timing.json", {}))
    return known


def watch(folder: Any) -> int:
    """Show a run that another driver drives, until it is over."""
    import time

    from evalsuite.plan import Plan
    from evalsuite.progress import Watcher
    from evalsuite.report.board import Board
    from evalsuite.store.lock import DriverLock

    watcher = Watcher(folder, Plan.load(folder.plan_file))
    board = Board()
    while DriverLock(folder.lock_file).holder() is not None:
        board.show(watcher.look())
        time.sleep(1.0)
    board.show(watcher.look())
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
