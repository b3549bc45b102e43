"""Loads a Python config through mmengine, with its known traps closed; nothing else knows that package.

mmengine parses a config, turns imports into lazy objects and runs the rest. Three of its helpers are replaced
while a file is read, and put back afterwards:

- what counts as the standard library: in a virtual environment it takes `os`, `re` or `copy` for foreign
  packages, after which `os.environ.get(...)` in a config fails without a message;
- how `with read_base():` blocks are collected: it sees only the first block of a file, refuses
  `import os, re`, and knows nothing of configs addressed as `opencompass.configs...`;
- how an installed package is found: it needs `pkg_resources`, which setuptools no longer has.
"""

from __future__ import annotations

import ast
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from evalsuite.config.find import shipped_root
from evalsuite.errors import UserError, nearest_name

_lock = threading.Lock()
_STDLIB = Path(ast.__file__).parent
_ALIAS = "evalsuite_config_root_"
_CONFIG_PACKAGES = ("opencompass.configs.", "evalsuite.configs.", "configs.")


class _Trouble(Exception):
    """A mistake in a config that mmengine would not notice or not explain."""

    def __init__(self, what: str, line: int, expected: str, nearest: str = "") -> None:
        super().__init__(what)
        self.what, self.line, self.expected, self.nearest = what, line, expected, nearest


def load(path: Path) -> dict[str, Any]:
    """The names of a config file with their values; what is imported stays a lazy object."""
    _check_syntax(path)
    from mmengine.config import Config

    with _lock, _patched(path):
        try:
            config = Config.fromfile(str(path), format_python_code=False)
        except UserError:
            raise
        except (Exception, SystemExit) as error:  # whatever a config raises is its author's to mend
            raise _explained(error, path) from error
    values: dict[str, Any] = config._cfg_dict
    return {key: value for key, value in dict.items(values) if not _is_tool(value)}


def _is_tool(value: Any) -> bool:
    """Modules, functions and imported names at the top of a config serve its author; they are no data."""
    return isinstance(value, ModuleType) or callable(value)


def reference(value: Any) -> tuple[str, str] | None:
    """The dotted path that a lazy object stands for, and the file that wrote it; None for anything else."""
    from mmengine.config.lazy import LazyAttr, LazyObject

    if isinstance(value, LazyObject):
        dotted = value.module if value._imported is None else f"{value.module}.{value._imported}"
        return dotted, _file_of(value.location)
    if isinstance(value, LazyAttr):
        source: Any = value
        while isinstance(source, LazyAttr):
            source = source.source
        return f"{value.module}.{value.name}", _file_of(source.location)
    return None


def _file_of(location: str | None) -> str:
    return location.rpartition(", line ")[0] if location else ""


def _check_syntax(path: Path) -> None:
    try:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.With):
                _expect_read_base(node)
    except _Trouble as error:
        raise UserError(error.what, where=f"{path}:{error.line}", expected=error.expected) from error
    except SyntaxError as error:
        raise UserError(f"not valid Python: {error.msg}", where=_at(path, error.lineno)) from error
    except UnicodeDecodeError as error:
        raise UserError("the file is not UTF-8 text", where=str(path)) from error
    except ValueError as error:  # Python 3.10 says so of null bytes
        raise UserError(f"not valid Python: {error}", where=str(path)) from error


def _at(file: str | Path, line: int | None) -> str:
    """A place in a file; not everything that is wrong with one is wrong in a line."""
    return f"{file}:{line}" if line else str(file)


@contextmanager
def _patched(path: Path) -> Iterator[None]:
    import mmengine.config.config as config_module
    import mmengine.config.utils as utils_module

    roots = _base_roots(path)
    original = utils_module._is_builtin_module

    def is_builtin(name: str) -> bool:
        return name.split(".")[0] in sys.stdlib_module_names or bool(original(name))

    def base_modules(nodes: list[ast.stmt]) -> list[str]:
        return _flatten(nodes, roots)

    def installed_path(package: str) -> str:
        if package.startswith(_ALIAS):
            return str(roots[int(package.removeprefix(_ALIAS))])
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise _Trouble(
                f"the package {package!r} is not installed",
                0,
                "a relative import, such as `from .datasets.humaneval import humaneval_datasets`",
            )
        return str(next(iter(spec.submodule_search_locations)))

    replaced = [
        (utils_module, "_is_builtin_module", is_builtin),
        (config_module, "_is_builtin_module", is_builtin),
        (config_module, "get_installed_path", installed_path),
        (config_module.Config, "_get_base_modules", staticmethod(base_modules)),
    ]
    before = [(owner, name, vars(owner)[name]) for owner, name, _ in replaced]
    for owner, name, value in replaced:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


