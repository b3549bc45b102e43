"""What goes wrong outside of the program is a line; what goes wrong inside it keeps its traceback."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

import pytest

from evalsuite import cli


def fails_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def verb(words: Sequence[str]) -> int:
        raise error

    monkeypatch.setattr("evalsuite.verbs.status.main", verb)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG])
def test_a_place_that_cannot_be_used_is_told_in_one_line(
    number: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_with(OSError(number, os.strerror(number), "/some/place"), monkeypatch)
    assert cli.main(["status"]) == 2
    assert capsys.readouterr().err == f"evalsuite: /some/place: {os.strerror(number)}\n"


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EPERM, "not of a file"),
        FileNotFoundError(errno.ENOENT, "nobody looked first", "/some/place"),
        NotADirectoryError("made by hand"),
        ValueError("a bug"),
    ],
)
def test_a_defect_keeps_its_traceback(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(error, monkeypatch)
    with pytest.raises(type(error)):
        cli.main(["status"])
