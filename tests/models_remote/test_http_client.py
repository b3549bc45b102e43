"""The HTTP client: keep-alive, chunks, compression, TLS with verification, proxies, and named errors."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storm_server import Storm, StormServer

from evalsuite.errors import UserError
from evalsuite.models.http_client import Connection, HttpClient, HttpError, Response
from evalsuite.models.http_proxy import Address, proxy_for, split_url
from evalsuite.models.openai import OpenAIModel
from evalsuite.types import Message, Request


def call(port: int, *, n: int = 1, timeout: float = 5.0, **options: Any) -> list[Response]:
    async def run() -> list[Response]:
        client = HttpClient(Address("127.0.0.1", port, False), **options)
        try:
            body = b'{"messages": [{"content": "hi"}]}'
            return [await client.call("POST", "/v1/chat/completions", {}, body, timeout) for _ in range(n)]
        finally:
            client.close()

    return asyncio.run(run())


class Raw:
    """A server that answers each connection's n-th request with given bytes, and may then close."""

    def __init__(self, *replies: bytes, close: bool = False) -> None:
        self.replies = replies
        self.close = close
        self.requests: list[bytes] = []
        self.connections = 0

    def __enter__(self) -> Raw:
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        def serve() -> None:
            asyncio.set_event_loop(self.loop)
            server = self.loop.run_until_complete(asyncio.start_server(self.talk, "127.0.0.1", 0))
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            self.loop.run_forever()
            server.close()
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.loop.run_until_complete(asyncio.sleep(0.01))
            self.loop.close()

        self.thread = threading.Thread(target=serve, daemon=True)
        self.thread.start()
        assert ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            for reply in self.replies:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
                self.requests.append(head + await reader.readexactly(length))
                writer.write(reply)
                await writer.drain()
            if not self.close:
                await asyncio.Event().wait()  # hold the connection until the test is over
        finally:
            writer.close()


def test_a_connection_is_kept_for_the_next_call() -> None:
    with StormServer() as server:
        assert [response.status for response in call(server.port, n=5)] == [200] * 5
        assert server.seen.connections == 1


def test_a_kept_connection_that_the_server_closed_is_replaced_without_a_failure() -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with Raw(ok, close=True) as server:
        assert [response.body for response in call(server.port, n=4)] == [b"{}"] * 4
        assert server.connections == 4


def test_chunked_bodies_and_those_that_end_with_the_connection() -> None:
    with StormServer(Storm(chunked=True)) as server:
        assert b'"content": "hi"' in call(server.port)[0].body
    with Raw(b"HTTP/1.0 200 OK\r\n\r\nto the end", close=True) as raw:
        assert call(raw.port)[0].body == b"to the end"


def test_a_compressed_body_is_unpacked() -> None:
    body = gzip.compress(b"squeezed")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with Raw(head + body) as raw:
        assert call(raw.port)[0].body == b"squeezed"


def test_interim_responses_are_passed_over() -> None:
    with Raw(b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n") as raw:
        assert call(raw.port)[0].status == 204


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nabc", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "dropped"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "dropped"),
        (b"HTTP/1.1 200", "dropped"),
        (b"", "dropped"),
    ],
)
def test_a_broken_response_has_a_name(reply: bytes, kind: str) -> None:
    with Raw(reply, close=True) as raw, pytest.raises(HttpError) as caught:
        call(raw.port)
    assert caught.value.kind == kind


def test_an_address_of_version_6_is_called_and_named_in_brackets() -> None:
    address, prefix = split_url("http://[::1]/v1", "")
    assert (address.authority, prefix) == ("[::1]", "/v1")

    async def run() -> tuple[Response, bytes]:
        heard: list[bytes] = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            writer.close()

        try:
            server = await asyncio.start_server(talk, "::1", 0)
        except OSError:
            pytest.skip("no loopback of version 6 here")
        port = server.sockets[0].getsockname()[1]
        response = await HttpClient(Address("::1", port, False)).call("GET", "/v1/models", {}, b"", 5.0)
        server.close()
        return response, heard[0].replace(str(port).encode(), b"PORT")

    response, heard = asyncio.run(run())
    assert response.body == b"ok"
    assert b"\r\nHost: [::1]:PORT\r\n" in heard


def test_a_hang_and_a_refused_connection_have_names() -> None:
    with Raw(b"HTTP/1.1 200 OK\r\n") as raw, pytest.raises(HttpError, match=r"within 0\.2 s") as caught:
        call(raw.port, timeout=0.2)
    assert caught.value.kind == "timeout"
    with pytest.raises(HttpError, match="cannot connect") as caught:
        call(1)  # nothing listens at tcpmux
    assert caught.value.kind == "connect"


