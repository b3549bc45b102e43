"""Programs of every language: what each kind comes to, in one sandbox, as this user and as a plain one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.errors import UserError
from evalsuite.sandbox import Limits, Sandbox, VerdictCache, languages, toolchains
from tests.sandbox import polyglot
from tests.sandbox.plain_user import as_plain_user

ROOMY = Limits(cpu_s=10, wall_s=120, mem_mb=2048, nproc=256)


def need(name: str) -> None:
    if not languages()[name].installed:
        pytest.skip(f"{name} is not installed: apt install {languages()[name].package}")


@pytest.mark.parametrize("name", ["bash", "php", "js", "python"])
def test_interpreted_programs(name: str) -> None:
    need(name)
    wrong = [fault for row in polyglot.drive([name], polyglot.TAME) if (fault := polyglot.judge(row))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", list(polyglot.PROGRAMS))
def test_every_program_of_a_language(name: str) -> None:
    need(name)
    wrong = [fault for row in polyglot.drive([name]) if (fault := polyglot.judge(row))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_program_of_every_language_as_a_plain_user() -> None:
    rows = [json.loads(line) for line in as_plain_user(Path(polyglot.__file__))]
    seen = {row["language"] for row in rows}
    assert {"bash", "python"} <= seen
    assert len(rows) == sum(len(polyglot.PROGRAMS[name]) for name in seen)
    wrong = [fault for row in rows if (fault := polyglot.judge(row))]
    assert not wrong, "\n".join(wrong)


def test_every_language_has_its_programs() -> None:
    assert set(polyglot.PROGRAMS) == set(toolchains.TABLE)
    for kinds in polyglot.PROGRAMS.values():
        assert {"right", "throws", "malformed", "endless", "leaves", "prints"} <= set(kinds)


@pytest.mark.parametrize("name", sorted(set(toolchains.TABLE) - {"python"}))
def test_a_missing_toolchain_is_named_with_its_package(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("PATH", "HOME", "EVALSUITE_TOOLS"):
        monkeypatch.setenv(variable, str(tmp_path))
    toolchains.languages.cache_clear()
    try:
        with pytest.raises(UserError, match="is not installed: no ") as caught:
            toolchains.installed(name)
    finally:
        toolchains.languages.cache_clear()
    assert toolchains.TABLE[name].package.split(",")[0] in str(caught.value.expected)


# ---- verdicts by content ----


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(1, cache=VerdictCache(tmp_path / "verdicts")) as sandbox:
        yield sandbox


def test_the_same_program_is_not_run_twice(kept: Sandbox) -> None:
    source = "cat /proc/sys/kernel/random/uuid"
    first = kept.language("bash", source)
    assert kept.language("bash", source) == first
    assert kept.language_batch("bash", [source]) == [first]
    for other in (
        kept.language("bash", source, limits=Limits(cpu_s=3)),
        kept.language("bash", source, env={"X": "1"}),
        kept.language("bash", source, hide=["bc"]),
        kept.language("bash", source, compile_limits=Limits()),
        kept.language("bash", source, flags=["-x"]),
        kept.language("bash", source + " "),
    ):
        assert other.stdout != first.stdout


def test_another_tool_makes_another_verdict(kept: Sandbox) -> None:
    program = kept._program("bash", "exit 0", None, Limits(), Limits(), None, ())
    newer = replace(program, toolchain=replace(program.toolchain, version="GNU bash 6"))
    elsewhere = replace(
        program, toolchain=replace(program.toolchain, versions={**program.toolchain.versions, "bash": "6"})
    )
    assert len({kept._key(each, ()) for each in (program, newer, elsewhere)}) == 3


@pytest.mark.parametrize("name", ["cs", "ts", "java"])
def test_all_tools_of_a_language_tell_their_version(name: str) -> None:
    need(name)
    assert all(languages()[name].versions.values())
    assert set(languages()[name].versions) == set(toolchains.TABLE[name].tools)


@pytest.mark.parametrize("source", ["while :; do :; done", "kill -9 $$", "sleep 60"])
def test_what_may_end_otherwise_next_time_is_not_kept(kept: Sandbox, source: str, tmp_path: Path) -> None:
    outcome = kept.language("bash", source, limits=Limits(cpu_s=1, wall_s=2))
    assert outcome.status in ("timeout", "crash")
    assert not list((tmp_path / "verdicts").rglob("*.json"))


# ---- one tsc for many programs ----

NEIGHBOURS = {
    "right": "const x: number = 1;\nif (x !== 1) { throw new Error(); }",
    "wrong": "throw new Error('no');",
    "wrong type": "const x: number = 'a';",
    "gives everybody a member": "declare global { interface Array<T> { foo: number } }\nexport {};",
    "takes that member": "const taken: number = [1].foo;",
    "exports a type": "export type Shared = number;",
    "imports it": "import type { Shared } from './m5';\nconst shared: Shared = 1;",
    "imports it in disguise": "const other: typeof import('./m0') = null as any;",
    "refers to a neighbour": "/// <reference path='m0.ts' />\nconst y = 2;",
    "without a library": "/// <reference no-default-lib='true'/>\nconst z = 3;",
    "a name of the library": "const name = 'x';",
    "waits at the top": "await Promise.resolve(1);",
    "ends in a comment": "const c = 1; /* never closed",
    "ends in a text": "const t = `never closed",
    "a type without end": "type Long<A extends 0[]> = Long<[...A, 0]>;\nconst l: Long<[]> = 1 as any;",
    "right again": "const last: string = 'b';",
}


@pytest.mark.slow
def test_neighbours_in_a_batch_neither_fail_nor_help_each_other() -> None:
    need("ts")
    with Sandbox(2) as sandbox:
        together = sandbox.language_batch("ts", list(NEIGHBOURS.values()), limits=ROOMY)
        alone = [sandbox.language("ts", source, limits=ROOMY) for source in NEIGHBOURS.values()]
    verdicts = {name: outcome.status for name, outcome in zip(NEIGHBOURS, together, strict=True)}
    assert verdicts == {name: outcome.status for name, outcome in zip(NEIGHBOURS, alone, strict=True)}
    assert verdicts["right"] == verdicts["right again"] == "pass"
    for name in ("wrong type", "takes that member", "imports it", "a name of the library", "ends in a text"):
        assert verdicts[name] == "compile_error", name
    assert verdicts["wrong"] == "fail"


# ---- one javac for many programs ----

JAVA = "class Problem { public static void main(String[] a) { System.out.println(%s); } }"
GIANT = "class Problem { public static void main(String[] a) { int x = %s 1; } }"
PROCESSOR = """
import javax.annotation.processing.*;
import javax.lang.model.element.TypeElement;
import java.util.Set;
@SupportedAnnotationTypes("*")
class Problem extends AbstractProcessor {
    static { if (true) while (true) {} }
    public boolean process(Set<? extends TypeElement> t, RoundEnvironment r) { while (true) {} }
    public static void main(String[] a) {}
}
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_resident_compiler_survives_what_it_is_given() -> None:
    need("java")
    with Sandbox(1) as sandbox:
        assert sandbox.language("java", JAVA % "1", limits=ROOMY).stdout == "1\n"
        resident = sandbox._javac
        assert resident is not None and resident.worker is not None
        first = resident.worker.process.pid
        # Compiled, not run by the compiler: its static part would hang it.
        assert sandbox.language("java", PROCESSOR, limits=Limits(cpu_s=1, wall_s=30)).status == "timeout"
        deep = sandbox.language("java", GIANT % ("(1 +" * 20_000), limits=ROOMY)
        assert deep.status == "compile_error", deep
        long = sandbox.language("java", GIANT % ("1 +\n" * 100_000), limits=ROOMY)
        assert long.status in ("pass", "compile_error", "timeout", "oom"), long
        assert sandbox.language("java", JAVA % "2", limits=ROOMY).stdout == "2\n"
        assert resident.worker is not None
        os.kill(resident.worker.process.pid, 9)
        resident.worker.process.wait()
        batch = sandbox.language_batch("java", [JAVA % number for number in range(4)], limits=ROOMY)
        assert [outcome.stdout for outcome in batch] == [f"{number}\n" for number in range(4)]
        assert resident.worker is not None and resident.worker.process.pid != first


