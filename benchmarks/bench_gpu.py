"""One GPU: tokens per second of each way to generate and to score, and how busy a whole run keeps the card.

python benchmarks/bench_gpu.py [--size 1.5b] [--parts generation,loglikelihood,busy] [--kinds equal,unequal]

The model is a Qwen2 of the named size with random weights in bfloat16, made on the spot. Peers run in the
same process on the same weights: transformers' `generate` over batches sorted by length, and its continuous
batching.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_model import ROOT, make_tokenizer, prompts, questions
from measure import say

SIZES = {
    "tiny": (64, 2, 4, 2, 128, 9000),
    "0.5b": (896, 24, 14, 2, 4864, 151936),
    "1.5b": (1536, 28, 12, 2, 8960, 151936),
}
KINDS = {"equal": 512, "unequal": 512, "long": 128}
DATASETS = 10


def make_qwen(folder: Path, size: str) -> Path:
    """A random Qwen2 of a real size; made once.

    Output rows of ids that the small tokenizer does not have, and of the token that ends a text, are zero:
    they are never the likeliest, so that every answer is as long as it may be.
    """
    if (folder / "config.json").exists():
        return folder
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = make_tokenizer()
    hidden, layers, heads, groups, inner, vocabulary = SIZES[size]
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=groups,
        intermediate_size=inner,
        max_position_embeddings=32768,
        initializer_range=0.05,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = Qwen2ForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    with torch.no_grad():
        rows = model.get_output_embeddings().weight
        rows[len(tokenizer) :] = 0
        rows[tokenizer.all_special_ids] = 0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


# --------------------------------------------------------------------------- generation
@dataclass(frozen=True)
class Work:
    """Prompts, and how many tokens each is to be continued with."""

    texts: list[str]
    wanted: list[int]


def work(kind: str, count: int) -> Work:
    """64 tokens for each prompt, very unequal numbers of them, or 64 behind long prompts."""
    draw = random.Random(2)
    if kind == "unequal":
        return Work(prompts(count), [draw.choice([8, 8, 16, 16, 32, 32, 64, 128, 512]) for _ in range(count)])
    if kind == "equal":
        return Work(prompts(count), [64] * count)
    shots = questions(1)[0][0]
    parts = [draw.sample(range(10**6), 3) for _ in range(count)]
    return Work([f"# {part}\n{shots}{shots}{shots}" for part in parts], [64] * count)


def ours(model: Any, task: Work) -> list[str]:
    """evalsuite's transformers backend."""
    from evalsuite.types import Request, Sampling

    asked = [
        Request(str(at), text, Sampling(max_out_len=size))
        for at, (text, size) in enumerate(zip(task.texts, task.wanted, strict=True))
    ]
    found = {int(answer.key): answer for answer in model.generate(iter(asked))}
    short = sum(found[at].output_tokens != size for at, size in enumerate(task.wanted))
    if short:
        sys.exit(f"{short} answers have not the length that was asked for")
    return [found[at].text for at in range(len(asked))]


def batches(raw: Any, tokenizer: Any, task: Work, size: int, grouped: bool) -> list[str]:
    """transformers' `generate` over sorted batches.

    `grouped` puts answers of one length together, as lm-eval does.
    """
    import torch

    order = sorted(range(len(task.texts)), key=lambda at: (grouped * task.wanted[at], -len(task.texts[at])))
    found: dict[int, str] = {}
    while order:
        part = order[:size]
        if grouped:
            part = [at for at in part if task.wanted[at] == task.wanted[part[0]]]
        del order[: len(part)]
        enc = tokenizer([task.texts[at] for at in part], return_tensors="pt", padding=True).to(raw.device)
        with torch.inference_mode():
            out = raw.generate(
                input_ids=enc.input_ids,
                attention_mask=enc.attention_mask,
                max_new_tokens=max(task.wanted[at] for at in part),
                do_sample=False,
            )[:, enc.input_ids.shape[1] :].cpu()
        for row, at in zip(out, part, strict=True):
            found[at] = tokenizer.decode(row[: task.wanted[at]], skip_special_tokens=True)
    return [found[at] for at in range(len(task.texts))]


