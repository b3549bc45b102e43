"""Rows from files: any slice equals the same slice of the whole, whatever the format."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.datasets.slices import SlicedDataset, positions
from evalsuite.datasets.tables import CsvDataset, JsonlDataset, ParquetDataset, RowsDataset
from evalsuite.errors import UserError

SIZE = 600


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, JsonlDataset | CsvDataset]:
    folder = tmp_path_factory.mktemp("rows")
    rows = [{"id": f"r{n}", "text": f"täxt {n}", "answer": str(n)} for n in range(SIZE)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "a.jsonl").write_text(lines.replace("\n", "\n\n", 3), encoding="utf-8")
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "a.json").write_text(json.dumps(rows))
    (folder / "a.csv").write_text(
        "id,text,answer\n" + "".join(f'{r["id"]},"{r["text"]}",{r["answer"]}\n' for r in rows)
    )
    reader = {"output_column": "answer"}
    return {
        "jsonl": JsonlDataset(str(folder / "a.jsonl"), reader_cfg=reader),
        "jsonl.gz": JsonlDataset(str(folder / "a.jsonl.gz"), reader_cfg=reader),
        "json": JsonlDataset(str(folder / "a.json"), reader_cfg=reader),
        "csv": CsvDataset(str(folder / "a.csv"), reader_cfg=reader),
    }


@given(st.sampled_from(["jsonl", "jsonl.gz", "json", "csv"]), st.integers(0, SIZE), st.integers(0, SIZE))
def test_a_slice_is_the_same_slice_of_the_whole(
    files: dict[str, JsonlDataset | CsvDataset], kind: str, start: int, stop: int
) -> None:
    dataset = files[kind]
    assert len(dataset) == SIZE
    found = list(dataset.samples(start, stop))
    assert [(s.index, s.id, s.reference) for s in found] == [(n, f"r{n}", str(n)) for n in range(start, stop)]
    assert all(sample.fields["text"] == f"täxt {sample.index}" for sample in found)


def test_repeated_ids_are_told_apart_the_same_way_in_every_slice(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"id": name}) + "\n" for name in "abaca"))
    whole = [sample.id for sample in JsonlDataset(str(path)).samples()]
    assert whole == ["a", "b", "a#2", "c", "a#3"]
    assert [sample.id for sample in JsonlDataset(str(path)).samples(2, 5)] == whole[2:]


def test_a_file_that_is_read_from_its_beginning_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"id": name}) + "\n" for name in range(500)))
    dataset = JsonlDataset(str(path))
    plain, parsed = json.loads, []
    monkeypatch.setattr(json, "loads", lambda line: parsed.append(line) or plain(line))
    assert [sample.id for sample in dataset.samples(0, 7)] == [str(n) for n in range(7)]
    assert len(parsed) == 7
    assert len(list(dataset.samples())) == 500
    assert len(dataset) == 500
    assert [sample.id for sample in dataset.samples(498)] == ["498", "499"]
    assert len(parsed) == 7 + 500 + 2


@given(st.lists(st.sampled_from("abcdef"), max_size=12), st.data())
def test_ids_are_the_same_whatever_is_read_first(ids: list[str], data: st.DataObject) -> None:
    class Listed(RowsDataset):
        def rows(self, start: int = 0) -> Iterator[dict[str, Any]]:
            return iter([{"id": name} for name in ids[start:]])

    known = Listed()
    assert len(known) == len(ids)
    whole = [sample.id for sample in known.samples()]
    assert len(set(whole)) == len(ids)
    fresh = Listed()
    assert list(Listed().samples(0, -1)) == []
    for _ in range(3):
        start = data.draw(st.integers(0, len(ids)))
        stop = data.draw(st.integers(0, len(ids)) | st.none())
        assert [sample.id for sample in fresh.samples(start, stop)] == whole[start:stop]


def test_parquet_rows(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"id": list(range(50)), "q": ["x"] * 50}), tmp_path / "a.parquet")
    assert [s.id for s in ParquetDataset(str(tmp_path / "a.parquet")).samples(48)] == ["48", "49"]


@pytest.mark.parametrize(("text", "words"), [("{torn", "row 2"), ("[1]", "row 2"), ('"text"', "row 2")])
def test_a_broken_row_is_named_with_file_and_number(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n' + text + "\n")
    with pytest.raises(UserError, match=words) as caught:
        list(JsonlDataset(str(path)).samples())
    assert str(path) in str(caught.value)


@given(st.integers(0, 40), st.lists(st.tuples(st.integers(-45, 45), st.integers(-45, 45)), max_size=3))
def test_ranges_mean_what_python_slices_mean(size: int, pieces: list[tuple[int, int]]) -> None:
    expected = list(range(size))
    for start, stop in pieces:
        expected = expected[start:stop]
    text = "".join(f"[{start}:{stop}]" for start, stop in pieces)
    assert list(positions(size, text)) == expected


@pytest.mark.parametrize("text", ["0:10", "[a:b]", "[0:1", "[__import__('os')]", "[::0]", "[]"])
def test_a_wrong_range_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"range|step"):
        positions(10, text)


@given(st.lists(st.integers(0, SIZE - 1), max_size=20, unique=True), st.integers(0, 20), st.integers(0, 20))
def test_rows_in_any_order(
    files: dict[str, JsonlDataset | CsvDataset], rows: list[int], start: int, stop: int
) -> None:
    view = SlicedDataset(files["jsonl"], rows)
    assert [sample.id for sample in view.samples(start, stop)] == [f"r{row}" for row in rows[start:stop]]
