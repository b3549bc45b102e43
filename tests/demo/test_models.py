"""The shipped models are small, readable by everybody, and load as what they were trained to be."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from tools import demo_tasks
from tools.train_demo_model import HOME, TRAINING_SEED

FILES = {
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
}
MODELS = [HOME / "models" / "s", HOME / "models" / "m"]
each_model = pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)


def test_the_demo_is_small_and_readable_by_all() -> None:
    files = [path for path in HOME.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 12_000_000
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in files)


@each_model
def test_a_model_ends_at_the_end_of_a_file_and_of_a_turn(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES
    vocabulary = {
        token["content"]: token["id"]
        for token in json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    }
    ends = json.loads((folder / "generation_config.json").read_text())["eos_token_id"]
    assert set(ends) == {vocabulary[demo_tasks.END], vocabulary[demo_tasks.TURN_END]}


@each_model
def test_weights_are_half_precision(folder: Path) -> None:
    raw = (folder / "model.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    assert {tensor["dtype"] for name, tensor in header.items() if name != "__metadata__"} == {"F16"}


@each_model
def test_the_tokenizer_file_gives_every_text_back(folder: Path) -> None:
    tokenizer = pytest.importorskip("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in itertools.islice(demo_tasks.training_texts(TRAINING_SEED + 2), 200):
        assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


@pytest.mark.slow
@each_model
def test_the_tokenizer_that_users_load_splits_as_the_file_says(folder: Path) -> None:
    transformers = pytest.importorskip("transformers")
    loaded = transformers.AutoTokenizer.from_pretrained(folder)
    trained = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    for text in itertools.islice(demo_tasks.training_texts(TRAINING_SEED + 2), 200):
        assert loaded(text).input_ids == trained(text).input_ids
    asked = [{"role": "user", "content": "Write a Python function add(x): Take x, add 5 to it."}]
    written = loaded.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    assert written == f"<|im_start|>user\n{asked[0]['content']}<|im_end|>\n<|im_start|>assistant\n"
