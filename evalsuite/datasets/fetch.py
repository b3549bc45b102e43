"""Benchmark files from the network into the cache: whole and verified, or not at all.

`data/sources.json` says of each file where it lies: at the hub (HF_ENDPOINT names another one than
https://huggingface.co), and at a fixed commit of its repository. What has another sha256 than expected is
never kept. Two processes that want one file wait for each other. HF_HUB_OFFLINE keeps everything off the
network.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from evalsuite.datasets.sources import Source, data_cache, sources_of
from evalsuite.datasets.tables import open_bytes
from evalsuite.errors import NotHere

SECONDS = 30
"""How long a server may say nothing."""
SILENT_SECONDS = 60.0
"""How long a host that could not be reached is left alone: a plan may ask for many files."""
HUB = "https://huggingface.co"
_unreachable: dict[str, tuple[float, str]] = {}


def addresses(source: Source) -> Iterator[str]:
    """Where a file can be had, the hub first."""
    hub = source.get("hub")
    if hub:
        endpoint = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
        yield f"{endpoint}/datasets/{hub['repo']}/resolve/{hub.get('revision', 'main')}/{hub['path']}"
    if source.get("url"):
        yield source["url"]


def content_sha256(path: Path) -> str:
    """The sha256 of a file's content, unpacked when it is gzip'd; empty for a file that breaks off."""
    hasher = hashlib.sha256()
    try:
        with open_bytes(path) as file:
            while piece := file.read(1 << 20):
                hasher.update(piece)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return ""
    return hasher.hexdigest()


def fetch(source: Source) -> Path:
    """One file in the cache, fetched unless it is there already."""
    target = data_cache() / str(source["file"])
    tried = list(addresses(source))
    try:
        with _alone(target):
            if target.is_file() and content_sha256(target) == source["sha256"]:
                return target
            if not tried:
                why = f"no address of it is known, its origin is {source.get('origin', 'unknown')}"
            elif os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
                why = "HF_HUB_OFFLINE keeps it from being fetched"
            else:
                failures: list[str] = []
                for address in tried:
                    failure = _taken(address, source, target)
                    if not failure:
                        return target
                    failures.append(f"{address}: {failure}")
                why = f"it cannot be fetched ({'; '.join(failures)})"
    except OSError as error:
        why = f"the cache cannot be written: {error}"
    raise NotHere(why, where=str(source["file"]), expected=f"it as {target}")


def _taken(address: str, source: Source, target: Path) -> str:
    """Bring a file to its place; why that was not possible, or nothing."""
    host = urlsplit(address).netloc
    since, failure = _unreachable.get(host, (-SILENT_SECONDS, ""))
    if time.monotonic() - since < SILENT_SECONDS:
        return failure
    partial = target.with_name(f".{target.name}.{uuid4().hex}.partial")
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as reply, partial.open("wb") as file:
            while piece := reply.read(1 << 20):
                file.write(piece)
        if content_sha256(partial) != source["sha256"]:
            return f"another content is there ({partial.stat().st_size} bytes)"
        data = partial.read_bytes()
        if target.suffix == ".gz" and not data.startswith(b"\x1f\x8b"):
            partial.write_bytes(gzip.compress(data))
        partial.replace(target)
    except urllib.error.URLError as error:
        if not isinstance(error, urllib.error.HTTPError):
            _unreachable[host] = (time.monotonic(), str(error.reason))
        return str(error.reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        partial.unlink(missing_ok=True)
    return ""


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """No other process fetches this file meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fetched(name: str) -> Path:
    """A file, or a folder of files, by the relative name under which benchmarks ask for it.

    The lines of an error say what to do; a name that no source has is an error, too.
    """
    wanted = sources_of(name)
    if not wanted:
        raise NotHere("no source of it is known", where=name)
    for each in wanted:
        fetch(each)
    return data_cache() / name
