"""`evalsuite show MODEL DATASET`: the prompts as the model gets them, and what identifies each request."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from evalsuite.cli import parser
from evalsuite.errors import UserErrors


def main(argv: Sequence[str]) -> int:
    """Print the first prompts of every named model x dataset."""
    options = parser(
        "show", "The first rendered prompts of a model x dataset, with sampling and request key."
    )
    options.add_argument("model", help="a model config by name, or an abbr of --config")
    options.add_argument("dataset", help="a dataset config by name, or an abbr of --config")
    options.add_argument("--config", help="look the names up in this config")
    options.add_argument("--config-dir", help="where names are looked up first (configs)")
    options.add_argument("-n", "--n", type=int, default=1, help="how many samples (1)")
    options.add_argument(
        "--tokens", action="store_true", help="load the model's tokenizer: template and counts"
    )
    words = options.parse_args(list(argv))
    from evalsuite.config.check import check
    from evalsuite.flags import RunOptions
    from evalsuite.launch import read
    from evalsuite.partitioners import Partitioner
    from evalsuite.plan import HashCache, build_plan
    from evalsuite.registry import extend_path

    config = read(
        RunOptions(
            config=words.config, models=(words.model,), datasets=(words.dataset,), config_dir=words.config_dir
        )
    )
    problems = check(config)
    if problems:
        raise UserErrors(problems)
    extend_path(config.search_paths)
    plan = build_plan(config, partitioner=Partitioner(), hashes=HashCache(None), history={})
    for pair in plan.pairs:
        for line in _lines(plan, pair, words.n, words.tokens):
            sys.stdout.write(f"{line}\n")
    return 0


def _lines(plan: Any, pair: Any, count: int, tokens: bool) -> Iterator[str]:
    from evalsuite.datasets.build import build_dataset
    from evalsuite.prompts_of import inferencer_of, prompt_text
    from evalsuite.worker import build_model

    inferencer = inferencer_of(plan, pair)
    model = build_model(plan.model(pair.model).config) if tokens else None
    dataset = build_dataset(plan.dataset(pair.dataset).config)
    yield f"== {pair.model} x {pair.dataset} [{pair.mode}, {pair.version}]"
    for sample in islice(dataset.samples(0, count), count):
        exchange = inferencer.exchange(sample, 0)
        for request in exchange.start():
            yield f"-- sample {sample.id}, request {request.key}"
            sampling = {
                key: value for key, value in asdict(request.sampling).items() if value not in ((), {}, None)
            }
            yield f"   {sampling}"
            prompt = request.prompt
            if model is not None:
                yield f"   {model.count_tokens(prompt)} tokens"
                render = getattr(model, "render", None)
                prompt = render(prompt) if render else prompt
            yield from (f"   | {line}" for line in prompt_text(prompt).split("\n"))
            yield from (f"   -> {text!r}" for text in request.continuations)
    if model is not None:
        model.close()
