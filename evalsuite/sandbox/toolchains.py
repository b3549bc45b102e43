"""Compiled and interpreted languages behind one table: what to run, and what must be installed.

Compilers run inside the walls too: they parse what nobody trusts. The command lines are those of MultiPL-E's
evaluators where verdicts depend on them (`tsc --target esnext`, `mcs -d:DEBUG`, `java -ea`, `go test`).
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalsuite.errors import UserError, nearest_name

_SYSTEM = ("/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/")
_CONFIGURATION = ("/etc/java*", "/etc/mono", "/etc/php", "/etc/gai.conf")
_GO_PACKAGES = (
    "bufio", "bytes", "container/heap", "container/list", "crypto/md5", "encoding/hex",
    "encoding/json", "errors", "fmt", "io", "math", "math/big", "math/bits", "math/cmplx",
    "math/rand", "os", "reflect", "regexp", "sort", "strconv", "strings", "sync", "testing", "time",
    "unicode", "unicode/utf8",
)  # fmt: skip


@dataclass(frozen=True)
class Language:
    """One row of the table. `{name}` in a command is a tool's path, or what `Toolchain.parts` holds."""

    name: str
    title: str
    file: str
    tools: dict[str, tuple[str, ...]]
    package: str
    run: tuple[str, ...]
    build: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    version: tuple[str, ...] = ()


TABLE: dict[str, Language] = {
    language.name: language
    for language in (
        Language(
            "python", "Python", "main.py", {"python3": ("python3",)}, "python3", ("{python3}", "main.py")
        ),
        Language(
            "cpp",
            "C++",
            "main.cpp",
            {"g++": ("g++",)},
            "g++",
            ("./main",),
            ("{g++}", "main.cpp", "-o", "main", "-std=c++17"),
        ),
        Language(
            "java",
            "Java",
            "Problem.java",
            {"javac": ("javac",), "java": ("java",)},
            "default-jdk-headless libjavatuples-java",
            (
                "{java}",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-ea",
                "-cp",
                "out:{javatuples}",
                "Problem",
            ),
            (
                "{javac}",
                "-proc:none",
                "-encoding",
                "UTF8",
                "-cp",
                "{javatuples}",
                "-d",
                "out",
                "Problem.java",
            ),
            version=("{javac}", "-version"),
        ),
        Language(
            "js", "JavaScript", "main.js", {"node": ("node", "nodejs")}, "nodejs", ("{node}", "main.js")
        ),
        Language(
            "ts",
            "TypeScript",
            "main.ts",
            {"node": ("node", "nodejs")},
            "nodejs, then: npm install --prefix ~/.cache/evalsuite/tools typescript@5.5.4",
            ("{node}", "main.js"),
            ("{node}", "{tsc}", "--target", "esnext", "main.ts"),
            version=("{node}", "{tsc}", "--version"),
        ),
        Language(
            "cs",
            "C#",
            "main.cs",
            {"mcs": ("mcs",), "mono": ("mono",)},
            "mono-mcs mono-runtime",
            ("{mono}", "main.exe"),
            ("{mcs}", "-d:DEBUG", "main.cs", "-out:main.exe"),
            {"MONO_TRACE_LISTENER": "Console.Error"},
        ),
        Language("php", "PHP", "main.php", {"php": ("php",)}, "php-cli", ("{php}", "main.php")),
        Language("bash", "Bash", "main.sh", {"bash": ("bash",)}, "bash", ("{bash}", "main.sh")),
        Language(
            "go",
            "Go",
            "main_test.go",
            {"go": ("go",)},
            "golang-go",
            ("{go}", "test", "-v", "main_test.go"),
            environment={"GOCACHE": "{gocache}", "GO111MODULE": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local"},
            version=("{go}", "version"),
        ),
        Language(
            "rust",
            "Rust",
            "main.rs",
            {"rustc": ("rustc",)},
            "rustc",
            ("./main",),
            ("{rustc}", "main.rs", "-o", "main"),
        ),
    )
}
ALIASES = {
    "py": "python", "c++": "cpp", "javascript": "js", "typescript": "ts", "csharp": "cs", "c#":
    "cs", "sh": "bash", "golang": "go", "rs": "rust",
}  # fmt: skip


@dataclass(frozen=True)
class Toolchain:
    """What this machine has for a language."""

    language: str
    installed: bool
    version: str
    package: str
    parts: dict[str, str] = field(default_factory=dict)
    binds: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)  # of each tool, where `version` is of one

    def command(self, words: tuple[str, ...], without: Sequence[str] = ()) -> list[str]:
        """The words of a command, with nothing in the place of parts that it has to do `without`."""
        return [self._fill(word, without) for word in words]

    def _fill(self, word: str, without: Sequence[str] = ()) -> str:
        return re.sub(r"\{([^}]+)\}", lambda match: "" if match[1] in without else self.parts[match[1]], word)

    def environment(self, language: Language) -> dict[str, str]:
        return {name: self._fill(value) for name, value in language.environment.items()}


