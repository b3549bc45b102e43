"""Programs that read stdin and print: they get the inputs, what they print is compared out here."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalsuite.errors import UserError
from evalsuite.sandbox import Limits, Outcome

if TYPE_CHECKING:
    from evalsuite.sandbox import Sandbox

_BUILD = {
    "cpp": (
        "{file}.cpp",
        "g++ -std=c++17 -O2 -w -DONLINE_JUDGE -include limits.h -include math.h {file}.cpp -o program",
        "./program",
    ),
    "java": (
        "{file}.java",
        "javac -proc:none -nowarn -encoding UTF8 {file}.java",
        "java -DONLINE_JUDGE=true -Xmx1g -Xss64m -XX:+UseSerialGC {file}",
    ),
    "csharp": (
        "{file}.cs",
        "mcs -nowarn:0-9999 -r:System.Numerics.dll {file}.cs -out:program.exe",
        "mono program.exe",
    ),
}
_TRACE = "Traceback (most recent call last)"
_EXIT_CODE = re.compile(r"[0-9]{1,3}")
_PUBLIC_CLASS = re.compile(r"public\s+(?:final\s+)?class\s+(\w+)")
_MAIN_CLASS = re.compile(
    r"class\s+(\w+)[^{]*\{(?:(?!\bclass\b).)*?static\s+(?:public\s+)?void\s+main", re.DOTALL
)


@dataclass(frozen=True)
class Ran:
    """What a program printed for each input, up to the first on which it did not end well."""

    outputs: tuple[str, ...]
    outcome: Outcome


def run_stdio(
    sandbox: Sandbox,
    language: str,
    source: str,
    inputs: Sequence[str],
    seconds: float,
    stop_on: Callable[[int, str], bool] | None = None,
    any_exit: bool = False,
) -> Ran:
    """Run one program on every input, ended at the first failure.

    It may also end at the first output of which `stop_on(number, output)` says so. With `any_exit`, a Python
    program may leave with any code, as where a benchmark runs programs in its own process.
    """
    if language == "python":
        return _python(sandbox, source, inputs, seconds, stop_on, any_exit)
    if language not in _BUILD:
        raise UserError(
            f"programs in {language!r} cannot be run on inputs", expected="python, cpp, java, csharp"
        )
    return _compiled(sandbox, language, source, inputs, seconds)


def _python(
    sandbox: Sandbox,
    source: str,
    inputs: Sequence[str],
    seconds: float,
    stop_on: Callable[[int, str], bool] | None,
    any_exit: bool,
) -> Ran:
    limits = Limits(cpu_s=seconds, wall_s=6 * seconds + 5, mem_mb=4096, out_kb=16384)
    outputs: list[str] = []
    spent = 0.0
    outcome = Outcome("pass", integrity="split", isolation=sandbox.isolation)
    for number, text in enumerate(inputs):
        outcome = sandbox.program(source, text.encode(), limits=limits)
        spent += outcome.cpu_s
        if any_exit and outcome.status == "fail" and _left_by_itself(outcome):
            outcome = replace(outcome, status="pass", detail="")
        if outcome.status != "pass":
            break
        outputs.append(outcome.stdout)
        if stop_on is not None and stop_on(number, outcome.stdout):
            break  # all further ones together may be gigabytes
    return Ran(tuple(outputs), replace(outcome, cpu_s=spent, integrity="split", stdout="", stderr=""))


def _left_by_itself(outcome: Outcome) -> bool:
    """Whether a program ended by `sys.exit` with some code; what an exception ends has left a trace."""
    return outcome.exit_code is not None and _TRACE not in outcome.stderr


def _compiled(sandbox: Sandbox, language: str, source: str, inputs: Sequence[str], seconds: float) -> Ran:
    """One script inside builds the program and runs it on each input; outputs come out encoded."""
    file = "Main"
    if language == "java":
        found = _PUBLIC_CLASS.search(source) or _MAIN_CLASS.search(source)
        file = found[1] if found else file
    name, build, run = (part.replace("{file}", file) for part in _BUILD[language])
    script = [_file(name, source), f"if ! {build} >log 2>&1; then head -c 1000 log >&2; exit 113; fi"]
    for number, text in enumerate(inputs):
        script.append(_file("input", text))
        script.append(f"( ulimit -t {max(1, round(seconds))}; {run} <input >output 2>error )")
        script.append(f'code=$?; echo "{number} $code $(base64 -w0 output)"; [ $code = 0 ] || exit 114')
    total = seconds * len(inputs)
    outcome = sandbox.language(
        "bash",
        "\n".join(script),
        limits=Limits(
            cpu_s=60 + total, wall_s=120 + 6 * total, mem_mb=16384, nproc=256, fsize_mb=64, out_kb=16384
        ),
    )
    outputs: list[str] = []
    last = 0
    for line in outcome.stdout.splitlines():
        _, code, data = (*line.split(" ", 2), "", "")[:3]
        last = int(code) if _EXIT_CODE.fullmatch(code) else 1  # the program may have written it
        if last:
            break
        try:
            outputs.append(base64.b64decode(data, validate=True).decode("utf-8", "replace"))
        except (binascii.Error, ValueError):
            break
    status, detail = outcome.status, outcome.detail
    if outcome.exit_code == 113:
        status, detail = "compile_error", outcome.stderr[-300:]
    elif last in (137, 152):
        status, detail = "timeout", f"processor time over {seconds:g} s"
    elif last:
        status, detail = "fail", f"exit code {last}"
    elif status == "pass" and len(outputs) != len(inputs):
        status, detail = "fail", f"{len(outputs)} outputs of {len(inputs)}"  # it changed the script around it
    return Ran(
        tuple(outputs),
        replace(outcome, status=status, detail=detail, integrity="split", stdout="", stderr=""),
    )


def _file(name: str, text: str) -> str:
    data = base64.b64encode(text.encode("utf-8", "replace")).decode()
    lines = "\n".join(data[at : at + 4000] for at in range(0, len(data), 4000))
    return f"base64 -d >{name} <<'END_OF_DATA'\n{lines}\nEND_OF_DATA"
