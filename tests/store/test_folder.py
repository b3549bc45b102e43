"""Where run folders can lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evalsuite.errors import UserError
from evalsuite.store.folder import expect_work_dir


def test_a_folder_and_a_new_name_can_hold_runs(tmp_path: Path) -> None:
    expect_work_dir(tmp_path)
    expect_work_dir(tmp_path / "new" / "below")


@pytest.mark.parametrize(
    ("name", "why"),
    [("file", "it is no folder"), ("file/below", "Not a directory"), ("x" * 300, "File name too long")],
)
def test_a_place_that_cannot_hold_runs_is_told(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as caught:
        expect_work_dir(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value) and why in str(caught.value)


@pytest.mark.parametrize("below", ["", "runs"])
def test_a_folder_that_may_not_be_entered_is_told(
    tmp_path: Path, below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    if os.getuid() == 0:  # who may enter every folder
        monkeypatch.setattr(os, "access", lambda place, mode: False)
        if below:
            pytest.skip("nothing is closed to root")
    closed.chmod(0)
    try:
        with pytest.raises(UserError, match="Permission denied"):
            expect_work_dir(closed / below)
    finally:
        closed.chmod(0o700)
