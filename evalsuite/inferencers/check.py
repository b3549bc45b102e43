"""What is wrong with an infer_cfg, all of it at once, before any model is loaded."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from evalsuite.bounds import Above, AtLeast, NotNegative, Positive
from evalsuite.config.signature import describe, fits, shown
from evalsuite.errors import UserError, nearest_name
from evalsuite.inferencers.build import KINDS
from evalsuite.inferencers.chat import MODES
from evalsuite.prompt.retrievers import check_retriever
from evalsuite.prompt.template import (
    MESSAGE_ROLES,
    Dialogue,
    Template,
    Turn,
    check_mix,
    own_path,
    read_template,
    short_type,
)
from evalsuite.registry import load

_KEYS = ("prompt_template", "ice_template", "retriever", "inferencer", "as_text")
_ROLES = ("HUMAN", "BOT", "SYSTEM")
_WORD = re.compile(r"[A-Za-z_]\w*")
_LATEX = re.compile(r"(?:\\[A-Za-z]+|[\^_])(?:\{\w*\})+")

_ANY: Mapping[str, Any] = {
    "max_seq_len": Positive,
    # OpenCompass's keys for batches and files, which the engine decides here
    "batch_size": Positive,
    "save_every": int,
    "output_json_filepath": str,
    "output_json_filename": str,
    "fix_id_list": list,
    "dump_timer": bool,
    "dump_res_length": bool,
}
_GENERATE: Mapping[str, Any] = {
    "max_out_len": Positive,
    "min_out_len": NotNegative,
    "stopping_criteria": list[str],
    "generation_kwargs": Mapping,
    "gen_field_replace_token": str,
    "tools_column": str,
}
# In `generation_kwargs`, of a model or of an inferencer; other keys are a backend's own to judge.
_SAMPLING: Mapping[str, Any] = {
    **dict.fromkeys(("stop", "stop_words", "stopping_criteria"), str | list[str]),
    **dict.fromkeys(("max_out_len", "max_new_tokens"), Positive),
    **dict.fromkeys(("min_out_len", "min_new_tokens"), NotNegative),
    "temperature": Annotated[float, AtLeast(0)],
    **dict.fromkeys(("top_p", "repetition_penalty"), Annotated[float, Above(0)]),
    **dict.fromkeys(("top_k", "seed"), int),
    "do_sample": bool,
}
_CHOOSE: Mapping[str, Any] = {"labels": list, "choose": str}
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "GenInferencer": {**_ANY, **_GENERATE, "multiround": bool},
    "ParallelGenInferencer": {**_ANY, **_GENERATE, "multiround": bool, "max_infer_workers": Positive},
    "ChatInferencer": {**_ANY, **_GENERATE, "infer_mode": str},
    "ParallelChatInferencer": {**_ANY, **_GENERATE, "infer_mode": str, "max_infer_workers": Positive},
    "SCInferencer": {
        **_ANY,
        **_GENERATE,
        "sc_size": Positive,
        "infer_type": str,
        "extractor": str | Mapping,
    },
    "PPLInferencer": {**_ANY, **_CHOOSE, "normalizing_str": str},
    "LLInferencer": {**_ANY, **_CHOOSE, "continuation_column": str},
    "CLPInferencer": {**_ANY, "choices_column": str, "single_token": bool},
    "PPLOnlyInferencer": dict(_ANY),
}


def check_infer_cfg(
    infer_cfg: Any, reader_cfg: Any, columns: Collection[str] | None = None, where: str = "infer_cfg"
) -> list[UserError]:
    """Every mistake in an infer_cfg, each with its key path.

    `columns` are all columns of the rows (None when they are not known: then placeholders are not checked).
    """
    if not isinstance(infer_cfg, Mapping):
        return [UserError("must be a dict", where=where, expected=f"dict({', '.join(_KEYS)})")]
    errors = [_unknown(key, _KEYS, where) for key in infer_cfg if key not in _KEYS]
    inferencer = infer_cfg.get("inferencer")
    errors += _check_inferencer(inferencer, f"{where}.inferencer")
    retriever = infer_cfg.get("retriever")
    if retriever is not None:
        errors += check_retriever(retriever, f"{where}.retriever")
    if not isinstance(infer_cfg.get("as_text", False), bool):
        errors.append(UserError("must be True or False", where=f"{where}.as_text", expected="True"))
    templates: dict[str, Template] = {}
    for name in ("prompt_template", "ice_template"):
        if infer_cfg.get(name) is None:
            continue
        try:
            templates[name] = read_template(infer_cfg[name], f"{where}.{name}")
        except UserError as error:
            errors.append(error)
    if errors and len(templates) < sum(infer_cfg.get(name) is not None for name in _KEYS[:2]):
        return errors
    errors += _check_place(infer_cfg, templates, where)
    kind = short_type(inferencer) if isinstance(inferencer, Mapping) else ""
    errors += _check_task(kind, inferencer, templates, reader_cfg, where)
    for name, template in templates.items():
        errors += _check_roles(template, f"{where}.{name}")
        if columns is not None:
            known = {*columns, *_listed(reader_cfg, "input_columns"), *_listed(reader_cfg, "output_column")}
            errors += _check_columns(template, known, f"{where}.{name}")
    return errors


def check_sampling(cfg: Mapping[str, Any], where: str) -> list[UserError]:
    """What is wrong with how answers are to be generated, in a model's dict or an inferencer's."""
    errors = []
    given = cfg.get("generation_kwargs")
    for key, value in given.items() if isinstance(given, Mapping) else ():
        if value is not None and not fits(value, _SAMPLING.get(key, Any)):
            errors.append(
                UserError(
                    f"{shown(key, value)} is wrong",
                    where=f"{where}.generation_kwargs.{key}",
                    expected=describe(_SAMPLING[key]),
                )
            )
    least, most = cfg.get("min_out_len"), cfg.get("max_out_len")
    if isinstance(least, int) and isinstance(most, int) and least > most > 0:
        errors.append(
            UserError(
                f"answers of at least {least} and at most {most} tokens",
                where=f"{where}.min_out_len",
                expected=f"{most} at most, as max_out_len says",
            )
        )
    return errors


def _check_inferencer(cfg: Any, where: str) -> list[UserError]:
    if not isinstance(cfg, Mapping):
        return [UserError("there is no inferencer", where=where, expected="dict(type=GenInferencer)")]
    name = short_type(cfg)
    own_class = own_path(cfg)
    if own_class is not None:
        try:
            load(own_class, cfg["type"])
        except UserError as error:
            return [
                UserError(error.what, where=f"{where}.type", expected=error.expected, nearest=error.nearest)
            ]
        return []
    if name not in KINDS:
        return [
            UserError(
                f"unknown inferencer {name!r}" if name else "an inferencer needs a type",
                where=f"{where}.type",
                expected=", ".join(KINDS),
                nearest=nearest_name(name, KINDS),
            )
        ]
    known = OPTIONS[name]
    errors = []
    for key, value in cfg.items():
        if key == "type":
            continue
        if key not in known:
            errors.append(_unknown(key, tuple(known), where, f" of {name}"))
        elif value is not None and not fits(value, known[key]):
            errors.append(
                UserError(
                    f"{shown(key, value)} is wrong", where=f"{where}.{key}", expected=describe(known[key])
                )
            )
    if errors:
        return errors
    errors += check_sampling(cfg, where)
    if "num_return_sequences" in (cfg.get("generation_kwargs") or {}):
        errors.append(
            UserError(
                "several texts per sample are asked for by the dataset",
                where=f"{where}.generation_kwargs.num_return_sequences",
                expected="n=... in the dataset's dict",
            )
        )
    if cfg.get("infer_mode") is not None and cfg["infer_mode"] not in MODES:
        errors.append(
            UserError(
                f"unknown infer_mode {cfg['infer_mode']!r}",
                where=f"{where}.infer_mode",
                expected=", ".join(MODES),
                nearest=nearest_name(cfg["infer_mode"], MODES),
            )
        )
    return errors


def _check_place(
    infer_cfg: Mapping[str, Any], templates: Mapping[str, Template], where: str
) -> list[UserError]:
    """Whether examples, where there are any, can be written and have a place."""
    retriever = infer_cfg.get("retriever")
    if not isinstance(retriever, Mapping) or short_type(retriever) in ("", "ZeroRetriever"):
        return []
    if "ice_template" not in templates:
        return [
            UserError(
                "the retriever shows examples, but there is no ice_template to write them",
                where=f"{where}.ice_template",
                expected="an ice_template, or ZeroRetriever",
            )
        ]
    name = "prompt_template" if "prompt_template" in templates else "ice_template"
    if templates[name].ice_token is None or not templates[name].takes_examples:
        return [
            UserError(
                "the prompt has no place for the examples",
                where=f"{where}.{name}.ice_token",
                expected="ice_token='</E>' and '</E>' in the template",
            )
        ]
    return check_mix(templates[name], templates["ice_template"], f"{where}.ice_template")


def _check_task(
    kind: str, inferencer: Any, templates: Mapping[str, Template], reader_cfg: Any, where: str
) -> list[UserError]:
    """What an inferencer needs of the templates and of the columns."""
    template = templates.get("prompt_template") or templates.get("ice_template")
    if template is None:
        columns = _listed(reader_cfg, "input_columns")
        if kind.endswith("ChatInferencer") and len(columns) == 1:
            return []
        return [UserError("there is no prompt_template", where=where)]
    if kind in ("PPLInferencer", "LLInferencer"):
        if not template.labelled:
            return [
                UserError(
                    "there is one prompt for all labels, so none can be chosen",
                    where=f"{where}.prompt_template.template",
                    expected="a dict from each label to its template",
                )
            ]
        given = inferencer.get("labels") or ()
        known = [str(label) for label in template.variants]
        return [
            UserError(
                f"no template for the label {label!r}",
                where=f"{where}.inferencer.labels",
                expected=", ".join(known),
                nearest=nearest_name(str(label), known),
            )
            for label in given
            if str(label) not in known
        ]
    if kind == "PPLOnlyInferencer" and len(template.variants) > 1:
        return [
            UserError(
                "one text is scored, so there can be no labels",
                where=f"{where}.prompt_template.template",
                expected="a text or a dialogue",
            )
        ]
    return []


def _check_roles(template: Template, where: str) -> list[UserError]:
    """Roles that no model can be expected to know, unless they have a fallback or a name of their own."""
    errors = []
    for variant in template.variants.values():
        if not isinstance(variant, Dialogue):
            continue
        for item in (*variant.begin, *variant.round, *variant.end):
            if not isinstance(item, Turn) or item.role in _ROLES or item.fallback:
                continue
            close = nearest_name(item.role.upper(), _ROLES)
            if close or item.role.lower() in MESSAGE_ROLES:
                names = {"user": "HUMAN", "assistant": "BOT"}
                errors.append(
                    UserError(
                        f"unknown role {item.role!r}",
                        where=f"{where}.template",
                        expected="HUMAN, BOT, SYSTEM, or a fallback_role beside a role of your own",
                        nearest=names.get(item.role.lower(), close),
                    )
                )
    return errors


def _check_columns(template: Template, columns: Collection[str], where: str) -> list[UserError]:
    """Placeholders that no column fills; braces that are LaTeX's or no name are plain text."""
    source = template.source
    latex = {name for found in _LATEX.finditer(source) for name in _WORD.findall(found.group(0))}
    return [
        UserError(
            f"no column {name!r} for the placeholder {{{name}}}",
            where=where,
            expected=f"one of {', '.join(sorted(columns))}, or literals=[{name!r}] for plain braces",
            nearest=nearest_name(name, columns),
        )
        for name in dict.fromkeys(template.columns)
        if name not in columns and _WORD.fullmatch(name) and name not in latex
    ]


def _unknown(key: Any, known: Collection[str], where: str, of: str = "") -> UserError:
    return UserError(
        f"unknown key {key!r}{of}",
        where=where,
        expected=", ".join(known),
        nearest=nearest_name(str(key), known),
    )


def _listed(cfg: Any, key: str) -> tuple[str, ...]:
    value = cfg.get(key) if isinstance(cfg, Mapping) else None
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
