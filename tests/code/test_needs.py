"""What keeps a machine from judging a benchmark is known before any answer is asked for."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from made import sample

from evalsuite.datasets.infilling import Safim
from evalsuite.errors import NotHere, UserError
from evalsuite.evaluators.code.bigcodebench import BigCodeBenchEvaluator
from evalsuite.evaluators.code.ds1000 import DS1000Evaluator
from evalsuite.evaluators.code.infilling import SafimEvaluator
from evalsuite.evaluators.code.libraries import need_libraries
from evalsuite.sandbox import languages


@pytest.fixture
def no_compilers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine on whose path there is nothing."""
    languages.cache_clear()
    with monkeypatch.context() as machine:
        machine.setenv("PATH", str(tmp_path))
        yield
    languages.cache_clear()


@pytest.mark.usefixtures("no_compilers")
def test_safim_needs_the_compilers_of_all_its_languages(tmp_path: Path) -> None:
    rows = [
        {"task_id": str(number), "lang": lang, "prompt": f"a {mark} b", "unit_tests": [{"input": ""}]}
        for number, (lang, mark) in enumerate(
            (("python", "# TODO: Your code here"), ("csharp", "/* TODO: Your code here */"))
        )
    ]
    for many in (1, 2):
        path = tmp_path / f"{many}.jsonl.gz"
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows[:many]).encode()))
        look = SafimEvaluator().obstacle
        samples = Safim("control", path=str(path)).samples()
        if many == 1:
            look(samples)
        else:
            with pytest.raises(UserError, match=r"C# is not installed.*mono-mcs"):
                look(samples)


def test_libraries_are_looked_for_in_all_problems() -> None:
    need_libraries(["import json, numpy\nfrom collections import deque"], None)
    with pytest.raises(NotHere, match=r"nosuch \(2\), other \(1\).*pip install nosuch other"):
        need_libraries(["import nosuch.part as x", "from other import y\nimport nosuch"], None)


def test_bigcodebench_and_ds1000_need_their_libraries() -> None:
    good = sample(
        code_prompt="import json\ndef task_func():", test="import unittest", code_context="import os"
    )
    bad = sample(code_prompt="import nosuch\ndef task_func():", test="", code_context="import nosuch")
    for evaluator in (BigCodeBenchEvaluator(), DS1000Evaluator()):
        evaluator.obstacle([good])
        with pytest.raises(NotHere, match="pip install nosuch"):
            evaluator.obstacle([good, bad])
