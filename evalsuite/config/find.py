"""Where config files and shipped data lie, and which of them a name or pattern means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path

import evalsuite
from evalsuite.errors import UserError, nearest_name

# What the command line calls a kind of config, and the folders in which files of that kind lie.
FOLDERS: dict[str, tuple[str, ...]] = {
    "models": ("models",),
    "datasets": ("datasets", "dataset_collections"),
    "summarizers": ("summarizers",),
    "clusters": ("clusters",),
}
EVALUATIONS = "evals"


@dataclass(frozen=True)
class Found:
    """One config file that a name matched, and the root (the user's folder or the shipped one) it lies in."""

    name: str
    kind: str
    path: Path
    root: Path


def _home(name: str) -> Path:
    package = Path(evalsuite.__file__).resolve().parent
    inside = package / "_shipped" / name
    return inside if inside.is_dir() else package.parent / name


def shipped_root() -> Path:
    """The folder of configs that came with the program: in its checkout, or inside the installed package."""
    return _home("configs")


def shipped_data() -> Path:
    """The folder of data that came with the program."""
    return _home("data")


def config_roots(user_dir: str | Path | None = None) -> tuple[Path, ...]:
    """Where names are looked up, in order: the user's folder (else `configs` here), then what is shipped."""
    mine = Path(user_dir) if user_dir is not None else Path("configs")
    if user_dir is not None and not mine.is_dir():
        raise UserError(f"there is no folder {str(user_dir)!r}", where="--config-dir", expected="a folder")
    roots = [mine.resolve()] if mine.is_dir() else []
    shipped = shipped_root().resolve()
    if shipped.is_dir() and shipped not in roots:
        roots.append(shipped)
    return tuple(roots)


def available(kind: str, roots: Sequence[Path]) -> list[Found]:
    """All config files of a kind (whole evaluations lie in the root itself).

    A file of the user's takes the place of a shipped one of the same name.
    """
    found: list[Found] = []
    for root in roots:
        taken = {item.name for item in found}
        files = (
            [root.glob("*.py")] if kind == EVALUATIONS else [(root / f).rglob("*.py") for f in FOLDERS[kind]]
        )
        for paths in files:
            for path in paths:
                if not path.stem.startswith("_") and path.stem not in taken:
                    found.append(Found(path.stem, kind, path, root))
    return sorted(found, key=lambda item: (item.name, item.path))


def match(kind: str, pattern: str, roots: Sequence[Path]) -> list[Found]:
    """Every config of a kind whose name matches; `*` and `?` are wildcards, case does not matter."""
    everything = available(kind, roots)
    wanted = pattern.removesuffix(".py").lower()
    found = [item for item in everything if fnmatchcase(item.name.lower(), wanted)]
    if not found:
        looked = ", ".join(str(root / FOLDERS[kind][0]) for root in roots) or "no folder of configs"
        raise UserError(
            f"no config matches {pattern!r}",
            where=_flag(kind),
            expected=f"the name of a file in {looked}",
            nearest=nearest_name(wanted, (item.name for item in everything)),
        )
    for one, other in pairwise(found):
        if one.name == other.name:
            raise UserError(
                f"two configs are called {one.name!r}: {one.path} and {other.path}",
                where=_flag(kind),
                expected="names that differ",
            )
    return found


def _flag(kind: str) -> str:
    """The flag that takes names of a kind: of summarizers and clusters there is one."""
    return f"--{kind}" if kind in ("models", "datasets") else f"--{kind[:-1]}"


def listing(patterns: Sequence[str] = (), user_dir: str | Path | None = None) -> list[Found]:
    """What `list` shows: all configs, or those whose name contains or matches one of the patterns."""
    roots = config_roots(user_dir)
    everything = [item for kind in (EVALUATIONS, *FOLDERS) for item in available(kind, roots)]
    if not patterns:
        return everything
    return [item for item in everything if any(_resembles(item.name, pattern) for pattern in patterns)]


def _resembles(name: str, pattern: str) -> bool:
    wanted = pattern.removesuffix(".py").lower()
    return wanted in name.lower() or fnmatchcase(name.lower(), wanted)


def config_file(name: str, user_dir: str | Path | None = None) -> Path:
    """The config that a command line names: a path, or the name of a config in one of the roots."""
    direct = Path(name)
    if direct.is_file():
        return direct.resolve()
    roots = config_roots(user_dir)
    stem = direct.name.removesuffix(".py")
    for root in roots:
        for candidate in (root / name, root / f"{name}.py"):
            if candidate.is_file():
                return candidate.resolve()
    files = [path for root in roots for path in root.glob("*.py")]
    raise UserError(
        f"there is no config {name!r}",
        expected=f"a file, or the name of one in {', '.join(map(str, roots)) or 'a configs folder'}",
        nearest=nearest_name(stem, (path.stem for path in files)),
    )


def data_roots(config_dir: str | Path) -> tuple[Path, ...]:
    """The folders to which a relative data path in a config may refer, in order."""
    return (Path.cwd(), Path(config_dir), shipped_data().parent)


def find_data(path: str, roots: Iterable[Path]) -> Path | None:
    """The existing file or folder that a data path means, absolute; None when there is none."""
    expanded = Path(path).expanduser()
    for candidate in [expanded] if expanded.is_absolute() else [root / expanded for root in roots]:
        if candidate.exists():
            return candidate.resolve()
    return None