def language(name: str) -> Language:
    """The row of a language by its name or a common other name."""
    key = name.lower()
    key = ALIASES.get(key, key)
    if key not in TABLE:
        raise UserError(
            f"no language {name!r}", expected=", ".join(TABLE), nearest=nearest_name(key, [*TABLE, *ALIASES])
        )
    return TABLE[key]


@functools.lru_cache(maxsize=1)
def languages() -> dict[str, Toolchain]:
    """What is installed of each language, and what to install for what is not. Cached."""
    return {name: _find(row) for name, row in TABLE.items()}


def installed(name: str) -> Toolchain:
    """The toolchain of a language, or an error that says what to install."""
    row = language(name)
    toolchain = languages()[row.name]
    if not toolchain.installed:
        raise UserError(
            f"{row.title} is not installed: no {', '.join(toolchain.missing)}",
            where="sandbox",
            expected=f"the Debian package(s) {toolchain.package}",
        )
    return toolchain


def _find(row: Language) -> Toolchain:
    parts: dict[str, str] = {}
    binds: list[str] = []
    missing: list[str] = []
    for tool, names in row.tools.items():
        path = next((found for name in names if (found := shutil.which(name))), None)
        if path is None and tool == "rustc":
            cargo = Path.home() / ".cargo" / "bin" / "rustc"
            path = str(cargo) if os.access(cargo, os.X_OK) else None
        if path is None:
            missing.append(tool)
        else:
            parts[tool] = path
    if not missing:
        for extra in _EXTRAS.get(row.name, ()):
            extra(parts, binds, missing)
    for tool in row.tools:
        if tool in parts:
            binds += _folders_of(parts[tool])
    version, versions = "", {}
    if not missing:
        flag = "version" if row.name == "go" else "--version"
        versions = {tool: _version([parts[tool], flag]) for tool in row.tools}
        words = row.version or (f"{{{next(iter(row.tools))}}}", flag)
        version = _version(Toolchain(row.name, True, "", row.package, parts).command(words))
    return Toolchain(
        row.name,
        not missing,
        version,
        row.package,
        parts,
        tuple(dict.fromkeys(binds)),
        tuple(missing),
        versions,
    )


def _folders_of(path: str) -> list[str]:
    """What has to be mounted for a tool that the system's own folders do not hold."""
    real = os.path.realpath(path)
    found = []
    for name in dict.fromkeys((path, real)):
        if not name.startswith(_SYSTEM):
            folder = Path(name).parent
            found.append(str(folder.parent if folder.name == "bin" else folder))
    return found


def _version(command: list[str]) -> str:
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return next(iter((told.stdout or told.stderr).strip().splitlines()), "")


def _add_javatuples(parts: dict[str, str], binds: list[str], missing: list[str]) -> None:
    for path in [Path("/usr/share/java/javatuples.jar"), *sorted(tools_folder().glob("javatuples*.jar"))]:
        if path.is_file():
            parts["javatuples"] = str(path)
            if not str(path).startswith(_SYSTEM):
                binds.append(str(path))
            return
    missing.append("javatuples.jar")


def _add_tsc(parts: dict[str, str], binds: list[str], missing: list[str]) -> None:
    candidates = [tools_folder() / "node_modules" / "typescript"]
    on_path = shutil.which("tsc")
    if on_path:
        candidates.append(Path(os.path.realpath(on_path)).parent.parent)
    for folder in candidates:
        program = folder / "lib" / "tsc.js"
        if program.is_file():
            parts["tsc"] = str(program)
            if not str(folder).startswith(_SYSTEM):
                binds.append(str(folder))
            return
    missing.append("tsc")


def _add_rust_sysroot(parts: dict[str, str], binds: list[str], missing: list[str]) -> None:
    """The compiler proper: rustup's front would look for its settings in a home that is not there inside."""
    root = _version([parts["rustc"], "--print", "sysroot"])
    program = Path(root) / "bin" / "rustc"
    if not root or not program.is_file():
        missing.append("rustc's sysroot")
        return
    parts["rustc"] = str(program)
    if shutil.which("cc") is None:
        missing.append("cc")


