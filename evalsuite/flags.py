"""What the flags of a run say, as one object that is made once and passed whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from evalsuite.cli import at_least, parser
from evalsuite.errors import UserError

Mode = Literal["all", "infer", "eval", "viz"]
MODES = ("all", "infer", "eval", "viz")


@dataclass(frozen=True)
class RunOptions:
    """Everything that the flags of a run say, made once and passed whole."""

    config: str | None = None
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    summarizer: str | None = None
    mode: Mode = "all"
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
        "--max-num-workers",
        type=at_least(0),
        metavar="N",
        help="workers at a time (GPU slots, or CPU cores); 0: they are started by others",
    )
    p.add_argument("--max-workers-per-gpu", type=at_least(1), default=1, metavar="N")
    p.add_argument(
        "--retry", type=at_least(0), metavar="N", help="how often a failed task is tried again (2)"
    )
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
    p.add_argument("--dataset-num-runs", type=at_least(1), metavar="N", help="answers for each sample")
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
    hf.add_argument("--max-seq-len", type=at_least(1))
    hf.add_argument("--max-out-len", type=at_least(1), default=256)
    hf.add_argument("--min-out-len", type=at_least(0), default=1)
    hf.add_argument("--batch-size", type=at_least(1), default=8)
    hf.add_argument("--hf-num-gpus", type=at_least(0), default=0)
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
    given = {name for name in vars(w) if getattr(w, name) != p.get_default(name)}
    _has_effect(given.intersection(hf_names), w.hf_path, "--hf-path")
    custom_names = ("path", "meta_path", "data_type", "infer_method")
    _has_effect(
        given.intersection(f"custom_dataset_{name}" for name in custom_names),
        w.custom_dataset_path,
        "--custom-dataset-path",
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
            for name in custom_names
            if getattr(w, f"custom_dataset_{name}") is not None
        },
    )


def _has_effect(given: set[str], owner: str | None, flag: str) -> None:
    """A flag that would be passed over in silence is an error: its user believes that it counts."""
    if given and not owner:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(given))
        raise UserError(f"says nothing without {flag}", where=names, expected=f"{flag} beside it")
