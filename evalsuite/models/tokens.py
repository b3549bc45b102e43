"""What a tokenizer must answer for every local engine: joint encoding, ends of text, exact stop strings.

All engines share these functions, so that the same request is the same token ids and stops at the same
character whichever engine runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Encode = Callable[[Sequence[str]], list[list[int]]]

# Tokens that end a text or a turn in the families people evaluate. One counts only where the vocabulary has
# it as a special token, so that ordinary text can never end an answer. Fine-tuned models often end with the
# pad token instead of the end of turn, which is why both kinds are always honoured.
END_TOKENS = (
    "<|endoftext|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|EOT|>",
    "<|user|>",
    "<|observation|>",
    "<end_of_turn>",
    "<eoa>",
    "</s>",
    "<｜end▁of▁sentence｜>",
)
MIDDLE_ENDS = ("<|fim_pad|>", "<|file_sep|>", "<|repo_name|>")


def special_tokens(tokenizer: Any) -> dict[str, int]:
    """The special tokens of a vocabulary, by their text."""
    found = {str(token): index for index, token in tokenizer.added_tokens_decoder.items() if token.special}
    for text in tokenizer.all_special_tokens:
        index = tokenizer.convert_tokens_to_ids(text)
        if isinstance(index, int):
            found.setdefault(str(text), index)
    return found


def end_ids(tokenizer: Any, configured: int | Sequence[int] | None) -> frozenset[int]:
    """The ids that end a text: the checkpoint's own and the usual end-of-text and end-of-turn tokens."""
    ends: set[int] = set()
    if configured is not None:
        ends.update([configured] if isinstance(configured, int) else configured)
    if tokenizer.eos_token_id is not None:
        ends.add(int(tokenizer.eos_token_id))
    special = special_tokens(tokenizer)
    ends.update(special[text] for text in (*END_TOKENS, *MIDDLE_ENDS) if text in special)
    return frozenset(ends)


def encoder(tokenizer: Any, *, add_special_tokens: bool) -> Encode:
    """A function from texts to token ids; the fast path skips offsets, which nobody here needs."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None and hasattr(backend, "encode_batch_fast") and _plain_backend(tokenizer):

        def encode_fast(texts: Sequence[str]) -> list[list[int]]:
            found = backend.encode_batch_fast(list(texts), add_special_tokens=add_special_tokens)
            return [encoding.ids for encoding in found]

        return encode_fast

    def encode(texts: Sequence[str]) -> list[list[int]]:
        return [tokenizer(text, add_special_tokens=add_special_tokens).input_ids for text in texts]

    return encode


def _plain_backend(tokenizer: Any) -> bool:
    """Whether the Rust tokenizer alone gives what the Python class gives (asked once, on varied texts)."""
    backend = tokenizer.backend_tokenizer
    if backend.truncation is not None or backend.padding is not None:
        return False
    probes = [
        "",
        " ",
        "a b",
        "def f(x):\n    return x\n",
        "1 + 23 = 24",
        "中文 文本",
        "  two  spaces ",
        "é ü\t\n\n",
    ]
    return all(
        backend.encode(text, add_special_tokens=flag).ids
        == list(tokenizer(text, add_special_tokens=flag).input_ids)
        for text in probes
        for flag in (True, False)
    )


def encode_pairs(
    encode: Encode, pairs: Sequence[tuple[str, Sequence[str]]]
) -> list[tuple[list[int], list[list[int]]]]:
    """The ids of each context and of each continuation behind it, encoded jointly.

    Spaces that end the context move to the continuations, since most vocabularies hold a word together with
    the space before it. A continuation is what the joint text has beyond the length of the context's own ids.
    """
    texts: list[str] = []
    for context, continuations in pairs:
        head, moved = move_spaces(context)
        texts += [head, *(head + moved + text for text in continuations)]
    encoded = iter(encode(texts))
    found = []
    for _, continuations in pairs:
        ids = next(encoded)
        found.append((ids, [next(encoded)[len(ids) :] for _ in continuations]))
    return found


def move_spaces(context: str) -> tuple[str, str]:
    """A context without the spaces at its end, and these, which belong to the continuation."""
    head = context.rstrip()
    return head, context[len(head) :]


class StopStrings:
    """Finds the first stop string in a growing list of tokens without decoding all of it at each step.

    Only a token that brings its last character can complete a stop string; only then the tail is decoded.
    """

    def __init__(self, tokenizer: Any, stops: Iterable[str]) -> None:
        self.stops = tuple(dict.fromkeys(stop for stop in stops if stop))
        self._tokenizer = tokenizer
        self._last = {stop[-1] for stop in self.stops}
        self._blank = any(stop[-1].isspace() for stop in self.stops)
        self._window = 8 + max((len(stop.encode("utf-8", "replace")) for stop in self.stops), default=0)
        self._seen: dict[int, bool] = {}

    def may_end(self, token: int) -> bool:
        """Whether this token could complete a stop string; learnt once per token."""
        known = self._seen.get(token)
        if known is None:
            piece = decode(self._tokenizer, [token])
            # Alone, a token shows neither bytes of a split character nor a leading blank: always ask then.
            known = "�" in piece or not piece or (self._blank and piece.isspace())
            known = known or any(char in self._last for char in piece)
            known = known or (self._blank and len(piece) != len(self._tokenizer.convert_ids_to_tokens(token)))
            self._seen[token] = known
        return known

    def ended(self, tokens: Sequence[int], minimum: int = 0) -> bool:
        """Whether the text behind the first `minimum` tokens now holds a stop string near its end."""
        if not self.stops or len(tokens) <= minimum or not self.may_end(tokens[-1]):
            return False
        tail = decode(self._tokenizer, tokens[max(minimum, len(tokens) - self._window) :])
        return any(stop in tail for stop in self.stops)


def cut_at(text: str, stops: Sequence[str], start: int = 0) -> tuple[str, str]:
    """The text before the earliest stop string from `start` on, and that stop string, if there is any."""
    places = [(place, stop) for stop in stops if stop and (place := text.find(stop, start)) >= 0]
    if not places:
        return text, ""
    place, stop = min(places, key=lambda item: item[0])
    return text[:place], stop


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """Tokens as text, special tokens left out and spaces left as they are."""
    return str(tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))


def decode_behind(tokenizer: Any, prompt: Sequence[int], ids: Sequence[int]) -> str:
    """The text that tokens add behind a prompt.

    Decoded alone, the first token of many vocabularies loses its leading space, which in code is a wrong
    indentation; behind a few tokens of the prompt it keeps it.
    """
    before = list(prompt[-6:])
    head = decode(tokenizer, before)
    if not head or "�" in head[-1:]:
        return decode(tokenizer, ids)
    whole = decode(tokenizer, [*before, *ids])
    return whole[len(head) :] if whole.startswith(head) else decode(tokenizer, ids)


def cut_middle(ids: Sequence[int], keep: int) -> list[int]:
    """The first and the last part of a too long prompt, together `keep` tokens."""
    front = keep // 2
    return [*ids[:front], *ids[len(ids) - (keep - front) :]]


def check_keys(given: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """The keys nobody knows, in order."""
    names = set(known)
    return [key for key in given if key not in names]
