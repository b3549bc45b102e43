"""The template audit: what about a model's prompts and stop tokens is likely to be wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalsuite.models.base import PromptKind

TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<eoa>")


def audit(
    tokenizer: Any,
    template: str | None,
    stop_tokens: Sequence[str],
    kind: PromptKind,
    swift: Mapping[str, Any],
) -> list[str]:
    """Warnings about template, stop tokens and tokenizer, each one a sentence a user can act on."""
    found: list[str] = []
    own = tokenizer.chat_template
    if isinstance(own, Mapping):
        own = own.get("default")
    if kind == "messages":
        if template is not None and own and template.strip() != str(own).strip():
            found.append("the chat template of the config differs from the tokenizer's; the config's is used")
        used = template or str(own or "")
        for token in TURN_ENDS:
            if token in used and token not in stop_tokens:
                found.append(
                    f"the template ends turns with {token}, which is no stop token of this vocabulary"
                )
    elif own and tokenizer.eos_token in TURN_ENDS:
        found.append("a chat model is run on plain text: its chat template is not used")
    if not stop_tokens:
        found.append("no token ends a text: every answer runs to its length limit")
    trained = swift.get("template")
    if trained and not own and template is None and kind == "messages":
        found.append(f"trained with ms-swift's template {trained!r}, but the tokenizer has none")
    return found
