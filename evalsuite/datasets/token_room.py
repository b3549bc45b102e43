"""Texts cut to so many tokens: by a tokenizer where one is named, else by a cautious guess of its length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalsuite.errors import UserError

CHARS_PER_TOKEN = 3


class TokenRoom:
    """Keeps the beginning or the end of texts.

    Code has three to four characters a token with today's vocabularies; without a tokenizer three are taken,
    so that a prompt turns out rather too short than too long for a model.
    """

    def __init__(self, tokenizer: str | None = None) -> None:
        self._name = tokenizer
        self._loaded: Any = None

    def first(self, text: str, tokens: int) -> str:
        """The first tokens."""
        if tokens <= 0:
            return ""
        if self._name is None:
            return text[: tokens * CHARS_PER_TOKEN]
        places = self._places(text)
        return text[: places[tokens - 1][1]] if len(places) > tokens else text

    def last(self, text: str, tokens: int) -> str:
        """The last tokens."""
        if tokens <= 0:
            return ""
        if self._name is None:
            return text[-tokens * CHARS_PER_TOKEN :]
        places = self._places(text)
        return text[places[-tokens][0] :] if len(places) > tokens else text

    def count(self, text: str) -> int:
        """How many tokens a text has."""
        return -(-len(text) // CHARS_PER_TOKEN) if self._name is None else len(self._places(text))

    def _places(self, text: str) -> list[tuple[int, int]]:
        if self._loaded is None:
            from tokenizers import Tokenizer

            name = str(self._name)
            if Path(name).is_dir():
                file = Path(name) / "tokenizer.json"
                if not file.is_file():
                    raise UserError("the tokenizer's folder has no tokenizer.json", where=name)
                self._loaded = Tokenizer.from_file(str(file))
            else:
                self._loaded = Tokenizer.from_pretrained(name)
        return list(self._loaded.encode(text, add_special_tokens=False).offsets)
