"""The transformers backend against the plainest possible use of the same model: one text at a time."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from evalsuite.errors import UserError  # noqa: E402
from evalsuite.models.hf import HuggingFaceBaseModel, HuggingFacewithChatTemplate  # noqa: E402
from evalsuite.models.prompts import Prompts  # noqa: E402
from evalsuite.types import Answer, Failure, Message, Request, Sampling  # noqa: E402

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


def test_sampling_repeats_differ_and_reruns_agree_whatever_the_neighbours(base: HuggingFaceBaseModel) -> None:
    sampling = Sampling(max_out_len=24, temperature=1.0, top_p=0.95, top_k=50)
    repeats = [Request(f"r{at}", PROMPTS[0], sampling, repeat=at) for at in range(4)]
    crowd = [Request(f"c{at}", prompt, sampling) for at, prompt in enumerate(PROMPTS)]
    alone = ask(base, repeats)
    again = ask(base, crowd + repeats)
    assert len({answer.text for answer in alone.values()}) == 4
    assert all(again[key].text == answer.text for key, answer in alone.items())
    seeded = [
        Request("s", PROMPTS[0], Sampling(max_out_len=24, temperature=1.0, seed=seed)) for seed in (1, 2)
    ]
    assert len({ask(base, [one])["s"].text for one in seeded}) == 2


def test_draws_follow_the_probabilities_and_their_limits() -> None:
    from evalsuite.models.hf_rows import Knobs, draw

    chances = torch.tensor([0.5, 0.3, 0.15, 0.05])
    uniform = [(at + 0.5) / 1000 for at in range(1000)]

    def shares(knob: Knobs) -> list[float]:
        picked = draw(chances.log().expand(1000, 4), [knob] * 1000, uniform)
        return [float((picked == token).float().mean()) for token in range(4)]

    assert shares(Knobs(temperature=1.0)) == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=2e-3)
    assert shares(Knobs(temperature=1.0, top_k=2)) == pytest.approx([0.625, 0.375, 0, 0], abs=2e-3)
    assert shares(Knobs(temperature=1.0, top_p=0.8)) == pytest.approx([0.625, 0.375, 0, 0], abs=2e-3)
    assert shares(Knobs(temperature=1.0, top_p=0.81)) == pytest.approx(
        [0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0], abs=2e-3
    )
    assert shares(Knobs(temperature=1.0, min_p=0.4)) == pytest.approx([0.625, 0.375, 0, 0], abs=2e-3)
    assert shares(Knobs(temperature=1e-4))[0] == 1.0


def test_stop_strings_cut_exactly_and_say_which(base: HuggingFaceBaseModel) -> None:
    free = ask(base, [Request("f", prompt, Sampling(max_out_len=40)) for prompt in PROMPTS[:1]])["f"].text
    assert len(free) > 12
    for begin, end in itertools.combinations(range(4, 10), 2):
        stop = free[begin:end]
        answer = ask(base, [Request("s", PROMPTS[0], Sampling(max_out_len=40, stop=("never", stop)))])["s"]
        assert answer.text == free[: free.index(stop)]
        assert (answer.finish, answer.extra["stopped_by"]) == ("stop", stop)


def test_a_special_token_given_as_stop_word_ends_the_text(tiny: Path) -> None:
    model = HuggingFaceBaseModel(str(tiny), stop_words=["<|im_start|>"])
    try:
        assert model.tokenizer.convert_tokens_to_ids("<|im_start|>") in model._ends
    finally:
        model.close()


def test_min_out_len_holds_back_every_end(base: HuggingFaceBaseModel) -> None:
    prompts = [f"{text}{at}" for at in range(12) for text in ("def ", "x = ", "你")]
    short = ask(base, [Request(p, p, Sampling(max_out_len=60)) for p in prompts])
    early = [key for key, answer in short.items() if answer.finish == "stop" and answer.output_tokens < 30]
    assert early, "some of these random texts must end by themselves"
    held = ask(base, [Request(p, p, Sampling(max_out_len=60, min_out_len=30)) for p in early])
    assert all(answer.output_tokens >= 30 for answer in held.values())


def test_repetition_penalty_equals_transformers(base: HuggingFaceBaseModel) -> None:
    for prompt in PROMPTS[:5]:
        sampling = Sampling(max_out_len=20, repetition_penalty=1.3)
        answer = ask(base, [Request("p", prompt, sampling)])["p"]
        assert answer.text == naive_text(base, prompt, 20, repetition_penalty=1.3)


def test_an_unknown_parameter_is_refused_not_ignored(base: HuggingFaceBaseModel) -> None:
    sampling = Sampling(extra={"mirostat": 2})
    answer = ask(base, [Request("u", "x", sampling), Request("ok", "x", Sampling(max_out_len=2))])["u"]
    assert answer.error is not None
    assert (answer.finish, answer.error.kind) == ("error", "unsupported")


def test_too_long_prompts_fail_by_default_and_are_cut_when_asked(tiny: Path) -> None:
    long = "def add(a, b):\n    return a + b\n" * 60
    request = [Request("l", long, Sampling(max_out_len=10))]
    for truncation, check in (("error", None), ("left", "left"), ("middle", "middle")):
        model = HuggingFaceBaseModel(str(tiny), truncation=truncation)
        try:
            answer = ask(model, request)["l"]
            if check is None:
                assert answer.error is not None
                assert answer.error.kind == "too_long"
                assert str(model.prompts.window) in answer.error.message
            else:
                assert answer.extra["truncated_prompt"] is True
                assert answer.prompt_tokens == 246
            scored = score(model, [Request("l", long, continuations=(" end",))])["l"]
            assert (scored.error is None) == (truncation != "error")
        finally:
            model.close()


def test_output_is_limited_by_the_window_and_says_so(base: HuggingFaceBaseModel) -> None:
    prompt = PROMPTS[6] * 4
    answer = ask(base, [Request("w", prompt, Sampling(max_out_len=1000, min_out_len=1000))])["w"]
    assert answer.prompt_tokens + answer.output_tokens == 256
    assert answer.finish == "length"
    assert answer.extra["window_limit"] == 256 - answer.prompt_tokens


def test_running_out_of_memory_halves_the_batch_and_loses_nothing(
    base: HuggingFaceBaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalsuite.models.hf_net import Net

    requests = [Request(str(at), PROMPTS[at % 9], Sampling(max_out_len=5 + at)) for at in range(20)]
    sampled = [Request(f"s{at}", "x", Sampling(max_out_len=9, temperature=1.0), repeat=at) for at in range(6)]
    scores = [Request(str(at), PROMPTS[at % 9], continuations=(" a", " b", f" {at}")) for at in range(20)]
    calm, calm_scores = ask(base, requests + sampled), score(base, scores)
    forward, calls = Net.forward, []

    def tight(self: Net, ids: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(ids.shape[0])
        if ids.shape[0] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory (pretended)")
        return forward(self, ids, *args, **kwargs)

    monkeypatch.setattr(Net, "forward", tight)
    tight_answers, tight_scores = ask(base, requests + sampled), score(base, scores)
    assert max(calls) > 2
    assert {key: answer.text for key, answer in tight_answers.items()} == {
        key: answer.text for key, answer in calm.items()
    }
    for key, answer in calm_scores.items():
        for one, other in zip(answer.options, tight_scores[key].options, strict=True):
            assert one.logprob == pytest.approx(other.logprob, abs=1e-4)

    def never(self: Net, ids: Any, *args: Any, **kwargs: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory (pretended)")

    monkeypatch.setattr(Net, "forward", never)
    for answer in (*ask(base, requests[:3]).values(), *score(base, scores[:3]).values()):
        assert answer.error is not None
        assert answer.error.kind == "out_of_memory"


def test_an_endless_stream_is_pulled_only_as_fast_as_it_is_answered(base: HuggingFaceBaseModel) -> None:
    pulled = 0

    def endless() -> Iterator[Request]:
        nonlocal pulled
        while True:
            pulled += 1
            yield Request(str(pulled), PROMPTS[pulled % 9], Sampling(max_out_len=3))

    for verb in (base.generate, lambda stream: base.loglikelihood(as_scores(stream))):
        pulled = 0
        got = list(itertools.islice(verb(endless()), 50))
        assert len({answer.key for answer in got}) == 50
        assert pulled <= 50 + 2 * 256


def as_scores(stream: Iterator[Request]) -> Iterator[Request]:
    for request in stream:
        yield Request(request.key, request.prompt, continuations=(" a", " b"))


def test_no_option_is_scored_with_another_ones_tokens(base: HuggingFaceBaseModel) -> None:
    options = (" one two three", " one two three", " one", "", " completely different text", " B")
    answer = score(base, [Request("o", "Answer:", continuations=options)])["o"]
    assert answer.options[0] == answer.options[1]
    assert answer.options[3].logprob == 0.0
    assert answer.options[3].tokens == 0
    for text, option in zip(options, answer.options, strict=True):
        assert option.logprob == pytest.approx(naive_score(base, "Answer:", text), abs=1e-4)


def test_greedy_flag_is_true_exactly_for_the_greedy_text(base: HuggingFaceBaseModel) -> None:
    head = base.tokenizer("The quick brown fox").input_ids
    out = base._base.model.generate(
        torch.tensor([head]), max_new_tokens=3, do_sample=False, pad_token_id=0, eos_token_id=None
    )[0].tolist()
    from evalsuite.models.hf_score import Job, Scorer
    from evalsuite.models.prompts import Option

    assert not base._plain()
    job = Job("", [Option(out, len(head), 3), Option([*out[:-1], (out[-1] + 1) % 300], len(head), 3)])
    next(iter(Scorer(base._net, 4).run([job])))
    assert job.scores is not None
    assert [one.greedy for one in job.scores] == [True, False]


def test_one_long_text_is_scored_in_pieces(
    base: HuggingFaceBaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalsuite.models import hf_prefix, hf_score

    text = PROMPTS[6] * 3
    expected = naive_score(base, "", text)
    for chunk, rows in ((7, 20), (64, 50)):
        monkeypatch.setattr(hf_prefix, "PREFIX_CHUNK", chunk)
        monkeypatch.setattr(hf_score, "ROW_TOKENS", {"cpu": rows})
        answer = score(base, [Request("t", "", continuations=(text,))])["t"]
        assert answer.options[0].logprob == pytest.approx(expected, abs=1e-3)
        assert answer.options[0].tokens == answer.options[0].scored + 1


def test_a_prefix_goes_before_every_prompt(tiny: Path) -> None:
    model = HuggingFaceBaseModel(str(tiny), prompt_prefix="<|endoftext|>")
    try:
        text = "def add(a, b):"
        answer = score(model, [Request("p", "", continuations=(text,))])["p"]
        assert answer.options[0].tokens == answer.options[0].scored
        assert answer.options[0].logprob == pytest.approx(naive_score(model, "<|endoftext|>", text), abs=1e-4)
        assert model.count_tokens(text) == 1 + len(model.tokenizer(text).input_ids)
    finally:
        model.close()


def test_the_plain_loop_means_the_same(tiny: Path, base: HuggingFaceBaseModel) -> None:
    plain = HuggingFaceBaseModel(str(tiny), engine="plain", batch_size=3)
    try:
        requests = [
            Request(str(at), prompt, Sampling(max_out_len=8 + at)) for at, prompt in enumerate(PROMPTS)
        ]
        requests += [
            Request(f"s{at}", prompt, Sampling(max_out_len=15, temperature=0.8, top_p=0.9, stop=("e",)))
            for at, prompt in enumerate(PROMPTS)
        ]
        one, other = ask(plain, requests), ask(base, requests)
        for key, answer in one.items():
            mine = (answer.text, answer.finish, answer.output_tokens)
            assert mine == (other[key].text, other[key].finish, other[key].output_tokens)
        scores = [Request(str(at), prompt, continuations=(" a", "b c")) for at, prompt in enumerate(PROMPTS)]
        left, right = score(plain, scores), score(base, scores)
        for key, answer in left.items():
            for a, b in zip(answer.options, right[key].options, strict=True):
                assert a.logprob == pytest.approx(b.logprob, abs=1e-4)
        assert "plain" in str(plain.facts().details["loop"])
    finally:
        plain.close()


@pytest.mark.parametrize(
    "changes", [{"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 0}]
)
def test_an_architecture_that_slots_cannot_hold_is_found_out(
    tmp_path: Path, changes: dict[str, Any], make: Any
) -> None:
    folder = make(tmp_path / "sliding", **changes)
    model = HuggingFaceBaseModel(str(folder))
    try:
        prompt = PROMPTS[6]
        answer = ask(model, [Request("a", prompt, Sampling(max_out_len=12))])["a"]
        assert answer.text == naive_text(model, prompt, 12)
        assert any("slower" in warning for warning in model.facts().warnings)
    finally:
        model.close()


# --------------------------------------------------------------------------- chat


def test_a_text_for_a_chat_model_is_what_a_base_model_reads_and_messages_are_not() -> None:
    """With a tokenizer that begins every text with a token of its own, as Llama's does."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = {"<s>": 0, "a": 1, "b": 2, "?": 3}
    core = Tokenizer(models.WordLevel(words, unk_token="?"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>")
    tokenizer.chat_template = "{{ bos_token }} {% for m in messages %}{{ m.content }} {% endfor %}"
    chat = Prompts(tokenizer, "messages", "here")
    said = (Message("user", "a b"),)
    assert chat.ids([("a b", ())]) == Prompts(tokenizer, "text", "here").ids([("a b", ())]) == [[0, 1, 2]]
    assert chat.ids([(said, ())]) == [[0, 1, 2]]
    assert chat.ids([(said, ()), ("b", ()), (said, ())]) == [[0, 1, 2], [0, 2], [0, 1, 2]]
    both = [Request("k", "a", continuations=(" b",)), Request("k", said, continuations=(" a",))]
    found = [each for each in chat.many_pairs(both) if not isinstance(each, Failure)]
    assert [(length, options[0].ids) for length, options, _ in found] == [(2, [0, 1, 2]), (3, [0, 1, 2, 1])]


def test_messages_are_rendered_by_the_template_and_continued_when_the_assistant_began(tiny: Path) -> None:
    model = HuggingFacewithChatTemplate(str(tiny), system="be brief")
    try:
        asked = (Message("user", "add 1 and 2"),)
        assert model.prompts.text(asked) == (
            "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nadd 1 and 2<|im_end|>\n"
            "<|im_start|>assistant\n"
        )
        begun = (*asked, Message("assistant", "It is"))
        assert model.prompts.text(begun).endswith("<|im_start|>assistant\nIt is")
        answer = ask(model, [Request("c", asked, Sampling(max_out_len=6))])["c"]
        assert answer.prompt_tokens == model.count_tokens(asked)
        facts = model.facts()
        assert {"<|endoftext|>", "<|im_end|>"} <= set(facts.details["stop_tokens"])
        assert (facts.context, facts.details["tokenizer"]) == (256, "Qwen2Tokenizer")
    finally:
        model.close()


def test_a_template_of_the_config_is_used_and_the_difference_told(tiny: Path, tmp_path: Path) -> None:
    text = "{% for m in messages %}### {{ m['content'] }}\n{% endfor %}"
    (tmp_path / "own.jinja").write_text(text)
    for given in (text, str(tmp_path / "own.jinja")):
        model = HuggingFacewithChatTemplate(str(tiny), chat_template=given)
        try:
            assert model.prompts.text((Message("user", "hi"),)) == "### hi\n"
            assert any("differs" in warning for warning in model.facts().warnings)
        finally:
            model.close()
    with pytest.raises(UserError, match="neither a format"):
        HuggingFacewithChatTemplate(str(tiny), chat_template="chatmll")


# --------------------------------------------------------------------------- loading
def test_mistakes_are_told_in_one_line(tiny: Path, tmp_path: Path) -> None:
    for settings, words in (
        ({"path": str(tmp_path / "nothing")}, "no model can be loaded"),
        ({"path": str(tiny), "model_kwargs": {"load_in_9bit": True}}, "load_in_9bit"),
        ({"path": str(tiny), "rope_scaling": {"type": "yarm", "factor": 2}}, "did you mean 'yarn'"),
        ({"path": str(tiny), "generation_kwargs": {"temprature": 1}}, "did you mean 'temperature'"),
        ({"path": str(tiny), "truncation": "right"}, "unknown truncation"),
        ({"path": str(tiny), "dtype": "float9"}, "unknown dtype"),
        ({"path": str(tiny), "peft_path": str(tmp_path)}, "adapter"),
        ({}, "no model to load"),
    ):
        with pytest.raises(UserError, match=words):
            HuggingFaceBaseModel(**settings)


def test_position_scaling_keeps_the_checkpoints_base_frequency(
    tiny: Path, base: HuggingFaceBaseModel
) -> None:
    scaled = HuggingFaceBaseModel(str(tiny), rope_scaling={"type": "yarn", "factor": 4.0})
    try:
        assert scaled.prompts.window == 1024
        assert any("short prompts" in warning for warning in scaled.facts().warnings)
        theta = base._base.model.config.rope_parameters["rope_theta"]
        assert scaled._base.model.config.rope_parameters["rope_theta"] == theta
        request = [Request("s", PROMPTS[6], continuations=(" x",))]
        one, other = score(base, request)["s"], score(scaled, request)["s"]
        assert one.options[0].logprob != pytest.approx(other.options[0].logprob, abs=1e-3)
    finally:
        scaled.close()


def test_generation_kwargs_fill_what_a_request_leaves_open(tiny: Path) -> None:
    model = HuggingFaceBaseModel(
        str(tiny), generation_kwargs={"do_sample": True, "temperature": 0.7, "top_k": 5, "max_new_tokens": 4}
    )
    try:
        row = model._row(Request("g", "x", Sampling(top_k=9, extra={"min_p": 0.1})), [5, 6])
        knobs = row.knobs
        assert (knobs.temperature, knobs.top_k, knobs.min_p, row.limit) == (0.7, 9, 0.1, 4)
    finally:
        model.close()


def test_generation_kwargs_of_opencompass_mean_the_same_on_their_way_through_a_run(tiny: Path) -> None:
    from evalsuite.plan import sampling_of

    plain = HuggingFaceBaseModel(str(tiny))
    prompt = plain.tokenizer(PROMPTS[0], return_tensors="pt").input_ids
    out = plain._base.model.generate(prompt, max_new_tokens=12, do_sample=False, pad_token_id=0)
    written = out[0, prompt.shape[1] :].tolist()
    plain.close()
    end = written[4]
    given = {
        "eos_token_id": [end],
        "pad_token_id": 0,
        "num_beams": 1,
        "max_new_tokens": 7,
        "do_sample": False,
    }
    model = HuggingFaceBaseModel(str(tiny), generation_kwargs=given)
    sampling = sampling_of({"generation_kwargs": given, "max_out_len": 12})
    answers = ask(
        model, [Request("a", PROMPTS[0], sampling), Request("b", "x", Sampling(extra={"num_beams": 2}))]
    )
    model.close()
    assert answers["a"].error is None
    assert (answers["a"].finish, answers["a"].output_tokens) == ("stop", written.index(end) + 1)
    assert answers["b"].error is not None


def test_a_base_is_loaded_once_and_adapters_are_switched(tiny: Path, tmp_path: Path, make: Any) -> None:
    peft = pytest.importorskip("peft", reason="peft is not installed")
    from transformers import AutoModelForCausalLM

    folders = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        plain = AutoModelForCausalLM.from_pretrained(tiny)
        tuned = peft.get_peft_model(
            plain, peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
        )
        folder = tmp_path / f"checkpoint-{seed}"
        tuned.save_pretrained(folder)
        folders.append(folder)
    request = [Request("a", PROMPTS[6], continuations=(" x y z",))]
    models = [
        HuggingFaceBaseModel(str(tiny)),
        HuggingFaceBaseModel(str(tiny), peft_path=str(folders[0])),
        HuggingFaceBaseModel(str(tiny), peft_path=str(folders[1])),
    ]
    try:
        assert models[0]._base is models[1]._base is models[2]._base
        first = [score(model, request)["a"].options[0].logprob for model in models]
        again = [score(model, request)["a"].options[0].logprob for model in reversed(models)][::-1]
        assert first == again
        assert len({round(value, 2) for value in first}) == 3
        merged = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), folders[1])
        merged.merge_and_unload().save_pretrained(tmp_path / "merged")
        models[0].tokenizer.save_pretrained(tmp_path / "merged")
        alone = HuggingFaceBaseModel(str(tmp_path / "merged"))
        assert score(alone, request)["a"].options[0].logprob == pytest.approx(first[2], abs=1e-4)
        alone.close()
    finally:
        for model in models:
            model.close()


