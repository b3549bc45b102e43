"""Where a server is, and through which proxy the environment wants it to be reached."""

from __future__ import annotations

import os
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from evalsuite.errors import UserError

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """A host, a port, and whether TLS is spoken there."""

    host: str
    port: int
    tls: bool

    @property
    def authority(self) -> str:
        """Host and port as they stand in a Host header."""
        usual = self.port == PORTS["https" if self.tls else "http"]
        return self.host_and_port.rpartition(":")[0] if usual else self.host_and_port

    @property
    def host_and_port(self) -> str:
        """Both, always, as a proxy wants them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether this is this machine: no proxy is ever asked for it unless named outright."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


@dataclass(frozen=True)
class Proxy:
    """A proxy and what it wants to be told to let us through; that is a secret and not shown."""

    address: Address
    authorization: str = field(default="", repr=False)


def split_url(url: str, where: str) -> tuple[Address, str]:
    """The address and the path of a server's URL."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.username is not None:
        raise UserError("a name or password in a server's URL", where=where, expected="key= or headers=")
    if parts.scheme not in PORTS or not parts.hostname or port == -1:
        raise UserError(
            f"{_without_secret(url)!r} is no URL of a server", where=where, expected="https://HOST/v1"
        )
    address = Address(parts.hostname, port or PORTS[parts.scheme], parts.scheme == "https")
    return address, parts.path.rstrip("/")


def proxy_for(address: Address, named: str, where: str) -> Proxy | None:
    """The proxy that the config names, else the environment's (http_proxy, https_proxy, no_proxy...)."""
    if named and named != "ENV":
        return _proxy(named, where)
    if address.loopback or not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies_environment, proxy_bypass

    proxies = getproxies_environment()
    url = proxies.get("https" if address.tls else "http") or proxies.get("all")
    if not url or proxy_bypass(f"{address.host}:{address.port}"):
        return None
    return _proxy(url, "the environment's proxy")


def _proxy(url: str, where: str) -> Proxy:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in PORTS:
        raise UserError(f"a {parts.scheme} proxy", where=where, expected="an http:// or https:// proxy")
    address, _ = split_url(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", where)
    if parts.username is None:
        return Proxy(address)
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return Proxy(address, f"Basic {b64encode(secret).decode('ascii')}")


def _without_secret(url: str) -> str:
    scheme, mark, rest = url.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
