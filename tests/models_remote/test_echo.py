"""Echo models: deterministic answers, and faults that happen when and as often as the config says."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evalsuite.errors import UserError
from evalsuite.models.echo import EchoChatModel, EchoModel
from evalsuite.types import Message, Request, Sampling

ROOT = Path(__file__).resolve().parents[2]


def requests(n: int, **fields: Any) -> list[Request]:
    return [Request(f"k{i}", f"question {i}\nAnswer: {i * i}\nend", **fields) for i in range(n)]


def texts(model: EchoModel, asked: list[Request]) -> list[str]:
    return [answer.text for answer in model.generate(asked)]


def test_modes_answer_from_the_prompt() -> None:
    asked = requests(2)
    assert texts(EchoModel(), asked) == [request.prompt for request in asked]
    assert texts(EchoModel(mode="field", field="Answer:"), asked) == ["0", "1"]
    assert texts(EchoModel(mode="constant", text="yes"), asked) == ["yes", "yes"]
    assert set(texts(EchoModel(mode="choice", choices="XY"), requests(50))) == {"X", "Y"}


def test_hash_mode_depends_on_prompt_seed_and_repeat_only() -> None:
    model = EchoModel(mode="hash")
    first, again = texts(model, requests(3)), texts(EchoModel(mode="hash"), requests(3))
    assert first == again
    assert (
        len(
            {
                *first,
                *texts(model, requests(3, repeat=1)),
                *texts(model, requests(3, sampling=Sampling(seed=7))),
            }
        )
        == 9
    )


def test_stop_strings_and_length_end_a_text() -> None:
    model = EchoModel()
    (cut,) = model.generate([Request("a", "one two\nthree", Sampling(stop=("\n",)))])
    assert (cut.text, cut.finish) == ("one two", "stop")
    (short,) = model.generate([Request("a", "abcdefghijkl", Sampling(max_out_len=2))])
    assert (short.text, short.finish, short.output_tokens) == ("abcdefgh", "length", 2)


def test_a_prompt_longer_than_the_window_fails_alone() -> None:
    answers = list(EchoModel(max_seq_len=10).generate([Request("a", "x" * 100), Request("b", "x")]))
    assert [answer.error.kind if answer.error else "" for answer in answers] == ["too_long", ""]


def test_loglikelihood_is_deterministic_and_knows_the_right_option() -> None:
    asked = Request("k", "Q\nAnswer: 4", continuations=(" 3", " 4", " 5"))
    (one,), (two,) = (EchoModel().loglikelihood([asked]) for _ in range(2))
    assert one == two
    assert len({score.logprob for score in one.options}) == 3
    (told,) = EchoModel(mode="field", field="Answer:").loglikelihood([asked])
    assert [score.greedy for score in told.options] == [False, True, False]
    assert max(told.options, key=lambda score: score.logprob) is told.options[1]
    assert told.finish == "scored"


def test_chat_model_reads_the_last_user_message() -> None:
    prompt = (Message("system", "be"), Message("user", "hello"), Message("assistant", "pre"))
    assert EchoChatModel.prompt_kind == "messages"
    (answer,) = EchoChatModel().generate([Request("k", prompt)])
    assert answer.text == "hello"


def test_latency_overlaps_up_to_the_concurrency_and_answers_come_as_they_end() -> None:
    model = EchoModel(latency=0.05, latency_jitter=0.04, concurrency=40)
    started = time.monotonic()
    keys = [answer.key for answer in model.generate(requests(40))]
    assert time.monotonic() - started < 1.9  # one after the other would be 2 s
    assert sorted(keys) == sorted(request.key for request in requests(40))
    assert keys != [request.key for request in requests(40)]


def test_requests_are_pulled_only_as_fast_as_they_are_worked_on() -> None:
    pulled = []

    def stream() -> Any:
        for request in requests(100):
            pulled.append(request.key)
            yield request

    answers = EchoModel(latency=0.001, concurrency=4).generate(stream())
    next(answers)
    assert len(pulled) <= 5


def test_error_rate_picks_the_same_requests_each_time_and_recovers() -> None:
    model = EchoModel(faults={"error_rate": 0.2, "fail_times": 2})
    runs = [{a.key for a in model.generate(requests(200)) if a.error} for _ in range(3)]
    assert runs[0] == runs[1]
    assert 20 <= len(runs[0]) <= 60
    assert runs[2] == set()


def test_error_every_and_error_on() -> None:
    errors = [bool(a.error) for a in EchoModel(faults={"error_every": 3}).generate(requests(6))]
    assert errors == [False, False, True, False, False, True]
    (bad,) = EchoModel(faults={"error_on": "poison", "transient": False}).generate([Request("k", "poison")])
    assert bad.error is not None
    assert not bad.error.transient


def test_lost_and_repeated_answers() -> None:
    assert not list(EchoModel(faults={"lose_rate": 1.0}).generate(requests(3)))
    assert len(list(EchoModel(faults={"repeat_rate": 1.0}).generate(requests(3)))) == 6


def test_a_refused_key_raises() -> None:
    answers = EchoModel(faults={"refuse_after": 2}).generate(requests(5))
    assert [next(answers).key, next(answers).key] == ["k0", "k1"]
    with pytest.raises(UserError, match="refused"):
        next(answers)


@pytest.mark.parametrize(("how", "status"), [("exit", 137), ("kill", -9)])
def test_a_crash_ends_the_process_as_often_as_told(tmp_path: Path, how: str, status: int) -> None:
    program = (
        "from evalsuite.models.echo import EchoModel; from evalsuite.types import Request\n"
        f"faults = dict(crash_after=2, crash_how={how!r}, state={str(tmp_path / 's')!r}, times=1)\n"
        "m = EchoModel(faults=faults)\n"
        "for a in m.generate(Request(str(i), 'p') for i in range(4)): print(a.key, flush=True)"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True) for _ in range(2)
    )
    assert (first.returncode, first.stdout.split()) == (status, [b"0", b"1"])
    assert (second.returncode, second.stdout.split()) == (0, [b"0", b"1", b"2", b"3"])


def test_a_wrong_fault_name_is_told() -> None:
    with pytest.raises(UserError, match="did you mean 'error_rate'"):
        EchoModel(faults={"eror_rate": 1})


def test_importing_echo_needs_nothing_heavy() -> None:
    program = (
        "import sys; import evalsuite.models.echo; "
        "print([name for name in ('asyncio', 'ssl', 'numpy', 'logging') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
