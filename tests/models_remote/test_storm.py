"""A server in bad weather: every request is answered, none twice, and attempts stay bounded."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from storm_server import FAULTS, HARMLESS, Storm, StormServer

from evalsuite.errors import UserError
from evalsuite.models.openai import OpenAIModel
from evalsuite.types import Answer, Message, Request

ROOT = Path(__file__).resolve().parents[2]


def ask(n: int) -> Iterator[Request]:
    for number in range(n):
        yield Request(f"k{number}", (Message("user", f"question {number}"),))


def model(server: StormServer, **options: Any) -> OpenAIModel:
    settings: dict[str, Any] = {"key": "EMPTY", "timeout": 1.0, "backoff": 0.02, "retry": 8, **options}
    return OpenAIModel("m", base_url=server.url, **settings)


def weather(n: int, rate: float, **options: Any) -> tuple[list[Answer], StormServer]:
    with StormServer(Storm(rate=rate, latency=0.005)) as server:
        answers = list(model(server, **options).generate(ask(n)))
    return answers, server


def assert_all_answered_once(answers: list[Answer], n: int) -> None:
    assert Counter(answer.key for answer in answers) == Counter(f"k{number}" for number in range(n))
    assert [answer.error for answer in answers if answer.error] == []
    assert all(answer.text == f"question {answer.key[1:]}" for answer in answers)


def test_three_thousand_samples_with_a_tenth_of_faults() -> None:
    answers, server = weather(3000, 0.1, concurrency=128)
    assert_all_answered_once(answers, 3000)
    assert set(server.seen.faults) == set(FAULTS)
    attempts = sum(server.seen.attempts.values())
    failed = sum(n for fault, n in server.seen.faults.items() if fault not in HARMLESS)
    resent = server.seen.faults["reset"] + server.seen.faults["closed_quietly"]
    assert 3000 + failed <= attempts <= 3000 + failed + resent
    assert max(server.seen.attempts.values()) <= 9


@pytest.mark.slow
def test_ten_thousand_samples_with_a_tenth_of_faults() -> None:
    answers, server = weather(10_000, 0.1, concurrency=256)
    assert_all_answered_once(answers, 10_000)
    assert sum(server.seen.attempts.values()) <= 10_000 * 1.2


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone_is_survived_and_counted(fault: str) -> None:
    with StormServer(Storm(rate=0.5, faults=(fault,))) as server:
        remote = model(server, concurrency=8, timeout=0.3)
        answers = list(remote.generate(ask(30)))
    assert_all_answered_once(answers, 30)
    assert server.seen.faults[fault] >= 5
    reasons = sum(remote.spent.reasons.values())
    assert reasons == 0 if fault in HARMLESS else reasons >= 5 or fault == "reset"


def test_what_never_heals_is_given_up_after_the_last_attempt_and_reported() -> None:
    with StormServer(Storm(rate=1.0, faults=("500",))) as server:
        answers = list(model(server, retry=3).generate(ask(5)))
    assert len(answers) == 5
    assert all(
        answer.error and answer.error.kind == "server" and answer.error.transient for answer in answers
    )
    assert "injected 500 (attempt 4)" in str(answers[0].error)
    assert set(server.seen.attempts.values()) == {4}
    assert all(answer.finish == "error" for answer in answers)


def test_requests_are_pulled_only_as_they_can_be_worked_on() -> None:
    pulled = itertools.count()

    def endless() -> Iterator[Request]:
        for number in pulled:
            yield Request(f"k{number}", (Message("user", f"question {number}"),))

    with StormServer(Storm(latency=0.01)) as server:
        answers = model(server, concurrency=4).generate(endless())
        for _ in range(50):
            next(answers)
        answers.close()  # type: ignore[attr-defined]
        assert next(pulled) <= 50 + 4 + 1 + 16 + 2
        assert server.seen.most_at_once <= 4


def test_a_closed_stream_leaves_no_call_under_way() -> None:
    with StormServer(Storm(latency=0.3)) as server:
        remote = model(server, concurrency=8)
        answers = remote.generate(ask(100))
        next(answers)
        answers.close()  # type: ignore[attr-defined]
        deadline = time.monotonic() + 5
        while remote._endpoints[0].gate.active and time.monotonic() < deadline:
            time.sleep(0.02)
        assert remote._endpoints[0].gate.active == 0


def test_concurrency_grows_while_all_is_well() -> None:
    with StormServer(Storm(latency=0.1)) as server:
        remote = model(server, timeout=10.0)
        assert_all_answered_once(list(remote.generate(ask(600))), 600)
        assert server.seen.most_at_once > 40


def test_concurrency_settles_at_what_the_server_takes() -> None:
    with StormServer(Storm(latency=0.01, capacity=20)) as server:
        remote = model(server, backoff=0.05)
        assert_all_answered_once(list(remote.generate(ask(1500))), 1500)
        refused = server.seen.faults["over_capacity"]
        assert refused < 750, "callers kept storming a server that said no"
        assert remote._endpoints[0].gate.limit < 64


def test_retry_after_is_honoured_by_everybody_at_the_endpoint() -> None:
    times: list[float] = []

    def handler(*_: Any) -> Any:
        times.append(time.monotonic())
        return (429, {"Retry-After": "1"}, {"error": {"message": "wait"}}) if len(times) == 1 else None

    with StormServer(handler=handler) as server:
        answers = list(model(server, concurrency=1).generate(ask(6)))
    assert all(answer.error is None for answer in answers)
    assert len(times) == 7
    assert times[1] - times[0] >= 1.0


def test_waiting_for_the_gate_is_no_part_of_the_timeout() -> None:
    with StormServer(Storm(latency=0.3)) as server:  # ten rounds, so that most wait for longer than 2 s
        answers = list(model(server, concurrency=2, timeout=2.0, retry=0).generate(ask(20)))
    assert [answer.error for answer in answers if answer.error] == []


def test_a_server_that_goes_away_is_waited_for_and_its_requests_are_not_lost() -> None:
    with StormServer(Storm(latency=0.02)) as server:
        remote = model(server, concurrency=8, retry=1, patience=20.0)
        answers = remote.generate(ask(60))
        first = [next(answers) for _ in range(10)]
    time.sleep(0.3)
    with StormServer(port=server.port) as again:
        rest = list(answers)
        assert again.seen.attempts
    assert_all_answered_once([*first, *rest], 60)


def test_a_server_that_stays_away_fails_the_model_and_not_request_after_request() -> None:
    with StormServer(Storm(latency=0.02)) as server:
        remote = model(server, concurrency=8, retry=1, patience=0.5)
        answers = remote.generate(ask(1000))
        for _ in range(10):
            next(answers)
    started = time.monotonic()
    with pytest.raises(UserError, match="cannot connect"):
        list(answers)
    assert time.monotonic() - started < 30  # one request after the other would take minutes


def test_all_models_of_an_endpoint_share_its_concurrency() -> None:
    with StormServer(Storm(latency=0.02)) as server:
        models = [model(server, concurrency=4) for _ in range(3)]
        streams = [remote.generate(ask(30)) for remote in models]
        answers = [answer for trio in zip(*streams, strict=True) for answer in trio]
        assert len(answers) == 90
        assert 1 < server.seen.most_at_once <= 4


@pytest.mark.parametrize("limits", ["-Sn 140", "-n 180"])
def test_the_limit_of_open_files_is_raised_or_else_kept(limits: str) -> None:
    program = (
        "from evalsuite.models.openai import OpenAIModel; from evalsuite.types import Message, Request\n"
        "import sys; m = OpenAIModel('m', base_url=sys.argv[1], key='EMPTY', concurrency=300, retry=0)\n"
        "asked = (Request(str(n), (Message('user', 'x'),)) for n in range(900))\n"
        "print(sum(answer.error is None for answer in m.generate(asked)))"
    )
    with StormServer(Storm(latency=0.2)) as server:
        command = [
            "bash",
            "-c",
            f'ulimit {limits} && exec "$@"',
            "sh",
            sys.executable,
            "-c",
            program,
            server.url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.stdout == "900\n", done.stderr
        assert (server.seen.most_at_once > 52) == limits.startswith("-S")
