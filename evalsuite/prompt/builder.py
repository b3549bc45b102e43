"""The prompts of a dataset for a model: the template, the examples before it, and how many of them fit."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal

from evalsuite.errors import UserError
from evalsuite.prompt.layout import Block, Mode, Plan, layout_for
from evalsuite.prompt.retrievers import Shots, build_retriever, check_retriever, separators
from evalsuite.prompt.template import Dialogue, Template, check_mix, read_template, short_type
from evalsuite.types import Prompt, Sample

Row = Mapping[str, Any]
Fits = Callable[[Prompt], bool]


class PromptBuilder:
    """Builds the prompts of one dataset for one model; everything that does not change is done once.

    `mode` "gen" ends the prompt where the model is to speak and hides the reference; "ppl" writes it all out.
    """

    def __init__(
        self,
        infer_cfg: Mapping[str, Any],
        reader_cfg: Mapping[str, Any],
        *,
        kind: Literal["text", "messages"],
        meta_template: Any,
        mode: Mode,
        examples: Callable[[], Sequence[Row]],
        hidden: str = "",
        keep_sep: bool = False,
    ) -> None:
        self.mode = mode
        self.output_column: str | None = reader_cfg.get("output_column")
        self._rows = examples
        blank = {self.output_column: hidden} if mode == "gen" and self.output_column else None
        prompt_cfg, ice_cfg = infer_cfg.get("prompt_template"), infer_cfg.get("ice_template")
        retriever_cfg = infer_cfg.get("retriever") or {"type": "ZeroRetriever"}
        self.zero_shot = short_type(retriever_cfg) == "ZeroRetriever"
        source, where = (prompt_cfg, "prompt_template") if prompt_cfg else (ice_cfg, "ice_template")
        if not source:
            raise UserError("there is no prompt_template", where="infer_cfg")
        self.template = read_template(source, f"infer_cfg.{where}", blank=blank, keep_sep=keep_sep)
        self.example: Template | None = (
            read_template(ice_cfg, "infer_cfg.ice_template", as_example=True) if ice_cfg else None
        )
        for error in check_retriever(retriever_cfg, "infer_cfg.retriever"):
            raise error
        if not self.zero_shot:
            self._check_place(infer_cfg, retriever_cfg)
        layout = layout_for(kind, meta_template)
        self._layout = layout
        self.plans: dict[Hashable, Plan] = {
            label: layout.plan(variant, mode) for label, variant in self.template.variants.items()
        }
        self._example_plans: dict[int, Any] = {}
        if self.example is not None:
            for variant in self.example.variants.values():
                self._example_plans[id(variant)] = layout.example(variant)
        self._separator, self._closing = separators(retriever_cfg)
        plain_dialogue = (
            self.example is not None
            and not self.example.labelled
            and isinstance(self.example.first, Dialogue)
        )
        if plain_dialogue:
            self._separator = self._closing = ""
        columns = tuple(_listed(reader_cfg.get("input_columns")))
        self.retriever = build_retriever(
            retriever_cfg, Shots(examples, columns, self._label_texts if self.template.labelled else None)
        )
        self._blocks: dict[tuple[int, ...], Block] = {}

    @property
    def plan(self) -> Plan:
        """The plan of an unlabelled task (of the first label, where a generating task has labels)."""
        return next(iter(self.plans.values()))

    def plan_of(self, label: Hashable) -> Plan:
        """The plan of a label."""
        if not self.template.labelled:
            return self.plan
        if label in self.plans:
            return self.plans[label]
        wanted = self.template.variant(label)
        return next(self.plans[key] for key, variant in self.template.variants.items() if variant is wanted)

    def fields(self, sample: Sample) -> Mapping[str, Any]:
        """What fills the template; a reference that is kept beside the fields takes its column."""
        column = self.output_column
        if self.mode == "ppl" and column and column not in sample.fields:
            return {**sample.fields, column: sample.reference}
        return sample.fields

    def picked(self, sample: Sample) -> tuple[int, ...]:
        """The examples of a sample, before any is dropped."""
        return () if self.zero_shot else tuple(self.retriever.pick(sample.index, sample.fields))

    def block(self, shown: tuple[int, ...]) -> Block:
        """The examples as a block; the block of a fixed choice is made once."""
        known = self._blocks.get(shown)
        if known is None:
            known = self._make_block(shown)
            if len(self._blocks) >= 64:
                self._blocks.clear()
            self._blocks[shown] = known
        return known

    def build(self, sample: Sample, fits: Fits | None = None) -> Prompt:
        """The prompt of a generating task, with as many of its examples as fit."""
        fields = self.fields(sample)
        if self.zero_shot:
            return self.plan.fill(fields, self._closing)
        shown = self.picked(sample)
        while True:
            prompt = self.plan.fill(fields, self.block(shown))
            if not shown or fits is None or fits(prompt):
                return prompt
            shown = shown[:-1]

    def build_labels(
        self, sample: Sample, labels: Sequence[Hashable], fits: Fits | None = None
    ) -> tuple[list[Prompt], tuple[int, ...]]:
        """The prompt of each label, and the examples shown: the same for all labels, so that they compare."""
        fields = self.fields(sample)
        shown = self.picked(sample)
        while True:
            block = self.block(shown)
            prompts = [self.plan_of(label).fill(fields, block) for label in labels]
            if not shown or fits is None or all(fits(prompt) for prompt in prompts):
                return prompts, shown
            shown = shown[:-1]

    def _label_texts(self, shown: Sequence[int], fields: Row) -> list[tuple[str, str]]:
        block = self.block(tuple(shown))
        before = block if isinstance(block, str) else "".join(one for one in block if isinstance(one, str))
        texts = [self.plan_of(label).fill(fields, block) for label in self.template.variants]
        return [(before, text) for text in texts if isinstance(text, str)]

    def _make_block(self, shown: tuple[int, ...]) -> Block:
        if not shown:
            return self._closing
        example = self.example
        if example is None:
            raise UserError(
                "the retriever shows examples, but there is no ice_template to write them",
                where="infer_cfg.ice_template",
                expected="an ice_template, or ZeroRetriever",
            )
        rows = self._rows()
        pairs = []
        for at in shown:
            row = rows[at]
            variant = (
                example.variant(row.get(self.output_column or "")) if example.labelled else example.first
            )
            pairs.append((self._example_plans[id(variant)], row))
        return self._layout.block(pairs, self._separator, self._closing)

    def _check_place(self, infer_cfg: Mapping[str, Any], retriever_cfg: Mapping[str, Any]) -> None:
        if self.example is None:
            raise UserError(
                "the retriever shows examples, but there is no ice_template to write them",
                where="infer_cfg.ice_template",
                expected="an ice_template, or ZeroRetriever",
            )
        if self.template.ice_token is None or not self.template.takes_examples:
            raise UserError(
                "the prompt has no place for the examples",
                where="infer_cfg.prompt_template.ice_token",
                expected="ice_token='</E>' and '</E>' in the template",
            )
        for key in ("ice_template", "prompt_template"):
            if retriever_cfg.get(key) not in (None, infer_cfg.get(key)):
                raise UserError(
                    f"another {key} than that of the prompts",
                    where=f"infer_cfg.retriever.{key}",
                    expected="the one of infer_cfg, or none",
                )
        for error in check_mix(self.template, self.example, "infer_cfg.ice_template"):
            raise error


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(item) for item in value]
