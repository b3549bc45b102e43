"""Keys and tokens never reach a file or a log; references to them do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.config.secrets import (
    HIDDEN,
    Redactor,
    environment_secrets,
    extract,
    is_secret_key,
    resolve_secrets,
)
from evalsuite.config.spec import RunConfig
from evalsuite.errors import UserError


def config(model: dict[str, Any], dataset: dict[str, Any] | None = None, **rest: Any) -> RunConfig:
    datasets = ({"abbr": "d", **(dataset or {})},)
    return RunConfig("n", "p", "c", ({"abbr": "gpt-4", **model},), datasets, **rest)


def test_literal_secrets_leave_the_config_and_come_back_for_the_model() -> None:
    model = {"key": ["sk-first", "sk-second"], "headers": {"Authorization": "Bearer 1"}, "max_tokens": "9"}
    clean, environment = extract(config(model))
    text = json.dumps(clean.as_dict())
    assert "sk-" not in text
    assert "Bearer" not in text
    assert sorted(environment.values()) == ["Bearer 1", "sk-first", "sk-second"]
    assert all(name.startswith("EVALSUITE_SECRET_GPT_4_") for name in environment)
    assert resolve_secrets(clean.models[0], environment) == {"abbr": "gpt-4", **model}


def test_a_reference_is_no_secret() -> None:
    model = {"key": "ENV", "api_key": "ENV:MY_KEY", "token": "file:~/.token", "password": ""}
    clean, environment = extract(config(model))
    assert environment == {}
    assert clean.models[0] == {"abbr": "gpt-4", **model}


def test_the_same_secret_keeps_one_name_and_two_secrets_get_two() -> None:
    clean, environment = extract(config({"key": "sk-a", "api_key": "sk-a", "k": {"ey": 1}, "k_key": "sk-b"}))
    assert sorted(environment.values()) == ["sk-a", "sk-b"]
    assert clean.models[0]["key"] == clean.models[0]["api_key"]
    again, _ = extract(config({"key": "sk-other", "api_key": "sk-other"}))
    assert again.models[0]["key"] == clean.models[0]["key"]


def test_a_column_called_key_is_no_secret_and_a_judges_key_is() -> None:
    dataset = {
        "answer_key": "label",
        "key": "question",
        "eval_cfg": {"evaluator": {"judge_cfg": {"key": "sk-judge"}}},
    }
    clean, environment = extract(config({}, dataset))
    assert list(environment.values()) == ["sk-judge"]
    assert clean.datasets[0]["answer_key"] == "label"
    assert clean.datasets[0]["key"] == "question"


def test_extracting_twice_changes_nothing() -> None:
    clean, _ = extract(config({"key": "sk-a"}, summarizer={"api_key": "sk-b"}))
    assert extract(clean) == (clean, {})


@pytest.mark.parametrize(
    "name", ["key", "api_key", "apiKey", "hf_token", "Authorization", "secret_access_key"]
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_key(name, in_model=True)


@pytest.mark.parametrize(
    "name",
    ["max_tokens", "pad_token_id", "stop_token_ids", "tokenizer_path", "eos_token", "skip_special_tokens"],
)
def test_names_that_only_sound_secret(name: str) -> None:
    assert not is_secret_key(name, in_model=True)


def test_a_secret_that_the_environment_lacks_is_told() -> None:
    with pytest.raises(UserError, match="EVALSUITE_SECRET_X"):
        resolve_secrets({"a": [{"$secret": "EVALSUITE_SECRET_X"}]}, {})


def test_secrets_of_the_environment_are_known_by_name() -> None:
    assert environment_secrets({"OPENAI_API_KEY": "sk-1", "HOME": "/root", "HF_TOKEN": "hf-2"}) == [
        "sk-1",
        "hf-2",
    ]


@given(
    st.lists(st.text(alphabet="abc*.[", min_size=6, max_size=12), min_size=1, max_size=4),
    st.lists(st.text(max_size=8), min_size=5, max_size=5),
)
def test_no_secret_is_left_in_a_text(secrets: list[str], between: list[str]) -> None:
    text = "".join(piece + secret for piece, secret in zip(between, secrets, strict=False))
    cleaned = Redactor(secrets).clean(text)
    for part in cleaned.split(HIDDEN):
        assert all(secret not in part for secret in secrets)


def test_words_too_short_to_be_secrets_stay() -> None:
    assert Redactor(["no", ""]).clean("no news") == "no news"
