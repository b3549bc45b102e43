"""What is wrong with an infer_cfg, all of it at once, before any model is loaded."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from evalsuite.errors import UserError, nearest_name
from evalsuite.inferencers.build import KINDS
from evalsuite.prompt.retrievers import check_retriever
from evalsuite.prompt.template import Template, read_template, short_type

_KEYS = ("prompt_template", "ice_template", "retriever", "inferencer")
_WORD = re.compile(r"[A-Za-z_]\w*")


def check_infer_cfg(
    infer_cfg: Any, reader_cfg: Any, columns: Collection[str] | None, where: str
) -> list[UserError]:
    """Every mistake in an infer_cfg, each with its key path.

    `columns` are all columns of the rows (None when they are not known: then placeholders are not checked).
    """
    if not isinstance(infer_cfg, Mapping):
        return [UserError("must be a dict", where=where, expected=f"dict({', '.join(_KEYS)})")]
    errors = [
        UserError(
            f"unknown key {key!r}",
            where=where,
            expected=", ".join(_KEYS),
            nearest=nearest_name(str(key), _KEYS),
        )
        for key in infer_cfg
        if key not in _KEYS
    ]
    errors += _check_inferencer(infer_cfg.get("inferencer"), f"{where}.inferencer")
    if infer_cfg.get("retriever") is not None:
        errors += check_retriever(infer_cfg["retriever"], f"{where}.retriever")
    templates = {}
    for name in ("prompt_template", "ice_template"):
        if infer_cfg.get(name) is None:
            continue
        try:
            templates[name] = read_template(infer_cfg[name], f"{where}.{name}")
        except UserError as error:
            errors.append(error)
    if not any(infer_cfg.get(name) for name in ("prompt_template", "ice_template")):
        errors.append(UserError("there is no prompt_template", where=where))
    if columns is not None:
        for name, template in templates.items():
            errors += _check_columns(template, columns, f"{where}.{name}.template")
    return errors


def _check_inferencer(cfg: Any, where: str) -> list[UserError]:
    if not isinstance(cfg, Mapping):
        return [UserError("there is no inferencer", where=where, expected="dict(type=GenInferencer)")]
    name = short_type(cfg)
    if name not in KINDS:
        return [
            UserError(
                f"unknown inferencer {name!r}",
                where=f"{where}.type",
                expected=", ".join(KINDS),
                nearest=nearest_name(name, KINDS),
            )
        ]
    return []


def _check_columns(template: Template, columns: Collection[str], where: str) -> list[UserError]:
    return [
        UserError(
            f"no column {name!r} for the placeholder {{{name}}}",
            where=where,
            expected=", ".join(sorted(columns)),
            nearest=nearest_name(name, columns),
        )
        for name in dict.fromkeys(template.columns)
        if name not in columns and _WORD.fullmatch(name)
    ]
