"""The same model and requests through other engines: lm-evaluation-harness, vLLM on a CPU, vLLM's server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from evalsuite.models.hf import HuggingFaceBaseModel, HuggingFacewithChatTemplate
from evalsuite.types import Answer, Message, Request, Sampling

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROMPTS = [
    "def add(a, b):\n",
    "Question: what is 12 + 30?\nA.",
    "The quick brown fox",
    "for i in range(3):\n    ",
    "你好",
    "x",
    "Answer:",
    "if i",
]
SHOTS = "Question: what is 12 + 30?\nA. 42\nB. 13\nAnswer: A\n\n" * 3
PAIRS = [
    *((prompt, tail) for prompt in PROMPTS for tail in (" one", "two\n", " 42", "return a")),
    *((f"{SHOTS}Question: {at} + 1?\nAnswer:", tail) for at in range(8) for tail in (" A", " B", " 13 more")),
    ("def add(a, b", "):\n    return a + b\n"),
    ("trailing space ", "word"),
    ("trailing lines\n\n", "def f"),
    ("", "def add(a, b):"),
    ("", "x"),
    (SHOTS * 5, " longer than the window"),
    ("short", " " + SHOTS * 2),
]


def other_python(variable: str, folder: str, why: str) -> str:
    named = os.environ.get(variable) or str(ROOT / folder / "bin" / "python")
    if not Path(named).exists():
        pytest.skip(f"no environment with {why} (set {variable} to its python)")
    return named


def run_probe(python: str, script: str, job: Any, folder: Path) -> Any:
    asked, told = folder / "asked.json", folder / "told.json"
    asked.write_text(json.dumps(job))
    done = subprocess.run(
        [python, str(HERE / script), str(asked), str(told)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(told.read_text())


@pytest.fixture(scope="module")
def base(tiny: Path) -> Iterator[HuggingFaceBaseModel]:
    model = HuggingFaceBaseModel(str(tiny), truncation="left")
    yield model
    model.close()


def by_key(answers: Iterator[Answer]) -> dict[str, Answer]:
    return {answer.key: answer for answer in answers}


# --------------------------------------------------------------------------- lm-evaluation-harness
@pytest.mark.slow
def test_log_likelihoods_and_greedy_texts_equal_lm_eval(
    tiny: Path, base: HuggingFaceBaseModel, tmp_path: Path
) -> None:
    python = other_python("EVALSUITE_LMEVAL_PYTHON", ".venv-lmeval", "lm-eval 0.4.13")
    settings = {"max_gen_toks": 24, "do_sample": False, "until": ["\n\n"]}
    job = {
        "model": str(tiny),
        "batch_size": 4,
        "loglikelihood": PAIRS,
        "generate": [(prompt, settings) for prompt in PROMPTS],
    }
    told = run_probe(python, "lmeval_probe.py", job, tmp_path)
    prefixed = HuggingFaceBaseModel(str(tiny), prompt_prefix="<|endoftext|>")
    try:
        own: dict[int, Answer] = {}
        for model, pick in ((base, True), (prefixed, False)):
            asked = [
                Request(str(at), context, continuations=(tail,))
                for at, (context, tail) in enumerate(PAIRS)
                if bool(context) is pick
            ]
            own |= {int(key): answer for key, answer in by_key(model.loglikelihood(iter(asked))).items()}
    finally:
        prefixed.close()
    for at, (value, greedy) in enumerate(told["loglikelihood"]):
        assert own[at].error is None, PAIRS[at]
        option = own[at].options[0]
        assert option.logprob == pytest.approx(value, abs=1e-4), PAIRS[at]
        assert option.greedy == greedy, PAIRS[at]
    sampling = Sampling(max_out_len=24, stop=("\n\n",))
    texts = by_key(base.generate(Request(str(at), p, sampling) for at, p in enumerate(PROMPTS)))
    # lm-eval ends at the tokenizer's end of text alone and keeps what stands behind another end token.
    for at, text in enumerate(told["generate"]):
        answer = texts[str(at)]
        same = text.startswith(answer.text) if answer.finish == "stop" else text == answer.text
        assert same, (PROMPTS[at], text, answer.text)


# --------------------------------------------------------------------------- vLLM
def vllm_requests() -> tuple[list[Any], list[Any], list[Any]]:
    greedy = {"max_out_len": 20, "stop": ["\n\n", "re"]}
    texts = [{"key": str(at), "prompt": p, "sampling": greedy} for at, p in enumerate(PROMPTS)]
    scores = [
        {"key": str(at), "prompt": c, "continuations": [t, " other", t]}
        for at, (c, t) in enumerate(PAIRS[:-2])
    ]
    drawn = {"max_out_len": 16, "temperature": 1.0, "top_p": 0.9, "min_out_len": 8}
    draws = [{"key": str(at), "prompt": "x", "sampling": drawn, "repeat": at % 3} for at in range(6)]
    return texts, scores, draws


@pytest.fixture(scope="module")
def vllm_told(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    python = other_python("EVALSUITE_VLLM_PYTHON", ".venv-vllm", "vLLM")
    texts, scores, draws = vllm_requests()
    chat = [{"key": str(at), "prompt": [{"role": "user", "content": p}]} for at, p in enumerate(PROMPTS)]
    for one in chat:
        one["sampling"] = {"max_out_len": 12}
    text = {"type": "VLLM", "settings": {"path": str(tiny), "batch_size": 4}}
    jobs = [
        {**text, "verb": "generate", "requests": texts},
        {**text, "verb": "loglikelihood", "requests": scores},
        {**text, "verb": "generate", "requests": draws},
        {**text, "verb": "generate", "requests": [{"key": "long", "prompt": SHOTS * 20}]},
        {
            "type": "VLLMwithChatTemplate",
            "settings": {"path": str(tiny)},
            "verb": "generate",
            "requests": chat,
        },
    ]
    return run_probe(python, "vllm_probe.py", jobs, tmp_path_factory.mktemp("vllm"))


def to_requests(jobs: list[Any]) -> list[Request]:
    made = []
    for one in jobs:
        sampling = {**one.get("sampling", {})}
        sampling["stop"] = tuple(sampling.get("stop", ()))
        made.append(
            Request(
                one["key"],
                one["prompt"],
                Sampling(**sampling),
                tuple(one.get("continuations", ())),
            )
        )
    return made


@pytest.mark.vllm
def test_vllm_gives_the_same_texts_ends_and_token_counts(vllm_told: Any, base: HuggingFaceBaseModel) -> None:
    own = by_key(base.generate(iter(to_requests(vllm_requests()[0]))))
    for told in vllm_told[0]["answers"]:
        mine = own[told["key"]]
        assert (told["text"], told["finish"]) == (mine.text, mine.finish)
        assert told["prompt_tokens"] == mine.prompt_tokens
        if "stopped_by" not in told["extra"]:
            assert told["output_tokens"] == mine.output_tokens
        assert told["extra"].get("stopped_by") == mine.extra.get("stopped_by")


@pytest.mark.vllm
def test_vllm_scores_the_same_tokens_the_same(vllm_told: Any, tiny: Path) -> None:
    strict = HuggingFaceBaseModel(str(tiny))
    try:
        own = by_key(strict.loglikelihood(iter(to_requests(vllm_requests()[1]))))
    finally:
        strict.close()
    for told in vllm_told[1]["answers"]:
        mine = own[told["key"]]
        assert len(told["options"]) == len(mine.options)
        for one, other in zip(told["options"], mine.options, strict=True):
            assert one["logprob"] == pytest.approx(other.logprob, abs=1e-3)
            assert (one["tokens"], one["scored"], one["greedy"]) == (other.tokens, other.scored, other.greedy)


@pytest.mark.vllm
def test_vllm_repeats_differ_reruns_agree_and_too_long_is_told(vllm_told: Any) -> None:
    texts = {told["key"]: told["text"] for told in vllm_told[2]["answers"]}
    assert [texts[str(at)] for at in range(3)] == [texts[str(at)] for at in range(3, 6)]
    assert len({texts[str(at)] for at in range(3)}) == 3
    assert all(told["output_tokens"] >= 8 for told in vllm_told[2]["answers"])
    (long,) = vllm_told[3]["answers"]
    assert long["error"]["kind"] == "too_long"
    assert vllm_told[0]["facts"]["engine"] == "vllm"


@pytest.mark.vllm
def test_vllm_renders_messages_alike(vllm_told: Any, tiny: Path) -> None:
    chat = HuggingFacewithChatTemplate(str(tiny))
    try:
        asked = [
            Request(str(at), (Message("user", p),), Sampling(max_out_len=12)) for at, p in enumerate(PROMPTS)
        ]
        own = by_key(chat.generate(iter(asked)))
    finally:
        chat.close()
    for told in vllm_told[4]["answers"]:
        assert (told["text"], told["prompt_tokens"]) == (
            own[told["key"]].text,
            own[told["key"]].prompt_tokens,
        )


@pytest.mark.vllm
def test_vllms_own_server_agrees_in_texts_and_scores(
    tiny: Path, base: HuggingFaceBaseModel, tmp_path: Path
) -> None:
    from evalsuite.models.server import ManagedTextServer

    python = other_python("EVALSUITE_VLLM_PYTHON", ".venv-vllm", "vLLM")
    model = ManagedTextServer(
        str(tiny),
        engine="vllm",
        python=python,
        dtype="float32",
        max_seq_len=256,
        args=["--enforce-eager", "--max-num-seqs", "8"],
        env={"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "OMP_NUM_THREADS": "1"},
        start_timeout=240,
        log=str(tmp_path / "vllm.log"),
    )
    sampling = Sampling(max_out_len=16)
    asked = [Request(str(at), prompt, sampling) for at, prompt in enumerate(PROMPTS)]
    # Over the wire tokens are told apart by characters; where they merge, only token ids can say the same.
    pairs = [
        (context, tail) for context, tail in PAIRS[:20] if context.rstrip() == context and tail[0] == " "
    ]
    scored = [Request(str(at), c, continuations=(t, " other")) for at, (c, t) in enumerate(pairs)]
    try:
        texts = by_key(model.generate(iter(asked)))
        scores = by_key(model.loglikelihood(iter(scored)))
    finally:
        model.close()
    own, own_scores = by_key(base.generate(iter(asked))), by_key(base.loglikelihood(iter(scored)))
    for key, answer in own.items():
        assert texts[key].error is None, texts[key].error
        assert texts[key].text.rstrip("\ufffd") == answer.text.rstrip("\ufffd")
        assert texts[key].prompt_tokens == answer.prompt_tokens
    for key, answer in own_scores.items():
        assert scores[key].error is None, scores[key].error
        for one, other in zip(scores[key].options, answer.options, strict=True):
            assert one.logprob == pytest.approx(other.logprob, abs=1e-3)
