"""PPL with a real model: the numbers that OpenCompass 0.5.4 computes with the same weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalsuite.types import Answer, Sample

from .conftest import ask, make

ROOT = Path(__file__).resolve().parents[2]
CASES = json.loads((ROOT / "tests/prompt/golden/losses.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.slow
def test_losses_are_those_of_opencompass() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from evalsuite.models.hf import HuggingFaceBaseModel

    model: Any = HuggingFaceBaseModel(str(ROOT / "data/demo/models/s"), dtype="float32")
    template = {"type": "PromptTemplate", "template": {"it": "{context}<sep>{words}"}, "sep_token": "<sep>"}
    whole = {"prompt_template": template, "inferencer": {"type": "PPLInferencer"}}
    behind = {"prompt_template": template, "inferencer": {"type": "LLInferencer"}}
    try:
        for case in CASES:
            sample = Sample(0, "0", case)
            for cfg, name in ((whole, "whole"), (behind, "behind")):

                def answer(request: Any) -> Answer:
                    (answered,) = model.loglikelihood([request])
                    assert isinstance(answered, Answer)
                    return answered

                result, _ = ask(make(cfg, reader={"input_columns": []}).exchange(sample, 0), answer)
                assert result.extra["scores"]["it"]["ppl"] == pytest.approx(case[name], rel=1e-4), case
    finally:
        model.close()
