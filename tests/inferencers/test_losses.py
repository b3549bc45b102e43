"""PPL with a real model: the numbers that OpenCompass 0.5.4 computes with the same weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalsuite.types import Answer, Sample

from .conftest import ask, make

GOLDEN = Path(__file__).resolve().parents[1] / "prompt" / "golden"
CASES = json.loads((GOLDEN / "losses.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model_plain", "model_bos"])
def test_losses_are_those_of_opencompass(name: str) -> None:
    """With a token that begins every text and without: the mean counts one token more than are scored."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from evalsuite.models.hf import HuggingFaceBaseModel

    model: Any = HuggingFaceBaseModel(str(GOLDEN / name), dtype="float32")
    template = {"type": "PromptTemplate", "template": {"it": "{context}<sep>{words}"}, "sep_token": "<sep>"}
    whole = {"prompt_template": template, "inferencer": {"type": "PPLInferencer"}}
    behind = {"prompt_template": template, "inferencer": {"type": "LLInferencer"}}
    try:
        for case in [case for case in CASES if case["model"] == name]:
            sample = Sample(0, "0", case)
            for cfg, kind in ((whole, "whole"), (behind, "behind")):

                def answer(request: Any) -> Answer:
                    (answered,) = model.loglikelihood([request])
                    assert isinstance(answered, Answer)
                    return answered

                result, _ = ask(make(cfg, reader={"input_columns": []}).exchange(sample, 0), answer)
                assert result.extra["scores"]["it"]["ppl"] == pytest.approx(case[kind], rel=1e-4), case
    finally:
        model.close()
