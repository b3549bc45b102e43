"""Whether a prompt fits a model, asked only as often as needed."""

from __future__ import annotations

from collections.abc import Callable

from evalsuite.types import Prompt

# Special tokens that a tokenizer or a chat template puts around an ASCII text, at the very most.
_AROUND = 64


def fits_in(
    count_tokens: Callable[[Prompt], int] | None, context: int | None, reserved: int, own_limit: int | None
) -> Callable[[Prompt], bool] | None:
    """A test whether a prompt leaves room for the answer, or None when there is no limit to keep.

    `own_limit` (the inferencer's max_seq_len) bounds the prompt alone. Otherwise prompt and answer share the
    context; an answer longer than half of it does not push all examples out.
    """
    if count_tokens is None:
        return None
    if own_limit is not None:
        room = own_limit
    elif context is not None:
        room = context - min(reserved, context // 2)
    else:
        return None
    count = count_tokens

    def fits(prompt: Prompt) -> bool:
        if isinstance(prompt, str) and len(prompt) + _AROUND <= room and prompt.isascii():
            return True  # no tokenizer makes more tokens than there are bytes
        return count(prompt) <= room

    return fits