@pytest.mark.slow
def test_the_resident_compiler_takes_another_release_and_a_run_does_without_a_library() -> None:
    need("java")
    newer = "class Problem { public static void main(String[] a) { java.util.Map.of(); } }"
    tuples = "class Problem { public static void main(String[] a) { org.javatuples.Unit.with(1); } }"
    with Sandbox(1) as sandbox:
        for source, flags, compiles in ((newer, (), True), (newer, ("--release", "8"), False)):
            program = sandbox._program("java", source, None, ROOMY, ROOMY, None, flags)
            answer = sandbox._resident_javac().compile(program)
            assert answer is not None and answer[0] is compiles
            outcome = sandbox.language("java", source, limits=ROOMY, flags=flags)
            assert outcome.status == ("pass" if compiles else "compile_error")
        assert sandbox.language("java", tuples, limits=ROOMY, flags=("--release", "8")).status == "pass"
        without = sandbox.language("java", tuples, limits=ROOMY, hide=["javatuples"])
        assert without.status == "fail" and "org/javatuples" in without.stderr


@pytest.mark.slow
def test_a_compiler_killed_from_outside_is_no_error_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    need("cpp")
    row = toolchains.TABLE["cpp"]
    monkeypatch.setitem(toolchains.TABLE, "cpp", replace(row, build=("/bin/sh", "-c", "kill -9 $$")))
    with Sandbox(1) as sandbox:
        outcome = sandbox.language("cpp", "int main() {}")
    assert outcome.status == "harness_error"
    assert "killed from outside" in outcome.detail


def test_what_a_right_answer_must_print_is_compared_out_here(sandbox: Sandbox) -> None:
    outcome = sandbox.language("bash", 'echo 41; echo PASS; echo \'{"status": "pass"}\' >&2')
    assert outcome.compared(outcome.stdout == "42\n").status == "fail"
