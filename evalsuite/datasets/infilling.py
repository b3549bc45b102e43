"""Fill-in-the-middle benchmarks, with each model family's tokens for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

from evalsuite.datasets.benchmark import BenchmarkDataset
from evalsuite.datasets.columns import Columns, check_columns
from evalsuite.datasets.resolve import find_data
from evalsuite.datasets.tables import Fields, JsonlDataset, ParquetDataset
from evalsuite.datasets.token_room import TokenRoom
from evalsuite.errors import UserError, nearest_name


@dataclass(frozen=True)
class FimTokens:
    """How a model family wants prefix and suffix, and what ends its answer."""

    prefix: str
    suffix: str
    middle: str
    ends: tuple[str, ...]
    suffix_first: bool = False

    def prompt(self, before: str, after: str) -> str:
        """The text that asks for what stands between two texts."""
        if self.suffix_first:
            return f"{self.suffix}{after}{self.prefix}{before}{self.middle}"
        return f"{self.prefix}{before}{self.suffix}{after}{self.middle}"


FIM_TOKENS: dict[str, FimTokens] = {
    "qwen": FimTokens(
        "<|fim_prefix|>",
        "<|fim_suffix|>",
        "<|fim_middle|>",
        (
            *("<|fim_pad|>", "<|file_sep|>", "<|repo_name|>", "<|endoftext|>", "<|im_end|>"),
            *("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|cursor|>"),
        ),
    ),
    "deepseek": FimTokens(
        "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", ("<｜end▁of▁sentence｜>", "<|EOT|>")
    ),
    "starcoder": FimTokens(
        "<fim_prefix>", "<fim_suffix>", "<fim_middle>", ("<|endoftext|>", "<file_sep>", "<fim_pad>")
    ),
    "santacoder": FimTokens("<fim-prefix>", "<fim-suffix>", "<fim-middle>", ("<|endoftext|>", "<fim-pad>")),
    "codellama": FimTokens("<PRE> ", " <SUF>", " <MID>", (" <EOT>", "<EOT>", "</s>")),
    "codegemma": FimTokens(
        "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", ("<|file_separator|>", "<eos>", "<end_of_turn>")
    ),
    "codestral": FimTokens("[PREFIX]", "[SUFFIX]", "", ("</s>",), suffix_first=True),
}


def fim_tokens(family: str) -> FimTokens:
    """The tokens of a family by its name."""
    if family not in FIM_TOKENS:
        raise UserError(
            f"no fill-in-the-middle tokens are known for {family!r}",
            expected=", ".join(FIM_TOKENS),
            nearest=nearest_name(family, FIM_TOKENS),
        )
    return FIM_TOKENS[family]


class HumanEvalInfilling(BenchmarkDataset):
    """OpenAI's HumanEval-Infilling: one line, several lines, or a random span is missing."""

    subsets: ClassVar[dict[str, str]] = {
        "single_line": "SingleLineInfilling",
        "multi_line": "MultiLineInfilling",
        "random_span": "RandomSpanInfilling",
        "random_span_light": "RandomSpanInfillingLight",
    }
    columns: ClassVar[Columns] = dict.fromkeys(
        ("prompt", "suffix", "canonical_solution", "entry_point", "test"), str
    )

    def __init__(
        self,
        subset: str = "single_line",
        family: str = "qwen",
        path: str | None = None,
        reader_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        if subset not in self.subsets:
            raise UserError(f"HumanEval-Infilling has no subset {subset!r}", expected=", ".join(self.subsets))
        self._tokens = fim_tokens(family)
        name = f"humaneval_infilling/HumanEval-{self.subsets[subset]}.jsonl.gz"
        super().__init__(str(find_data(name, path)), reader_cfg)

    def shape(self, fields: Fields) -> Fields:
        """The prompt in the family's tokens."""
        return {
            **fields,
            "fim_prompt": self._tokens.prompt(fields["prompt"], fields["suffix"]),
            "ends": self._tokens.ends,
        }


class Safim(BenchmarkDataset):
    """SAFIM: blocks and control expressions judged by running, API calls by their text."""

    marks: ClassVar[dict[str, str]] = {"python": "# TODO: Your code here"}
    braced_mark: ClassVar[str] = "/* TODO: Your code here */"
    columns: ClassVar[Columns] = dict.fromkeys(("task_id", "lang", "prompt"), str)

    def __init__(
        self,
        subset: Literal["block", "control", "api"] = "block",
        family: str = "qwen",
        path: str | None = None,
        reader_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        if subset not in ("block", "control", "api"):
            raise UserError(f"SAFIM has no subset {subset!r}", expected="block, control or api")
        self.subset = subset
        self._tokens = fim_tokens(family)
        super().__init__(str(find_data(f"safim/{subset}_completion.jsonl.gz", path)), reader_cfg)

    def shape(self, fields: Fields) -> Fields:
        """The prompt in the family's tokens; `subset` tells how much of an answer counts."""
        mark = self.marks.get(fields["lang"], self.braced_mark)
        before, found, after = fields["prompt"].partition(mark)
        if not found:
            raise UserError(f"the prompt of {fields['task_id']} has no hole", expected=f"{mark!r} in it")
        return {
            **fields,
            "subset": self.subset,
            "fim_prompt": self._tokens.prompt(before, after),
            "ends": self._tokens.ends,
        }


class SantaCoderFim(ParquetDataset):
    """SantaCoder's single lines of Python, Java and JavaScript (4792), judged by their text.

    Of `max_tokens` the answer's are kept free, the suffix has its first `right_tokens`, and the prefix its
    last ones in what is left, counted by `tokenizer` (a name or folder). Without one nothing is cut: no row
    comes near the limits with the vocabularies of code models.
    """

    columns: ClassVar[Columns] = dict.fromkeys(
        ("language", "name", "prompt", "suffix", "canonical_solution"), str
    )

    def __init__(
        self,
        language: Literal["py", "java", "js"] | None = None,
        family: str = "qwen",
        path: str | None = None,
        max_tokens: int = 2048,
        answer_tokens: int = 64,
        right_tokens: int = 512,
        tokenizer: str | None = None,
        reader_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            str(find_data("santacoder_fim/train.parquet", path)), None, reader_cfg, id_column="id"
        )
        if right_tokens + answer_tokens >= max_tokens:
            raise UserError(
                f"{max_tokens} tokens leave none for the prefix",
                where="max_tokens",
                expected=f"more than {right_tokens + answer_tokens}",
            )
        self._language = language
        self._tokens = fim_tokens(family)
        self._room = TokenRoom(tokenizer) if tokenizer else None
        self._free, self._right = max_tokens - answer_tokens, right_tokens

    def read(self, path: Path) -> Iterator[Fields]:
        """The rows of the language; their names repeat across languages."""
        for fields in super().read(path):
            check_columns(fields, self.columns, str(path), "the format of santacoder_fim/train.parquet")
            if self._language is None or fields["language"] == self._language:
                yield {
                    **fields,
                    "id": f"{fields['language']}/{fields['name']}",
                    "fim_prompt": self._tokens.prompt(*self._cut(fields["prompt"], fields["suffix"])),
                    "ends": self._tokens.ends,
                }

    def _cut(self, before: str, after: str) -> tuple[str, str]:
        """Prefix and suffix within their room."""
        if self._room is None:
            return before, after
        after = self._room.first(after, self._right)
        return self._room.last(before, self._free - self._room.count(after)), after


class RepositoryCompletion(JsonlDataset):
    """CrossCodeEval, CrossCodeLongEval and RepoEval: a file at `path`, or by its `name` among all data.

    Rows have prompt, groundtruth, right_context (or full_right_context), crossfile_context and
    metadata.task_id. `context` puts the other files' text nowhere, before the prefix, or behind the suffix as
    Qwen does (its names `codelm_leftright_context` and `codelm_right_cfc_left` stand for none and right).

    Of `max_tokens` the answer's are kept free, the suffix has its first `right_tokens`, the other files their
    first `cross_tokens`, and the prefix its last ones in what is left. They are counted by `tokenizer` (a
    name or folder), or guessed from characters without one.
    """

    contexts: ClassVar[dict[str, str]] = {
        "none": "none",
        "left": "left",
        "right": "right",
        "codelm_leftright_context": "none",
        "codelm_right_cfc_left": "right",
    }
    columns: ClassVar[Columns] = {"prompt": str, "groundtruth": str}

    def __init__(
        self,
        path: str | None = None,
        family: str = "qwen",
        context: str = "none",
        max_tokens: int = 8192,
        answer_tokens: int = 50,
        right_tokens: int = 2048,
        cross_tokens: int = 2048,
        tokenizer: str | None = None,
        reader_cfg: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> None:
        if not name and path is None:
            raise UserError("no file is named", expected="`path`, or `name` as in the config fim_repository")
        super().__init__(str(find_data(name, path)), None, reader_cfg, "id")
        if context not in self.contexts:
            raise UserError(
                f"other files cannot stand {context!r}",
                expected=", ".join(self.contexts),
                nearest=nearest_name(context, self.contexts),
            )
        if right_tokens + cross_tokens + answer_tokens >= max_tokens:
            raise UserError(
                f"{max_tokens} tokens leave none for the prefix",
                where="max_tokens",
                expected=f"more than {right_tokens + cross_tokens + answer_tokens}",
            )
        self._tokens = fim_tokens(family)
        self._context = self.contexts[context]
        self._room = TokenRoom(tokenizer)
        self._free = max_tokens - answer_tokens
        self._right, self._cross = right_tokens, cross_tokens

    def rows(self, start: int = 0) -> Iterator[Fields]:
        """The rows from a position on."""
        return (self._shape(fields) for fields in islice(super().rows(), start, None))

    def _shape(self, fields: Fields) -> Fields:
        check_columns(fields, self.columns, str(self._path), "the format of CrossCodeEval's rows")
        metadata = fields.get("metadata") or {}
        if isinstance(metadata, str):
            metadata = json.loads(metadata)
        before, after = self._around(fields)
        return {
            **fields,
            "id": str(metadata.get("task_id") or fields.get("id") or fields.get("task_id")),
            "fim_prompt": self._tokens.prompt(before, after),
            "ends": self._tokens.ends,
        }

    def _around(self, fields: Fields) -> tuple[str, str]:
        """Prefix and suffix with the other files in their place, each within its room."""
        room = self._room
        right = fields.get("full_right_context") or fields.get("right_context") or ""
        right = room.first(right, self._right)
        other = fields.get("crossfile_context") or ""
        other = other.get("text", "") if isinstance(other, Mapping) else other
        if self._context == "none" or not other:
            return room.last(fields["prompt"], self._free - room.count(right)), right
        if self._context == "right":
            other = room.first(f"\n\n{other}", self._cross)
        else:
            other = room.first(other, self._cross - 1) + "\n"
        left = room.last(fields["prompt"], self._free - room.count(right) - room.count(other))
        return (left, right + other) if self._context == "right" else (other + left, right)