def _base_roots(path: Path) -> list[Path]:
    """Where `opencompass.configs.x` may lie: the config's own tree, `configs` here, what is shipped, and an
    OpenCompass that is checked out here or installed."""
    roots = [parent for parent in path.parents if parent.name == "configs"][:1]
    roots += [Path("configs"), shipped_root(), Path("opencompass/configs")]
    spec = find_spec("opencompass")
    roots += [Path(folder) / "configs" for folder in (spec and spec.submodule_search_locations) or ()]
    return list(dict.fromkeys(root.resolve() for root in roots if root.is_dir()))


def _flatten(nodes: list[ast.stmt], roots: list[Path]) -> list[str]:
    """Take the imports out of every read_base() block, and return the modules that they name."""
    modules: list[str] = []
    flat: list[ast.stmt] = []
    for node in nodes:
        if isinstance(node, ast.With):
            _expect_read_base(node)
            for inner in node.body:
                modules.append(_base_import(inner, roots))
            flat.extend(node.body)
        elif isinstance(node, ast.Import) and len(node.names) > 1:
            for alias in node.names:
                flat.append(ast.copy_location(ast.Import(names=[alias]), node))
        else:
            if isinstance(node, ast.Assign) and any(
                isinstance(name, ast.Name) and name.id == "_base_" for name in node.targets
            ):
                raise _Trouble(
                    "`_base_` and read_base() or imports of classes do not go together",
                    node.lineno,
                    "one of the two styles in a config and all its bases",
                )
            flat.append(node)
    nodes[:] = flat
    return modules


def _expect_read_base(node: ast.With) -> None:
    call = node.items[0].context_expr
    function = call.func if isinstance(call, ast.Call) else call
    if len(node.items) > 1 or not (isinstance(function, ast.Name) and function.id == "read_base"):
        raise _Trouble("a config cannot use `with` for anything but read_base()", node.lineno, "plain Python")


def _base_import(node: ast.stmt, roots: list[Path]) -> str:
    if not isinstance(node, ast.ImportFrom) or node.module is None:
        raise _Trouble(
            "only `from ... import ...` can stand under read_base()",
            node.lineno,
            "for example `from .datasets.humaneval import humaneval_datasets`",
        )
    prefix = next((name for name in _CONFIG_PACKAGES if f"{node.module}.".startswith(name)), "")
    if node.level == 0 and prefix:
        rest = node.module.removeprefix(prefix)
        file = f"{rest.replace('.', '/')}.py"
        for number, root in enumerate(roots):
            if (root / file).is_file():
                node.module = f"{_ALIAS}{number}.{rest}"
                break
        else:
            found = {path.stem: path.relative_to(root) for root in roots for path in root.rglob("*.py")}
            near = nearest_name(rest.rpartition(".")[2], found)
            raise _Trouble(
                f"there is no config {node.module!r}",
                node.lineno,
                f"a file {file} in {' or '.join(map(str, roots)) or 'a configs folder'}",
                prefix + ".".join(found[near].with_suffix("").parts) if near else "",
            )
    return f"{'.' * node.level}{node.module}"