def continuous(raw: Any, tokenizer: Any, task: Work) -> tuple[float, list[str]]:
    """transformers' continuous batching, all requests at once; its preparations are not counted."""
    from transformers import GenerationConfig

    settings = GenerationConfig(
        max_new_tokens=max(task.wanted), do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=0
    )
    ids = [tokenizer(text).input_ids for text in task.texts]
    found: dict[str, str] = {}
    with raw.continuous_batching_context_manager(generation_config=settings, block=True) as manager:
        _settle()
        started = time.monotonic()
        for at, size in enumerate(task.wanted):
            manager.add_request(ids[at], request_id=str(at), max_new_tokens=size)
        while len(found) < len(ids):
            result = manager.get_result(timeout=60)
            if result is None:
                raise RuntimeError("continuous batching gave no more answers")
            if result.is_finished():
                found[result.request_id] = tokenizer.decode(result.generated_tokens, skip_special_tokens=True)
        span = time.monotonic() - started
    return span, [found[str(at)] for at in range(len(ids))]


def timed(way: Callable[..., list[Any]], *words: Any) -> tuple[float, list[Any]]:
    """Seconds until a way has given all its results."""
    _settle()
    started = time.monotonic()
    found = way(*words)
    _settle()
    return time.monotonic() - started, found


def _settle() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def generation(folder: str, kinds: Sequence[str], count: int, runs: int) -> None:
    """Tokens per second of each way; the median of some runs of ours, one of each peer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from evalsuite.models.hf import HuggingFaceBaseModel

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = HuggingFaceBaseModel(folder)
    raw = AutoModelForCausalLM.from_pretrained(folder, dtype=model._base.model.dtype).to(device).eval()
    # One of its own: asked to pad once, a tokenizer goes on padding.
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    ways: dict[str, Callable[[Work], tuple[float, list[str]]]] = {
        "generate, batches of 256": lambda task: timed(batches, raw, tokenizer, task, 256, False),
        "generate, 64 of one length": lambda task: timed(batches, raw, tokenizer, task, 64, True),
    }
    if device == "cuda":
        ways["generate_batch"] = lambda task: continuous(raw, tokenizer, task)
    small = work("equal", 8)
    ours(model, small)
    batches(raw, tokenizer, small, 64, False)
    for kind in kinds:
        task = work(kind, count or KINDS[kind])
        tokens = sum(task.wanted)
        spans = [timed(ours, model, task)[0] for _ in range(runs)]
        own = statistics.median(spans)
        say(f"{kind:8s} {'ours':28s} {tokens / own:9.0f} tokens/s ({', '.join(f'{s:.2f}' for s in spans)} s)")
        for name, way in ways.items():
            if kind != "unequal" and "one length" in name:
                continue
            try:
                span, _ = way(task)
            except Exception as error:
                say(f"{kind:8s} {name:28s} does not run here: {type(error).__name__}: {str(error)[:300]}")
                continue
            speed = f"{tokens / span:9.0f} tokens/s ({span:.2f} s)"
            say(f"{kind:8s} {name:28s} {speed}; ours is {span / own:.2f}x")
    model.close()
    del raw
    exact = HuggingFaceBaseModel(folder, dtype="float32")
    raw = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(device).eval()
    task = work("unequal", min(96, count or 96))
    task = Work(task.texts, [min(64, size) for size in task.wanted])
    pairs = zip(ours(exact, task), batches(raw, tokenizer, task, 64, False), strict=True)
    same = sum(one == other for one, other in pairs)
    say(f"float32: the same text as generate's for {same} of {len(task.texts)} prompts")
    exact.close()


# --------------------------------------------------------------------------- log-likelihood
def scored(model: Any, count: int) -> list[float]:
    """evalsuite's transformers backend."""
    from evalsuite.types import Request

    asked = [Request(str(at), text, continuations=tuple(o)) for at, (text, o) in enumerate(questions(count))]
    answers = {int(answer.key): answer for answer in model.loglikelihood(iter(asked))}
    return [option.logprob for at in range(count) for option in answers[at].options]


