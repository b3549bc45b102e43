"""The same model and requests through other engines: lm-evaluation-harness, vLLM on a CPU, vLLM's server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from side import side_python

pytest.importorskip("torch", reason="torch is not installed")

from evalsuite.models.hf import HuggingFaceBaseModel, HuggingFacewithChatTemplate
from evalsuite.types import Answer, Message, Request, Sampling

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("agreement"), pytest.mark.timeout(900)]
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


def run_probe(python: str, program: list[str], job: Any, folder: Path) -> Any:
    asked, told = folder / "asked.json", folder / "told.json"
    asked.write_text(json.dumps(job))
    done = subprocess.run(
        [python, *program, str(asked), str(told)],
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
def test_log_likelihoods_and_greedy_texts_equal_lm_eval(
    tiny: Path, base: HuggingFaceBaseModel, tmp_path: Path
) -> None:
    python = side_python("lmeval")
    settings = {"max_gen_toks": 24, "do_sample": False, "until": ["\n\n"]}
    job = {
        "model": str(tiny),
        "batch_size": 4,
        "loglikelihood": PAIRS,
        "generate": [(prompt, settings) for prompt in PROMPTS],
    }
    told = run_probe(python, [str(HERE / "lmeval_probe.py")], job, tmp_path)
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
    python = side_python("vllm")
    texts, scores, draws = vllm_requests()
    chat = [{"key": str(at), "prompt": [{"role": "user", "content": p}]} for at, p in enumerate(PROMPTS)]
    for one in chat:
        one["sampling"] = {"max_out_len": 12}
    text = {"type": "evalsuite.models.vllm:VLLM", "settings": {"path": str(tiny), "batch_size": 4}}
    jobs = [
        {**text, "verb": "generate", "requests": texts},
        {**text, "verb": "loglikelihood", "requests": scores},
        {**text, "verb": "generate", "requests": draws},
        {**text, "verb": "generate", "requests": [{"key": "long", "prompt": SHOTS * 20}]},
        {
            "type": "evalsuite.models.vllm:VLLMwithChatTemplate",
            "settings": {"path": str(tiny)},
            "verb": "generate",
            "requests": chat,
        },
    ]
    program = ["-m", "evalsuite.verbs.backend_child"]
    return run_probe(python, program, jobs, tmp_path_factory.mktemp("vllm"))


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


def test_vllm_gives_the_same_texts_ends_and_token_counts(vllm_told: Any, base: HuggingFaceBaseModel) -> None:
    own = by_key(base.generate(iter(to_requests(vllm_requests()[0]))))
    for told in vllm_told[0]["answers"]:
        mine = own[told["key"]]
        assert (told["text"], told["finish"]) == (mine.text, mine.finish)
        assert told["prompt_tokens"] == mine.prompt_tokens
        if "stopped_by" not in told["extra"]:
            assert told["output_tokens"] == mine.output_tokens
        assert told["extra"].get("stopped_by") == mine.extra.get("stopped_by")


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


def test_vllm_repeats_differ_reruns_agree_and_too_long_is_told(vllm_told: Any) -> None:
    texts = {told["key"]: told["text"] for told in vllm_told[2]["answers"]}
    assert [texts[str(at)] for at in range(3)] == [texts[str(at)] for at in range(3, 6)]
    assert len({texts[str(at)] for at in range(3)}) == 3
    assert all(told["output_tokens"] >= 8 for told in vllm_told[2]["answers"])
    (long,) = vllm_told[3]["answers"]
    assert long["error"]["kind"] == "too_long"
    assert vllm_told[0]["facts"]["engine"] == "vllm"


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


@pytest.fixture(scope="module")
def vllm_server(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """vLLM's own server, started and ended by us, that renders messages in a named format."""
    from evalsuite.models.server import ManagedServer

    model = ManagedServer(
        str(tiny),
        engine="vllm",
        python=side_python("vllm"),
        dtype="float32",
        max_seq_len=256,
        chat_template="qwen2_5",
        args=["--enforce-eager", "--max-num-seqs", "8"],
        env={"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "OMP_NUM_THREADS": "1"},
        start_timeout=600,
        log=str(tmp_path_factory.mktemp("server") / "vllm.log"),
    )
    yield model
    model.close()


def scoring(at: int) -> Request:
    context, tail = PAIRS[at]
    return Request(str(at), context, continuations=(tail, f"{tail} too"))


def has_clean_border(request: Request, model: HuggingFaceBaseModel) -> bool:
    """Whether context and continuation are, token by token, what their text is in one piece."""
    pairs = model.prompts.pairs(request)
    assert isinstance(pairs, tuple)
    whole = [model.prompts.ids([(f"{request.prompt}{tail}", ())])[0] for tail in request.continuations]
    return [option.ids for option in pairs[1]] == whole


def test_vllms_own_server_agrees_in_texts_and_scores(vllm_server: Any, base: HuggingFaceBaseModel) -> None:
    from evalsuite.models.openai import OpenAICompletionsModel

    model = OpenAICompletionsModel(vllm_server.served_name, base_url=vllm_server.server.url, key="EMPTY")
    sampling = Sampling(max_out_len=16)
    asked = [Request(str(at), prompt, sampling) for at, prompt in enumerate(PROMPTS)]
    # A server is given text: what it cannot be told is a border inside one of the text's own tokens.
    scored = [request for request in map(scoring, range(59)) if has_clean_border(request, base)]
    assert len(scored) > 25
    assert any(str(request.prompt).endswith(" ") for request in scored)
    texts = by_key(model.generate(iter(asked)))
    scores = by_key(model.loglikelihood(iter(scored)))
    model.close()
    own, own_scores = by_key(base.generate(iter(asked))), by_key(base.loglikelihood(iter(scored)))
    for key, answer in own.items():
        assert texts[key].error is None, texts[key].error
        assert texts[key].text.rstrip("\ufffd") == answer.text.rstrip("\ufffd")
        assert texts[key].prompt_tokens == answer.prompt_tokens
    for key, answer in own_scores.items():
        assert scores[key].error is None, scores[key].error
        for one, other in zip(scores[key].options, answer.options, strict=True):
            assert one.logprob == pytest.approx(other.logprob, abs=1e-3), PAIRS[int(key)]


def test_a_named_chat_format_is_the_same_behind_vllms_server(vllm_server: Any, tiny: Path) -> None:
    asked = [
        Request(str(at), (Message("user", text),), Sampling(max_out_len=24))
        for at, text in enumerate(PROMPTS)
    ]
    served = by_key(vllm_server.generate(iter(asked)))
    chat = HuggingFacewithChatTemplate(str(tiny), chat_template="qwen2_5")
    try:
        direct = by_key(chat.generate(iter(asked)))
    finally:
        chat.close()
    for key, answer in direct.items():
        assert served[key].error is None, served[key].error
        assert served[key].text.rstrip("\ufffd") == answer.text.rstrip("\ufffd")
        assert served[key].prompt_tokens == answer.prompt_tokens
    assert vllm_server.facts().details["template"] == "format qwen2_5"


# --------------------------------------------------------------------------- transformers serve
def test_transformers_serve_agrees_with_the_model_in_process(tiny: Path, tmp_path: Path) -> None:
    from evalsuite.models.server import ManagedServer

    asked = [
        Request(str(at), (Message("user", text),), Sampling(max_out_len=12))
        for at, text in enumerate(["def add", "The quick", "12 + 30", "你好"])
    ]
    model = ManagedServer(
        str(tiny),
        engine="transformers",
        python=side_python("vllm"),
        dtype="float32",
        log=str(tmp_path / "log"),
        env={"HF_HUB_OFFLINE": "1"},
    )
    try:
        served = by_key(model.generate(iter(asked)))
    finally:
        model.close()
    chat = HuggingFacewithChatTemplate(str(tiny))
    try:
        direct = by_key(chat.generate(iter(asked)))
    finally:
        chat.close()
    for key, answer in direct.items():
        assert served[key].error is None, served[key].error
        assert served[key].text.strip("\ufffd") == answer.text.strip("\ufffd")


# --------------------------------------------------------------------------- the user's own comparison
def test_doctor_finds_that_all_backends_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from evalsuite.cli import main

    python = side_python("vllm")
    named = ("vllm", "vllm-serve", "transformers-serve")
    words = [word for name in named for word in ("--python", f"{name}={python}")]
    model = str(ROOT / "data" / "demo" / "models" / "m")
    status = main(
        ["doctor", "--compare-backends", model, "--backends", ",".join(("transformers", *named)), *words]
    )
    told = capsys.readouterr().out
    assert status == 0, told
    assert told.count("texts 12 of 12 equal") == 3
    assert told.count("token ids 12 of 12 equal") == 2
    assert told.count("log-likelihoods 12 of 12 equal") == 1
    assert told.count("log-likelihoods 9 of 9 equal") == 1
    assert told.count("log-likelihoods not offered") == 1
