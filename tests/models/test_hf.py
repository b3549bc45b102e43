"""The transformers backend against the plainest possible use of the same model: one text at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from evalsuite.models.hf import HuggingFaceBaseModel  # noqa: E402
from evalsuite.types import Answer, Request, Sampling  # noqa: E402

PROMPTS = [
    "def add(a, b):\n",
    "Question: what is 12 + 30?\nA.",
    "The quick brown fox",
    "for i in range(3):\n    ",
    "你好",
    "x",
    "def add(a, b):\n    return a + b\n" * 4,
    "Answer:",
    "if i",
]


@pytest.fixture(scope="session")
def base(tiny: Path) -> Iterator[HuggingFaceBaseModel]:
    model = HuggingFaceBaseModel(str(tiny), batch_size=4)
    yield model
    model.close()


def ask(model: Any, requests: list[Request]) -> dict[str, Answer]:
    answers = {answer.key: answer for answer in model.generate(iter(requests))}
    assert len(answers) == len(requests)
    return answers


def score(model: Any, requests: list[Request]) -> dict[str, Answer]:
    answers = {answer.key: answer for answer in model.loglikelihood(iter(requests))}
    assert len(answers) == len(requests)
    return answers


def naive_text(model: Any, prompt: str, length: int, **options: Any) -> str:
    ids = model.tokenizer(prompt, return_tensors="pt").input_ids
    out = model._base.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=length,
        do_sample=False,
        pad_token_id=0,
        eos_token_id=sorted(model._ends),
        **options,
    )[0, ids.shape[1] :]
    return str(model.tokenizer.decode(out, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def naive_score(model: Any, context: str, continuation: str) -> float:
    head = model.tokenizer(context.rstrip()).input_ids
    ids = head + model.tokenizer(context + continuation).input_ids[len(head) :]
    with torch.inference_mode():
        table = model._base.model(torch.tensor([ids])).logits[0].log_softmax(-1)
    return sum(float(table[at - 1, ids[at]]) for at in range(max(1, len(head)), len(ids)))


def test_greedy_texts_equal_one_by_one_generation(base: HuggingFaceBaseModel) -> None:
    lengths = [3, 17, 40, 25, 1, 33, 9, 28, 12]
    requests = [
        Request(str(at), prompt, Sampling(max_out_len=lengths[at % 9]))
        for at, prompt in enumerate(PROMPTS * 3)
    ]
    answers = ask(base, requests)
    assert not base._why, "the tiny model must run in the fast loop"
    for request in requests:
        answer = answers[request.key]
        assert answer.text == naive_text(base, request.prompt, request.sampling.max_out_len)
        assert answer.finish == ("length" if answer.output_tokens == request.sampling.max_out_len else "stop")


def test_whole_options_and_shared_beginnings_score_as_one_by_one(base: HuggingFaceBaseModel) -> None:
    shots = "Question: what is 12 + 30?\nA. 42\nB. 13\nAnswer: A\n\n" * 3
    requests = []
    for at in range(12):
        context = f"{shots}Question: what is {at} + {at * 7}?\nAnswer:"
        requests.append(Request(f"shared{at}", context, continuations=(" 42", " 13 and more", " A", " B")))
    for at, prompt in enumerate(PROMPTS):
        requests.append(Request(f"alone{at}", prompt, continuations=(" one", "two\n")))
        requests.append(Request(f"whole{at}", "", continuations=(prompt + "yes", shots + prompt + " no")))
    answers = score(base, requests)
    for request in requests:
        answer = answers[request.key]
        assert answer.finish == "scored"
        for text, option in zip(request.continuations, answer.options, strict=True):
            assert option.logprob == pytest.approx(naive_score(base, str(request.prompt), text), abs=1e-4)
            assert option.tokens - option.scored == (0 if request.prompt else 1)