def test_an_ms_swift_folder_fills_in_model_and_system(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "v0" / "checkpoint-10"
    peft = pytest.importorskip("peft", reason="peft is not installed")
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(tiny)
    peft.get_peft_model(plain, peft.LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(folder)
    (folder / "args.json").write_text(
        json.dumps({"model": str(tiny), "template": "qwen2_5", "system": "You sort texts."})
    )
    for settings in ({"path": str(folder)}, {"peft_path": str(folder)}):
        model = HuggingFacewithChatTemplate(**settings)
        try:
            assert model.facts().details["path"] == str(tiny)
            assert model.prompts.text((Message("user", "x"),)).startswith(
                "<|im_start|>system\nYou sort texts.<|im_end|>"
            )
        finally:
            model.close()


def test_importing_the_backend_loads_no_torch() -> None:
    code = (
        "import sys\nimport evalsuite.models.hf, evalsuite.models.vllm, evalsuite.models.server\n"
        "bad = {'torch', 'transformers', 'vllm', 'numpy'} & set(sys.modules)\nassert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_named_chat_format_takes_the_place_of_the_tokenizers_template(tiny: Path) -> None:
    model = HuggingFacewithChatTemplate(str(tiny), chat_template="qwen2_5")
    text = model.prompts.text((Message("user", "hello"),))
    assert text.startswith("<|im_start|>system\nYou are Qwen") and text.endswith("<|im_start|>assistant\n")
    assert "<|im_end|>" in model._stop_words and model.prompts.template_source == "format qwen2_5"
    with pytest.raises(UserError, match="qwen2_5"):
        HuggingFacewithChatTemplate(str(tiny), chat_template="qwen25")
