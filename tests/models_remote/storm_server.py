"""A model server on the loopback that fails in every way a server can, by plan, and counts what it is asked.

Which attempt at which prompt fails, and how, depends on the prompt and on a seed alone. Everything is
bounded: the number of connections, the time that a hang lasts, the bytes of a request. Run as a program it
serves until its standard input is closed, in a process of its own, for benchmarks.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any
from zlib import crc32

MAX_CONNECTIONS = 2000
MAX_REQUEST = 64 * 1024 * 1024
HANG_SECONDS = 30.0
FAULTS = (
    "500",
    "503",
    "429",
    "429_after",
    "429_date",
    "502_html",
    "hang",
    "reset",
    "reset_midway",
    "short_body",
    "short_length",
    "cut_chunks",
    "truncated_json",
    "bad_bytes",
    "bad_gzip",
    "empty",
    "html",
    "no_choices",
    "error_in_200",
    "slow",
    "closed_quietly",
)
HARMLESS = ("slow", "closed_quietly")


@dataclass(frozen=True)
class Storm:
    """How bad the weather is: which share of attempts fails, in which ways, and what else the server does."""

    rate: float = 0.0
    faults: tuple[str, ...] = FAULTS
    latency: float = 0.0
    capacity: int = 0
    capacity_retry_after: str = ""
    retry_after: str = "0.05"
    seed: int = 0
    keys: tuple[str, ...] = ()
    chunked: bool = False


@dataclass
class Seen:
    """What the server counted."""

    attempts: Counter[str]
    answered: Counter[str]
    faults: Counter[str]
    keys: Counter[str]
    connections: int = 0
    most_at_once: int = 0
    at_once: int = 0
    last_headers: Mapping[str, str] | None = None
    last_body: Any = None
    targets: Counter[str] | None = None
    first_asked: float | None = None


Handler = Callable[[str, Mapping[str, str], Any], "tuple[int, dict[str, str], Any] | None"]


class StormServer:
    """Serves in a thread of its own; `handler` may answer in place of the echo (None: the echo does)."""

    def __init__(
        self,
        storm: Storm = Storm(),
        handler: Handler | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.storm = storm
        self.handler = handler
        self.seen = Seen(Counter(), Counter(), Counter(), Counter(), targets=Counter())
        self.loop = asyncio.new_event_loop()
        self.port = port
        self.open: set[_Connection] = set()
        self._tls = tls
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """The base URL to call."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> StormServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(
            self.loop.create_server(
                lambda: _Connection(self), "127.0.0.1", self.port, ssl=self._tls, backlog=MAX_CONNECTIONS
            )
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self.loop.run_forever()
        server.close()
        for connection in list(self.open):
            connection.transport.abort()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def fault_of(self, prompt: str, attempt: int) -> str:
        """The fault of one attempt at one prompt, or an empty string."""
        if not self.storm.rate:
            return ""
        drawn = crc32(f"{self.storm.seed}/{attempt}/{prompt}".encode("utf-8", "replace"))
        if (drawn & 0xFFFF) / 0x10000 >= self.storm.rate:
            return ""
        return self.storm.faults[(drawn >> 16) % len(self.storm.faults)]