def scored_plainly(raw: Any, tokenizer: Any, count: int, size: int = 64) -> list[float]:
    """One text per option, sorted by length, in batches; logits only where an option stands."""
    import torch

    pairs = [(text, text + option) for text, options in questions(count) for option in options]
    starts = [len(ids) for ids in tokenizer([text for text, _ in pairs]).input_ids]
    rows = tokenizer([whole for _, whole in pairs]).input_ids
    order = sorted(range(len(rows)), key=lambda at: -len(rows[at]))
    found: dict[int, float] = {}
    for begin in range(0, len(order), size):
        part = order[begin : begin + size]
        width = len(rows[part[0]])
        ids = torch.tensor([rows[at] + [0] * (width - len(rows[at])) for at in part], device=raw.device)
        keep = width - min(starts[at] for at in part) + 1
        with torch.inference_mode():
            table = raw(ids, logits_to_keep=keep).logits.float().log_softmax(-1)
            values = table[:, :-1].gather(-1, ids[:, width - keep + 1 :, None])[..., 0].tolist()
        for at, line in zip(part, values, strict=True):
            first = starts[at] - (width - keep + 1)
            found[at] = sum(line[first : first + len(rows[at]) - starts[at]])
    return [found[at] for at in range(len(rows))]


def loglikelihood(folder: str, count: int, runs: int) -> None:
    """Questions per second of both ways, and how far the numbers are from those in float32."""
    import torch
    from transformers import AutoModelForCausalLM

    from evalsuite.models.hf import HuggingFaceBaseModel

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = HuggingFaceBaseModel(folder)
    raw = AutoModelForCausalLM.from_pretrained(folder, dtype=model._base.model.dtype).to(device).eval()
    scored(model, 8)
    scored_plainly(raw, model.tokenizer, 16)
    spans = []
    for _ in range(runs):
        span, values = timed(scored, model, count)
        spans.append(span)
    own = statistics.median(spans)
    span, other = timed(scored_plainly, raw, model.tokenizer, count)
    worst = max(abs(a - b) for a, b in zip(values, other, strict=True))
    say(f"scoring  ours {count / own:.0f} questions/s ({', '.join(f'{one:.2f}' for one in spans)} s)")
    say(f"scoring  plain batches {count / span:.0f} ({span:.2f} s); ours is {span / own:.1f}x")
    say(f"scoring  the two differ by {worst:.1e} at most")
    model.close()
    del raw
    exact = HuggingFaceBaseModel(folder, dtype="float32")
    values32 = scored(exact, count)
    cpu = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    few = scored_plainly(cpu, exact.tokenizer, 2)
    exact.close()
    worst = max(abs(a - b) for a, b in zip(values, values32, strict=True))
    few_worst = max(abs(a - b) for a, b in zip(few, values32, strict=False))
    say(f"scoring  largest difference: bfloat16 to float32 {worst:.1e}, float32 to a CPU's {few_worst:.1e}")


# --------------------------------------------------------------------------- a whole run
CONFIG = """
datasets = [
    dict(
        type='JsonlDataset',
        abbr=f'part{{number}}',
        path=f'{folder}/part{{number}}.jsonl',
        reader_cfg=dict(input_columns=['prompt'], output_column='answer'),
        infer_cfg=dict(
            prompt_template=dict(type='PromptTemplate', template='{{prompt}}'),
            retriever=dict(type='ZeroRetriever'),
            inferencer=dict(type='GenInferencer', max_out_len={length}, stopping_criteria=['\\nclass ']),
        ),
        eval_cfg=dict(evaluator=dict(type='AccEvaluator')),
    )
    for number in range({parts})
]
models = [dict(type='HuggingFaceBaseModel', abbr='bench', path='{model}', run_cfg=dict(num_gpus={gpus}))]
"""


