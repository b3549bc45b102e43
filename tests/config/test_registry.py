"""What a `type=` stands for: short names, OpenCompass's paths, the user's files, installed plugins."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evalsuite import registry
from evalsuite.errors import UserError
from evalsuite.models.echo import EchoModel


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Pretend that packages with entry points are installed."""
    points: list[Any] = []
    monkeypatch.setattr(registry, "_plugins", None)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
    yield points
    monkeypatch.setattr(registry, "_plugins", None)


def point(name: str, value: str, package: str = "plug") -> Any:
    return SimpleNamespace(name=name, value=value, dist=SimpleNamespace(name=package))


@pytest.mark.parametrize(
    "name",
    [
        "EchoModel",
        "opencompass.models.EchoModel",
        "evalsuite.models.echo.EchoModel",
        "evalsuite.models.echo:EchoModel",
    ],
)
def test_one_class_has_several_names(name: str) -> None:
    assert registry.resolve(name, "models") is EchoModel


def test_a_users_file_is_importable_once_its_folder_is_known(tmp_path: Path) -> None:
    (tmp_path / "my_very_own_model.py").write_text("class Box:\n    class Mine: pass\n")
    with pytest.raises(UserError, match="there is no module 'my_very_own_model'"):
        registry.resolve("my_very_own_model.Box", "models")
    registry.extend_path([str(tmp_path)])
    try:
        assert registry.resolve("my_very_own_model.Box", "models").__name__ == "Box"
        assert registry.resolve("my_very_own_model.Box.Mine", "models").__name__ == "Mine"
    finally:
        sys.path.remove(str(tmp_path))


def test_a_users_file_never_takes_the_place_of_a_package(tmp_path: Path) -> None:
    (tmp_path / "wave.py").write_text("class Wave_read: mine = True\n")
    registry.extend_path([str(tmp_path)])
    try:
        assert not hasattr(registry.resolve("wave.Wave_read", "models"), "mine")
    finally:
        sys.path.remove(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("EkoModel", "did you mean 'EchoModel'"),
        ("opencompass.models.EchoModell", "did you mean 'EchoModel'"),
        ("evalsuite.models.echo.EchoModell", "did you mean 'EchoModel'"),
        ("no_such_package.x.Y", "there is no module"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        registry.resolve(name, "models")


def test_a_module_that_lacks_a_package_says_which(tmp_path: Path) -> None:
    (tmp_path / "needs_much.py").write_text("import a_package_that_is_nowhere\nclass X: pass\n")
    registry.extend_path([str(tmp_path)])
    try:
        with pytest.raises(UserError, match="needs the package 'a_package_that_is_nowhere'"):
            registry.resolve("needs_much.X", "models")
    finally:
        sys.path.remove(str(tmp_path))


def test_installed_plugins_join_the_names(plugins: list[Any]) -> None:
    plugins.append(point("models.Plugged", "evalsuite.models.echo:EchoModel"))
    assert "Plugged" in registry.known_names("models")
    assert registry.resolve("Plugged", "models") is EchoModel


@pytest.mark.parametrize(
    "points",
    [
        [point("models.EchoModel", "a:B")],
        [point("models.New", "a:B", "one"), point("models.New", "c:D", "two")],
        [point("modles.New", "a:B")],
    ],
)
def test_a_name_offered_twice_or_for_no_room_is_an_error(plugins: list[Any], points: list[Any]) -> None:
    plugins.extend(points)
    with pytest.raises(UserError, match=r"offered twice|did you mean 'models'"):
        registry.known_names("models")


def test_runners_and_partitioners_of_opencompass_have_a_counterpart() -> None:
    assert registry.choice("opencompass.runners.SlurmSequentialRunner", "runners") == "slurm"
    assert registry.choice("NumWorkerPartitioner", "partitioners") == "num_worker"
    with pytest.raises(UserError, match="did you mean 'SlurmRunner'"):
        registry.choice("SlumRunner", "runners")


def test_finding_a_class_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom evalsuite.registry import resolve\nresolve('EchoModel', 'models')\n"
        "print(sorted({'mmengine', 'numpy', 'torch', 'importlib.metadata'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("room", ["models", "datasets", "evaluators", "summarizers"])
def test_every_name_of_the_tables_leads_somewhere(room: str) -> None:
    for name in registry.known_names(room):
        assert callable(registry.resolve(name, room)), name
