"""Generation: 200 prompts x 64 tokens, and a set of very unequal lengths; tokens per CPU-second of each way.

python benchmarks/bench_generation.py [--prompts 200] [--runs 3] [--ways ours,lmeval,lmeval64,hf_sorted,vllm]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from local_model import Clock, child, make_llama, prompts

HERE = Path(__file__).resolve()


def lengths(kind: str, count: int) -> list[int]:
    """How long each answer is: all 64, or mostly short with a few long ones."""
    if kind == "equal":
        return [64] * count
    draw = random.Random(2)
    return [draw.choice([4, 8, 8, 16, 16, 24, 32, 48, 320]) for _ in range(count)]


def _engine(model: Any, kind: str, count: int) -> dict[str, Any]:
    from evalsuite.types import Request, Sampling

    wanted = lengths(kind, count)
    asked = [
        Request(str(at), text, Sampling(max_out_len=wanted[at], min_out_len=wanted[at]))
        for at, text in enumerate(prompts(count))
    ]
    clock = Clock()
    answers = {int(answer.key): answer for answer in model.generate(iter(asked))}
    cost = clock.read()
    tokens = sum(answer.output_tokens for answer in answers.values())
    return {**cost, "tokens": tokens, "texts": [answers[at].text for at in range(count)]}


def ours(folder: str, kind: str, count: int) -> dict[str, Any]:
    """evalsuite's transformers backend."""
    from evalsuite.models.hf import HuggingFaceBaseModel

    model = HuggingFaceBaseModel(folder)
    model._plain()
    return _engine(model, kind, count)


def vllm(folder: str, kind: str, count: int) -> dict[str, Any]:
    """evalsuite's vLLM backend, fed from a stream."""
    from evalsuite.models.vllm import VLLM

    model = VLLM(folder)
    _engine(model, "equal", 8)

    def once() -> dict[str, Any]:
        model._llm.reset_prefix_cache()
        return _engine(model, kind, count)

    return _cheapest(once)


def vllm_raw(folder: str, kind: str, count: int) -> dict[str, Any]:
    """vLLM's own generate over all prompts at once."""
    from evalsuite.models.vllm import settle_environment

    settle_environment()
    from vllm import LLM, SamplingParams

    llm = LLM(folder, dtype="float32", enforce_eager=True, disable_log_stats=True)
    wanted = lengths(kind, count)
    settings = [SamplingParams(temperature=0, max_tokens=size, min_tokens=size) for size in wanted]
    texts = prompts(count)
    llm.generate(texts[:8], settings[:8], use_tqdm=False)

    def once() -> dict[str, Any]:
        llm.reset_prefix_cache()
        clock = Clock()
        outputs = llm.generate(texts, settings, use_tqdm=False)
        cost = clock.read()
        tokens = sum(len(output.outputs[0].token_ids) for output in outputs)
        return {**cost, "tokens": tokens, "texts": [output.outputs[0].text for output in outputs]}

    return _cheapest(once)


def _cheapest(once: Callable[[], dict[str, Any]], times: int = 5) -> dict[str, Any]:
    """The run that cost least: seconds of work on a shared machine differ by a fifth from run to run."""
    return min((once() for _ in range(times)), key=lambda found: float(found["cpu_s"]))


def hf_sorted(folder: str, kind: str, count: int) -> dict[str, Any]:
    """transformers' generate over batches of 32 sorted by prompt length, as a careful script would."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    texts, wanted = prompts(count), lengths(kind, count)
    order = sorted(range(count), key=lambda at: len(texts[at]))
    found, clock = {}, Clock()
    for start in range(0, count, 32):
        part = order[start : start + 32]
        enc = tokenizer([texts[at] for at in part], return_tensors="pt", padding=True)
        size = max(wanted[at] for at in part)
        with torch.inference_mode():
            out = model.generate(
                input_ids=enc.input_ids,
                attention_mask=enc.attention_mask,
                max_new_tokens=size,
                min_new_tokens=size,
                do_sample=False,
            )[:, enc.input_ids.shape[1] :]
        for row, at in zip(out, part, strict=True):
            found[at] = tokenizer.decode(row[: wanted[at]], skip_special_tokens=True)
    cost = clock.read()
    return {**cost, "tokens": sum(wanted), "texts": [found[at] for at in range(count)]}


def lmeval(folder: str, kind: str, count: int, batch: int = 32) -> dict[str, Any]:
    """lm-evaluation-harness's generate_until."""
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    torch.set_num_threads(1)
    model = HFLM(pretrained=folder, device="cpu", dtype="float32", batch_size=batch)
    wanted = lengths(kind, count)
    asked = [
        Instance(
            "generate_until", {}, (text, {"max_gen_toks": size, "min_new_tokens": size, "until": []}), at
        )
        for at, (text, size) in enumerate(zip(prompts(count), wanted, strict=True))
    ]
    clock = Clock()
    texts = model.generate_until(asked, disable_tqdm=True)
    return {**clock.read(), "tokens": sum(wanted), "texts": texts}


def lmeval64(folder: str, kind: str, count: int) -> dict[str, Any]:
    """The same in batches of 64."""
    return lmeval(folder, kind, count, 64)


def lmeval128(folder: str, kind: str, count: int) -> dict[str, Any]:
    """The same in batches of 128."""
    return lmeval(folder, kind, count, 128)


def main() -> None:
    """Run each way in a process of its own and print a table: the median of some runs, taken in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--model", default="")
    parser.add_argument("--kind", default="")
    parser.add_argument("--lmeval-python", default=".venv-lmeval/bin/python")
    parser.add_argument("--vllm-python", default=".venv-vllm/bin/python")
    parser.add_argument("--ways", default="ours,lmeval,lmeval64,lmeval128,hf_sorted,vllm,vllm_raw")
    parser.add_argument("--kinds", default="equal,unequal")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if options.only:
        print(json.dumps(globals()[options.only](options.model, options.kind, options.prompts)))
        return
    folder = options.model or str(make_llama(Path(tempfile.gettempdir()) / "evalsuite-bench-llama"))
    pythons = {
        **dict.fromkeys(("lmeval", "lmeval64", "lmeval128"), options.lmeval_python),
        **dict.fromkeys(("vllm", "vllm_raw"), options.vllm_python),
    }
    ways = [way for way in options.ways.split(",") if Path(pythons.get(way, sys.executable)).exists()]
    for kind in options.kinds.split(","):
        runs: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        for _ in range(options.runs):
            for way in ways:
                words = ["--only", way, "--model", folder, "--kind", kind, "--prompts", str(options.prompts)]
                runs[way].append(child(pythons.get(way, sys.executable), HERE, words))
        base = runs[ways[0]][0]
        speeds = {way: median(one["tokens"] / one["cpu_s"] for one in found) for way, found in runs.items()}
        for way, found in runs.items():
            same = sum(a == b for a, b in zip(found[0]["texts"], base["texts"], strict=True))
            print(
                f"{kind:8s} {way:10s} {speeds[way]:8.0f} tokens per CPU-s "
                f"({', '.join(str(one['cpu_s']) for one in found)} CPU-s)  "
                f"{ways[0]} is {speeds[ways[0]] / speeds[way]:.2f}x  same texts {same}/{options.prompts}",
                flush=True,
            )


if __name__ == "__main__":
    main()
