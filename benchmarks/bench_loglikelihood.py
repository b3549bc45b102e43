"""Log-likelihood of 4 options behind shared worked examples: CPU-seconds of each way, and do they agree.

python benchmarks/bench_loglikelihood.py [--questions 500] [--naive 25] [--ways ours,vllm,vllm_raw]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from local_model import Clock, child, make_llama, questions

HERE = Path(__file__).resolve()


def ours(folder: str, count: int) -> dict[str, Any]:
    """evalsuite's transformers backend."""
    from evalsuite.models.hf import HuggingFaceBaseModel

    model = HuggingFaceBaseModel(folder)
    model._plain()
    return _scored(model, count)


def vllm(folder: str, count: int) -> dict[str, Any]:
    """evalsuite's vLLM backend."""
    from evalsuite.models.vllm import VLLM

    model = VLLM(folder)
    _scored(model, 2)
    model._llm.reset_prefix_cache()
    return _scored(model, count)


def _scored(model: Any, count: int) -> dict[str, Any]:
    from evalsuite.types import Request

    asked = [Request(str(at), text, continuations=tuple(o)) for at, (text, o) in enumerate(questions(count))]
    clock = Clock()
    answers = {int(answer.key): answer for answer in model.loglikelihood(iter(asked))}
    cost = clock.read()
    return {**cost, "values": [option.logprob for at in range(count) for option in answers[at].options]}


def vllm_raw(folder: str, count: int) -> dict[str, Any]:
    """vLLM's own generate over all texts at once, with the log-probabilities of the prompt."""
    from evalsuite.models.vllm import settle_environment

    settle_environment()
    from vllm import LLM, SamplingParams

    llm = LLM(folder, dtype="float32", enforce_eager=True, disable_log_stats=True)
    settings = SamplingParams(temperature=0, max_tokens=1, prompt_logprobs=0, detokenize=False)
    tokenizer = llm.get_tokenizer()
    pairs = [(text, text + option) for text, options in questions(count) for option in options]
    llm.generate([whole for _, whole in pairs[:8]], settings, use_tqdm=False)
    clock, values = Clock(), []
    outputs = llm.generate([whole for _, whole in pairs], settings, use_tqdm=False)
    for (text, _), output in zip(pairs, outputs, strict=True):
        start = len(tokenizer.encode(text))
        found = list(zip(output.prompt_token_ids, output.prompt_logprobs, strict=True))[start:]
        values.append(sum(entry[token].logprob for token, entry in found))
    return {**clock.read(), "values": values}


def naive(folder: str, count: int) -> dict[str, Any]:
    """One forward pass per option, one at a time, all logits."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    clock, values = Clock(), []
    with torch.inference_mode():
        for text, options in questions(count):
            start = len(tokenizer(text).input_ids)
            for option in options:
                ids = tokenizer(text + option).input_ids
                table = model(torch.tensor([ids])).logits[0].log_softmax(-1)
                values.append(sum(float(table[at - 1, ids[at]]) for at in range(start, len(ids))))
    return {**clock.read(), "values": values}


def lmeval(folder: str, count: int) -> dict[str, Any]:
    """lm-evaluation-harness's HFLM with its automatic order, batches of 32."""
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    torch.set_num_threads(1)
    model = HFLM(pretrained=folder, device="cpu", dtype="float32", batch_size=32)
    asked = [
        Instance("loglikelihood", {}, (text, option), at)
        for at, (text, options) in enumerate(questions(count))
        for option in options
    ]
    clock = Clock()
    values = [value for value, _ in model.loglikelihood(asked, disable_tqdm=True)]
    return {**clock.read(), "values": values}


def main() -> None:
    """Run each way in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument(
        "--naive", type=int, default=25, help="questions of the slow way; its time is scaled up"
    )
    parser.add_argument("--model", default="")
    parser.add_argument("--lmeval-python", default=".venv-lmeval/bin/python")
    parser.add_argument("--vllm-python", default=".venv-vllm/bin/python")
    parser.add_argument("--ways", default="ours,naive,lmeval,vllm,vllm_raw")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if options.only:
        print(json.dumps(globals()[options.only](options.model, options.questions)))
        return
    folder = options.model or str(make_llama(Path(tempfile.gettempdir()) / "evalsuite-bench-llama"))
    pythons = {"lmeval": options.lmeval_python, "vllm": options.vllm_python, "vllm_raw": options.vllm_python}
    ways = [
        (way, python, options.naive if way == "naive" else options.questions)
        for way in options.ways.split(",")
        if Path(python := pythons.get(way, sys.executable)).exists()
    ]
    first = ways[0][0]
    found = {
        way: child(python, HERE, ["--only", way, "--model", folder, "--questions", str(count)])
        for way, python, count in ways
    }
    for way, _, count in ways:
        scale = options.questions / count
        cost, values = found[way], found[way]["values"]
        worst = max(abs(a - b) for a, b in zip(values, found[first]["values"], strict=False))
        ratio = cost["cpu_s"] * scale / found[first]["cpu_s"]
        print(f"{way:8s} {cost['cpu_s'] * scale:8.2f} CPU-s  {ratio:6.1f}x  largest difference {worst:.1e}")


if __name__ == "__main__":
    main()
