"""The engine's own cost against OpenCompass: start, small runs, overhead per sample, memory, model loads.

    python benchmarks/bench_engine.py [--opencompass PYTHON] [--large N]

`--opencompass` is the interpreter of an environment with `opencompass==0.5.4` and `pyarrow<22`; both programs
are measured in the same run, and the ratio is what counts. The model answers at once, so that all that is
measured is the engine.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from measure import Cost, best, measure, say, table

ROOT = Path(__file__).resolve().parents[1]

OURS = """
models = [dict(type='EchoModel', abbr='echo', path='echo', mode='constant', text='4', max_out_len=16)]
datasets = [
    dict(
        type='JsonlDataset', abbr=f'd{i}', path=f'd{i}.jsonl',
        reader_cfg=dict(input_columns=['question'], output_column='answer'),
        infer_cfg=dict(
            prompt_template=dict(type='PromptTemplate', template='Q: {question}'),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(type='GenInferencer'),
        ),
        eval_cfg=dict(evaluator=dict(type='AccEvaluator')),
    )
    for i in range(COUNT)
]
infer = dict(runner=dict(type='subprocess', max_num_workers=2))
"""

THEIR_MODEL = """
from opencompass.models.base import BaseModel


class Constant(BaseModel):
    def __init__(self, path='constant', max_seq_len=2048, tokenizer_only=False, meta_template=None, **kwargs):
        super().__init__(path, max_seq_len, tokenizer_only, meta_template)

    def generate(self, inputs, max_out_len):
        return ['4' for _ in inputs]

    def get_token_len(self, prompt):
        return len(prompt) // 4
"""

THEIRS = """
from constant_model import Constant
from opencompass.datasets import CustomDataset
from opencompass.openicl.icl_evaluator import AccEvaluator
from opencompass.openicl.icl_inferencer import GenInferencer
from opencompass.openicl.icl_prompt_template import PromptTemplate
from opencompass.openicl.icl_retriever import ZeroRetriever
from opencompass.partitioners import NaivePartitioner, NumWorkerPartitioner
from opencompass.runners import LocalRunner
from opencompass.tasks import OpenICLEvalTask, OpenICLInferTask

models = [
    dict(type=Constant, abbr="constant", path="constant", max_out_len=16, run_cfg=dict(num_gpus=0))
]
datasets = [
    dict(
        type=CustomDataset, abbr=f'd{i}', path=f'FOLDER/d{i}.jsonl',
        reader_cfg=dict(input_columns=['question'], output_column='answer'),
        infer_cfg=dict(
            prompt_template=dict(type=PromptTemplate, template='Q: {question}'),
            retriever=dict(type=ZeroRetriever),
            inferencer=dict(type=GenInferencer),
        ),
        eval_cfg=dict(evaluator=dict(type=AccEvaluator)),
    )
    for i in range(COUNT)
]
infer = dict(
    partitioner=dict(type=NumWorkerPartitioner, num_worker=2),
    runner=dict(type=LocalRunner, max_num_workers=2, task=dict(type=OpenICLInferTask)),
)
eval = dict(
    partitioner=dict(type=NaivePartitioner, n=10),
    runner=dict(type=LocalRunner, max_num_workers=2, task=dict(type=OpenICLEvalTask)),
)
"""


def prepare(folder: Path, datasets: int, samples: int) -> None:
    """Write data and both programs' configs."""
    for i in range(datasets):
        rows = ({"id": n, "question": f"what is {n} - {n - 4}?", "answer": "4"} for n in range(samples))
        (folder / f"d{i}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "ours.py").write_text(OURS.replace("COUNT", str(datasets)))
    (folder / "theirs.py").write_text(THEIRS.replace("COUNT", str(datasets)).replace("FOLDER", str(folder)))
    (folder / "constant_model.py").write_text(THEIR_MODEL)


def ours(folder: Path, *words: str, rounds: int = 3) -> Cost:
    """Our program, the cheapest of some rounds."""
    costs = [measure([sys.executable, str(ROOT / "run.py"), *words], cwd=folder) for _ in range(rounds)]
    for cost in costs:
        if cost.status not in (0,):
            raise SystemExit(f"evalsuite {' '.join(words)} failed:\n{cost.output}")
    return best(costs)


def theirs(python: str, folder: Path, *words: str) -> Cost:
    """OpenCompass, once: it is slow enough."""
    code = "from opencompass.cli.main import main; main()"
    return measure([python, "-c", code, *words], cwd=folder, env={"PYTHONPATH": str(folder)})


def row(name: str, mine: Cost, other: Cost | None) -> list[str]:
    """One line of the table."""
    cells = [name, f"{mine.cpu_s:.2f}", f"{mine.wall_s:.2f}", f"{mine.peak_mb:.0f}"]
    if other is None:
        return [*cells, "-", "-", "-", "not measured"]
    ratio = f"{other.cpu_s / mine.cpu_s:.0f}x" if other.status == 0 else f"failed ({other.status})"
    return [*cells, f"{other.cpu_s:.2f}", f"{other.wall_s:.2f}", f"{other.peak_mb:.0f}", ratio]


def main() -> None:
    """Measure and print the table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--opencompass", metavar="PYTHON")
    options.add_argument("--large", type=int, default=100_000)
    words = options.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)

        def case(title: str, datasets: int, samples: int, mine: list[str], other: list[str] | None) -> Cost:
            folder = base / title.replace(" ", "_").replace("/", "_")
            folder.mkdir()
            prepare(folder, datasets, samples)
            cost = ours(folder, *mine)
            peer = (
                theirs(words.opencompass, folder, *other) if words.opencompass and other is not None else None
            )
            rows.append(row(title, cost, peer))
            say(" | ".join(rows[-1]))
            return cost

        case("--help", 1, 1, ["--help"], ["--help"])
        case("list", 1, 1, ["list"], None)
        case("--dry-run", 1, 100, ["ours.py", "--dry-run"], ["theirs.py", "--dry-run"])
        case("1 model x 100 samples, 2 workers", 1, 100, ["ours.py", "--fresh"], ["theirs.py"])
        case("1 model x 40 datasets x 5 samples", 40, 5, ["ours.py", "--fresh"], ["theirs.py"])
        large = case(f"{words.large} samples", 1, words.large, ["ours.py", "--fresh"], None)
        folder = base / f"{words.large}_samples"
        again = ours(folder, "ours.py", "-r", rounds=1)
        rows.append(row("the same, rerun when finished", again, None))
    say(
        "\n"
        + table(rows, ["case", "CPU s", "wall s", "MB", "OpenCompass CPU s", "wall s", "MB", "ratio of CPU"])
    )
    say(f"\noverhead per sample, infer + eval: {1000 * large.cpu_s / words.large:.3f} ms CPU")


if __name__ == "__main__":
    main()
