"""A small HTTP/1.1 client for asyncio: keep-alive, TLS, proxies, and time-outs that mean something.

It does what calling a model server needs and nothing else. It is written here, since a general client costs
more memory and CPU at import than a run of two thousand samples should, and since every way in which a call
can break has to come out under one name (`HttpError.kind`) for the retry rules to rest on.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from evalsuite.models.http_proxy import Address, Proxy

ErrorKind = Literal["connect", "tls", "timeout", "dropped", "malformed", "proxy"]
MAX_HEAD = 256 * 1024
MAX_BODY = 1 << 30
DNS_SECONDS = 60.0
OTHER_FILES = 128
NO_BODY = (204, 304)


class HttpError(Exception):
    """A call that brought no whole response; `kind` says in which way."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        self.kind: ErrorKind = kind
        super().__init__(message)


@dataclass(frozen=True)
class Response:
    """A whole response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection(asyncio.Protocol):
    """One connection and at most one exchange on it; the response is read with as few steps as possible."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.transport: asyncio.Transport | None = None
        self.reused = False
        self.open = False
        self._future: asyncio.Future[Response] | None = None
        self._buffer = bytearray()
        self._status = 0
        self._headers: dict[str, str] = {}
        self._in_body = False
        self._length: int | None = None
        self._chunked = False
        self._chunks: list[bytes] = []
        self._chunk_left = -1
        self._keep = True
        self._heard = False
        self._tunnel = False

    # ------------------------------------------------------------------ one exchange
    def exchange(self, message: bytes, *, tunnel: bool = False) -> asyncio.Future[Response]:
        """Send a whole request; the future is the whole response."""
        self._future = self._loop.create_future()
        self._heard = False
        self._in_body = False
        self._tunnel = tunnel
        self._buffer.clear()
        if self.transport is None or not self.open:
            self._fail("dropped", "the connection was closed before the request was sent")
        else:
            self.transport.write(message)
        return self._future

    @property
    def untouched(self) -> bool:
        """Whether a failed exchange brought not one byte: then a kept connection was closed under us."""
        return self.reused and not self._heard

    def close(self) -> None:
        """Close now; nothing is left to be said."""
        self.open = False
        if self.transport is not None:
            self.transport.abort()

    # ------------------------------------------------------------------ asyncio.Protocol
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection is open (again, when TLS was put on a tunnel)."""
        self.transport = cast(asyncio.Transport, transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        """Take bytes of the response."""
        if self._future is None or self._future.done():
            self.close()  # bytes that nobody asked for: not to be trusted with another request
            return
        self._heard = True
        self._buffer += data
        try:
            self._advance()
        except (ValueError, zlib.error) as error:
            self._fail("malformed", f"an HTTP response that cannot be read ({error})")

    def eof_received(self) -> bool:
        """The server closed its side: the end of a body without length, or a response cut short."""
        self.open = False
        if self._future is not None and not self._future.done() and self._in_body and self._ends_with_close():
            try:
                self._finish(bytes(self._buffer))
            except (ValueError, zlib.error) as error:
                self._fail("malformed", f"an HTTP response that cannot be read ({error})")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.open = False
        where = "in the middle of a response" if self._heard else "before a response came"
        reason = f" ({exc})" if exc else ""
        self._fail("dropped", f"the server closed the connection {where}{reason}")

    # ------------------------------------------------------------------ reading
    def _advance(self) -> None:
        while not self._in_body:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_HEAD:
                    raise ValueError("endless headers")
                return
            self._read_head(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
        if self._chunked:
            self._advance_chunks()
        elif self._length is not None and len(self._buffer) >= self._length:
            if len(self._buffer) > self._length:
                self._keep = False
            self._finish(bytes(self._buffer[: self._length]))
        elif len(self._buffer) > MAX_BODY:
            raise ValueError("an endless body")

    def _read_head(self, head: bytes) -> None:
        first, _, rest = head.decode("latin-1").partition("\r\n")
        parts = first.split(" ", 2)
        if len(parts) < 2 or not parts[0].startswith("HTTP/1."):
            raise ValueError(f"status line {first[:60]!r}")
        self._status = int(parts[1])
        if 100 <= self._status < 200:
            return
        headers: dict[str, str] = {}
        for line in rest.split("\r\n"):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        self._headers = headers
        self._in_body = True
        self._chunks = []
        self._chunk_left = -1
        connection = headers.get("connection", "").lower()
        self._keep = connection != "close" and (parts[0] != "HTTP/1.0" or connection == "keep-alive")
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length")
        if self._status in NO_BODY or (self._tunnel and self._status == 200):
            self._chunked, self._length = False, 0
        else:
            self._length = int(length) if length is not None else None
            if self._length is not None and not 0 <= self._length <= MAX_BODY:
                raise ValueError(f"content-length {length}")

    def _advance_chunks(self) -> None:
        buffer = self._buffer
        while True:
            if self._chunk_left < 0:
                end = buffer.find(b"\r\n")
                if end < 0:
                    return
                if end == 0 and self._chunks:
                    del buffer[:2]
                    continue
                self._chunk_left = int(bytes(buffer[:end]).split(b";", 1)[0], 16)
                if self._chunk_left < 0 or self._chunk_left > MAX_BODY:
                    raise ValueError("chunk size")
                if self._chunk_left == 0:
                    self._chunk_left = -1
                    if buffer.find(b"\r\n\r\n", end) < 0:
                        return  # the trailer is still on its way
                    self._finish(b"".join(self._chunks))
                    return
                del buffer[: end + 2]
            if len(buffer) < self._chunk_left:
                return
            self._chunks.append(bytes(buffer[: self._chunk_left]))
            del buffer[: self._chunk_left]
            self._chunk_left = -1

    def _ends_with_close(self) -> bool:
        return self._length is None and not self._chunked

    def _finish(self, body: bytes) -> None:
        coding = self._headers.get("content-encoding", "identity").lower()
        if coding in ("gzip", "x-gzip", "deflate"):
            body = zlib.decompress(body, zlib.MAX_WBITS | 32)
        elif coding != "identity":
            raise ValueError(f"content-encoding {coding}")
        if not self._keep:
            self.open = False
        if self._future is not None and not self._future.done():
            self._future.set_result(Response(self._status, self._headers, body))

    def _fail(self, kind: ErrorKind, message: str) -> None:
        self.open = False
        if self._future is not None and not self._future.done():
            self._future.set_exception(HttpError(kind, message))


class HttpClient:
    """Calls one server (through at most one proxy) and keeps its connections for the next call.

    How many connections there are is decided by who calls, so there is no queue in here, and the time-out
    of a call counts from its first byte of work.
    """

    def __init__(
        self,
        address: Address,
        *,
        proxy: Proxy | None = None,
        verify: bool | str = True,
        connect_timeout: float = 30.0,
    ) -> None:
        self._address = address
        self._proxy = proxy
        self._verify = verify
        self._connect_timeout = connect_timeout
        self._idle: list[Connection] = []
        self._context: ssl.SSLContext | None = None
        self._resolved: tuple[float, list[str]] = (0.0, [])
        self.reached = False

    async def call(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, timeout: float
    ) -> Response:
        """One exchange: the whole response, or an `HttpError`.

        A kept connection that turns out to have been closed by the server before it read anything is replaced
        once, without that being a failure.
        """
        loop = asyncio.get_running_loop()
        message = self._message(method, target, headers, body)
        deadline = loop.time() + timeout
        connection = self._kept()
        if connection is not None:
            try:
                return await self._exchange(connection, message, deadline, timeout)
            except HttpError as error:
                if error.kind != "dropped" or not connection.untouched:
                    raise
        return await self._exchange(await self._connect(deadline, timeout), message, deadline, timeout)

    def close(self) -> None:
        """Close the kept connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    # ------------------------------------------------------------------ one exchange
    def _message(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        address = self._address
        head = dict(headers)
        if self._proxy is not None and not address.tls:
            target = f"http://{address.authority}{target}"
            if self._proxy.authorization:
                head["Proxy-Authorization"] = self._proxy.authorization
        lines = [f"{method} {target} HTTP/1.1", f"Host: {address.authority}"]
        lines += [f"{name}: {value}" for name, value in head.items()]
        lines.append(f"Content-Length: {len(body)}\r\n\r\n")
        return "\r\n".join(lines).encode("latin-1") + body

    async def _exchange(
        self, connection: Connection, message: bytes, deadline: float, timeout: float
    ) -> Response:
        loop = asyncio.get_running_loop()
        future = connection.exchange(message)
        timer = loop.call_at(deadline, _expire, connection, future, timeout)
        try:
            response = await future
        except BaseException:
            connection.close()
            raise
        finally:
            timer.cancel()
        if connection.open:
            connection.reused = True
            self._idle.append(connection)
        else:
            connection.close()
        return response

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        return None

    # ------------------------------------------------------------------ connecting
    async def _connect(self, deadline: float, timeout: float) -> Connection:
        limit = min(self._connect_timeout, max(0.0, deadline - asyncio.get_running_loop().time()))
        peer = self._proxy.address if self._proxy is not None else self._address
        try:
            connection = await asyncio.wait_for(self._open(peer), limit)
        except asyncio.TimeoutError:
            raise HttpError("connect", f"no connection to {peer.authority} within {limit:g} s") from None
        except ssl.SSLError as error:
            raise HttpError("tls", f"TLS with {self._address.authority}: {_tls_reason(error)}") from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise HttpError("connect", f"cannot connect to {peer.authority}: {reason}") from None
        self.reached = True
        return connection

    async def _open(self, peer: Address) -> Connection:
        loop = asyncio.get_running_loop()
        connection = Connection(loop)
        await self._open_transport(connection, peer)
        if self._proxy is not None and self._address.tls:
            try:
                await self._tunnel(connection, self._proxy)
            except BaseException:
                connection.close()
                raise
        return connection

    async def _tunnel(self, connection: Connection, proxy: Proxy) -> None:
        """Ask the proxy for a way through, and put TLS with the server itself on it."""
        head = f"CONNECT {self._address.host_and_port} HTTP/1.1\r\nHost: {self._address.host_and_port}\r\n"
        if proxy.authorization:
            head += f"Proxy-Authorization: {proxy.authorization}\r\n"
        response = await connection.exchange(f"{head}\r\n".encode("latin-1"), tunnel=True)
        name = proxy.address.authority
        if response.status != 200 or connection.transport is None:
            raise HttpError("proxy", f"the proxy {name} answered {response.status} to CONNECT")
        wrapped = await asyncio.get_running_loop().start_tls(
            connection.transport, connection, self._tls(), server_hostname=self._address.host
        )
        if wrapped is None:
            raise HttpError("dropped", f"the proxy {name} closed the connection during TLS")
        connection.connection_made(wrapped)

    async def _open_transport(self, connection: Connection, peer: Address) -> None:
        """Try the addresses of a host in turn, the one that worked last first."""
        loop = asyncio.get_running_loop()
        context = self._tls() if peer.tls else None
        hosts = await self._resolve(peer)
        failure: OSError | None = None
        for host in hosts:
            try:
                await loop.create_connection(
                    lambda: connection,
                    host,
                    peer.port,
                    ssl=context,
                    server_hostname=peer.host if context else None,
                )
            except ssl.SSLError:
                raise
            except OSError as error:
                failure = error
                continue
            if host != hosts[0]:
                self._resolved = (self._resolved[0], [host, *(other for other in hosts if other != host)])
            return
        raise failure or OSError(f"no address for {peer.host}")

    async def _resolve(self, peer: Address) -> list[str]:
        """The addresses of a host, asked for once a minute and not once per connection."""
        until, hosts = self._resolved
        now = time.monotonic()
        if hosts and now < until:
            return hosts
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
        hosts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        self._resolved = (now + DNS_SECONDS, hosts)
        return hosts

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = _tls_context(self._verify)
        return self._context


def allow_connections(wanted: int) -> int:
    """Raise this process's limit of open files for so many connections; how many it really may have."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - OTHER_FILES))


def _expire(connection: Connection, future: asyncio.Future[Response], timeout: float) -> None:
    if not future.done():
        future.set_exception(HttpError("timeout", f"no whole response within {timeout:g} s"))
        connection.close()


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted ({error.verify_message})"
    return error.reason or "handshake failed"


def _tls_context(verify: bool | str) -> ssl.SSLContext:
    """Verification is on by default; `verify` may name a bundle or folder of authorities, or be False."""
    if isinstance(verify, str):
        place = Path(verify)
        return ssl.create_default_context(
            cafile=None if place.is_dir() else verify, capath=verify if place.is_dir() else None
        )
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif not context.get_ca_certs() and not _system_authorities():
        from importlib.util import find_spec

        if find_spec("certifi") is not None:
            import certifi

            context.load_verify_locations(certifi.where())
    return context


def _system_authorities() -> bool:
    """Whether this system has a folder of authorities (a slim container may have none)."""
    folder = ssl.get_default_verify_paths().capath
    return folder is not None and any(Path(folder).iterdir())