def _add_go_cache(parts: dict[str, str], binds: list[str], missing: list[str]) -> None:
    """A build cache with the usual packages, made once; without it each test compiles what it imports."""
    go = parts["go"]
    version = _version([go, "version"])

    def fill(folder: Path) -> None:
        source = folder / "warm_test.go"
        names = "".join(f'import _ "{name}"\n' for name in _GO_PACKAGES)
        source.write_text(
            f"package warm\n{names}func TestWarm(t *testing.T) {{}}\n".replace('_ "testing"', '"testing"')
        )
        environment = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "GOCACHE": str(folder / "cache"),
            "GO111MODULE": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local",
        }  # fmt: skip
        subprocess.run(
            [go, "test", source.name], cwd=folder, env=environment, capture_output=True, check=True
        )

    folder = built("gocache", version + repr(_GO_PACKAGES), fill)
    if folder is None:
        missing.append("a working go test")
        return
    parts["gocache"] = str(folder / "cache")
    binds.append(str(folder))


_EXTRAS: dict[str, tuple[Callable[[dict[str, str], list[str], list[str]], None], ...]] = {
    "java": (_add_javatuples,),
    "ts": (_add_tsc,),
    "rust": (_add_rust_sysroot,),
    "go": (_add_go_cache,),
}


def configuration_folders() -> list[str]:
    """System-wide settings that some toolchains cannot start without."""
    return [str(path) for pattern in _CONFIGURATION for path in sorted(Path("/").glob(pattern.lstrip("/")))]


# ---- things built once and kept ----


def tools_folder() -> Path:
    """Where tools that are not in the system's folders are looked for."""
    told = os.environ.get("EVALSUITE_TOOLS")
    return Path(told) if told else _cache_home() / "evalsuite" / "tools"


def _cache_home() -> Path:
    told = os.environ.get("XDG_CACHE_HOME")
    return Path(told) if told else Path.home() / ".cache"


def _cache_folder() -> Path:
    """A folder of this user's own for what is built once."""
    folder = _cache_home() / "evalsuite" / "sandbox"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass  # a user without a home: a private folder in the temporary one
    folder = Path(tempfile.gettempdir()) / f"evalsuite-cache-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise UserError(f"{folder} belongs to somebody else", expected="a cache folder; set XDG_CACHE_HOME")
    return folder


def built(name: str, content: str, fill: Callable[[Path], None]) -> Path | None:
    """A folder made by `fill` once per content, readable to workers; None when it cannot be made."""
    final = _cache_folder() / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    if final.is_dir():
        return final
    making = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=final.parent))
    try:
        fill(making)
    except (OSError, subprocess.SubprocessError):
        shutil.rmtree(making, ignore_errors=True)
        return None
    for folder, _, files in os.walk(making):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder) / file
            path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
    try:
        making.rename(final)
    except OSError:
        shutil.rmtree(making, ignore_errors=True)  # another process was first
    return final if final.is_dir() else None


@functools.lru_cache(maxsize=1)
def precompiled_header() -> str | None:
    """`bits/stdc++.h` compiled once, for the very flags that programs are compiled with."""
    toolchain = languages()["cpp"]
    if not toolchain.installed:
        return None
    compiler = toolchain.parts["g++"]

    def fill(folder: Path) -> None:
        header = folder / "all.h"
        header.write_text("#include <bits/stdc++.h>\n")
        subprocess.run(
            [compiler, "-std=c++17", "-x", "c++-header", header.name, "-o", "all.h.gch"],
            cwd=folder,
            capture_output=True,
            check=True,
        )

    folder = built("cpp-header", toolchain.version + os.path.realpath(compiler), fill)
    return str(folder / "all.h") if folder else None


@functools.lru_cache(maxsize=1)
def resident_javac() -> str | None:
    """The folder with the compiled class of the resident compiler."""
    toolchain = languages()["java"]
    if not toolchain.installed:
        return None
    source = Path(__file__).parent / "inside" / "ResidentCompiler.java"

    def fill(folder: Path) -> None:
        subprocess.run(
            [toolchain.parts["javac"], "-d", str(folder), str(source)], capture_output=True, check=True
        )

    folder = built("javac", toolchain.version + source.read_text(encoding="utf-8"), fill)
    return str(folder) if folder else None
