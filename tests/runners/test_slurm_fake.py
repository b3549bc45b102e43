"""The SLURM runner against programs that only pretend: every answer, and every silence, by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runners.base import Job, JobState, Resources
from runners.slurm import SlurmRunner, read_record

SBATCH = """
case " $* " in *" --test-only "*) [ -e $D/refuse ] && {{ cat $D/refuse >&2; exit 1; }}; exit 0;; esac
[ -e $D/sbatch ] && {{ . $D/sbatch; }}
n=$(($(cat $D/last 2>/dev/null || echo 100) + 1)); echo $n > $D/last
for w in "$@"; do case "$w" in --job-name=*) echo "$n ${w#--job-name=}" >> $D/known;; esac; done
echo $n
"""
SQUEUE = """
echo x >> $D/asked
[ -e $D/squeue ] && { . $D/squeue; }
while IFS='|' read -r id rest; do
    name=$(sed -n "s/^${id%_*} //p" $D/known); echo "$id|${rest%%|*}|n1|$name|${rest#*|}"
done < $D/rows 2>/dev/null
exit 0
"""


class Clock:
    """Time that passes when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Fake:
    """A folder of programs, and what they will answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.run = folder / "run"

    def tool(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\nD={self.folder}\n{text}")
        path.chmod(0o755)

    def runner(self, **settings: Any) -> SlurmRunner:
        return SlurmRunner(
            self.run / "slurm", "es", clock=self.clock, timeout_s=settings.pop("timeout_s", 20), **settings
        )

    def rows(self, **rows: str) -> None:
        """rows(_101_0='RUNNING') is one line of squeue."""
        lines = [f"{name[1:]}|{text if '|' in text else text + '|None'}\n" for name, text in rows.items()]
        (self.folder / "rows").write_text("".join(lines))

    def later(self, runner: SlurmRunner, seconds: float = 400) -> Mapping[str, JobState]:
        self.clock.now += seconds
        return runner.poll()

    def asked(self) -> int:
        path = self.folder / "asked"
        return len(path.read_text().split()) if path.exists() else 0

    def submitted(self) -> list[str]:
        path = self.folder / "known"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake(tmp_path)
    made.tool("sbatch", SBATCH.replace("{{", "{").replace("}}", "}"))
    made.tool("squeue", SQUEUE)
    made.tool("scancel", 'echo "$@" >> $D/cancelled\n')
    made.tool(
        "scontrol",
        '[ "$1" = show ] && echo "MaxArraySize            = 4"; echo "$@" >> $D/scontrol; exit 0\n',
    )
    made.tool("sacct", "echo accounting is disabled >&2; exit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    return made


def jobs(count: int, group: str = "infer-x", **needs: Any) -> list[Job]:
    return [
        Job(f"{group}-{i}", ("true",), "", (), Path(f"/tmp/{i}.log"), group, Resources(**needs))
        for i in range(count)
    ]


def mark(fake: Fake, submission: int, index: int, code: int) -> None:
    (fake.run / f"slurm/submit/{submission}/exit/{index}").write_text(f"{code} 0 n1\n")


def test_one_array_for_each_group_split_at_the_limit(fake: Fake) -> None:
    runner = fake.runner()
    runner.submit([*jobs(6), *jobs(2, "eval")])
    assert [line.split("-")[2] for line in fake.submitted()] == ["infer", "infer", "eval"]
    arrays = [
        next(w for w in json.loads((fake.run / f"slurm/submit/{n}/argv.json").read_text()) if "--array" in w)
        for n in (1, 2, 3)
    ]
    assert arrays == ["--array=0-3", "--array=0-1", "--array=0-1"]
    assert len((fake.run / "slurm/submit/1/elements.sh").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("row", "phase", "kind"),
    [
        ("RUNNING", "running", ""),
        ("PENDING|Priority", "pending", ""),
        ("PENDING|PartitionConfig", "pending", "impossible"),
        ("PENDING|JobHeldUser", "pending", "held"),
        ("PENDING|launch failed requeued held", "failed", "launch"),
        ("COMPLETING", "running", ""),
        ("COMPLETED", "done", ""),
        ("TIMEOUT", "failed", "timeout"),
        ("NODE_FAIL", "failed", "node_fail"),
        ("PREEMPTED", "failed", "preempted"),
        ("OUT_OF_MEMORY", "failed", "oom"),
        ("CANCELLED", "cancelled", "cancelled"),
        ("FAILED|NonZeroExitCode", "failed", "exit"),
        ("FAILED|JobLaunchFailure", "failed", "launch"),
        ("SOMETHING_NEW", "unknown", ""),
    ],
)
def test_states_in_our_words(fake: Fake, row: str, phase: str, kind: str) -> None:
    runner = fake.runner()
    runner.submit(jobs(1))
    fake.rows(_101_0=row)
    state = fake.later(runner)["infer-x-0"]
    assert (state.phase, state.kind) == (phase, kind)
    if row == "PENDING|launch failed requeued held":
        assert (fake.folder / "cancelled").read_text() == "101_0\n"


def test_memory_is_named_though_slurm_says_launch_failure(fake: Fake) -> None:
    runner = fake.runner()
    runner.submit(jobs(1))
    (fake.run / "slurm/submit/1/slurm-0.out").write_text(
        "slurmstepd: error: Step 1.0 exceeded memory limit\n"
    )
    fake.rows(_101_0="FAILED|JobLaunchFailure")
    assert fake.later(runner)["infer-x-0"].kind == "oom"


@pytest.mark.parametrize(
    "answer", ["echo 'slurm_load_jobs error'; exit 1", "echo '<html>garbage'; exit 0", "exit 1", "sleep 30"]
)
def test_no_clear_answer_is_unknown_and_never_over(fake: Fake, answer: str) -> None:
    runner = fake.runner(timeout_s=0.2 if "sleep" in answer else 20)
    runner.submit(jobs(1))
    (fake.folder / "squeue").write_text(answer)
    for _ in range(4):
        state = fake.later(runner)["infer-x-0"]
        assert state.phase == "unknown" and not state.over
        assert state.reason.startswith("SLURM gives no answer: ")
    (fake.folder / "squeue").unlink()
    fake.rows(_101_0="RUNNING")
    assert fake.later(runner)["infer-x-0"].phase == "running"
    assert len(runner.notes) == 2 and "workers go on" in runner.notes[0]
    assert runner.notes[1] == "SLURM answers again"


def test_a_worker_that_starts_again_is_told_once_whoever_drives(fake: Fake) -> None:
    runner = fake.runner()
    runner.submit(jobs(2))
    fake.rows(_101_0="RUNNING", _101_1="RUNNING")
    fake.later(runner)
    output = fake.run / "slurm/submit/1/slurm-0.out"
    output.write_text("evalsuite: start 0\nslurmstepd: error: *** JOB 101 CANCELLED DUE TO PREEMPTION ***\n")
    fake.rows(_101_0="PENDING|BeginTime", _101_1="RUNNING")
    fake.later(runner)
    told = ["worker infer-x-0 stopped (preempted), in the queue again; nothing is lost"]
    assert runner.notes == told
    with output.open("a") as file:
        file.write("evalsuite: start 1\n")
    (fake.run / "slurm/submit/1/exit/0.start1@n2").touch()
    fake.rows(_101_0="RUNNING", _101_1="RUNNING")
    fake.later(runner)
    assert runner.notes == told
    (fake.run / "slurm/submit/1/exit/1.start1@n3").touch()
    after = fake.runner()
    fake.later(after)
    assert after.notes == [
        "worker infer-x-1 stopped (its node was lost), started again on n3; nothing is lost"
    ]
    assert [row["start"] for row in read_record(fake.run / "slurm") if row["event"] == "restart"] == [2, 2]


def test_a_job_that_slurm_forgot_is_lost_only_at_the_second_look(fake: Fake) -> None:
    runner = fake.runner()
    runner.submit(jobs(1))
    fake.rows()
    assert not fake.later(runner)["infer-x-0"].over
    assert fake.later(runner)["infer-x-0"].kind == "lost"


def test_accounting_is_asked_where_it_answers(fake: Fake) -> None:
    fake.tool("sacct", "echo 'TIMEOUT|0:0|n3'\n")
    runner = fake.runner()
    runner.submit(jobs(1))
    fake.rows()
    fake.later(runner)
    state = fake.later(runner)["infer-x-0"]
    assert (state.kind, state.node) == ("timeout", "n3")


def test_an_exit_code_on_disk_needs_no_slurm_and_wins_over_it(fake: Fake) -> None:
    runner = fake.runner()
    runner.submit(jobs(3))
    mark(fake, 1, 0, 0)
    mark(fake, 1, 1, 3)
    states = fake.later(runner, 0.9)
    assert (states["infer-x-0"].phase, states["infer-x-1"].reason) == ("done", "exit code 3")
    assert fake.asked() == 0
    mark(fake, 1, 2, 0)
    fake.rows(_101_2="TIMEOUT")
    assert fake.later(runner)["infer-x-2"].phase == "done"


def test_sigkill_waits_for_slurms_reason(fake: Fake) -> None:
    runner = fake.runner()
    runner.submit(jobs(2))
    mark(fake, 1, 0, 137)
    mark(fake, 1, 1, 137)
    fake.rows(_101_0="OUT_OF_MEMORY", _101_1="FAILED|NonZeroExitCode")
    assert not fake.later(runner, 0.6)["infer-x-0"].over
    states = fake.later(runner, 5)
    assert states["infer-x-0"].kind == "oom"
    assert (
        states["infer-x-1"].reason
        == "killed by SIGKILL (exit 137): probably out of memory, or killed by hand"
    )


def test_slurm_is_asked_rarely_and_once_for_all(fake: Fake) -> None:
    runner = fake.runner()
    runner.submit([*jobs(4), *jobs(4, "eval")])
    fake.rows(**{f"_{job}_{i}": "RUNNING" for job in (101, 102) for i in range(4)})
    for _ in range(600):
        fake.later(runner, 1)
    first = fake.asked()
    assert 10 <= first <= 600 / 15
    for _ in range(600):
        fake.later(runner, 1)
    assert fake.asked() - first <= 600 / 50


def test_refusal_is_final_and_in_slurms_words(fake: Fake) -> None:
    (fake.folder / "refuse").write_text("sbatch: error: invalid partition specified: nope\n")
    runner = fake.runner()
    runner.submit(jobs(2))
    states = runner.poll()
    assert {s.kind for s in states.values()} == {"refused"}
    assert states["infer-x-0"].reason == "SLURM refuses it: invalid partition specified: nope"
    assert fake.submitted() == []


def test_fewer_workers_where_a_limit_forbids_more(fake: Fake) -> None:
    fake.folder.joinpath("sbatch").write_text(
        'case " $* " in *" --array=0-0 "*) ;; '
        '*) echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1;; esac\n'
    )
    runner = fake.runner()
    runner.submit(jobs(3))
    assert len(fake.submitted()) == 3
    assert not any(state.over for state in runner.poll().values())


def test_an_answer_lost_on_the_way_is_found_by_name(fake: Fake) -> None:
    accepted = (
        'for w in "$@"; do case "$w" in --job-name=*) echo "100 ${w#--job-name=}" >> $D/known;; esac; done\n'
    )
    fake.folder.joinpath("sbatch").write_text(f"{accepted}echo Socket timed out >&2; exit 1\n")
    runner = fake.runner()
    runner.submit(jobs(1))
    fake.rows(_100_0="RUNNING")
    assert fake.later(runner, 5)["infer-x-0"].phase == "running"
    assert len(fake.submitted()) == 1
    assert [row["event"] for row in read_record(fake.run / "slurm")] == ["intent", "submitted"]


def test_an_answer_that_never_came_is_submitted_again(fake: Fake) -> None:
    fake.folder.joinpath("sbatch").write_text("echo Unable to contact slurm controller >&2; exit 1\n")
    runner = fake.runner()
    runner.submit(jobs(1))
    fake.folder.joinpath("sbatch").unlink()
    fake.rows()
    for _ in range(4):
        states = fake.later(runner)
    assert [row["event"] for row in read_record(fake.run / "slurm")] == [
        "intent",
        "unsent",
        "intent",
        "submitted",
    ]
    assert len(fake.submitted()) == 1 and not states["infer-x-0"].over


def test_driver_that_died_between_intent_and_id_submits_nothing_twice(fake: Fake) -> None:
    fake.runner().submit(jobs(2))
    record = fake.run / "slurm/jobs.jsonl"
    record.write_text(record.read_text().splitlines()[0] + "\n" + '{"event": "subm')
    fake.rows(_101_0="RUNNING", _101_1="PENDING|Priority")
    after = fake.runner()
    assert after.jobs() == {"infer-x-0": "infer-x", "infer-x-1": "infer-x"}
    states = fake.later(after)
    assert [s.phase for s in states.values()] == ["running", "pending"]
    assert read_record(fake.run / "slurm")[-1] == {"event": "submitted", "n": 1, "slurm": "101"}


def test_an_intent_that_was_never_submitted_is_known_as_such(fake: Fake) -> None:
    fake.runner().submit(jobs(1))
    record = fake.run / "slurm/jobs.jsonl"
    record.write_text(record.read_text().splitlines()[0] + "\n")
    fake.rows()
    after = fake.runner()
    assert not fake.later(after)["infer-x-0"].over
    assert fake.later(after)["infer-x-0"].kind == "unsent"
    after.submit(jobs(1, "again"))
    assert (fake.run / "slurm/submit/2").is_dir()


def test_attach_knows_what_was_over(fake: Fake) -> None:
    runner = fake.runner()
    runner.submit(jobs(2))
    mark(fake, 1, 0, 3)
    fake.later(runner)
    after = fake.runner()
    assert after.poll()["infer-x-0"].reason == "exit code 3"


def test_cancel_names_only_our_ids(fake: Fake) -> None:
    runner = fake.runner()
    runner.submit([*jobs(3), *jobs(1, "eval")])
    fake.rows(_101_0="RUNNING", _101_1="RUNNING", _101_2="RUNNING", _102_0="RUNNING", _7_0="RUNNING")
    fake.later(runner)
    fake.rows(_101_0="CANCELLED", _101_1="RUNNING", _101_2="RUNNING", _102_0="RUNNING")
    runner.cancel(["infer-x-0"])
    assert (fake.folder / "cancelled").read_text() == "101_0\n"
    fake.rows(_101_1="CANCELLED", _101_2="CANCELLED", _102_0="CANCELLED")
    runner.cancel()
    assert (fake.folder / "cancelled").read_text().splitlines()[1:] == ["101 102"]
    assert {s.phase for s in runner.poll().values()} == {"cancelled"}


def test_a_bad_node_is_kept_away_from(fake: Fake) -> None:
    runner = fake.runner()
    runner.submit(jobs(1))
    fake.rows(_101_0="PENDING|Resources")
    fake.later(runner)
    runner.exclude("n3")
    assert "update JobId=101 ExcNodeList=n3" in (fake.folder / "scontrol").read_text()
    after = fake.runner()
    after.submit(jobs(1, "eval"))
    assert "--exclude=n3" in json.loads((fake.run / "slurm/submit/2/argv.json").read_text())


def test_test_only_submits_nothing_and_tells_slurms_words(fake: Fake) -> None:
    runner = fake.runner()
    assert [t.accepted for t in runner.test_only(jobs(2))] == [True]
    (fake.folder / "refuse").write_text("allocation failure: Requested node configuration is not available\n")
    tested = runner.test_only(jobs(2, cpus=64))[0]
    assert (tested.accepted, tested.words) == (False, "Requested node configuration is not available")
    assert tested.script.read_text().startswith("#!/bin/bash\n#SBATCH --job-name=es-")
    assert fake.submitted() == [] and read_record(fake.run / "slurm") == []