class Watch:
    """Looks every 50 ms at how busy the card is and at the rows that a run has written."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs
        self.looks: list[tuple[float, int, int]] = []
        self.ready = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        busy = _meter()
        while not self._ended.wait(0.05):
            if not self.ready and any(map(_is_loaded, self._outputs.glob("*/models/*.json"))):
                self.ready = time.monotonic()
            rows = self._outputs.glob("*/predictions/**/*.jsonl*")
            self.looks.append((time.monotonic(), busy(), sum(map(_size, rows))))

    def told(self) -> str:
        """The share of the time that the card was busy, up to the last row."""
        sizes = [size for _, _, size in self.looks]
        last = max((at for at in range(1, len(sizes)) if sizes[at] > sizes[at - 1]), default=0)
        begins = {
            "model ready": self.ready,
            "first row": next((look[0] for look in self.looks if look[2]), 0.0),
        }
        parts = []
        for name, begin in begins.items():
            shares = [share for at, share, _ in self.looks[: last + 1] if at >= begin]
            if begin and shares:
                parts.append(
                    f"from {name} to last row {self.looks[last][0] - begin:.1f} s, "
                    f"busy {statistics.mean(shares):.1f} % (least {min(shares)}), "
                    f"below 90 in {sum(share < 90 for share in shares)} of {len(shares)} looks"
                )
        return "; ".join(parts)


def _meter() -> Callable[[], int]:
    try:
        import pynvml

        pynvml.nvmlInit()
        card = pynvml.nvmlDeviceGetHandleByIndex(0)
        return lambda: int(pynvml.nvmlDeviceGetUtilizationRates(card).gpu)
    except Exception as error:
        say(f"the card's load cannot be read here: {type(error).__name__}: {error}")
        return lambda: 0


def _is_loaded(facts: Path) -> bool:
    try:
        return "architecture" in facts.read_text(encoding="utf-8")
    except OSError:
        return False


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def busy(folder: str, samples: int, length: int) -> None:
    """Ten datasets through the whole program, with one model load."""
    import torch

    place = Path(tempfile.mkdtemp(prefix="evalsuite-gpu-"))
    texts = prompts(samples * DATASETS)
    for number in range(DATASETS):
        part = texts[number * samples : (number + 1) * samples]
        lines = [json.dumps({"prompt": f"{text}# {number}", "answer": "x"}) for text in part]
        (place / f"part{number}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    gpus = int(torch.cuda.is_available())
    config = place / "bench_gpu_run.py"
    config.write_text(
        CONFIG.format(folder=place, length=length, parts=DATASETS, model=folder, gpus=gpus), encoding="utf-8"
    )
    words = [sys.executable, str(ROOT / "run.py"), str(config), "--mode", "infer", "-w", str(place / "out")]
    started = time.monotonic()
    with Watch(place / "out") as watch:
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    wall = time.monotonic() - started
    if done.returncode:
        sys.exit(f"the run failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    shape = f"{DATASETS} datasets x {samples} prompts x {length} tokens"
    say(f"busy     {shape}, {wall:.1f} s in all; {watch.told()}")


def main() -> None:
    """Measure the wanted parts, each in this process but for the whole run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1.5b", choices=sorted(SIZES))
    parser.add_argument("--parts", default="generation,loglikelihood,busy")
    parser.add_argument("--kinds", default="equal,unequal,long")
    parser.add_argument("--prompts", type=int, default=0, help="instead of each kind's own number")
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--samples", type=int, default=400, help="of each dataset of the whole run")
    parser.add_argument("--length", type=int, default=128, help="of answers of the whole run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--without-gpu", action="store_true", help="try the script itself; no figure counts")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    import torch

    if torch.cuda.is_available():
        say(f"{torch.cuda.get_device_name(0)}, torch {torch.__version__}")
    elif not options.without_gpu:
        sys.exit("there is no GPU here (torch.cuda.is_available() is false): nothing is measured")
    folder = str(
        make_qwen(Path(tempfile.gettempdir()) / f"evalsuite-bench-qwen-{options.size}", options.size)
    )
    parts = options.parts.split(",")
    if "generation" in parts:
        generation(folder, options.kinds.split(","), options.prompts, options.runs)
    if "loglikelihood" in parts:
        loglikelihood(folder, options.questions, options.runs)
    if "busy" in parts:
        busy(folder, options.samples, options.length)


if __name__ == "__main__":
    main()
