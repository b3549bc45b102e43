"""Benchmark files from a hub of this machine: found in the order of places, whole and right or not at all."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalsuite.datasets import fetch, sources
from evalsuite.datasets.resolve import find_data
from evalsuite.errors import NotHere

CONTENT = b'{"id": 1}\n' * 1000
ASK = """
import json, sys
from evalsuite.datasets import resolve, sources
sources.sources = lambda: (json.loads(sys.argv[1]),)
print(resolve.find_data("toy/rows.jsonl.gz"))
"""


class Hub:
    """What the server gives for each path, and what it was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.cut = 0
        self.pause = 0.0
        self.address = ""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An empty hub that HF_ENDPOINT names, and an empty cache."""
    state = Hub()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            data = state.files.get(self.path)
            time.sleep(state.pause)
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write((data or b"")[: -state.cut or None])

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("HF_ENDPOINT", state.address + "/")
    monkeypatch.setenv("EVALSUITE_CACHE", str(tmp_path / "cache"))
    for name in ("EVALSUITE_DATA", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def source(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """One file that lies at the hub."""
    row = {
        "file": "toy/rows.jsonl.gz",
        "benchmark": "toy",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "hub": {"repo": "org/toy", "path": "data/rows.jsonl"},
    }
    hub.files["/datasets/org/toy/resolve/main/data/rows.jsonl"] = CONTENT
    monkeypatch.setattr(sources, "sources", lambda: (row,))
    return row


def files(folder: Path) -> list[str]:
    """The files of a folder, locks left out."""
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_places_are_asked_in_their_order(
    hub: Hub, source: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = source["file"]
    fetched = find_data(name)
    assert fetched == tmp_path / "cache" / "data" / name
    assert gzip.decompress(fetched.read_bytes()) == CONTENT
    assert find_data(name) == fetched and len(hub.asked) == 1
    mine = tmp_path / "mine" / "toy" / "rows.jsonl"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"{}")
    monkeypatch.setenv("EVALSUITE_DATA", str(tmp_path / "mine"))
    assert find_data(name) == mine
    assert find_data(name, str(fetched)) == fetched
    assert files(tmp_path / "cache") == ["rows.jsonl.gz"]


@pytest.mark.parametrize("fault", ["cut", "other", "away", "offline", "no network", "no place"])
def test_nothing_is_kept_that_is_not_whole_and_right(
    hub: Hub, source: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "cut":
        hub.cut = 100
    elif fault == "other":
        source["sha256"] = "0" * 64
    elif fault == "away":
        hub.files.clear()
    elif fault == "offline":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    elif fault == "no network":
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    else:
        (tmp_path / "cache").write_text("a file")
    with pytest.raises(NotHere) as caught:
        find_data(source["file"])
    told = str(caught.value)
    said = {
        "cut": "another content",
        "other": "another content",
        "away": "Not Found",
        "offline": "HF_HUB_OFFLINE",
        "no network": "refused",
        "no place": "cannot be written",
    }
    assert said[fault] in told and "\n" not in told
    assert "evalsuite data fetch toy" in told and "EVALSUITE_DATA" in told
    assert str(tmp_path / "cache" / "data" / "toy" / "rows.jsonl.gz") in told
    assert fault != "offline" or not hub.asked
    assert files(tmp_path / "cache") == []


def test_what_the_hub_does_not_have_comes_from_the_repository(hub: Hub, source: dict[str, Any]) -> None:
    hub.files = {"/raw/rows.jsonl.gz": gzip.compress(CONTENT)}
    source["url"] = f"{hub.address}/raw/rows.jsonl.gz"
    assert gzip.decompress(find_data(source["file"]).read_bytes()) == CONTENT
    assert len(hub.asked) == 2


def test_two_processes_fetch_a_file_once(hub: Hub, source: dict[str, Any], tmp_path: Path) -> None:
    import json

    hub.pause = 0.5
    asking = [
        subprocess.Popen([sys.executable, "-c", ASK, json.dumps(source)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    places = {process.communicate(timeout=60)[0].strip() for process in asking}
    assert places == {str(tmp_path / "cache" / "data" / source["file"])}
    assert len(hub.asked) == 1


def test_the_missing_files_of_a_folder_are_fetched(
    hub: Hub, source: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{**source, "file": f"toy/db/{name}.jsonl.gz"} for name in "ab"]
    monkeypatch.setattr(sources, "sources", lambda: (*rows, source))
    folder = find_data("toy/db")
    assert files(folder) == ["a.jsonl.gz", "b.jsonl.gz"]
    (folder / "a.jsonl.gz").unlink()
    assert find_data("toy/db") == folder and files(folder) == ["a.jsonl.gz", "b.jsonl.gz"]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (folder / "a.jsonl.gz").unlink()
    assert find_data("toy/db") == folder


def test_a_host_that_cannot_be_reached_is_asked_once(
    hub: Hub, source: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    open_address = fetch.urllib.request.urlopen

    def ask(address: str, timeout: float) -> Any:
        asked.append(address)
        return open_address(address, timeout=timeout)

    monkeypatch.setattr(fetch.urllib.request, "urlopen", ask)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:7")
    for _ in range(3):
        with pytest.raises(NotHere, match="refused"):
            find_data(source["file"])
    assert len(asked) == 1
