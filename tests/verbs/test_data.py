"""Benchmark files are listed, fetched and verified by their content."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalsuite.cli import main
from evalsuite.datasets import sources
from evalsuite.verbs import data

CONTENT = b'{"id": 1}\n'


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """One file of a made-up benchmark, served from this machine."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "rows.jsonl").write_bytes(CONTENT)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path / "site"))

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    row = {
        "file": "toy/rows.jsonl.gz",
        "benchmark": "toy",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "url": f"http://127.0.0.1:{server.server_address[1]}/rows.jsonl",
        "licence": "MIT",
        "rows": 1,
    }
    monkeypatch.setenv("EVALSUITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EVALSUITE_DATA", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for module in (sources, data):
        monkeypatch.setattr(module, "sources", lambda: (row,))
    yield row
    server.shutdown()
    server.server_close()


def test_fetch_then_list_then_verify(entry: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "fetch", "toy"]) == 0
    assert main(["data", "list"]) == 0
    assert main(["data", "verify", "to*"]) == 0
    out = capsys.readouterr().out
    assert "fetched" in out and "licence: MIT" in out and "right" in out
    place = next(Path(line.split()[-1]) for line in out.splitlines() if line.startswith("fetched"))
    assert gzip.decompress(place.read_bytes()) == CONTENT


def test_a_file_with_another_content_is_not_kept(entry: dict[str, Any], tmp_path: Path, capsys: Any) -> None:
    entry["sha256"] = "0" * 64
    assert main(["data", "fetch"]) == 1
    assert "another content" in capsys.readouterr().err
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_damaged_file_is_told(entry: dict[str, Any], capsys: Any) -> None:
    main(["data", "fetch"])
    place = next(line.split()[-1] for line in capsys.readouterr().out.splitlines())
    Path(place).write_bytes(gzip.compress(b"other"))
    assert main(["data", "verify"]) == 1
    assert "WRONG" in capsys.readouterr().out


def test_an_unknown_benchmark_gets_the_nearest_name(entry: dict[str, Any], capsys: Any) -> None:
    assert main(["data", "list", "toyy"]) == 2
    assert "'toy'" in capsys.readouterr().err