def _explained(error: BaseException, path: Path) -> UserError:
    """What went wrong in a config, with the line in the config where it did."""
    frames = _frames(error)
    readers = [frame.f_locals for frame in frames if frame.f_code.co_name in _READERS]
    here = str(readers[-1].get("filename", path)) if readers else str(path)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_config(frame.filename)]
    where = f"{own[-1].filename}:{own[-1].lineno}" if own else here
    text = (own[-1].line or "") if own else ""
    if isinstance(error, _Trouble):
        return UserError(
            error.what, where=_at(here, error.line), expected=error.expected, nearest=error.nearest
        )
    if isinstance(error, SyntaxError):
        return UserError(f"not valid Python: {error.msg}", where=_at(here, error.lineno))
    if isinstance(error, SystemExit):
        return UserError(
            f"the config ends the program: {text}".rstrip(": "),
            where=where,
            expected="a config without exit()",
        )
    if isinstance(error, RecursionError) and (cycle := _cycle(frames)):
        return UserError(
            f"the config includes itself: {' -> '.join(cycle)}",
            where=cycle[0],
            expected="bases that do not lead back to it",
        )
    if isinstance(error, RuntimeError) and not error.args:
        return UserError(
            f"an imported function cannot be called in a config: {text}".rstrip(": "),
            where=where,
            expected="a reference, such as dict(type=function, argument=...)",
        )
    if isinstance(error, NameError) and own:
        name = getattr(error, "name", "") or ""
        return UserError(str(error), where=where, nearest=nearest_name(name, _names_before(own[-1])))
    if isinstance(error, KeyError) and "Duplicate key" in str(error):
        return UserError(
            f"two files in `_base_` define the same name ({str(error.args[0]).rpartition(': ')[2]})",
            where=where,
            expected="read_base() imports, which may share names",
        )
    functions = {frame.f_code.co_name: frame.f_locals for frame in frames}
    if isinstance(error, KeyError) and "visit_ImportFrom" in functions:
        return _missing_variable(str(error.args[0]), functions["visit_ImportFrom"], here)
    if isinstance(error, FileNotFoundError) and not own and len(readers) > 1:
        return _missing_file(Path(str(readers[-1]["filename"])), str(readers[-2]["filename"]))
    if type(error).__name__ == "ConfigParsingError" and readers and "module_path" in readers[-1]:
        return _missing_file(Path(readers[-1]["module_path"]), here)
    return UserError(f"{type(error).__name__}: {error}".rstrip(": "), where=where)


_READERS = ("_parse_lazy_import", "_file2dict")


def _cycle(frames: list[FrameType]) -> list[str]:
    """The files that were read one from the other until the first of them came again; none when none did."""
    order: dict[tuple[str, str], None] = {}
    for frame in dict.fromkeys(frames):  # one that raises an error again is in its traceback twice
        name, file = frame.f_code.co_name, frame.f_locals.get("filename")
        if name not in _READERS or not isinstance(file, str):
            continue
        step = (name, os.path.realpath(file))
        if step in order:
            steps = list(order)
            return [path for _, path in (*steps[steps.index(step) :], step)]
        order[step] = None
    return []


def _frames(error: BaseException) -> list[FrameType]:
    found, step = [], error.__traceback__
    while step is not None:
        found.append(step.tb_frame)
        step = step.tb_next
    return found


def _missing_variable(name: str, local: dict[str, Any], where: str) -> UserError:
    """An import under read_base() names something that the imported config does not define."""
    node: ast.ImportFrom = local["node"]
    defined = [
        key for key, value in dict.items(local["self"].base_dict[local["module"]]) if not _is_tool(value)
    ]
    module = re.sub(rf"^{_ALIAS}\d+", "opencompass.configs", node.module or "")
    return UserError(
        f"{'.' * node.level}{module} has no variable {name!r}",
        where=f"{where}:{node.lineno}",
        expected=f"one of {', '.join(defined)}",
        nearest=nearest_name(name, defined),
    )


def _missing_file(missing: Path, where: str) -> UserError:
    missing = Path(os.path.normpath(missing))
    folder = next(parent for parent in missing.parents if parent.is_dir())
    return UserError(
        f"there is no config {missing}",
        where=where,
        nearest=nearest_name(missing.stem, (path.stem for path in folder.glob("*.py"))),
    )


def _is_config(filename: str) -> bool:
    path = Path(filename)
    machinery = filename == __file__ or "mmengine" in path.parts or path.is_relative_to(_STDLIB)
    return path.suffix == ".py" and not machinery


def _names_before(frame: traceback.FrameSummary) -> set[str]:
    tree = ast.parse(Path(frame.filename).read_text(encoding="utf-8"))
    stored = (
        node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    names = {node.id for node in stored if node.lineno < (frame.lineno or 0)}
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return names | {alias.asname or alias.name for node in imports for alias in node.names}
