"""Where events may be sent: servers of the public internet, unless a setting allows others.

Whoever registers a webhook has this process make requests from inside of its network. A name is resolved by the sender
right before each try, every address that it has must be a public one, and the connection goes to the address that was
looked at: a name whose address changes in between (DNS rebinding) gains nothing. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.common.errors import InvalidArgument

MOST_URL = 2_000
_URL = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]+")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # carries an IPv4 address within (RFC 6052)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenAddress(Exception):
    """The target is no server of the public internet."""


@dataclass(frozen=True)
class Target:
    """A URL in its parts; ``path`` has the query."""

    secure: bool
    host: str
    port: int
    path: str


def read_target(url: str, *, private: bool) -> Target:
    """The target of a URL. ``private``: plain HTTP and addresses of private networks do, too.

    Raises InvalidArgument (url).
    """
    if not url or len(url) > MOST_URL or not _URL.fullmatch(url):
        raise InvalidArgument("url", f"must be a URL of at most {MOST_URL} visible ASCII characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidArgument("url", "is no URL") from None
    if parts.scheme not in (("https", "http") if private else ("https",)):
        raise InvalidArgument("url", "must begin with https://")
    if parts.username is not None or parts.password is not None or "#" in url or "\\" in url:
        raise InvalidArgument("url", "may have neither credentials nor a fragment nor a backslash")
    if not _HOST.fullmatch(host) or port == 0:
        raise InvalidArgument("url", "names no host")
    secure = parts.scheme == "https"
    target = Target(
        secure, host, port or (443 if secure else 80), (parts.path or "/") + f"?{parts.query}" * bool(parts.query)
    )
    if not private:
        literal = _literal(host)
        if host == "localhost" or host.endswith(".localhost") or (literal is not None and not is_public(literal)):
            raise InvalidArgument("url", "is an address of a private network")
    return target


def _literal(host: str) -> Address | None:
    """The address that a host is; also in old spellings of IPv4 (``127.1``, ``0x7f000001``), which resolvers read."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host)) if re.fullmatch(r"[0-9a-fA-Fx.]+", host) else None
    except OSError:
        return None


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, and what it carries within as well."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        within = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
        if any(one is not None and not is_public(one) for one in within) or address.is_site_local or address.scope_id:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def resolve(target: Target, *, private: bool) -> str:
    """An address to connect to. Raises ForbiddenAddress where any of the name's is not allowed, OSError for no name."""
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses:
        raise OSError(f"no address of {target.host}")
    if not private and not all(is_public(ipaddress.ip_address(address)) for address in addresses):
        raise ForbiddenAddress
    return addresses[0]
