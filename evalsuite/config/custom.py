"""A dataset from nothing but a file of questions, with options (mcq) or with an answer (qa).

A file `x.jsonl.meta.json` beside the data may set any of the keys in `META_KEYS`; what the user writes in the
dict or on the command line wins over it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from evalsuite.config.find import find_data
from evalsuite.config.spec import PlainDict
from evalsuite.errors import UserError, nearest_name

META_KEYS = (
    "abbr",
    "data_type",
    "infer_method",
    "human_prompt",
    "bot_prompt",
    "template",
    "options",
    "input_columns",
    "output_column",
)
LOADERS = {".jsonl": "JsonlDataset", ".json": "JsonlDataset", ".csv": "CsvDataset", ".tsv": "CsvDataset"}
DATA_TYPES = ("mcq", "qa")
INFER_METHODS = ("gen", "ppl")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def expand_custom(given: Mapping[str, Any], roots: Sequence[Path], where: str) -> PlainDict:
    """The full dataset dict for a file whose dict names no type."""
    path = find_data(str(given["path"]), roots)
    if path is None:
        raise UserError(f"there is no file {given['path']!r}", where=f"{where}.path", expected="a data file")
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if kind not in LOADERS:
        raise UserError(
            f"{path.name!r} is of no known format", where=f"{where}.path", expected=", ".join(LOADERS)
        )
    facts = {**_meta(given, path, where), **{key: value for key, value in given.items() if value is not None}}
    row = _first_row(path, kind, where)
    options = facts.get("options") or _options(row)
    output = facts.get("output_column", "answer")
    data_type = _one_of(
        facts.get("data_type") or ("mcq" if options else "qa"), DATA_TYPES, f"{where}.data_type"
    )
    method = _one_of(facts.get("infer_method") or "gen", INFER_METHODS, f"{where}.infer_method")
    if data_type == "mcq" and len(options) < 2:
        raise UserError(
            "the file has no options", where=f"{where}.path", expected="columns A, B, ..., or data_type 'qa'"
        )
    if data_type == "qa" and method == "ppl":
        raise UserError(
            "questions without options have no ppl", where=f"{where}.infer_method", expected="'gen'"
        )
    columns = facts.get("input_columns") or (["question", *options] if data_type == "mcq" else ["question"])
    for column in [*columns, output]:
        if column not in row:
            raise UserError(
                f"{path.name} has no column {column!r}",
                where=f"{where}.path",
                expected=f"one of {', '.join(map(str, row))}, named by input_columns and output_column",
                nearest=nearest_name(column, row),
            )
    rest = {key: value for key, value in given.items() if key not in (*META_KEYS, "path", "meta_path")}
    return {
        "abbr": facts.get("abbr") or path.name.partition(".")[0],
        "type": LOADERS[kind],
        "path": str(path),
        "reader_cfg": {"input_columns": list(columns), "output_column": output},
        "infer_cfg": _infer_cfg(facts, data_type, method, options, output),
        "eval_cfg": _eval_cfg(data_type, method, options),
        **rest,
    }


def _infer_cfg(
    facts: Mapping[str, Any], data_type: str, method: str, options: Sequence[str], output: str
) -> PlainDict:
    if data_type == "mcq":
        lines = "".join(f"{option}. {{{option}}}\n" for option in options)
        human = facts.get("human_prompt") or f"Question: {{question}}\n{lines}Answer: "
    else:
        human = facts.get("human_prompt") or "{question}"

    def rounds(answer: str) -> PlainDict:
        return {"round": [{"role": "HUMAN", "prompt": human}, {"role": "BOT", "prompt": answer}]}

    template = facts.get("template")
    if template is None and method == "ppl":
        bot = facts.get("bot_prompt") or f"{{{output}}}"
        template = {option: rounds(bot.replace(f"{{{output}}}", option)) for option in options}
    elif template is None:
        template = rounds(facts.get("bot_prompt") or f"{{{output}}}")
    return {
        "prompt_template": {"type": "PromptTemplate", "template": template},
        "retriever": {"type": "ZeroRetriever"},
        "inferencer": {"type": "PPLInferencer" if method == "ppl" else "GenInferencer"},
    }


def _eval_cfg(data_type: str, method: str, options: Sequence[str]) -> PlainDict:
    evaluation: PlainDict = {"evaluator": {"type": "AccEvaluator"}}
    if data_type == "mcq" and method == "gen":
        evaluation["pred_postprocessor"] = {"type": "first_option_postprocess", "options": "".join(options)}
    return evaluation


def _meta(given: Mapping[str, Any], path: Path, where: str) -> PlainDict:
    named = given.get("meta_path")
    file = Path(str(named)) if named else path.with_name(f"{path.name}.meta.json")
    if not file.is_file():
        if named:
            raise UserError(f"there is no file {named!r}", where=f"{where}.meta_path", expected="a JSON file")
        return {}
    try:
        meta = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"not valid JSON: {error}", where=str(file)) from error
    if not isinstance(meta, dict):
        raise UserError("not a JSON object", where=str(file), expected=f"keys among {', '.join(META_KEYS)}")
    for key in meta:
        if key not in META_KEYS:
            raise UserError(
                f"unknown key {key!r}",
                where=str(file),
                expected=", ".join(META_KEYS),
                nearest=nearest_name(key, META_KEYS),
            )
    return meta


def _first_row(path: Path, kind: str, where: str) -> Mapping[str, Any]:
    with _open_text(path) as file:
        if LOADERS[kind] == "CsvDataset":
            header = next(csv.reader(file, delimiter="\t" if kind == ".tsv" else ","), [])
            return dict.fromkeys(header)
        try:
            line = next((line for line in file if line.strip()), "{}")
            row = json.loads(line if not line.lstrip().startswith("[") else line + file.read())
        except ValueError as error:
            raise UserError(f"the first row is not JSON: {error}", where=f"{where}.path") from error
    first = row[0] if isinstance(row, list) and row else row
    if not isinstance(first, dict):
        raise UserError(
            "the first row is not a JSON object", where=f"{where}.path", expected="columns by name"
        )
    return first


def _open_text(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.GzipFile(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _options(row: Mapping[str, Any]) -> list[str]:
    """The columns A, B, C... as far as they go without a gap."""
    found: list[str] = []
    for letter in LETTERS:
        if letter not in row:
            break
        found.append(letter)
    return found if len(found) > 1 else []


def _one_of(value: Any, known: Sequence[str], where: str) -> str:
    if value not in known:
        raise UserError(
            f"{value!r} is wrong",
            where=where,
            expected=" or ".join(known),
            nearest=nearest_name(str(value), known),
        )
    return str(value)
