"""What is handed to sbatch: checked options, a readable batch script, a known environment."""

from __future__ import annotations

import difflib
import fnmatch
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runners.base import Job

AGAIN_IF_KILLED = "again_if_killed"
"""An option of jobs that hold nothing which somebody else could take over: queued again when killed."""

REQUEUE_EXIT = 75
"""A job that was told to stop and leaves with this code (EX_TEMPFAIL) has work left: it is queued again."""

MAX_RESTARTS = 100
MAX_KILLS = 5
REFUSED_S = 10
"""So long a worker whose requeue was refused waits to be ended by SLURM before it leaves its exit code."""

START_LINE = "evalsuite: start"
KILLED_LINE = "evalsuite: it was killed"
NOTICE_LINE = "evalsuite: told to stop ahead of a time limit or a preemption"

_TIME = re.compile(r"(\d+-)?\d+(:\d+){0,2}$")
_MEMORY = re.compile(r"\d+[KMGT]?B?$", re.IGNORECASE)
_PLAIN = re.compile(r"[^\s'\"\\]+$")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")

_PASSED = (
    *("HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "LC_*", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV"),
    *("CONDA_*", "MODULE*", "LOADEDMODULES", "_LMFILES_", "LMOD_*", "CUDA_HOME", "ASCEND_*", "PYTHON*"),
    *(
        "HF_*",
        "TRANSFORMERS_*",
        "VLLM_*",
        "NCCL_*",
        "XDG_*",
        "*_proxy",
        "*_PROXY",
        "EVALSUITE_*",
        "SLURM_CONF",
    ),
    *("SBATCH_*", "OMP_*", "TOKENIZERS_*"),
)
_NOT_PASSED = ("SBATCH_EXPORT", "SBATCH_ARRAY_INX", "SBATCH_JOB_NAME", "ASCEND_RT_VISIBLE_DEVICES")
_SECRET = re.compile(r"TOKEN|KEY|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)


# --------------------------------------------------------------------------- options
def _text(value: Any) -> str:
    ok = isinstance(value, (str, int)) and not isinstance(value, bool) and _PLAIN.match(str(value))
    return "" if ok else "a word without spaces or quotes"


def _time(value: Any) -> str:
    ok = isinstance(value, (str, int)) and not isinstance(value, bool) and _TIME.match(str(value))
    return "" if ok else "minutes or a limit such as 2:00:00 or 1-12:00:00, as text"


def _memory(value: Any) -> str:
    ok = isinstance(value, (str, int)) and not isinstance(value, bool) and _MEMORY.match(str(value))
    return "" if ok else "an amount such as 64G"


def _count(value: Any) -> str:
    ok = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return "" if ok else "a whole number above 0"


def _hosts(value: Any) -> str:
    return _text(value) if not isinstance(value, (list, tuple)) else next(filter(None, map(_text, value)), "")


def _lines(value: Any) -> str:
    ok = isinstance(value, (list, tuple)) and all(isinstance(item, str) and item for item in value)
    return "" if ok else "a list of text"


def _names(value: Any) -> str:
    wrong = _lines(value) or next((n for n in value if not _VARIABLE.match(n)), "")
    return "a list of names of environment variables" if wrong else ""


def _one_of(*words: str) -> Callable[[Any], str]:
    return lambda value: "" if value in words else f"one of {', '.join(words)}"


def _container(value: Any) -> str:
    if not isinstance(value, Mapping):
        return "a dict such as {kind: 'apptainer', image: 'evalsuite.sif', mounts: ['/data']}"
    problems = [*unknown_names(value, _CONTAINER_KEYS)]
    if value.get("kind") not in ("pyxis", "apptainer", "none"):
        problems.append("kind: one of pyxis, apptainer, none")
    if value.get("kind") != "none" and not isinstance(value.get("image"), str):
        problems.append("image: the name or file of an image")
    if _lines(value.get("mounts", [])):
        problems.append("mounts: a list of HOST or HOST:INSIDE")
    return "; ".join(problems)


_CONTAINER_KEYS = ("kind", "image", "mounts", "python")

OPTIONS: Mapping[str, Callable[[Any], str]] = {
    "partition": _text,
    "qos": _text,
    "account": _text,
    "time": _time,
    "exclude": _hosts,
    "nodelist": _hosts,
    "constraint": _text,
    "reservation": _text,
    "mem": _memory,
    "cpus": _count,
    "nodes": _count,
    "gres_style": _one_of("gres", "gpus"),
    "gpu_type": _text,
    "notice_s": _count,
    "lease_s": _count,
    "extra": _lines,
    "prolog": _lines,
    "export": _names,
    "container": _container,
}
"""Every option, with what says what was expected of a value that is wrong."""

_FLAGS = {
    "partition": "--partition",
    "qos": "--qos",
    "account": "--account",
    "time": "--time",
    "nodelist": "--nodelist",
    "constraint": "--constraint",
    "reservation": "--reservation",
    "mem": "--mem",
}


def check_options(options: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with these options, each in one line; empty when they can be used."""
    problems = unknown_names(options, tuple(OPTIONS))
    for name, value in options.items():
        if name in OPTIONS and value is not None:
            expected = OPTIONS[name](value)
            if expected:
                problems.append(f"{name}: {value!r}, expected {expected}")
    return problems


def unknown_names(given: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    """One line for each key that nobody reads, with the nearest one that somebody does."""
    problems = []
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            problems.append(f"{name}: unknown" + (f", did you mean {near[0]}?" if near else ""))
    return problems


# --------------------------------------------------------------------------- the command line
def sbatch_options(
    job: Job, *, name: str, folder: Path, size: int, throttle: int | None, excluded: Sequence[str]
) -> list[str]:
    """The options for an array of `size` jobs like this one, each a word of sbatch's command line."""
    need, options = job.resources, {k: v for k, v in job.resources.options.items() if v is not None}
    notice = options.get("notice_s", 120)
    limit = f"%{throttle}" if throttle and throttle < size else ""
    words = [
        f"--job-name={name}",
        f"--array=0-{size - 1}{limit}",
        f"--output={folder}/slurm-%a.out",
        "--open-mode=append",
        "--requeue",
        f"--signal=B:USR1@{notice}",
        "--export=ALL",
    ]
    if "mem" not in options and need.memory_mb:
        options["mem"] = f"{need.memory_mb}M"
    if "time" not in options and need.minutes:
        options["time"] = need.minutes
    words += [f"{flag}={_joined(options[key])}" for key, flag in _FLAGS.items() if key in options]
    words.append(f"--cpus-per-task={options.get('cpus', need.cpus)}")
    if "nodes" in options:
        words += [f"--nodes={options['nodes']}", "--ntasks-per-node=1"]
    else:
        words.append("--ntasks=1")
    if need.gpus:
        kind = f"{options['gpu_type']}:" if "gpu_type" in options else ""
        by_gpus = options.get("gres_style") == "gpus"
        words.append(f"--gpus-per-node={kind}{need.gpus}" if by_gpus else f"--gres=gpu:{kind}{need.gpus}")
    away = [*_listed(options.get("exclude")), *excluded]
    if away:
        words.append(f"--exclude={','.join(dict.fromkeys(away))}")
    return [*words, *options.get("extra", [])]


def _listed(value: Any) -> list[str]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [str(value)]


def _joined(value: Any) -> str:
    return ",".join(_listed(value))


def submit_environment(job: Job, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which sbatch is called, all of which the job inherits.

    Values travel from process to process and never into a file of the run. What looks like a secret is left
    out, except what the job itself or the option `export` names.
    """
    chosen = set(job.resources.options.get("export") or ())
    kept = {
        name: value
        for name, value in environ.items()
        if name in chosen
        or (
            name not in _NOT_PASSED
            and not _SECRET.search(name)
            and any(fnmatch.fnmatchcase(name, pattern) for pattern in _PASSED)
        )
    }
    return {**kept, **job.env}


# --------------------------------------------------------------------------- the script
def command(job: Job, mounts: Sequence[Path]) -> list[str]:
    """The job's argv, inside the container that its options name."""
    options = job.resources.options
    container = options.get("container") or {"kind": "none"}
    argv = list(job.argv)
    if container["kind"] != "none" and container.get("python"):
        argv[0] = container["python"]
    binds = [*container.get("mounts", []), *(f"{path}:{path}" for path in mounts)]
    if container["kind"] == "pyxis":
        words = [f"--container-image={container['image']}", f"--container-mounts={','.join(binds)}"]
        return ["srun", "--kill-on-bad-exit=1", *words, *argv]
    if container["kind"] == "apptainer":
        device = ["--nv"] if job.resources.gpus else []
        return ["apptainer", "exec", *device, f"--bind={','.join(binds)}", container["image"], *argv]
    return ["srun", "--kill-on-bad-exit=1", *argv] if options.get("nodes", 1) > 1 else argv


def elements(jobs: Sequence[Job], mounts: Sequence[Path]) -> str:
    """One line for each array element: its log, whether it starts again if killed, and its command."""
    return "".join(
        f"log={shlex.quote(str(job.log))}; again={job.resources.options.get(AGAIN_IF_KILLED, '')}; "
        f"set -- {shlex.join(command(job, mounts))}\n"
        for job in jobs
    )


def script(words: Sequence[str], folder: Path, prolog: Sequence[str]) -> str:
    """The batch script of an array; the same for all its elements, and for a person to read."""
    lines: list[str] = []
    for word in (shlex.quote(word) if " " in word else word for word in words):
        if word.startswith(("-", "'-")) or not lines:
            lines.append(f"#SBATCH {word}")
        else:  # the value of the option before it
            lines[-1] += f" {word}"
    head = "\n".join(lines)
    before = "\n".join(prolog) or ":"
    return f"""#!/bin/bash
{head}
#
# One worker of a run. Element i of the array is line i+1 of elements.sh: its log and its command.
# When it ends by itself it leaves its exit code in exit/i: so the run knows without asking SLURM.
# Each start leaves an empty file exit/i.startN@NODE.
here={shlex.quote(str(folder))}
index=$SLURM_ARRAY_TASK_ID
restart=${{SLURM_RESTART_COUNT:-0}}
rm -f "$here/exit/$index"
: > "$here/exit/$index.start$restart@$SLURMD_NODENAME"
echo "{START_LINE} $restart"
eval "$(sed -n "$((index + 1))p" "$here/elements.sh")"
mkdir -p "${{log%/*}}"
echo "--- SLURM job ${{SLURM_ARRAY_JOB_ID}}_$index on $SLURM_JOB_NODELIST, start $((restart + 1))" >> "$log"

# However this script ends by itself, it leaves the code behind; what SLURM ends, SLURM knows about.
told=
leave() {{
    code=$?
    case "$told:$code" in
        TERM:* | *:143 | :{REQUEUE_EXIT}) ;;    # TERM may reach the worker before it reaches this shell
        *) echo "$code $restart $SLURMD_NODENAME" > "$here/exit/.$index" &&
            mv "$here/exit/.$index" "$here/exit/$index" ;;
    esac
}}
trap leave EXIT

# Lines of the site.
{before}

# The worker runs below a shell that only writes down how it ended: the word of `wait` is not reliable when
# a signal comes at the same moment.
worker=$here/shell/$index
mkdir -p "$here/shell"
rm -f "$worker.pid" "$worker.code"
(
    trap : USR1 TERM
    bash -c 'echo $$ > "$0"; exec "$@"' "$worker.pid" "$@" >> "$log" 2>&1 < /dev/null
    echo $? > "$worker.code"
) &
below=$!

# USR1 comes before the time limit and before a preemption: the worker is told, gives its tasks back, and
# the job queues again. TERM reaches the worker by itself: SLURM signals every process of a job it ends.
passed_on=
tell() {{
    told=$1
    if [ "$told" = USR1 ] && [ -z "$passed_on" ] && [ -s "$worker.pid" ]; then
        passed_on=1
        kill -TERM "$(cat "$worker.pid")"
    fi
}}
trap 'tell USR1' USR1
trap 'tell TERM' TERM
until [ -s "$worker.pid" ] || ! kill -0 $below 2> /dev/null; do sleep 0.1; done
[ "$told" != USR1 ] || tell USR1
while kill -0 $below 2> /dev/null; do wait $below || :; done
code=$(cat "$worker.code") || :
code=${{code:-1}}
requeue=
if [ "$told" = USR1 ] && [ $code = {REQUEUE_EXIT} ] && [ "$restart" -lt {MAX_RESTARTS} ]; then
    echo "{NOTICE_LINE}"
    requeue=1
elif [ -n "$again" ] && [ $code = 137 ] && [ "$restart" -lt {MAX_KILLS} ]; then
    echo "{KILLED_LINE}"
    requeue=1
fi
if [ $requeue ]; then
    asked=0
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$index" 2>> "$log" || asked=$?
    # SLURM then ends all processes of the job, this call among them: it starts again and leaves no code.
    # It refuses what it has put back into the queue by itself (a preemption), and ends that a moment later.
    if [ $asked = 0 ] || [ $asked -gt 128 ]; then
        told=TERM
        sleep 60
    else
        sleep {REFUSED_S}
    fi
fi
exit $code
"""
