"""Makes the demo's data, trains its two tiny models on a CPU, and measures them without evalsuite's engine.

    python -m tools.train_demo_model data            # write data/demo/*.jsonl
    python -m tools.train_demo_model train s         # train one size into data/demo/models/s (then: train m)
    python -m tools.train_demo_model eval            # print the greedy scores of both

A micro benchmark that makes an evaluation visible in seconds. It says nothing about coding ability.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import demo_tasks
from tools.demo_tasks import END, SPECIAL_TOKENS, TURN, TURN_END, Piece

HOME = Path(__file__).resolve().parents[1] / "data" / "demo"
TRAINING_SEED = 1
TASK_SEED = 2026
VOCABULARY = 1024
WINDOW = 256
SHOTS = 3

# Qwen2's own pattern: AutoTokenizer rebuilds the tokenizer from the model type and would ignore another one.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    + TURN
    + "{{ message['role'] }}\n{{ message['content'] }}"
    + TURN_END
    + "\n{% endfor %}{% if add_generation_prompt %}"
    + TURN
    + "assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Size:
    """The shape of one model and how long it trains; heads are 32 wide, as vLLM's CPU attention asks."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    steps: int
    batch: int = 8
    rate: float = 3e-3


SIZES = {
    "s": Size(hidden=96, layers=3, heads=3, kv_heads=1, ffn=256, steps=700),
    "m": Size(hidden=128, layers=4, heads=4, kv_heads=2, ffn=384, steps=1600),
}


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_data() -> None:
    """The three files that the demo evaluates on; the same seed gives the same bytes."""
    write_rows(HOME / "microcode.jsonl", demo_tasks.code_tasks(TASK_SEED, per_level=60))
    write_rows(HOME / "arithmetic.jsonl", demo_tasks.questions(TASK_SEED, 150, held_out=True))
    write_rows(HOME / "arithmetic_train.jsonl", demo_tasks.questions(TASK_SEED, 40, held_out=False))


# ---- training ----


