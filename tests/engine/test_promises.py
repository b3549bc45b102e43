"""Promises that no room keeps alone: secrets stay out of files, a terminal gets a board, a wheel runs."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import ROOT, Bench

Ready = Callable[..., Bench]
SECRET = "sk-very-secret-4711"


def test_a_literal_key_reaches_the_model_and_no_file(bench: Bench) -> None:
    bench.data(5)
    (bench.folder / "keyed.py").write_text(
        "from evalsuite.models.echo import EchoModel\n"
        "class Keyed(EchoModel):\n"
        "    def __init__(self, path='echo', api_key=''):\n"
        "        super().__init__(path)\n"
        f"        assert api_key == {SECRET!r}, 'no key'\n"
    )
    bench.config(model={"type": "keyed.Keyed", "api_key": SECRET})
    out, err = bench.run("c.py")
    assert "(n=5)" in out and SECRET not in out + err
    for path in bench.latest.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path


def test_a_key_in_an_error_is_redacted(bench: Bench) -> None:
    bench.data(5)
    (bench.folder / "keyed.py").write_text(
        "from evalsuite.models.echo import EchoModel\n"
        "class Keyed(EchoModel):\n"
        "    def __init__(self, path='echo', api_key=''):\n"
        "        raise ValueError(f'the server refused {api_key}')\n"
    )
    bench.config(model={"type": "keyed.Keyed", "api_key": SECRET})
    out, err = bench.run("c.py", "--retry", "0", status=1)
    assert "the server refused" in out and SECRET not in out + err
    for path in bench.latest.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path


def test_a_terminal_gets_a_board_that_is_redrawn(ready: Ready) -> None:
    bench = ready(150, model={"latency": 0.02})
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), "c.py"],
        cwd=bench.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([leader], [], [], 0.2)[0]:
            try:
                shown += os.read(leader, 65536)
            except OSError:
                break
        elif process.poll() is not None:
            break
    os.close(leader)
    assert process.wait(timeout=30) == 0
    text = shown.decode()
    assert "\x1b[2K" in text and "echo d" in text and "answered 150/150" in text and "workers:" in text


def test_memory_stays_flat_when_samples_grow(bench: Bench) -> None:
    peaks = []
    for size in (2_000, 20_000):
        bench.data(size)
        bench.config(infer={"runner": {"type": "subprocess", "max_num_workers": 1}})
        code = (
            "import resource, subprocess, sys\n"
            "subprocess.run(sys.argv[1:], check=True, capture_output=True)\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, sys.executable, str(ROOT / "run.py"), "c.py", "--fresh"],
            cwd=bench.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] < 150 and peaks[1] < peaks[0] + 30, peaks


@pytest.mark.slow
def test_a_wheel_installed_elsewhere_runs_the_shipped_demo(tmp_path: Path) -> None:
    """No file of the checkout is used: the configs and the demo's data travel in the wheel."""
    wheels = tmp_path / "wheels"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(wheels),
            str(ROOT),
        ],
        check=True,
    )
    home = tmp_path / "env"
    venv.create(home, with_pip=False, symlinks=True)
    site = next(home.glob("lib/python*/site-packages"))
    wheel = next(wheels.glob("evalsuite-*.whl"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)],
        check=True,
    )
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "others.pth").write_text(packages + "\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    words = [str(home / "bin" / "python"), "-m", "evalsuite"]
    found = subprocess.run(
        [*words[:1], "-c", "import evalsuite; print(evalsuite.__file__)"],
        cwd=elsewhere,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(home) in found.stdout
    listed = subprocess.run(
        [*words, "list", "*demo*"], cwd=elsewhere, env=env, capture_output=True, text=True, check=True
    )
    assert "eval_demo" in listed.stdout
    done = subprocess.run(
        [*words, "run", "eval_demo"], cwd=elsewhere, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "demo" in done.stdout and list((elsewhere / "outputs").glob("*/*/summary/*.csv"))


def test_the_manifest_says_what_a_number_rests_on(ready: Ready) -> None:
    bench = ready(5)
    bench.run("c.py")
    bench.run("c.py", "-r")
    manifest = json.loads((bench.latest / "manifest.json").read_text())
    assert manifest["evalsuite"]["version"] and manifest["evalsuite"]["python"]
    assert len(next(iter(manifest["datasets"]["d"]["files"].values()))) == 64
    assert len(manifest["sessions"]) == 2
