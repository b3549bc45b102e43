"""Whole runs in processes of their own, as a user starts them, with the echo model at the far end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Bench:
    """A folder with a config, a dataset and the runs made of them."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def data(self, size: int, name: str = "d", start: int = 0) -> Path:
        """Write a dataset whose answers the echo model gets right."""
        path = self.folder / f"{name}.jsonl"
        rows = (
            {"id": f"q{n}", "question": f"what is {n}?", "answer": f"Q: what is {n}?\nA:"}
            for n in range(start, start + size)
        )
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def config(
        self,
        model: Mapping[str, Any] | None = None,
        dataset: Mapping[str, Any] | None = None,
        datasets: list[str] | None = None,
        name: str = "c",
        **sections: Any,
    ) -> Path:
        """Write a config of one echo model and one or more datasets."""
        models = [{"type": "EchoModel", "abbr": "echo", "path": "echo", "max_out_len": 16, **(model or {})}]
        entries = [
            {
                "type": "JsonlDataset",
                "abbr": abbr,
                "path": f"{abbr}.jsonl",
                "reader_cfg": {"input_columns": ["question"], "output_column": "answer"},
                "infer_cfg": {
                    "prompt_template": {"type": "PromptTemplate", "template": "Q: {question}\nA:"},
                    "retriever": {"type": "ZeroRetriever"},
                    "inferencer": {"type": "GenInferencer"},
                },
                "eval_cfg": {"evaluator": {"type": "AccEvaluator"}},
                **(dataset or {}),
            }
            for abbr in (datasets or ["d"])
        ]
        sections.setdefault("infer", {"runner": {"type": "subprocess", "max_num_workers": 2}})
        text = "\n".join(
            f"{key} = {value!r}" for key, value in {"models": models, "datasets": entries, **sections}.items()
        )
        path = self.folder / f"{name}.py"
        path.write_text(text + "\n")
        return path

    def start(self, *words: str, **kwargs: Any) -> subprocess.Popen[str]:
        """Start the program in this folder."""
        return subprocess.Popen(
            [sys.executable, str(ROOT / "run.py"), *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **kwargs,
        )

    def run(self, *words: str, status: int | None = 0, timeout: float = 120) -> tuple[str, str]:
        """Run the program to its end; its output and its messages."""
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        if status is not None:
            assert process.returncode == status, f"status {process.returncode}\n{out}\n{err}"
        return out, err

    @property
    def latest(self) -> Path:
        """The folder of the newest run."""
        return sorted((self.folder / "outputs" / "c").glob("2*"))[-1]

    def rows(self, kind: str = "predictions", run: Path | None = None) -> list[dict[str, Any]]:
        """All rows that a run wrote, torn lines left out."""
        from evalsuite.store.rows import read_rows

        return [
            row
            for path in sorted((run or self.latest).glob(f"{kind}/*/*/*.jsonl"))
            for row in read_rows(path)
        ]

    def result(self, dataset: str = "d") -> dict[str, Any]:
        """The kept result of the echo model on a dataset."""
        return json.loads((self.latest / "results" / "echo" / f"{dataset}.json").read_text())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An empty bench."""
    yield Bench(tmp_path)


@pytest.fixture
def ready(bench: Bench) -> Callable[..., Bench]:
    """A bench with a dataset of this many samples and a config."""

    def make(size: int = 40, **kwargs: Any) -> Bench:
        bench.data(size)
        bench.config(**kwargs)
        return bench

    return make
