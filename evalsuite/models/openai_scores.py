"""Log-likelihoods over HTTP: a text is echoed with its log-probabilities, and the option's part is summed.

Two ways are known: `echo` (OpenAI's legacy completions, vLLM, llama.cpp's wrappers) and `prompt_logprobs`
(vLLM). Where an option begins is found from the end of the echoed tokens, so that special tokens that a
server puts in front do not matter. When a token straddles the border, or a token's text is not told in
whole characters, the prompt alone is counted by a call of its own: what follows its tokens is the option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evalsuite.models.openai_errors import Verdict
from evalsuite.models.openai_wire import CallFailed
from evalsuite.types import OptionScore

Way = Literal["echo", "prompt_logprobs"]


@dataclass(frozen=True)
class EchoedToken:
    """One token of the text as the server saw it; the very first has nothing to be predicted from."""

    text: str
    logprob: float | None
    greedy: bool


def score_body(way: Way, model: str, text: str, max_tokens: int) -> dict[str, Any]:
    """The body that asks for a text's own log-probabilities."""
    body: dict[str, Any] = {"model": model, "prompt": text, "max_tokens": max_tokens, "temperature": 0.0}
    return {**body, "echo": True, "logprobs": 1} if way == "echo" else {**body, "prompt_logprobs": 0}


def read_tokens(way: Way, text: str, data: Mapping[str, Any]) -> list[EchoedToken]:
    """A text's tokens with their log-probabilities; `CallFailed` 'ignored' when they were left out."""
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices:
        raise CallFailed(Verdict("bad_response", "the reply has no choices", "retry"))
    try:
        tokens = _echoed(data, choices[0]) if way == "echo" else _prompt_logprobs(choices[0])
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        message = f"log-probabilities of an unknown shape ({type(error).__name__}: {error})"
        raise CallFailed(Verdict("bad_response", message, "retry")) from None
    if not _is_whole(text, tokens, data):
        asked = "echo with logprobs" if way == "echo" else "prompt_logprobs"
        raise CallFailed(Verdict("ignored", f"the server ignored {asked}", "none"))
    return tokens


def _is_whole(text: str, tokens: list[EchoedToken], data: Mapping[str, Any]) -> bool:
    """Whether these are the text's tokens, and not some that a server generated instead of echoing."""
    if not tokens or any(token.logprob is None for token in tokens[1:]):
        return False
    counted = (data.get("usage") or {}).get("prompt_tokens")
    if counted is not None and abs(int(counted) - len(tokens)) <= 1:
        return True
    return "".join(token.text for token in tokens).endswith(text)


def _echoed(data: Mapping[str, Any], choice: Mapping[str, Any]) -> list[EchoedToken]:
    logprobs = choice.get("logprobs")
    if not logprobs or not logprobs.get("tokens"):
        return []
    texts, values = logprobs["tokens"], logprobs["token_logprobs"]
    if len(texts) != len(values):
        raise ValueError("tokens and token_logprobs differ in number")
    tops = logprobs.get("top_logprobs") or [None] * len(texts)
    usage = data.get("usage") or {}
    # Asked for no new token, vLLM still counts one in its usage, though it echoes the prompt's tokens alone.
    alone = usage.get("prompt_tokens") == len(texts)
    count = len(texts) - (0 if alone else int(usage.get("completion_tokens") or 0))
    if count <= 0:
        return []
    tokens = []
    for text, value, top in list(zip(texts, values, tops, strict=True))[:count]:
        best = max(top.values()) if top else None
        greedy = value is not None and best is not None and value >= best - 1e-9
        tokens.append(EchoedToken(text, value, greedy))
    return tokens


def _prompt_logprobs(choice: Mapping[str, Any]) -> list[EchoedToken]:
    """vLLM's list: null, then for each position a dict whose first entry is the prompt's own token."""
    positions = choice.get("prompt_logprobs")
    if not positions:
        return []
    tokens = []
    for position in positions:
        if not position:
            tokens.append(EchoedToken("", None, False))
            continue
        entry = next(iter(position.values()))
        text = entry.get("decoded_token") or ""
        tokens.append(EchoedToken(text, entry["logprob"], entry.get("rank") == 1))
    return tokens


def option_start(tokens: list[EchoedToken], option: str) -> int | None:
    """The index of the option's first token, or None when the border does not fall between two tokens."""
    right = len(option)
    for index in range(len(tokens) - 1, -1, -1):
        text = tokens[index].text
        left = right - len(text)
        if not text or left < 0 or option[left:right] != text:
            return None
        if left == 0:
            return index
        right = left
    return None


def option_score(tokens: list[EchoedToken], start: int) -> OptionScore:
    """The sum over an option's tokens."""
    part = tokens[start:]
    scored = [token for token in part if token.logprob is not None]
    return OptionScore(
        sum(token.logprob for token in scored if token.logprob is not None),
        len(part),
        len(scored),
        bool(scored) and all(token.greedy for token in scored),
    )
