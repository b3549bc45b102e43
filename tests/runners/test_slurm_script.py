"""What is written for sbatch and what reaches a job's environment."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.base import Job, Resources
from runners.slurm_script import check_options, command, elements, sbatch_options, script, submit_environment


def job(argv: tuple[str, ...] = ("true",), env: dict[str, str] | None = None, **needs: Any) -> Job:
    return Job("a", argv, "", (), Path("/run/logs/a.log"), "infer-x", Resources(**needs), env or {})


def words(given_job: Job, **changes: Any) -> list[str]:
    given_words = {"name": "es-1", "folder": Path("/run/1"), "size": 4, "throttle": None, "excluded": []}
    return sbatch_options(given_job, **{**given_words, **changes})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"partiton": "gpu"}, "partiton: unknown, did you mean partition?"),
        ({"wibble": 1}, "wibble: unknown"),
        ({"time": "two hours"}, "time: 'two hours', expected minutes or a limit such as"),
        ({"mem": "lots"}, "expected an amount such as 64G"),
        ({"cpus": 0}, "cpus: 0, expected a whole number above 0"),
        ({"partition": "gpu; rm -rf /"}, "expected a word without spaces or quotes"),
        ({"gres_style": "tres"}, "expected one of gres, gpus"),
        ({"extra": "--exclusive"}, "expected a list of text"),
        ({"container": {"kind": "docker", "imag": "x"}}, "imag: unknown, did you mean image?; kind: one of"),
        ({"export": ["A B"]}, "expected a list of names"),
    ],
)
def test_wrong_options_are_told_with_what_was_expected(options: dict[str, Any], said: str) -> None:
    assert said in check_options(options)[0]


def test_right_options_are_accepted() -> None:
    options = {
        "partition": "gpu,gpu2", "qos": "high", "account": "proj", "time": "2-00:30:00",
        "exclude": ["n1", "n[2-3]"], "constraint": "a100&nvlink", "mem": "64G", "cpus": 8,
        "gres_style": "gpus", "extra": ["--comment=a b"],
        "prolog": ["module load cuda"], "export": ["HF_TOKEN"],
        "container": {"kind": "apptainer", "image": "a.sif", "mounts": ["/data"]},
    }  # fmt: skip
    assert check_options(options) == []


def test_resources_become_options_of_sbatch() -> None:
    got = words(
        job(gpus=2, cpus=8, memory_mb=500, minutes=90, options={"exclude": "n1"}), throttle=2, excluded=["n3"]
    )
    for word in (
        "--array=0-3%2",
        "--gres=gpu:2",
        "--cpus-per-task=8",
        "--mem=500M",
        "--time=90",
        "--exclude=n1,n3",
    ):
        assert word in got
    got = words(
        job(gpus=2, cpus=1, options={"gres_style": "gpus", "gpu_type": "h100", "time": "1:00:00", "cpus": 16})
    )
    assert {"--gpus-per-node=h100:2", "--time=1:00:00", "--cpus-per-task=16", "--array=0-3"} <= set(got)


def test_extra_words_come_last_and_verbatim() -> None:
    assert words(job(options={"extra": ["--comment=a b", "--exclusive"]}))[-2:] == [
        "--comment=a b",
        "--exclusive",
    ]


def test_secrets_do_not_travel_unless_named() -> None:
    environ = {"HF_HOME": "/hf", "HF_TOKEN": "s1", "AWS_SECRET": "s2", "OTHER": "x", "SBATCH_EXPORT": "NONE"}
    assert submit_environment(job(env={"OPENAI_API_KEY": "k"}), environ) == {
        "HF_HOME": "/hf",
        "OPENAI_API_KEY": "k",
    }
    assert submit_environment(job(options={"export": ["HF_TOKEN"]}), environ)["HF_TOKEN"] == "s1"


def test_nothing_of_the_environment_is_written_down() -> None:
    secret = job(env={"OPENAI_API_KEY": "sk-verysecret"})
    text = script(words(secret), Path("/run/1"), ()) + elements([secret], [])
    assert "verysecret" not in text


def test_containers_wrap_the_command() -> None:
    pyxis = {"kind": "pyxis", "image": "reg#img", "mounts": ["/data:/data:ro"], "python": "python3"}
    assert command(job(("/venv/python", "-m", "x"), options={"container": pyxis}), [Path("/run")]) == [
        "srun", "--kill-on-bad-exit=1", "--container-image=reg#img",
        "--container-mounts=/data:/data:ro,/run:/run", "python3", "-m", "x",
    ]  # fmt: skip
    apptainer = {"kind": "apptainer", "image": "a.sif"}
    assert command(job(("p",), gpus=1, options={"container": apptainer}), [Path("/run")]) == [
        "apptainer", "exec", "--nv", "--bind=/run:/run", "a.sif", "p",
    ]  # fmt: skip


def run_script(
    folder: Path, jobs: list[Job], index: int, prolog: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    """Run a batch script as SLURM would run one element of it."""
    (folder / "exit").mkdir(exist_ok=True)
    (folder / "elements.sh").write_text(elements(jobs, []))
    (folder / "job.sbatch").write_text(script(words(jobs[0]), folder, prolog))
    slurm = {"SLURM_ARRAY_TASK_ID": str(index), "SLURM_ARRAY_JOB_ID": "7", "SLURM_JOB_NODELIST": "n1"}
    return subprocess.Popen(
        ["bash", str(folder / "job.sbatch")],
        env={**os.environ, **slurm, "SLURMD_NODENAME": "n1", "PATH": f"{folder}:{os.environ['PATH']}"},
        text=True,
    )


def shell_job(folder: Path, text: str) -> Job:
    return Job("a", ("bash", "-c", text), "", (), folder / "logs/it's a log.txt")


def test_script_runs_its_element_and_leaves_the_exit_code(tmp_path: Path) -> None:
    jobs = [shell_job(tmp_path, "exit 9"), shell_job(tmp_path, 'echo "it\'s $((1+1))"; exit 4')]
    assert run_script(tmp_path, jobs, 1).wait() == 4
    assert (tmp_path / "exit/1").read_text() == "4 0 n1\n"
    assert "it's 2" in (tmp_path / "logs/it's a log.txt").read_text()


def test_a_prolog_that_exits_leaves_a_mark_too(tmp_path: Path) -> None:
    process = run_script(tmp_path, [shell_job(tmp_path, "true")], 0, ("if true; then exit 3; fi",))
    assert process.wait() == 3
    assert (tmp_path / "exit/0").read_text() == "3 0 n1\n"


@pytest.mark.parametrize(
    ("signal_name", "marked", "requeued"), [("USR1", True, True), ("TERM", False, False)]
)
def test_notice_reaches_the_worker_which_is_requeued(
    tmp_path: Path, signal_name: str, marked: bool, requeued: bool
) -> None:
    for name, text in (("scontrol", f'echo "$@" > {tmp_path}/asked; exit 1'),):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    text = f"trap 'exit 75' TERM; touch {tmp_path}/up; for i in $(seq 500); do sleep .01; done"
    process = run_script(tmp_path, [shell_job(tmp_path, text)], 0)
    while not (tmp_path / "up").exists():
        assert process.poll() is None
    os.kill(process.pid, {"USR1": 10, "TERM": 15}[signal_name])
    if signal_name == "TERM":  # as SLURM does: it signals the worker itself
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.terminate()
    assert process.wait() == 75
    assert (tmp_path / "exit/0").exists() == marked
    assert (tmp_path / "asked").exists() == requeued


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n"), max_size=9), max_size=4
    )
)
def test_any_argument_survives_the_quoting(arguments: list[str]) -> None:
    line = elements([job(("printf", "%s\\n", *arguments))], [])
    out = subprocess.run(["bash", "-c", line + '"$@"'], capture_output=True, check=True).stdout.decode()
    assert out == "".join(f"{a}\n" for a in arguments or [""])
    assert shlex.split(line)
