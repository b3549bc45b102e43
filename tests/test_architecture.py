"""The floors of the design: who may import whom, and what a light start may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {
    1: (
        "types",
        "errors",
        "bounds",
        "config",
        "sandbox",
        "postprocess",
        "stats",
        "cores",
        "registry",
        "runners",
        *("manifest", "syntax"),
    ),
    2: ("partitioners", "prompt", "datasets", "models", "evaluators", "store"),
    3: (
        *("plan", "inferencers", "summarizers", "prompts_of", "progress", "report", "pulse", "trackers"),
        *("settle", "seeding"),
    ),
    4: (
        *("worker", "scoring", "collect", "export", "drive", "dryrun", "score", "cluster", "conclude"),
        "obstacles",
    ),
    5: ("launch", "flags", "pools", "verbs", "cli"),
    6: ("__main__", "run"),
}
FLOOR = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
APART = {"models", "datasets", "sandbox", "store", "runners"}
HEAVY = (
    "torch",
    "transformers",
    "vllm",
    "datasets",
    "pandas",
    "mmengine",
    "numpy",
    "aiohttp",
    "peft",
    "litellm",
)


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted([*(ROOT / "evalsuite").rglob("*.py"), *(ROOT / "runners").rglob("*.py")]):
        parts = path.relative_to(ROOT).with_suffix("").parts
        room = "runners" if parts[0] == "runners" else parts[1]
        if room != "__init__":
            yield room, path


def imports(path: Path, *, top_only: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def room_of(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] == "runners":
        return "runners"
    return parts[1] if parts[0] == "evalsuite" and len(parts) > 1 else None


def test_every_room_has_a_floor() -> None:
    assert {room for room, _ in modules()} <= set(FLOOR)


def test_no_arrow_runs_up() -> None:
    # The protocol of a room above may be named by one below through its `base`; nothing else.
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for room, path in modules()
        for module in imports(path)
        if (other := room_of(module)) and FLOOR[other] > FLOOR[room]
        if not (module == "evalsuite.cli" and room == "verbs")
    ]
    assert not wrong, "\n".join(wrong)


def test_rooms_that_stay_apart_do_not_import_each_other() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for room, path in modules()
        for module in imports(path)
        if room in APART and (other := room_of(module)) in APART and other != room
    ]
    assert not wrong, "\n".join(wrong)


def test_runners_know_nothing_of_evaluation() -> None:
    for path in (ROOT / "runners").glob("*.py"):
        assert not [name for name in imports(path) if name.startswith("evalsuite")], path


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for room, path in modules()
        for module in imports(path, top_only=True)
        if module.split(".")[0] in HEAVY
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("words", [["--help"], ["list"], ["--version"]])
def test_a_light_start_loads_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from evalsuite.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "LOADED []" in done.stdout
