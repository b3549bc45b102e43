"""Which libraries a benchmark's programs import, and which of them an interpreter does not have."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterable
from importlib.machinery import PathFinder

from evalsuite import syntax
from evalsuite.errors import NotHere
from evalsuite.sandbox.interpreter import find

_NAMED = 12
_PACKAGES = {
    "sklearn": "scikit-learn", "cv2": "opencv-python-headless", "bs4": "beautifulsoup4", "PIL": "pillow",
    "skimage": "scikit-image", "docx": "python-docx", "Crypto": "pycryptodome", "yaml": "pyyaml",
    "dateutil": "python-dateutil", "flask_wtf": "flask-wtf", "flask_login": "flask-login",
    "flask_mail": "flask-mail", "flask_restful": "flask-restful", "requests_mock": "requests-mock",
    "python_http_client": "python-http-client", "mpl_toolkits": "matplotlib",
}  # fmt: skip


def imported(source: str) -> set[str]:
    """The top-level names of all modules that a text imports."""
    found: set[str] = set()
    for node in ast.walk(syntax.module(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def absent(module: str, python: str | None) -> bool:
    """Whether the library that a module belongs to is really not there: a program may say so of any."""
    path = find(python).path("scientific")
    return PathFinder.find_spec(module.partition(".")[0], path) is None


def need_libraries(sources: Iterable[str], python: str | None) -> None:
    """Every library that some of the programs import is there, or the user is told which to install."""
    times: Counter[str] = Counter()
    for source in sources:
        times.update(imported(source) - sys.stdlib_module_names)
    interpreter = find(python)
    path = interpreter.path("scientific")
    missing = {name: count for name, count in times.items() if PathFinder.find_spec(name, path) is None}
    if not missing:
        return
    most = sorted(missing, key=lambda name: (-missing[name], name))
    shown = ", ".join(f"{name} ({missing[name]})" for name in most[:_NAMED])
    more = f" and {len(most) - _NAMED} more" if len(most) > _NAMED else ""
    packages = " ".join(sorted({_PACKAGES.get(name, name) for name in most}))
    raise NotHere(
        f"{len(most)} libraries that its problems import are not installed (times used): {shown}{more}",
        where=python or sys.executable,
        expected=f"pip install {packages}; or an interpreter that has them as the evaluator's `python`",
    )
