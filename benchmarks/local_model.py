"""The tiny Llama and the requests that the benchmarks of the local engines share."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SIZES = {"tiny": (256, 4, 4, 2, 688), "small": (512, 8, 8, 4, 1376)}


def make_tokenizer() -> Any:
    """A byte-level tokenizer of 8 000 tokens, trained on this program's own source."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "evalsuite").rglob("*.py"))]
    trainer = trainers.BpeTrainer(
        vocab_size=8000,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )


def make_llama(folder: Path, size: str = "tiny") -> Path:
    """A random Llama (5 or 30 million parameters) with a tokenizer of 8 000 tokens; made once."""
    if (folder / "model.safetensors").exists():
        return folder
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = make_tokenizer()
    hidden, layers, heads, groups, inner_size = SIZES[size]
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=8000,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=groups,
        intermediate_size=inner_size,
        max_position_embeddings=4096,
        initializer_range=0.05,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def questions(count: int) -> list[tuple[str, list[str]]]:
    """Questions with four options behind the same five worked examples."""
    draw = random.Random(0)

    def one(answer: bool) -> tuple[str, list[str]]:
        left, right = draw.randint(10, 99), draw.randint(10, 99)
        options = [str(left + right + shift) for shift in draw.sample(range(-9, 10), 4)]
        letters = "".join(f"{letter}. {text}\n" for letter, text in zip("ABCD", options, strict=True))
        text = f"Question: what is the sum of {left} and {right}, taken as whole numbers?\n{letters}Answer:"
        return (text + f" {options[0]}\n\n" if answer else text), [f" {option}" for option in options]

    shots = "".join(one(True)[0] for _ in range(5))
    return [(shots + text, options) for text, options in (one(False) for _ in range(count))]


def prompts(count: int) -> list[str]:
    """Prompts of 0 to 3 worked examples."""
    draw = random.Random(1)
    parts = [text for text, _ in questions(40)]
    return [
        "".join(draw.sample(parts, draw.choice([0, 0, 0, 1])))[-600:] + f"def f{at}(x):\n"
        for at in range(count)
    ]


def child(python: str, script: Path, words: list[str]) -> dict[str, Any]:
    """Run one engine in a process of its own and read the JSON line it ends with."""
    done = subprocess.run(
        [python, str(script), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


class Clock:
    """CPU and wall seconds since it was made, model loading left out."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def read(self) -> dict[str, float]:
        """Both, rounded."""
        return {
            "cpu_s": round(time.process_time() - self._cpu, 2),
            "wall_s": round(time.monotonic() - self._wall, 2),
        }