class _Connection(asyncio.Protocol):
    def __init__(self, server: StormServer) -> None:
        self.server = server
        self.buffer = bytearray()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.seen.connections += 1
        self.server.open.add(self)
        if len(self.server.open) > MAX_CONNECTIONS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.open.discard(self)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > MAX_REQUEST:
            self.transport.abort()
            return
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(self.buffer) < end + 4 + length:
            return
        body = bytes(self.buffer[end + 4 : end + 4 + length])
        del self.buffer[: end + 4 + length]
        self.request(first.split(" ")[1], headers, json.loads(body) if body else None)

    # ------------------------------------------------------------------ one request
    def request(self, target: str, headers: Mapping[str, str], body: Any) -> None:
        server, seen, storm = self.server, self.server.seen, self.server.storm
        prompt = _prompt(body)
        if body is not None and seen.first_asked is None:
            seen.first_asked = time.monotonic()
        seen.attempts[prompt] += 1
        seen.last_headers, seen.last_body = headers, body
        if seen.targets is not None:
            seen.targets[target] += 1
        key = headers.get("authorization", "").removeprefix("Bearer ")
        seen.keys[key] += 1
        if storm.keys and key not in storm.keys:
            message = f"Incorrect API key provided: {key}"
            self.reply(401, {}, {"error": {"message": message, "code": "invalid_api_key"}})
            return
        if storm.capacity and seen.at_once >= storm.capacity:
            seen.faults["over_capacity"] += 1
            extra = {"Retry-After": storm.capacity_retry_after} if storm.capacity_retry_after else {}
            self.reply(429, extra, {"error": {"message": "slow down"}})
            return
        fault = server.fault_of(prompt, seen.attempts[prompt])
        if fault:
            seen.faults[fault] += 1
        if fault and fault not in HARMLESS:
            self.fail(fault)
            return
        seen.at_once += 1
        seen.most_at_once = max(seen.most_at_once, seen.at_once)
        if storm.latency:
            server.loop.call_later(storm.latency, self.answer, target, headers, body, prompt, fault)
        else:
            self.answer(target, headers, body, prompt, fault)

    def answer(self, target: str, headers: Mapping[str, str], body: Any, prompt: str, fault: str) -> None:
        self.server.seen.at_once -= 1
        if self.transport.is_closing():
            return
        made = self.server.handler(target, headers, body) if self.server.handler else None
        if made is not None:
            self.reply(*made)
            return
        self.server.seen.answered[prompt] += 1
        data = json.dumps(echo(target, body)).encode()
        if fault == "slow":
            self.transport.write(_head(200, {}, len(data)))
            step = max(1, len(data) // 5)
            for number, start in enumerate(range(0, len(data), step)):
                self.server.loop.call_later(0.01 * number, self.transport.write, data[start : start + step])
            return
        if self.server.storm.chunked:
            self.transport.write(_head(200, {"Transfer-Encoding": "chunked"}, None))
            for start in range(0, len(data), 50):
                part = data[start : start + 50]
                self.transport.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.transport.write(b"0\r\n\r\n")
        else:
            self.transport.write(_head(200, {}, len(data)) + data)
        if fault == "closed_quietly":
            self.transport.close()

    def reply(self, status: int, headers: Mapping[str, str], data: Any) -> None:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.transport.write(_head(status, headers, len(body)) + body)

    def fail(self, fault: str) -> None:
        whole = json.dumps(echo("", {"messages": [{"content": "x" * 200}]})).encode()
        if fault in ("500", "503", "429"):
            self.reply(int(fault), {}, {"error": {"message": f"injected {fault}"}})
        elif fault == "429_after":
            self.reply(
                429, {"Retry-After": self.server.storm.retry_after}, {"error": {"message": "injected"}}
            )
        elif fault == "429_date":
            date = formatdate(time.time(), usegmt=True)
            self.reply(429, {"Retry-After": date}, {"error": {"message": "injected"}})
        elif fault == "502_html":
            self.reply(502, {"Content-Type": "text/html"}, b"<html><h1>502 Bad Gateway</h1></html>")
        elif fault == "hang":
            self.server.loop.call_later(HANG_SECONDS, self.transport.abort)
        elif fault == "reset":
            self.transport.abort()
        elif fault == "reset_midway":
            self.transport.write(_head(200, {}, len(whole)) + whole[:50])
            self.server.loop.call_later(0.005, self.transport.abort)
        elif fault == "short_body":
            self.transport.write(_head(200, {}, len(whole)) + whole[:-20])
            self.transport.close()
        elif fault == "short_length":
            self.transport.write(_head(200, {}, len(whole) - 20) + whole)
        elif fault == "cut_chunks":
            head = _head(200, {"Transfer-Encoding": "chunked"}, None)
            self.transport.write(head + f"{len(whole):x}\r\n".encode() + whole[:-20])
            self.transport.close()
        elif fault == "bad_bytes":
            self.reply(200, {}, whole.replace(b"xxxx", b"\xc3\x28\xff\xfe"))
        elif fault == "bad_gzip":
            self.reply(200, {"Content-Encoding": "gzip"}, gzip.compress(whole)[:-12])
        elif fault == "truncated_json":
            self.reply(200, {}, whole[:-20])
        elif fault == "empty":
            self.reply(200, {}, b"")
        elif fault == "html":
            self.reply(200, {"Content-Type": "text/html"}, b"<html><body>Bad gateway</body></html>")
        elif fault == "no_choices":
            self.reply(200, {}, {"id": "x", "choices": []})
        else:
            assert fault == "error_in_200", fault
            self.reply(200, {}, {"error": {"message": "engine died", "code": 500}})


def echo(target: str, body: Any) -> dict[str, Any]:
    """The reply of a model that repeats the prompt."""
    text = _prompt(body)
    usage = {"prompt_tokens": len(text) // 4 + 1, "completion_tokens": len(text) // 4 + 1}
    target = target.partition("?")[0]
    if target.endswith("/responses"):
        content = [{"type": "output_text", "text": text}]
        counts = {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}
        return {
            "status": "completed",
            "output": [{"type": "message", "role": "assistant", "content": content}],
            "usage": counts,
        }
    if target.endswith("/chat/completions") or not target:
        choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": text}}
    else:
        choice = {"index": 0, "text": text}
    return {"choices": [{**choice, "finish_reason": "stop"}], "usage": usage}


def _prompt(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    if "prompt" in body:
        return str(body["prompt"])
    turns = body.get("messages") or body.get("input") or [{"content": ""}]
    content = turns[-1].get("content", "")
    return content if isinstance(content, str) else json.dumps(content)


def _head(status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    if "Content-Type" not in headers:
        lines.append("Content-Type: application/json")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Span:
    """The time from the first request to the last answer, told (and begun anew) at /span."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._last = 0.0

    def __call__(
        self, target: str, headers: Mapping[str, str], body: Any
    ) -> tuple[int, dict[str, str], Any] | None:
        if target != "/span":
            self._last = time.monotonic()
            return None
        told = self._last - (self._seen.first_asked or 0.0)
        self._seen.first_asked = None
        return 200, {}, {"span": told}


def main() -> None:
    """Serve until standard input ends: `storm_server.py LATENCY`."""
    server = StormServer(Storm(latency=float(sys.argv[1])))
    server.handler = Span(server.seen)
    with server:
        server.seen.targets = None
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
