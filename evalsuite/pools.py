"""Who runs the workers of each stage: the runners that config and flags ask for, and how many workers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from evalsuite.cores import CORES_VARIABLE, usable_cores
from evalsuite.errors import UserError
from evalsuite.flags import RunOptions

MOST_JUDGES = 8
CORES_PER_JUDGE = 4


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
    from evalsuite.drive import FAR_LEASE_SECONDS, Pool
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
            stages[stage] = Pool(LocalRunner(), 0, outlives_driver=True, lease_seconds=FAR_LEASE_SECONDS)
        elif kind == "local":
            stages[stage] = Pool(LocalRunner(), 1, in_process=True)
        elif kind == "subprocess":
            per_gpu = runner_cfg.get("max_workers_per_gpu", options.max_workers_per_gpu)
            runner = SubprocessRunner(workers, per_gpu, die_with_driver=True)
            share = max(1, usable_cores() // workers) if stage == "eval" else 0
            stages[stage] = Pool(runner, workers, env={CORES_VARIABLE: str(share)} if share else {})
        else:
            from evalsuite import cluster as on_cluster

            workers = options.max_num_workers or runner_cfg.get("max_num_workers")
            workers = workers or (on_cluster.INFER_WORKERS if stage == "infer" else on_cluster.EVAL_WORKERS)
            cluster = cluster or on_cluster.ClusterRunner()
            asked = on_cluster.cluster_options(runner_cfg, options.slurm_options, stage)
            stages[stage] = on_cluster.cluster_pool(cluster, workers, asked)
    if cluster is None and not options.debug and (options.detach or options.slurm_options):
        names = [*options.slurm_options, *(["detach"] if options.detach else [])]
        raise UserError(
            "says nothing where no worker runs on a cluster",
            where=", ".join(f"--{name}" for name in names),
            expected="--slurm beside it, or a runner of type 'slurm' in the config",
        )
    single = frozenset(
        model.abbr
        for model in plan.models
        if getattr(resolve(model.config["type"], "models"), "is_api", False)
    )
    return Pools(stages["infer"], stages["eval"], 2 if retry is None else retry, single, cluster)


def _workers(plan: Any, stage: str, gpus: int) -> int:
    """As many workers as there are GPU slots; without GPUs one for each model while cores last.

    A judge waits at the end of each task for the answers that run into their time limit: on machines with
    many cores others go on meanwhile.
    """
    cores = usable_cores()
    if stage == "eval":
        return max(1, min(MOST_JUDGES, cores // CORES_PER_JUDGE))
    wanted = [model.gpus for model in plan.models if model.gpus]
    if wanted and gpus:
        return max(1, int(gpus // min(wanted)))
    return max(1, min(cores, len(plan.models), 4))


def threads(workers: int) -> dict[str, str]:
    """Cores for each worker: two that share all cores are slower than two that split them."""
    if not workers:  # they run on other machines, whose cores their scheduler deals out
        return {"TOKENIZERS_PARALLELISM": "false"}
    cores = max(1, usable_cores() // workers)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {name: str(cores) for name in names if name not in os.environ} | {
        "TOKENIZERS_PARALLELISM": "false"
    }
