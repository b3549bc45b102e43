"""Configs are found by name in the user's folder first, then among the shipped ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evalsuite.config import find
from evalsuite.errors import UserError

Tree = Callable[[dict[str, str]], Path]


@pytest.fixture
def roots(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tree(
        {
            "mine/models/echo.py": "",
            "mine/models/qwen/qwen_7b.py": "",
            "mine/datasets/gsm8k.py": "",
            "shipped/models/echo.py": "",
            "shipped/models/qwen/qwen_72b.py": "",
            "shipped/models/_base.py": "",
            "shipped/dataset_collections/code.py": "",
            "shipped/summarizers/one.py": "",
            "shipped/eval_demo.py": "",
        }
    )
    monkeypatch.setattr(find, "shipped_root", lambda: root / "shipped")
    return root


def names(found: list[find.Found]) -> list[str]:
    return [item.name for item in found]


def test_a_wildcard_takes_every_match_of_both_roots(roots: Path) -> None:
    places = find.config_roots(roots / "mine")
    assert names(find.match("models", "Qwen*", places)) == ["qwen_72b", "qwen_7b"]
    assert names(find.match("datasets", "*", places)) == ["code", "gsm8k"]


def test_a_file_of_the_users_takes_the_place_of_a_shipped_one(roots: Path) -> None:
    found = find.match("models", "echo", find.config_roots(roots / "mine"))
    assert [item.path for item in found] == [roots / "mine/models/echo.py"]


def test_a_name_that_nothing_matches_names_the_nearest(roots: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'qwen_72b'"):
        find.match("models", "qwen_72", find.config_roots(roots / "mine"))


def test_two_files_of_one_name_in_one_root_are_an_error_only_when_asked_for(roots: Path) -> None:
    (roots / "mine/models/old").mkdir()
    (roots / "mine/models/old/echo.py").touch()
    places = find.config_roots(roots / "mine")
    assert names(find.match("models", "qwen_7b", places)) == ["qwen_7b"]
    with pytest.raises(UserError, match="two configs are called 'echo'"):
        find.match("models", "ec*", places)


def test_the_list_shows_everything_or_what_resembles_a_pattern(roots: Path) -> None:
    everything = find.listing(user_dir=roots / "mine")
    assert [(item.kind, item.name) for item in everything] == [
        ("evals", "eval_demo"),
        ("models", "echo"),
        ("models", "qwen_72b"),
        ("models", "qwen_7b"),
        ("datasets", "code"),
        ("datasets", "gsm8k"),
        ("summarizers", "one"),
    ]
    assert names(find.listing(["gsm", "*7b"], roots / "mine")) == ["qwen_7b", "gsm8k"]


def test_a_config_is_a_path_or_a_name(roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(roots)
    assert find.config_file("shipped/eval_demo.py") == roots / "shipped/eval_demo.py"
    assert find.config_file("eval_demo") == roots / "shipped/eval_demo.py"
    with pytest.raises(UserError, match="did you mean 'eval_demo'"):
        find.config_file("eval_dmo")


def test_a_config_folder_that_does_not_exist_is_told(roots: Path) -> None:
    with pytest.raises(UserError, match="--config-dir: there is no folder"):
        find.config_roots(roots / "nowhere")


def test_data_is_looked_for_here_then_beside_the_config(roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(roots)
    (roots / "a.jsonl").touch()
    (roots / "mine/a.jsonl").touch()
    (roots / "mine/b.jsonl").touch()
    places = find.data_roots(roots / "mine")
    assert find.find_data("a.jsonl", places) == roots / "a.jsonl"
    assert find.find_data("b.jsonl", places) == roots / "mine/b.jsonl"
    assert find.find_data("c.jsonl", places) is None
    assert find.find_data(str(roots / "mine/b.jsonl"), places) == roots / "mine/b.jsonl"


def test_the_shipped_configs_are_those_of_this_checkout() -> None:
    assert find.shipped_root() == Path(__file__).resolve().parents[2] / "configs"
