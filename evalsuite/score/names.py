"""What can be scored by name: the datasets of the benchmark configs, by their `abbr`."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalsuite.errors import UserError, nearest_name


def config_folder() -> Path:
    """The folder of dataset configs: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "configs" / "datasets", package / "configs" / "datasets"):
        if folder.is_dir():
            return folder
    raise UserError("the folder configs/datasets is missing", where=str(package.parent))


def dataset_configs(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """The datasets of all configs that run code, by abbr; the first config that has a name keeps it."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((folder or config_folder()).glob("*/*.py")):
        text = path.read_text(encoding="utf-8")
        if "evalsuite.evaluators.code." not in text or "read_base" in text:
            continue
        for name, value in runpy.run_path(str(path)).items():
            if not name.endswith("datasets") or not isinstance(value, list):
                continue
            for config in value:
                if isinstance(config, dict) and "abbr" in config:
                    found.setdefault(config["abbr"], config)
    return found


def config_of(name: str) -> Mapping[str, Any]:
    """The dataset config of a name, or an error with the nearest one."""
    known = dataset_configs()
    if name not in known:
        raise UserError(
            f"nothing that can be scored is called {name!r}",
            expected=f"one of {', '.join(sorted(known))}",
            nearest=nearest_name(name, known),
        )
    return known[name]
