"""`evalsuite show MODEL DATASET`: the prompts as the model gets them, and what identifies each request."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from evalsuite.cli import parser
from evalsuite.errors import UserError, UserErrors, nearest_name


def main(argv: Sequence[str]) -> int:
    """Print the first prompts of every named model x dataset."""
    options = parser(
        "show", "The first rendered prompts of a model x dataset, with sampling and request key."
    )
    options.add_argument("model", help="a model by the name of its config or by its abbr")
    options.add_argument("dataset", help="a dataset by the name of its config or by its abbr")
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

    if words.config:
        asked = RunOptions(
            config=words.config, models=(words.model,), datasets=(words.dataset,), config_dir=words.config_dir
        )
        config = read(asked)
    else:
        config = _shipped({"models": words.model, "datasets": words.dataset}, words.config_dir)
    problems = check(config, scored=False)
    if problems:
        raise UserErrors(problems)
    extend_path(config.search_paths)
    plan = build_plan(config, partitioner=Partitioner(), hashes=HashCache(None), history={}, scored=False)
    for pair in plan.pairs:
        for line in _lines(plan, pair, words.n, words.tokens):
            sys.stdout.write(f"{line}\n")
    return 0


def _shipped(words: Mapping[str, str], config_dir: str | None) -> Any:
    """The config of a model and a dataset that are named by their config files or by their abbrs."""
    from evalsuite.flags import RunOptions
    from evalsuite.launch import read

    found = {kind: _file_of(kind, word, config_dir) for kind, word in words.items()}
    names = {kind: (name,) for kind, (name, _) in found.items()}
    config = read(RunOptions(models=names["models"], datasets=names["datasets"], config_dir=config_dir))
    chosen = {
        kind: tuple(entry for entry in getattr(config, kind) if entry["abbr"] == abbr)
        for kind, (_, abbr) in found.items()
        if abbr
    }
    return replace(config, **chosen)


def _file_of(kind: str, word: str, config_dir: str | None) -> tuple[str, str]:
    """The config file that a word names, and the abbr in it that is meant ("" for all of the file)."""
    from evalsuite.config.assemble import Named, assemble_named
    from evalsuite.config.find import available, config_roots

    files = [found.name for found in available(kind, config_roots(config_dir))]
    pattern = word.partition("/")[0].removesuffix(".py").lower()
    if any(fnmatchcase(name.lower(), pattern) for name in files):
        return word, ""
    places: dict[str, list[str]] = {}
    for name in files:
        names = Named(config_dir=config_dir)
        config, _ = assemble_named(
            replace(names, models=(name,)) if kind == "models" else replace(names, datasets=(name,))
        )
        for entry in getattr(config, kind):
            places.setdefault(entry["abbr"], []).append(name)
    found = places.get(word, [])
    if len(found) == 1:
        return found[0], word
    raise UserError(
        f"{len(found)} configs hold {word!r}" if found else f"no config is called {word!r} or holds it",
        where=kind.removesuffix("s"),
        expected=f"one of {', '.join(found)}" if found else "the name of a config, or an abbr in one",
        nearest="" if found else nearest_name(word, {*files, *places}),
    )


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
