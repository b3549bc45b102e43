"""Rows survive what happens to files: torn ends, full disks, two attempts at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evalsuite.errors import UserError
from evalsuite.store.answers import answer_row, merged_rows, row_answer, shard_name
from evalsuite.store.folder import RunFolder
from evalsuite.store.reuse import OldAnswers
from evalsuite.store.rows import RowWriter, read_rows
from evalsuite.types import Answer, Failure, OptionScore, ToolCall


def test_torn_last_line_is_ignored_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with RowWriter(path) as writer:
        writer.append({"n": 1})
        writer.append({"n": 2})
    path.write_bytes(path.read_bytes() + b'{"n": 3, "text": "cut o')
    assert [row["n"] for row in read_rows(path)] == [1, 2]


def test_a_line_torn_in_the_middle_of_a_file_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n": 1}\n\x00\x00\x00\n[1]\n{"n": 2}\n')
    assert [row["n"] for row in read_rows(path)] == [1, 2]


def test_two_attempts_never_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with RowWriter(path) as writer:
        writer.append({"n": 1})
    with pytest.raises(UserError, match="cannot create"):
        RowWriter(path).append({"n": 2})


def test_a_row_is_readable_before_the_writer_is_closed(tmp_path: Path) -> None:
    writer = RowWriter(tmp_path / "a.jsonl")
    writer.append({"text": "ü\ud800"})
    assert [row["text"] for row in read_rows(writer.path)] == ["ü\ud800"]
    writer.close()


FULL_DISK = """
import resource, sys
from pathlib import Path
from evalsuite.errors import UserError
from evalsuite.store.rows import RowWriter
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
writer = RowWriter(Path(sys.argv[1]))
try:
    for number in range(100):
        writer.append({"number": number, "text": "x" * 90})
except UserError as error:
    print("told:", error)
"""


def test_full_disk_leaves_whole_rows_and_tells_the_user(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )
    assert "told:" in done.stdout and str(path) in done.stdout
    rows = list(read_rows(path))
    assert path.read_bytes().endswith(b"\n")
    assert [row["number"] for row in rows] == list(range(len(rows))) and len(rows) > 3


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_the_users_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot create"):
        RowWriter(tmp_path / "a.jsonl").append({})


def test_an_answer_survives_the_trip_through_a_row() -> None:
    answer = Answer(
        key="k" * 32,
        text="t",
        options=(OptionScore(-1.5, 2, 2, True),),
        finish="length",
        tool_calls=(ToolCall("f", {"a": [1]}, "id"),),
        reasoning="because",
        prompt_tokens=3,
        output_tokens=4,
        seconds=0.5,
        error=Failure("timeout", "too long", True),
        extra={"x": 1},
    )
    assert row_answer(answer_row(answer.key, 0, "id", 0, "prompt", answer)) == answer


def write(folder: Path, name: str, *rows: tuple[str, int, str | None]) -> None:
    with RowWriter(folder / name) as writer:
        for key, index, error in rows:
            failure = Failure("server", error) if error else None
            writer.append(
                answer_row(key.ljust(32, "0"), index, str(index), 0, "", Answer(key, key, error=failure))
            )


def test_attempts_merge_and_an_answer_beats_a_failure(tmp_path: Path) -> None:
    shard = shard_name(0, 4, "f" * 32)
    write(tmp_path, f"{shard}.0.jsonl", ("a", 0, "boom"), ("b", 1, None))
    write(tmp_path, f"{shard}.10.jsonl", ("a", 0, None), ("c", 1, None))  # the others left nothing
    write(tmp_path, f"{shard}.11.jsonl", ("d", 2, None))  # this one is at work
    rows = merged_rows(tmp_path, shard, 11)
    assert {place: row["answer"]["text"] for place, row in rows.items()} == {(0, 0): "a", (1, 0): "b"}
    assert "error" not in rows[0, 0]["answer"]


def test_old_answers_are_found_by_key_wherever_they_moved(tmp_path: Path) -> None:
    for stamp in ("20260101_000000", "20260102_000000"):
        (tmp_path / stamp / "tasks").mkdir(parents=True)
    old, new = RunFolder(tmp_path / "20260101_000000"), RunFolder(tmp_path / "20260102_000000")
    write(
        old.predictions("m", "d"),
        f"{shard_name(0, 10, 'a' * 32)}.0.jsonl",
        ("a", 0, None),
        ("b", 1, "boom"),
    )
    write(old.predictions("m", "d"), f"{shard_name(10, 20, 'a' * 32)}.0.jsonl", ("c", 12, None))
    wanted = {key.ljust(32, "0") for key in "abcd"}
    answers = OldAnswers(new, new.siblings(), "m", "d")
    found = {row["key"][0]: run.stamp for run, row in answers.find((0, 10), wanted)}
    assert found == {"a": old.stamp, "c": old.stamp}  # a failure is no answer, an unknown key is not found