def make_tokenizer(documents: Sequence[str]) -> Any:
    """A byte-level BPE with Qwen2's rules and a vocabulary of the demo's own."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(documents, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=END,
        pad_token=END,
        padding_side="left",
        model_max_length=1024,
        chat_template=CHAT_TEMPLATE,
    )


def windows(tokenizer: Any, documents: Iterator[list[Piece]]) -> Iterator[tuple[list[int], list[bool]]]:
    """Training rows that begin with a whole document, END between documents; and which tokens are learned.

    No row begins in the middle of a chat: what follows a plain beginning is always a plain file, so the model
    never has a reason to close a code fence that nobody opened. Every second row begins with END, the others
    with the text itself, so that prompts work with and without it.
    """
    end = tokenizer.convert_tokens_to_ids(END)
    row: list[int] = []
    learned: list[bool] = []
    for turn in itertools.count():
        chunk = list(itertools.islice(documents, 1000))
        encoded = iter(tokenizer([text for pieces in chunk for text, _ in pieces]).input_ids)
        for place, pieces in enumerate(chunk):
            if row or (turn + place) % 2:
                learned.append(bool(row))
                row.append(end)
            for (_, learn), ids in zip(pieces, encoded, strict=False):
                row.extend(ids)
                learned.extend([learn] * len(ids))
            if len(row) > WINDOW:
                yield row[: WINDOW + 1], learned[: WINDOW + 1]
                row, learned = [], []


def new_model(size: Size, tokenizer: Any) -> Any:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=size.hidden,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            num_key_value_heads=size.kv_heads,
            intermediate_size=size.ffn,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def train(name: str, steps: int | None, out: Path) -> None:
    """Train one size and save it; on one thread, so that the result can be made again."""
    import torch
    from transformers.utils import logging

    logging.set_verbosity_error()  # the tokenizer warns of documents that are cut anyway
    size = SIZES[name]
    steps = steps or size.steps
    torch.set_num_threads(1)
    torch.manual_seed(TRAINING_SEED)
    tokenizer = make_tokenizer(list(itertools.islice(demo_tasks.training_texts(TRAINING_SEED), 8000)))
    model = new_model(size, tokenizer)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{name}: {parameters} parameters, vocabulary {len(tokenizer)}", flush=True)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=size.rate, betas=(0.9, 0.98), weight_decay=0.05, fused=True
    )
    rows = windows(tokenizer, demo_tasks.training_documents(TRAINING_SEED))
    began, wall, recent = time.process_time(), time.monotonic(), 0.0
    for step in range(steps):
        pace = min(1.0, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        tokens, learned = map(torch.tensor, zip(*itertools.islice(rows, size.batch), strict=True))
        hidden = model.model(tokens[:, :-1]).last_hidden_state[learned[:, 1:]]
        loss = torch.nn.functional.cross_entropy(model.lm_head(hidden), tokens[:, 1:][learned[:, 1:]])
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = size.rate * pace
        optimizer.step()
        recent += loss.item() / 50
        if step % 50 == 49:
            seconds = f"{time.process_time() - began:.0f} CPU s, {time.monotonic() - wall:.0f} s"
            print(f"step {step + 1}/{steps} loss {recent:.3f} {seconds}", flush=True)
            recent = 0.0
    save(model, tokenizer, out)


def save(model: Any, tokenizer: Any, out: Path) -> None:
    """Write model and tokenizer, and make sure that what users load splits texts as training did."""
    from transformers import AutoTokenizer, GenerationConfig

    model.generation_config = GenerationConfig(
        eos_token_id=[tokenizer.convert_tokens_to_ids(token) for token in (END, TURN_END)],
        pad_token_id=tokenizer.pad_token_id,
    )
    model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    for path in out.iterdir():
        path.chmod(0o644)  # weights are written for the owner alone, which would not survive packaging
    loaded = AutoTokenizer.from_pretrained(out)
    for text in itertools.islice(demo_tasks.training_texts(TRAINING_SEED + 1), 500):
        expected = tokenizer(text).input_ids
        assert loaded(text).input_ids == expected, f"the saved tokenizer splits otherwise: {text!r}"
        assert loaded.decode(expected) == text, f"the saved tokenizer does not give back: {text!r}"


# ---- measuring ----


def greedy(model: Any, tokenizer: Any, prompts: Sequence[str], most: int = 200, batch: int = 30) -> list[str]:
    """What the model writes after each prompt until it ends by itself."""
    import torch

    written = [""] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        encoded = tokenizer(
            [prompts[place] for place in places], return_tensors="pt", padding=True, padding_side="left"
        )
        with torch.inference_mode():
            ids = model.generate(
                input_ids=encoded.input_ids,
                attention_mask=encoded.attention_mask,
                max_new_tokens=most,
                do_sample=False,
            )
        texts = tokenizer.batch_decode(ids[:, encoded.input_ids.shape[1] :], skip_special_tokens=True)
        for place, text in zip(places, texts, strict=True):
            written[place] = text
    return written


def code_in(reply: str) -> str:
    """The first fenced block of a reply, or all of it."""
    _, fence, after = reply.partition("```python\n")
    return (after if fence else reply).partition("```")[0]


def code_scores(model: Any, tokenizer: Any, chat: bool, prefix: str = "") -> list[tuple[int, bool]]:
    """The level of every task, and whether what the model wrote passes its tests."""
    from evalsuite.sandbox import Limits, Sandbox

    tasks = read_rows(HOME / "microcode.jsonl")
    if chat:
        prompts = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": task["instruction"]}], tokenize=False, add_generation_prompt=True
            )
            for task in tasks
        ]
        programs = [code_in(reply) for reply in greedy(model, tokenizer, prompts)]
    else:
        prompts = [prefix + task["prompt"] for task in tasks]
        written = greedy(model, tokenizer, prompts)
        programs = [task["prompt"] + text for task, text in zip(tasks, written, strict=True)]
    with Sandbox(workers=1, min_level="weak") as sandbox:
        return [
            (
                task["level"],
                sandbox.inproc(
                    program, f"{task['test']}\ncheck({task['entry_point']})\n", limits=Limits(cpu_s=2)
                ).passed,
            )
            for task, program in zip(tasks, programs, strict=True)
        ]


def choice_scores(model: Any, tokenizer: Any, mean: bool) -> list[tuple[int, bool]]:
    """Whether the answer text of the highest log-likelihood, after a few examples, is the right one."""
    import torch

    examples = read_rows(HOME / "arithmetic_train.jsonl")[:SHOTS]
    shots = "".join(f"Question: {row['question']}\nAnswer: {row[row['answer']]}\n\n" for row in examples)
    hits = []
    for row in read_rows(HOME / "arithmetic.jsonl"):
        beginning = f"{END}{shots}Question: {row['question']}\nAnswer:"
        shared = len(tokenizer(beginning).input_ids)
        scores = {}
        for letter in "ABCD":
            ids = torch.tensor([tokenizer(f"{beginning} {row[letter]}").input_ids])
            with torch.inference_mode():
                each = (
                    model(ids[:, :-1]).logits.log_softmax(-1).gather(2, ids[:, 1:, None])[0, shared - 1 :, 0]
                )
            scores[letter] = each.mean().item() if mean else each.sum().item()
        hits.append((0, max(scores, key=scores.__getitem__) == row["answer"]))
    return hits


def told(hits: Sequence[tuple[int, bool]]) -> str:
    """A share in percent with its standard error, and the shares of the levels."""
    right = sum(hit for _, hit in hits) / len(hits)
    text = f"{100 * right:5.1f} +- {100 * math.sqrt(right * (1 - right) / len(hits)):.1f}"
    levels = sorted({level for level, _ in hits} - {0})
    shares = [[hit for at, hit in hits if at == level] for level in levels]
    return text + "".join(
        f"  L{level} {100 * sum(s) / len(s):.0f}" for level, s in zip(levels, shares, strict=True)
    )


def evaluate(folder: Path) -> None:
    """Print the greedy scores of one model."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    print(f"{folder.name} chat            {told(code_scores(model, tokenizer, chat=True))}", flush=True)
    print(f"{folder.name} base, END first {told(code_scores(model, tokenizer, chat=False, prefix=END))}")
    print(f"{folder.name} base, plain     {told(code_scores(model, tokenizer, chat=False))}", flush=True)
    print(f"{folder.name} choice, sum     {told(choice_scores(model, tokenizer, mean=False))}", flush=True)
    print(f"{folder.name} choice, mean    {told(choice_scores(model, tokenizer, mean=True))}", flush=True)


def main() -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("data", help="write the demo's data files")
    training = verbs.add_parser("train", help="train one size")
    training.add_argument("size", choices=sorted(SIZES))
    training.add_argument("--steps", type=int, help="other than the size's own number of steps")
    training.add_argument("--out", type=Path, help="other than data/demo/models/SIZE")
    measuring = verbs.add_parser("eval", help="print the scores of models")
    measuring.add_argument("folders", nargs="*", type=Path, help="default: both shipped models")
    options = parser.parse_args()
    if options.verb == "data":
        write_data()
    elif options.verb == "train":
        train(options.size, options.steps, options.out or HOME / "models" / options.size)
    else:
        for folder in options.folders or [HOME / "models" / name for name in SIZES]:
            evaluate(folder)


if __name__ == "__main__":
    main()