class _Wire(asyncio.Transport):
    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Nothing is sent in this test."""

    def abort(self) -> None:
        """Nothing is open in this test."""


@settings(max_examples=200, deadline=None)
@given(
    body=st.binary(max_size=300),
    chunked=st.booleans(),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=20),
    cuts=st.lists(st.integers(1, 30), min_size=1, max_size=30),
)
def test_a_response_reads_the_same_however_it_is_cut(
    body: bytes, chunked: bool, sizes: list[int], cuts: list[int]
) -> None:
    if chunked:
        parts, rest, turn = [], body, 0
        while rest:
            size = sizes[turn % len(sizes)]
            parts.append(f"{len(rest[:size]):X};x=y\r\n".encode() + rest[:size] + b"\r\n")
            rest, turn = rest[size:], turn + 1
        wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(parts)
        wire += b"0\r\nTrailer: t\r\n\r\n" if turn % 2 else b"0\r\n\r\n"
    else:
        wire = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    loop = asyncio.new_event_loop()
    connection = Connection(loop)
    connection.connection_made(_Wire())
    future = connection.exchange(b"GET")
    turn = 0
    while wire and not future.done():
        cut = cuts[turn % len(cuts)]
        connection.data_received(wire[:cut])
        wire, turn = wire[cut:], turn + 1
    assert future.result() == Response(200, future.result().headers, body)
    loop.close()


# --------------------------------------------------------------------------- TLS
@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    )
    command += (
        f" -addext subjectAltName=IP:127.0.0.1,DNS:model.test -keyout {folder}/key.pem -out {folder}/c.pem"
    )
    try:
        subprocess.run(command.split(), check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl here to make a certificate with")
    return folder / "c.pem"


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[StormServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with StormServer(tls=context) as server:
        yield server


def ask(base_url: str, **options: Any) -> str:
    settings: dict[str, Any] = {"key": "EMPTY", "retry": 0, "backoff": 0.01, **options}
    model = OpenAIModel("m", base_url=base_url, **settings)
    (answer,) = model.generate([Request("k", (Message("user", "hi"),))])
    assert answer.error is None, answer.error
    model.close()
    return answer.text


def test_a_distrusted_certificate_fails_at_once_and_a_named_authority_helps(
    tls_server: StormServer, certificate: Path
) -> None:
    with pytest.raises(UserError, match="certificate is not trusted"):
        ask(tls_server.url, retry=5, backoff=60)
    assert ask(tls_server.url, verify=str(certificate)) == "hi"
    assert ask(tls_server.url, verify=False) == "hi"


# --------------------------------------------------------------------------- proxies
class ForwardProxy(Raw):
    """A proxy that sends all it is asked for to one port, by CONNECT or by an absolute target."""

    def __init__(self, to: int) -> None:
        super().__init__()
        self.to = to

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        back, forth = await asyncio.open_connection("127.0.0.1", self.to)
        if head.startswith(b"CONNECT"):
            writer.write(b"HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n")
        else:
            method, target, rest = head.split(b" ", 2)
            forth.write(method + b" /" + target.split(b"/", 3)[3] + b" " + rest)
        try:
            pipes = [_pipe(reader, forth), _pipe(back, writer)]
            await asyncio.gather(*pipes, return_exceptions=True)
        finally:
            forth.close()
            writer.close()


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()


SetEnv = Callable[[str, str], None]


def test_http_goes_through_the_environments_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with StormServer() as server, ForwardProxy(server.port) as proxy:
        monkeypatch.setenv("http_proxy", f"http://user:p%40ss@127.0.0.1:{proxy.port}")
        assert ask("http://model.test/v1") == "hi"
        assert proxy.requests[0].startswith(b"POST http://model.test/v1/chat/completions HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in proxy.requests[0]


def test_https_goes_through_a_tunnel_and_verifies_the_servers_own_certificate(
    tls_server: StormServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ForwardProxy(tls_server.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert ask("https://model.test/v1", verify=str(certificate)) == "hi"
        assert proxy.requests[0].startswith(b"CONNECT model.test:443 HTTP/1.1\r\n")
        with pytest.raises(UserError, match="certificate"):
            ask("https://other.test/v1", verify=str(certificate))


def test_no_proxy_and_loopback_are_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("no_proxy", ".inside.test")
    assert proxy_for(Address("a.inside.test", 80, False), "", "") is None
    assert proxy_for(Address("127.0.0.1", 80, False), "", "") is None
    assert proxy_for(Address("localhost", 80, False), "", "") is None
    through = proxy_for(Address("outside.test", 80, False), "", "")
    assert through is not None
    assert through.address == Address("proxy.test", 3128, False)
    assert proxy_for(Address("127.0.0.1", 80, False), "http://named.test:1", "") is not None


def test_a_proxy_of_another_kind_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://u:secret@127.0.0.1:1080")
    with pytest.raises(UserError, match="a socks5 proxy") as caught:
        ask("http://model.test/v1")
    assert "secret" not in str(caught.value)


def test_urls() -> None:
    assert split_url("https://h/v1/", "") == (Address("h", 443, True), "/v1")
    assert split_url("h:8000", "") == (Address("h", 8000, False), "")
    assert split_url("http://[::1]:80/x", "")[0].authority == "[::1]"
    for bad in ("ftp://h", "http://", "http://h:port"):
        with pytest.raises(UserError, match="no URL of a server"):
            split_url(bad, "model m")
